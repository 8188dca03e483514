"""On a real Active Directory: what the desk does is verified in the controller's own log, and nothing else is."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import ldap3
import pytest

from tests.real.conftest import Person, password
from tests.real.corp_desk import CorpDesk
from tools.samba_rig import BASE, SambaDomain
from watchword.core.action import Action
from watchword.core.change import ResetPassword, Unlock
from watchword.core.errors import Refused, Unavailable
from watchword.core.identity_event import Canonical, Verdict
from watchword.core.ids import AccountId
from watchword.watch.engine import Engine

RESET = ResetPassword(account=AccountId("a-test"))
UNLOCK = Unlock(account=AccountId("a-test"))

CHAIN = {"case.opened", "ticket.linked", "method.proved", "case.released", "change.started", "change.ended"}
"""What a verified change of a standard account rests on."""


def test_a_governed_reset_is_verified_and_nothing_else_is(samba: SambaDomain, desk: CorpDesk, person: Person) -> None:
    """A reset through a case is verified by the controller's log; one by anybody, of anybody, or of more, is not."""
    mara, noah, by_admin, by_bind, beside = (desk.know(person()) for _ in range(5))

    case = desk.released(mara, ticket="INC-7")
    desk.browse(case)
    desk.by_the_bind_account(beside, RESET, password())
    desk.app.tick()
    secret = desk.take(case, mara)
    assert samba.sign_in(mara, secret) == "must_change"
    desk.close(case)

    samba.admin_reset(by_admin, password())
    samba.admin_reset(by_admin, password())
    desk.by_the_bind_account(by_bind, RESET, password())

    samba.lock_out(noah)
    unlocked = desk.done(noah, Action.UNLOCK, "INC-8")
    desk.by_the_bind_account(noah, RESET, password())

    # the governed reset: four records of the controller, one verdict, with its whole chain
    done = desk.verdict(mara)
    assert (done.verdict, done.action, done.reasons) == (Verdict.VERIFIED, Canonical.PASSWORD_RESET, ("whole_chain",))
    assert (done.case, done.ticket, done.socket) == (case, "INC-7", desk.receipt(case).socket)
    assert {desk.entries(case)[leaf] for leaf in done.leaves} == CHAIN
    assert done.folded > 1
    # an administrator's
    again, first = desk.verdicts(by_admin)
    assert (first.verdict, first.reasons) == (Verdict.UNVERIFIED, ("no_case",))
    assert (again.verdict, again.reasons) == (Verdict.SUSPICIOUS, ("no_case", "repeat_24h"))
    # the bind account's, with no released case; and of another account while a case was open and released
    for login in (by_bind, beside):
        row = desk.verdict(login)
        assert (row.verdict, row.reasons, row.case) == (
            Verdict.UNVERIFIED,
            ("no_released_case", "other_account"),
            None,
        )
    # wider than the unlock that was approved
    wider, unlock = desk.verdicts(noah)
    assert (unlock.verdict, unlock.action, unlock.case) == (Verdict.VERIFIED, Canonical.ACCOUNT_UNLOCK, unlocked)
    assert (wider.verdict, wider.action, wider.case) == (Verdict.OUT_OF_POLICY, Canonical.PASSWORD_RESET, unlocked)
    assert wider.reasons[0] == "wider_than_approved"

    # the log read whole says what was said while it grew, and misses nothing the desk did
    report = Engine().classify("samba", (samba.audit_log,), desk.app.evidence.path)
    assert {(r.id, r.verdict, r.reasons) for r in report.verdicts} == {
        (r.id, r.verdict, r.reasons) for r in desk.app.board()
    }
    assert (report.unseen, report.unknown_types, report.rejected_lines) == ((), (), 0)
    # and the password stands nowhere
    files = [file for folder in (desk.settings.home, samba.root) for file in folder.glob("*.*") if file.is_file()]
    assert len(files) > 5
    assert not [file for file in files if secret.encode() in file.read_bytes()]


def test_with_no_case_at_all(desk: CorpDesk, person: Person) -> None:
    """Before the first case is released the bind account has nothing to do: a reset by it is unverified."""
    login = person()
    desk.by_the_bind_account(login, RESET, password())
    assert (desk.verdict(login).verdict, desk.verdict(login).reasons) == (Verdict.UNVERIFIED, ("no_case",))


def test_a_case_speaks_for_one_reset(desk: CorpDesk, person: Person) -> None:
    """A second reset within the time of a case, over a connection that no receipt names, is suspicious."""
    login = desk.know(person())
    case = desk.released(login)
    desk.browse(case)
    desk.app.tick()
    desk.by_the_bind_account(login, RESET, password())
    second, first = desk.verdicts(login)
    assert (first.verdict, first.case) == (Verdict.VERIFIED, case)
    assert (second.verdict, second.case) == (Verdict.SUSPICIOUS, None)
    assert second.reasons == ("other_connection", "repeat_24h")


