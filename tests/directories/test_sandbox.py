"""The sandbox: its log, its people, and how it fails on purpose."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from tests.directories.conftest import Clock
from watchword.core.account import AccountClass, Status
from watchword.core.change import (
    Change,
    ContactKind,
    GrantOverride,
    IssuePass,
    ReissueSecret,
    ResetFactors,
    ResetPassword,
    RevokeSessions,
    SetContact,
    Suspend,
    SuspendFactors,
    Unlock,
)
from watchword.core.errors import Invalid, Refused, Unavailable
from watchword.core.ids import AccountId
from watchword.directories.port import Confirmation
from watchword.directories.sandbox import Sandbox, Seed, SignIn

A = AccountId("a-test")
RESET = ResetPassword(account=A)
OLD, NEW = "the old password", "the new password"
EVENTS: tuple[tuple[Change, tuple[str, ...]], ...] = (
    (RESET, ("user.account.reset_password", "user.account.expire_password")),
    (ResetPassword(account=A, must_change=False), ("user.account.reset_password",)),
    (Unlock(account=A), ("user.account.unlock_by_admin",)),
    (
        ResetFactors(account=A),
        ("user.mfa.factor.reset_all", "user.mfa.factor.deactivate", "user.mfa.factor.deactivate"),
    ),
    (ResetFactors(account=A, factors=("totp",)), ("user.mfa.factor.deactivate",)),
    (SetContact(account=A, contact=ContactKind.MAIL, commitment="00"), ("user.account.update_primary_email",)),
    (SetContact(account=A, contact=ContactKind.PHONE, commitment="00"), ("user.account.update_profile",)),
    (IssuePass(account=A), ("device.desktop_mfa.recovery_pin.generate",)),
    (ReissueSecret(account=A), ("app.oauth2.credentials.lifecycle.create",)),
    (GrantOverride(account=A, role="helpdesk"), ("user.account.privilege.grant",)),
    (RevokeSessions(account=A), ("user.session.clear",)),
    (Suspend(account=A), ("user.lifecycle.suspend",)),
    (SuspendFactors(account=A, factors=("totp",)), ("user.mfa.factor.suspend",)),
    (SuspendFactors(account=A), ("user.mfa.factor.suspend", "user.mfa.factor.suspend")),
)


@pytest.fixture
def nora(sandbox: Sandbox) -> str:
    """The native id of somebody with a password and two factors."""
    seed = Seed(login="nora.vale", display_name="Nora Vale", password=OLD, factors=("push", "totp"))
    return sandbox.add(seed).native_id


def lines(sandbox: Sandbox) -> list[dict[str, object]]:
    """The log as it stands in the file."""
    return [msgspec.json.decode(line) for line in sandbox.audit_log.read_text().splitlines()]


@pytest.mark.parametrize(("change", "events"), EVENTS)
def test_each_change_is_logged_as_a_directory_would(
    sandbox: Sandbox, nora: str, clock: Clock, change: Change, events: tuple[str, ...]
) -> None:
    """The log has the events of one click under one transaction, the one in the receipt, by us, on the account."""
    receipt = sandbox.apply(nora, change, "case/1/1", NEW if change.yields_credential else None, "new@example.test")
    logged = lines(sandbox)
    assert tuple(line["eventType"] for line in logged) == events
    assert {line["transaction"]["id"] for line in logged} == {receipt.transaction}  # type: ignore[index]
    assert {line["actor"]["alternateId"] for line in logged} == {receipt.principal}  # type: ignore[index]
    assert {line["target"][0]["id"] for line in logged} == {nora}  # type: ignore[index]
    assert {line["published"] for line in logged} == {"2026-11-02T09:30:00.000Z"}
    assert [msgspec.json.decode(line) for line in sandbox.audit_lines(clock.now)] == logged
    assert sandbox.audit_lines(clock.now + timedelta(seconds=1)) == ()


def test_a_reset_by_hand_is_in_the_log_under_its_administrator(sandbox: Sandbox, nora: str) -> None:
    """A reset made straight in the directory works and is logged, with somebody else as its actor."""
    password = sandbox.admin_reset("ivo.admin", nora)
    assert sandbox.sign_in("nora.vale", password) is SignIn.MUST_CHANGE
    assert {line["actor"]["alternateId"] for line in lines(sandbox)} == {"ivo.admin"}  # type: ignore[index]
    assert "ivo.admin" not in sandbox.principal_keys


def test_five_wrong_passwords_lock_an_account_out(sandbox: Sandbox, nora: str) -> None:
    """The right password does not help a locked account, an unlock does, and the lock-out is in the log."""
    for _ in range(5):
        assert sandbox.sign_in("nora.vale", "a wrong password") is SignIn.WRONG
    assert sandbox.sign_in("nora.vale", OLD) is SignIn.LOCKED
    sandbox.apply(nora, Unlock(account=A), "case/1/1")
    assert sandbox.sign_in("nora.vale", OLD) is SignIn.OK
    assert [line["eventType"] for line in lines(sandbox)] == [
        "user.account.lock",
        "user.account.unlock_by_admin",
        "user.session.start",
    ]


def test_sessions_end_when_they_are_revoked(sandbox: Sandbox, nora: str) -> None:
    """Each sign-in opens a session, and revoking ends them all."""
    sandbox.sign_in("nora.vale", OLD)
    sandbox.sign_in("nora.vale", OLD)
    assert sandbox.sessions(nora) == 2
    sandbox.apply(nora, RevokeSessions(account=A), "case/1/1")
    assert sandbox.sessions(nora) == 0


def test_a_pass_is_good_once_and_not_for_long(sandbox: Sandbox, nora: str, clock: Clock) -> None:
    """A temporary pass signs in once within its lifetime."""
    for secret in ("first pass 1234", "second pass 123"):
        sandbox.apply(nora, IssuePass(account=A, lifetime_s=600), "case/1/1", secret)
    assert sandbox.sign_in("nora.vale", "first pass 1234") is SignIn.OK
    assert sandbox.sign_in("nora.vale", "first pass 1234") is SignIn.WRONG
    clock.turn(timedelta(seconds=601))
    assert sandbox.sign_in("nora.vale", "second pass 123") is SignIn.WRONG


def test_an_old_secret_ends_with_its_overlap(sandbox: Sandbox, nora: str, clock: Clock) -> None:
    """After a reissue old and new secret both work until the overlap ends."""
    sandbox.apply(nora, ReissueSecret(account=A, overlap_s=60), "case/1/1", NEW)
    assert sandbox.sign_in("nora.vale", OLD) is SignIn.OK
    clock.turn(timedelta(seconds=61))
    assert sandbox.sign_in("nora.vale", OLD) is SignIn.WRONG
    assert sandbox.sign_in("nora.vale", NEW) is SignIn.OK


def test_a_lent_role_ends(sandbox: Sandbox, nora: str, clock: Clock) -> None:
    """A granted role is there until its lifetime is over."""
    sandbox.apply(nora, GrantOverride(account=A, role="helpdesk", lifetime_s=60), "case/1/1")
    assert sandbox.roles(nora) == ("helpdesk",)
    clock.turn(timedelta(seconds=61))
    assert sandbox.roles(nora) == ()


def test_only_named_factors_are_removed(sandbox: Sandbox, nora: str) -> None:
    """A reset of one factor leaves the other, and one that is not there is an error that changes nothing."""
    with pytest.raises(Invalid, match="sms"):
        sandbox.apply(nora, ResetFactors(account=A, factors=("totp", "sms")), "case/1/1")
    assert sandbox.read(nora).factors == ("push", "totp")
    sandbox.apply(nora, ResetFactors(account=A, factors=("totp",)), "case/1/1")
    assert sandbox.read(nora).factors == ("push",)


def test_a_suspended_factor_is_there_until_it_is_reset(sandbox: Sandbox, nora: str) -> None:
    """It stays on record, suspended, however often that is asked; a reset removes it and what suspended it."""
    with pytest.raises(Invalid, match="sms"):
        sandbox.apply(nora, SuspendFactors(account=A, factors=("totp", "sms")), "case/1/1")
    assert sandbox.read(nora).suspended_factors == ()
    for _ in range(2):
        sandbox.apply(nora, SuspendFactors(account=A, factors=("totp",)), "case/1/1")
    seen = sandbox.read(nora)
    assert (seen.factors, seen.suspended_factors) == (("push", "totp"), ("totp",))
    sandbox.apply(nora, ResetFactors(account=A, factors=("totp",)), "case/1/1")
    seen = sandbox.read(nora)
    assert (seen.factors, seen.suspended_factors) == (("push",), ())


def test_an_owner_changes_a_password_with_the_old_one(sandbox: Sandbox, nora: str) -> None:
    """The owner's own change needs the old password and counts as a change of the same thing as a reset."""
    before = sandbox.before(nora, RESET)
    with pytest.raises(Refused):
        sandbox.change_own_password("nora.vale", "a wrong password", NEW)
    assert sandbox.before(nora, RESET) == before
    sandbox.change_own_password("nora.vale", OLD, NEW)
    assert sandbox.before(nora, RESET) != before
    assert sandbox.sign_in("nora.vale", NEW) is SignIn.OK


