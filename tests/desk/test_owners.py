"""Who may own a ledger: one process on SQLite, any number on PostgreSQL."""

from __future__ import annotations

import threading

import pytest

from tests.desk.office import Office, refused
from watchword.app import App
from watchword.core.action import Action
from watchword.core.change import Unlock
from watchword.core.errors import Conflict, Unavailable, WatchwordError
from watchword.core.ids import AccountId, CaseId
from watchword.directories.sandbox import Seed

UNLOCK = Unlock(account=AccountId(""))


def test_second_process_on_sqlite(office: Office) -> None:
    """A second Watchword on one SQLite file is told who has it and what to do, and the first goes on."""
    with pytest.raises(Unavailable, match=r"in use by process \d+.*over its API"):
        App(office.settings)
    office.open()


def releasable(office: Office, login: str) -> CaseId:
    """An unlock of somebody who was seen and called."""
    case = office.open(login, Action.UNLOCK)
    office.prove(case, "in_person")
    office.prove(case, "call_code")
    office.ask(case)
    return case


def unlocked(office: Office, login: str) -> CaseId:
    """An unlock that the executor may do now."""
    case = releasable(office, login)
    office.release(case)
    return case


def test_two_processes_share_the_work(shared: tuple[Office, Office]) -> None:
    """Twenty released cases of two desks are executed by two executors at once, each exactly once."""
    logins = tuple(f"many.{number}" for number in range(20))
    one, other = shared
    one.directory.seed(
        tuple(Seed(login=login, display_name=login, phone=f"+4930555{n:04}") for n, login in enumerate(logins))
    )
    one.link(*logins)
    cases = [unlocked(shared[n % 2], login) for n, login in enumerate(logins)]
    faults: list[WatchwordError] = []

    def drain(office: Office) -> None:
        try:
            office.app.runner_of(desk=False, executor=True).drain(office.at)
        except WatchwordError as fault:
            faults.append(fault)

    threads = [threading.Thread(target=drain, args=(office,)) for office in (one, other, one, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    for _ in range(3):  # whoever lost a race comes again
        one.wait(seconds=2)
        one.app.runner.drain(one.at)
    assert [one.version(login, UNLOCK) for login in logins] == [1] * 20
    assert {other.state(case) for case in cases} == {"delivered"}
    assert one.types(cases[0]) == other.types(cases[0])


def test_both_desks_decide_on_the_same_case(shared: tuple[Office, Office]) -> None:
    """A step that one desk took is seen by the other at once, and is not taken twice."""
    one, other = shared
    case = one.open("mara.lind", Action.FACTOR_RESET, factors=("security_key",))
    other.prove(case, "passkey")
    one.prove(case, "mail_code")
    other.ask(case)
    one.approve(case, "boss.one")
    with pytest.raises(WatchwordError):
        other.approve(case, "boss.one")
    outcomes: list[str] = []

    def release(office: Office) -> None:
        try:
            office.release(case)
            outcomes.append("released")
        except WatchwordError as fault:
            outcomes.append(fault.fault)

    threads = [threading.Thread(target=release, args=(office,)) for office in (one, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["refused", "released"]


def test_same_account_is_seen_by_both_at_once(shared: tuple[Office, Office]) -> None:
    """Two desks that meet an account for the first time at the same moment mean the same one afterwards."""
    one, other = shared
    one.directory.seed((Seed(login="svc.new", display_name="New", groups=("Service Accounts",)),))
    barrier = threading.Barrier(2)
    opened: list[CaseId] = []

    def open_(office: Office) -> None:
        barrier.wait()
        for _ in range(3):
            try:
                opened.append(office.open("svc.new", Action.SECRET_REISSUE, ticket=None))
            except Conflict:
                continue
            return

    threads = [threading.Thread(target=open_, args=(office,)) for office in (one, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    again = {office.case(office.open("svc.new", Action.SECRET_REISSUE, ticket=None)).account for office in (one, other)}
    assert len(opened) == 2
    assert len(again) == 1


def test_an_address_that_guessed_at_one_waits_at_both(shared: tuple[Office, Office]) -> None:
    """The processes of one ledger close their door to the same addresses; two that close it at once mean one."""
    one, other = shared
    other.app.guessing.demand("192.0.2.7", other.at)
    one.app.guessing.note("192.0.2.7", 10, one.at)
    assert refused(lambda: other.app.guessing.demand("192.0.2.7", other.at)) == ("sign_in_throttled",)
    other.app.guessing.demand("192.0.2.8", other.at)
    one.app.guessing.note("2001:db8:1:2::1", 10, one.at)
    assert refused(lambda: other.app.guessing.demand("2001:db8:1:2::9", other.at)) == ("sign_in_throttled",)