def test_before_its_case_is_executed_a_wider_change_is_out_of_policy(
    samba: SambaDomain, desk: CorpDesk, person: Person
) -> None:
    """A reset while an unlock waits for the executor is out of policy at once, and stays so when the unlock is done."""
    login = desk.know(person())
    samba.lock_out(login)
    case = desk.released(login, Action.UNLOCK)
    desk.by_the_bind_account(login, RESET, password())
    assert desk.verdict(login).verdict is Verdict.OUT_OF_POLICY
    desk.app.tick()
    assert [(row.verdict, row.case) for row in desk.verdicts(login)] == [
        (Verdict.VERIFIED, case),
        (Verdict.OUT_OF_POLICY, case),
    ]


def test_a_lock_out_is_no_unlock(samba: SambaDomain, desk: CorpDesk, person: Person) -> None:
    """Wrong passwords make the controller itself write `lockoutTime`: a lock, which owes no evidence."""
    login = desk.know(person())
    samba.lock_out(login)
    assert desk.directory.find(login)[0].locked
    assert desk.verdicts(login) == ()
    (row,) = (row for row in desk.app.board() if row.action is Canonical.ACCOUNT_LOCK)
    assert (row.verdict, row.target, row.actor) == (Verdict.IGNORED, samba.dn(login), "S-1-5-18")


def test_power_given_in_the_directory_is_unverified(samba: SambaDomain, desk: CorpDesk, person: Person) -> None:
    """Somebody made a domain administrator: what the controller says of the group and of the member is one verdict."""
    login = person()
    with samba.administrator() as admin:
        change = {"member": [(ldap3.MODIFY_ADD, [samba.dn(login)])]}
        assert admin.modify(f"CN=Domain Admins,CN=Users,{BASE}", change)
    row = desk.verdict(login)
    assert (row.verdict, row.action, row.folded) == (Verdict.UNVERIFIED, Canonical.PRIVILEGE_GRANT, 2)


def test_an_unlock_through_a_case(samba: SambaDomain, desk: CorpDesk, person: Person) -> None:
    """A locked-out person is let in again with the password they have; the receipt names the connection of the log."""
    login = desk.know(person())
    samba.lock_out(login)
    case = desk.done(login, Action.UNLOCK, "INC-9")
    assert not desk.directory.find(login)[0].locked
    row = desk.verdict(login)
    assert (row.verdict, row.action, row.case) == (Verdict.VERIFIED, Canonical.ACCOUNT_UNLOCK, case)
    assert f'"ipv4:{desk.receipt(case).socket}"' in samba.audit_log.read_text()


def test_an_account_under_adminsdholder_is_refused_at_the_counter(
    samba: SambaDomain, desk: CorpDesk, person: Person
) -> None:
    """An account no delegation reaches is refused when the case is opened, not when it is executed."""
    login = desk.know(person())
    samba.protect(samba.dn(login))
    with pytest.raises(Refused, match=r"AdminSDHolder.*administrators") as refused:
        desk.open(login, Action.PASSWORD_RESET)
    assert refused.value.reasons == ("protected",)


def test_a_controller_that_is_down_puts_the_change_off(samba: SambaDomain, desk: CorpDesk, person: Person) -> None:
    """With the controller stopped nothing is done and nothing lost; once it is back the change is made once."""
    login = desk.know(person())
    case = desk.released(login)
    desk.browse(case)
    with stopped(samba):
        desk.app.tick()
        assert desk.state(case) == "released"
        with pytest.raises(Unavailable, match="no LDAPS answer"):
            desk.open(login, Action.UNLOCK)
    desk.skip(timedelta(seconds=6))
    desk.app.tick()
    assert desk.state(case) == "checked"
    assert samba.sign_in(login, desk.take(case, login)) == "must_change"
    row = desk.verdict(login)
    assert (row.verdict, row.case) == (Verdict.VERIFIED, case)


def test_the_verdict_comes_within_seconds(samba: SambaDomain, desk: CorpDesk, person: Person) -> None:
    """While Watchword runs, a reset by hand is on the board within seconds of its line in the log."""
    by_hand, governed = person(), desk.know(person())
    with running(desk):
        samba.admin_reset(by_hand, password())
        assert desk.await_verdict(by_hand).verdict is Verdict.UNVERIFIED
        case = desk.released(governed)
        desk.browse(case)
        row = desk.await_verdict(governed, until=Verdict.VERIFIED)
        assert row.case == case


@contextmanager
def stopped(samba: SambaDomain) -> Iterator[None]:
    """The controller is down for as long as the `with` lasts."""
    samba.stop()
    try:
        yield
    finally:
        samba.start()


@contextmanager
def running(desk: CorpDesk) -> Iterator[None]:
    """The runner and the watch work beside the test, as `watchword serve` has them."""
    stop = threading.Event()
    runner = threading.Thread(target=desk.app.run, args=(desk.app.runner, stop, 0.1))
    runner.start()
    try:
        yield
    finally:
        stop.set()
        runner.join(20)