def test_the_strictest_group_gives_the_class(sandbox: Sandbox) -> None:
    """Of several groups the strictest counts, and of none there is no class."""
    add = sandbox.add
    both = add(Seed(login="a", display_name="A", groups=("All Staff", "Administrators", "Finance")))
    none = add(Seed(login="b", display_name="B", groups=()))
    assert both.account_class is AccountClass.PRIVILEGED
    assert none.account_class is None
    sandbox.set_groups(both.native_id, ("All Staff",))
    assert sandbox.read(both.native_id).account_class is AccountClass.STANDARD


def test_people_around_an_account_are_native_ids(sandbox: Sandbox) -> None:
    """Manager, owners and sponsor are given by login, in any order, and read back as ids; a status can be set."""
    sandbox.seed(
        (
            Seed(login="bot", display_name="Bot", manager="boss", owner="boss", second_owner="gone", sponsor="boss"),
            Seed(login="boss", display_name="Boss"),
        )
    )
    (bot,), (boss,) = sandbox.find("bot"), sandbox.find("boss")
    assert (bot.manager, bot.owner, bot.second_owner, bot.sponsor) == (*[boss.native_id] * 2, None, boss.native_id)
    sandbox.set_status(boss.native_id, Status.LEAVER)
    assert sandbox.read(boss.native_id).status is Status.LEAVER


def test_a_bad_seed_adds_nobody(sandbox: Sandbox) -> None:
    """A login that is taken and a group that is unknown are errors, and then none of the seeds is there."""
    one = Seed(login="one", display_name="One")
    for wrong in (Seed(login="ONE", display_name="Other"), Seed(login="two", display_name="Two", groups=("Nobodies",))):
        with pytest.raises(Invalid):
            sandbox.seed((one, wrong))
        assert sandbox.find("one") == ()


def test_a_protected_account_is_refused_to_us_and_not_to_administrators(sandbox: Sandbox) -> None:
    """The directory's own protection keeps us out, says why, and does not bind its administrators."""
    native_id = sandbox.add(Seed(login="root", display_name="Root", protected="it is an administrator")).native_id
    with pytest.raises(Refused, match="it is an administrator"):
        sandbox.apply(native_id, RESET, "case/1/1", NEW)
    sandbox.admin_reset("ivo.admin", native_id)


def test_down_before_the_change_nothing_is_done(sandbox: Sandbox, nora: str) -> None:
    """While the directory is down every call is unavailable; afterwards the change is not done."""
    before = sandbox.before(nora, RESET)
    sandbox.outage = "before"
    for call in (
        lambda: sandbox.find("nora.vale"),
        lambda: sandbox.read(nora),
        lambda: sandbox.before(nora, RESET),
        lambda: sandbox.apply(nora, RESET, "case/1/1", NEW),
        lambda: sandbox.confirm(nora, RESET, before),
        lambda: sandbox.changes(Clock().now),
        sandbox.check,
    ):
        with pytest.raises(Unavailable):
            call()
    sandbox.outage = None
    assert sandbox.confirm(nora, RESET, before) is Confirmation.NOT_DONE


def test_an_answer_lost_during_the_change_is_read_back(sandbox: Sandbox, nora: str) -> None:
    """The change is done, its answer is lost, and the read-back says done at once."""
    before = sandbox.before(nora, RESET)
    sandbox.outage = "during"
    with pytest.raises(Unavailable):
        sandbox.apply(nora, RESET, "case/1/1", NEW)
    assert sandbox.confirm(nora, RESET, before) is Confirmation.DONE


def test_silent_after_the_change_the_read_back_waits(sandbox: Sandbox, nora: str) -> None:
    """The change is done and the directory stays silent: only when it is back can anyone know."""
    before = sandbox.before(nora, RESET)
    sandbox.outage = "after"
    with pytest.raises(Unavailable):
        sandbox.apply(nora, RESET, "case/1/1", NEW)
    with pytest.raises(Unavailable):
        sandbox.confirm(nora, RESET, before)
    sandbox.outage = None
    assert sandbox.confirm(nora, RESET, before) is Confirmation.DONE


def test_threads_do_not_lose_changes(sandbox: Sandbox, nora: str) -> None:
    """Changes from many threads are each counted and each logged."""
    threads = [
        threading.Thread(target=sandbox.apply, args=(nora, RESET, f"case/{number}/1", NEW)) for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sandbox.before(nora, RESET) == "reset_password=8"
    assert len(lines(sandbox)) == 16


def test_another_process_sees_the_same_directory(sandbox: Sandbox, nora: str) -> None:
    """A second process on the same file changes the same accounts and writes the same log."""
    script = (
        "import sys; from datetime import UTC, datetime; from pathlib import Path;"
        "from watchword.directories.sandbox import Sandbox;"
        "box = Sandbox(Path(sys.argv[1]), clock=lambda: datetime.now(UTC));"
        "box.admin_reset('ivo.admin', sys.argv[2]); box.close()"
    )
    subprocess.run([sys.executable, "-c", script, str(sandbox.audit_log.with_name("sandbox.db")), nora], check=True)
    assert sandbox.before(nora, RESET) == "reset_password=1"
    assert len(lines(sandbox)) == 2


def test_a_log_line_kept_back_by_a_crash_is_written_next_time(sandbox: Sandbox, nora: str) -> None:
    """What was committed but not yet exported comes into the file with the next change, before it."""
    sandbox.admin_reset("ivo.admin", nora)
    sandbox.audit_log.write_text("")
    with sandbox._store._transaction() as connection:
        connection.execute("UPDATE audit SET exported = 0")
    sandbox.apply(nora, Unlock(account=A), "case/1/1")
    assert [line["eventType"] for line in lines(sandbox)] == [
        "user.account.reset_password",
        "user.account.expire_password",
        "user.account.unlock_by_admin",
    ]


def test_a_folder_that_can_not_be_written_is_unavailable(tmp_path: Path, clock: Clock) -> None:
    """A database file that is no database, or can not be opened, says so in our own errors."""
    (tmp_path / "sandbox.db").mkdir()
    with pytest.raises(Unavailable, match="sandbox"):
        Sandbox(tmp_path / "sandbox.db", clock=clock)


def test_it_says_that_it_is_a_sandbox(sandbox: Sandbox) -> None:
    """`simulated` is true and `doctor` reads so."""
    assert sandbox.simulated
    assert "no account in it is real" in sandbox.check()[0]
