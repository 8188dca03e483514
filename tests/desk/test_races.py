"""Two at the same instant: each test forces both to have judged before either writes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.desk.office import Office
from tests.desk.test_afterwards import contain
from tests.desk.test_approval_keys import revoke
from tests.desk.test_approvals import untouched
from tests.desk.test_decisions import asked as voted
from tests.desk.test_executor import FACTORS
from tests.desk.test_owners import UNLOCK, releasable, unlocked
from watchword.core.account import AccountClass
from watchword.core.action import Step
from watchword.core.change import Change, Suspend
from watchword.core.errors import Conflict, Refused
from watchword.core.ids import AccountId, CaseId
from watchword.core.person import Delegation, Kind, Person, Role, RoleGrant
from watchword.core.ruling import CaseFacts, Ruling
from watchword.desk.effects import Caps, Runner
from watchword.directories.sandbox import Sandbox
from watchword.policy.bundle import Policy
from watchword.policy.people import People

SUSPEND = Suspend(account=AccountId(""))


class Meeting:
    """Where threads wait for each other, once."""

    def __init__(self, parties: int) -> None:
        self.over = threading.Event()
        self._barrier = threading.Barrier(parties, action=self.over.set, timeout=60)

    def join(self) -> None:
        """Wait until everybody is here; after the meeting go on at once."""
        if not self.over.is_set():
            self._barrier.wait()


class Together(Sandbox):
    """The sandbox, in which executors that have judged a change meet before either of them starts it."""

    meeting: Meeting

    def before(self, native_id: str, change: Change) -> str:
        """The directory's version; then the meeting."""
        found = super().before(native_id, change)
        self.meeting.join()
        return found


class Hesitant(People):
    """The rules, under which custodians who have looked for other uses meet before either breaks the glass."""

    meeting: Meeting

    def rule(self, person: Person, step: Step, facts: CaseFacts, at: datetime, lent: tuple[str, ...] = ()) -> Ruling:
        """The ruling; then the meeting."""
        if step is Step.BREAK_GLASS:
            self.meeting.join()
        return super().rule(person, step, facts, at, lent)


def at_once(*works: Callable[[], object]) -> list[BaseException]:
    """Do all of *works* in a thread each; returns what they raised."""
    raised: list[BaseException] = []

    def do(work: Callable[[], object]) -> None:
        try:
            work()
        except BaseException as fault:  # noqa: BLE001  (it is what the test looks at)
            raised.append(fault)

    threads = [threading.Thread(target=do, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def meeting_in(*offices: Office, caps: Caps = Caps()) -> tuple[Runner, Runner]:  # noqa: B008  (a frozen value)
    """Two executors, of one process or of one each, that meet between judging and starting."""
    meeting = Meeting(2)
    for office in offices:
        office.directory.close()
        sandbox = Together(office.home / "sandbox.db", clock=lambda: offices[0].at)
        sandbox.meeting = meeting
        office.app.directories["sandbox"] = sandbox
    one, other = (office.app.runner_of(desk=False, executor=True) for office in (offices[0], offices[-1]))
    one.caps = other.caps = caps
    return one, other


# --- two cases of one account ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("processes", [1, 2])
def test_two_cases_of_one_account(processes: int, request: pytest.FixtureRequest) -> None:
    """Judged side by side, one of them starts and the other ends: the account is changed by one case."""
    offices = (request.getfixturevalue("office"),) if processes == 1 else request.getfixturevalue("shared")
    office = offices[0]
    cases = (office.released(), office.released())
    one, other = meeting_in(*offices)
    assert not at_once(lambda: one.step(office.at), lambda: other.step(office.at))
    assert sorted(office.types(case).count("change.started") for case in cases) == [0, 1]

    for _ in range(3):
        office.pass_by(seconds=2)
    assert sorted(office.state(case) for case in cases) == ["checked", "failed"]
    assert office.version("mara.lind") == 1
    (ended,) = (case for case in cases if office.state(case) == "failed")
    assert office.app.ledger.read(f"case/{ended}")[-1].entry.data["reasons"] == ["clearance:recovered_meanwhile"]


def test_a_change_nobody_knows_the_end_of_holds_up_the_next_case(office: Office) -> None:
    """While the directory is silent about one case another waits; it ends when the first turns out to be done."""
    first, second = office.released(), office.released()
    office.app.ledger.reschedule(change_of(office, second), office.at + timedelta(minutes=5))
    office.directory.outage = "after"
    office.run()
    office.app.ledger.reschedule(change_of(office, second), office.at)
    office.directory.outage = None
    office.run()
    assert (office.state(first), office.state(second)) == ("executing", "released")
    office.pass_by(seconds=5)
    office.pass_by(seconds=15)
    assert (office.state(first), office.state(second)) == ("checked", "failed")
    assert office.version("mara.lind") == 1


def test_a_case_that_failed_lets_the_next_one_go_on(office: Office) -> None:
    """One that was started, not done and out of time holds up nobody after that is known."""
    first = office.released()
    office.crash_before_apply(first)
    office.wait(minutes=10)
    second = office.released()
    office.app.ledger.reschedule(change_of(office, first), office.at + timedelta(minutes=5))
    office.run()
    assert (office.state(first), office.state(second)) == ("executing", "released")
    office.wait(minutes=5)
    office.app.ledger.reschedule(change_of(office, first), office.at)
    for _ in range(4):  # which of the two rows comes first is chance, and so is how long the second is put off
        office.pass_by(minutes=1)
    assert (office.state(first), office.state(second)) == ("failed", "checked")
    assert office.version("mara.lind") == 1


def test_containment_waits_for_no_other_case(office: Office) -> None:
    """An account is suspended at once, whatever another case has on its way there."""
    first, second = office.released(), office.open(agent="ben.agent")
    office.crash_before_apply(first)
    contain(office, second)
    office.run()
    assert office.version("mara.lind", SUSPEND) == 1
    assert office.state(second) == "contained"


def change_of(office: Office, case: CaseId) -> str:
    """The row by which the case's change waits."""
    return next(e.id for e in office.app.ledger.effects() if e.stream == f"case/{case}" and e.kind == "change")


# --- what is taken back while the directory is asked -----------------------------------------------------------------


class Meanwhile(Sandbox):
    """The sandbox, which is asked what it holds while something *happens* at the desk, once."""

    happens: Callable[[], object] | None = None

    def before(self, native_id: str, change: Change) -> str:
        """The directory's version; then what happens."""
        found = super().before(native_id, change)
        if self.happens is not None:
            happens, self.happens = self.happens, None
            happens()
        return found


def meanwhile(office: Office, happens: Callable[[], object]) -> None:
    """Have something happen between an executor's judgement and the entry by which it starts."""
    office.directory.close()
    sandbox = Meanwhile(office.home / "sandbox.db", clock=lambda: office.at)
    sandbox.happens = happens
    office.app.directories["sandbox"] = sandbox


def last_word(office: Office, case: CaseId) -> Any:
    """Why the executor refused the case, which ended it after a start that came to nothing."""
    *_, started, ended, refused = office.app.ledger.read(f"case/{case}")
    assert (started.entry.type, ended.entry.data["outcome"]) == ("change.started", "not_done")
    return refused.entry.data["reasons"]


@pytest.mark.parametrize("processes", [1, 2])
def test_a_role_that_is_revoked_before_the_start_carries_nothing(
    processes: int, request: pytest.FixtureRequest
) -> None:
    """Judged with it, and started without: the directory is never asked, whichever desk took it away."""
    offices = (request.getfixturevalue("office"),) if processes == 1 else request.getfixturevalue("shared")
    office, elsewhere = offices[0], offices[-1]
    case = voted(office, "eve.exec", "passkey", "mail_code")
    office.approve(case, "boss.one", "ivy.iam")
    office.release(case)
    revoke = elsewhere.app.people.revoke
    stood = office.version("eve.exec", FACTORS)
    meanwhile(office, lambda: revoke(elsewhere["root.admin"], elsewhere["ivy.iam"], Role.IAM_DUTY, office.at))
    office.run()
    for _ in range(3):
        office.pass_by(seconds=70)
    assert office.version("eve.exec", FACTORS) == stood
    assert last_word(office, case) == ["clearance:roles"]


def test_a_key_that_is_revoked_before_the_start_signed_nothing(strict: Office) -> None:
    """Whoever reports a passkey stolen stops what it approved, until the very entry that begins the change."""
    case = voted(strict)
    strict.sign(case, "boss.one")
    strict.release(case)
    meanwhile(strict, lambda: revoke(strict, "boss.one"))
    strict.run()
    strict.pass_by(seconds=70)
    assert last_word(strict, case) == ["clearance:revoked"]
    untouched(strict)


def test_what_proved_the_person_and_is_revoked_before_the_start_proves_nothing(office: Office) -> None:
    """So it is with the person's own enrolment."""
    case = office.released()
    meanwhile(office, lambda: revoke(office, "mara.lind"))
    office.run()
    office.pass_by(seconds=70)
    assert last_word(office, case)
    assert office.version("mara.lind") == 0


def test_what_others_do_meanwhile_stops_nothing(office: Office) -> None:
    """A request of somebody else, and a role of somebody else, leave the change as it was judged."""
    case = office.released()

    def happens() -> None:
        office.open("noah.berg", agent="ben.agent")
        office.app.people.revoke(office["root.admin"], office["ivy.iam"], Role.IAM_DUTY, office.at)

    meanwhile(office, happens)
    office.run()
    assert office.types(case).count("change.started") == 2
    assert office.version("mara.lind") == 1


# --- the cap of all executors ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("processes", [1, 2])
def test_executors_share_one_cap(processes: int, request: pytest.FixtureRequest) -> None:
    """Two executors that both find room for one more change do one: the other steps back before the directory hears."""
    offices = (request.getfixturevalue("office"),) if processes == 1 else request.getfixturevalue("shared")
    office, logins = offices[0], ("mara.lind", "noah.berg")
    cases = [releasable(office, login) for login in logins]
    for case in cases:
        office.release(case)
    caps = Caps(by_class=((AccountClass.STANDARD, 1),))
    runners = meeting_in(*offices, caps=caps)
    assert not at_once(*(lambda r=runner: r.step(office.at) for runner in runners))
    assert [office.types(case).count("change.started") for case in cases] == [1, 1]
    assert sum(office.version(login, UNLOCK) for login in logins) == 1

    for _ in range(10):  # neither of them lifts it within the hour, nor does one that begins now
        office.wait(minutes=5)
        for runner in (*runners, offices[-1].app.runner_of(desk=False, executor=True)):
            runner.caps = caps
            runner.drain(office.at)
    assert sum(office.version(login, UNLOCK) for login in logins) == 1
    assert sorted(office.state(case) for case in cases) == ["delivered", "failed"]


def test_executors_count_what_others_did(shared: tuple[Office, Office]) -> None:
    """An executor that has been running finds the cap used up by what another began since."""
    one, other = shared
    caps = Caps(by_class=((AccountClass.STANDARD, 1),))
    first, second = (office.app.runner_of(desk=False, executor=True) for office in shared)
    first.caps = second.caps = caps
    unlocked(one, "mara.lind")
    assert second.drain(one.at) == 2  # the change, and its validation
    case = unlocked(other, "noah.berg")
    first.drain(one.at)
    assert (one.state(case), one.version("noah.berg", UNLOCK)) == ("released", 0)


# --- two uses of break-glass -----------------------------------------------------------------------------------------


def test_glass_is_broken_once_at_a_time(office: Office) -> None:
    """Of two custodians who find no other use and break the glass at once, the second is told of the first."""
    policy = office.app.policy
    rules, schema = (file.read_text() for file in policy.files[2:])
    hesitant = Hesitant.load(rules, schema)
    assert isinstance(hesitant, Hesitant)
    hesitant.meeting = Meeting(2)
    cases = [office.open("piet.priv", ticket=f"INC-{n}") for n in range(2)]
    office.app.steps.policy = Policy(policy.procedures, hesitant, policy.digest, policy.files, policy.texts)

    def broken_by(login: str, case: CaseId) -> Callable[[], None]:
        return lambda: office.app.desk.decisions.break_glass(office[login], case, "the domain is down", office.at)

    (told,) = at_once(broken_by("cleo.custodian", cases[0]), broken_by("cato.custodian", cases[1]))
    assert getattr(told, "reasons", told) == ("unreviewed_break_glass",)
    assert sorted("break_glass.invoked" in office.types(case) for case in cases) == [False, True]
    assert len(office.app.ledger.read("break_glass")) == 1


# --- what comes between a ruling and its entry -----------------------------------------------------------------------


class Interrupted(People):
    """The rules, under which *between* happens once, after a ruling on *step*."""

    step: Step
    between: Callable[[], object] | None = None

    def rule(self, person: Person, step: Step, facts: CaseFacts, at: datetime, lent: tuple[str, ...] = ()) -> Ruling:
        """The ruling; then what comes between."""
        ruled = super().rule(person, step, facts, at, lent)
        if step is self.step and self.between is not None:
            happens, self.between = self.between, None
            happens()
        return ruled


def interrupted(office: Office, step: Step, between: Callable[[], object]) -> None:
    """Have *between* happen once in *office*, after the next ruling on *step*."""
    policy = office.app.policy
    rules, schema = (file.read_text() for file in policy.files[2:])
    made = Interrupted.load(rules, schema)
    assert isinstance(made, Interrupted)
    made.step, made.between = step, between
    office.app.steps.policy = Policy(policy.procedures, made, policy.digest, policy.files, policy.texts)


def test_a_failure_during_a_release_is_not_wiped(office: Office) -> None:
    """What fails while the second person agrees to end a freeze is agreed on by nobody: the freeze stays."""
    case = office.open()
    for method in ("totp", "totp", "totp", "in_person", "in_person"):
        office.fail(case, method)
    account, agree = office.case(case).account, office.app.desk.decisions.release_freeze
    office.wait(days=3)
    later = office.open(ticket="INC-2")
    assert agree(office["sam.security"], account, office.at) is False
    interrupted(office, Step.RELEASE_FREEZE, lambda: office.fail(later, "passkey"))
    agreed = None
    with suppress(Refused):
        agreed = agree(office["ivy.iam"], account, office.at)
    assert not agreed
    assert office.app.registry.account(account).failures


def test_who_becomes_an_administrator_meanwhile_is_no_delegates(office: Office) -> None:
    """A delegate's ruling on somebody who is made an administrator before it is entered is made again, and fails."""
    people, root, at = office.app.people, office["root.admin"], office.at
    dana = people.register(root, login="dana.delegate", name="Dana", kind=Kind.EMPLOYEE, unit="desk", at=at)
    people.delegate(root, dana, Delegation(unit="sales", until=at + timedelta(days=90)), at)
    petra = people.register(dana, login="petra.sales", name="Petra", kind=Kind.EMPLOYEE, unit="sales", at=at)
    grant = RoleGrant(role=Role.ADMINISTRATOR)
    interrupted(office, Step.ENROL_CREDENTIAL, lambda: people.grant(root, petra, grant, at))
    with pytest.raises(Refused):
        people.set_password(dana, petra, "known to the delegate", at)
    assert not people.sign_in_of(petra)


class Moment(datetime):
    """A time that is cut to the millisecond, as the ledger does with an entry's, while something *happens*, once."""

    happens: Callable[[], object] | None = None

    def replace(self, **parts: Any) -> datetime:  # type: ignore[override]  # what is given by name
        """What happens; then the time with these parts."""
        if self.happens is not None:
            happens, self.happens = self.happens, None
            happens()
        return super().replace(**parts)


@pytest.mark.parametrize("processes", [1, 2])
def test_two_who_are_made_known_by_one_login(processes: int, request: pytest.FixtureRequest) -> None:
    """Of two at one moment whoever came second is told, and gives no roles to a namesake nobody finds."""
    offices = (request.getfixturevalue("office"),) if processes == 1 else request.getfixturevalue("shared")
    office, elsewhere = offices[0], offices[-1]
    made: list[object] = []

    def register(where: Office, name: str, at: datetime) -> None:
        people, root = where.app.people, where["root.admin"]
        made.append(people.register(root, login="zoe", name=name, kind=Kind.EMPLOYEE, unit="desk", at=at))

    moment = Moment.fromtimestamp(office.at.timestamp(), UTC)
    moment.happens = lambda: register(elsewhere, "Zoe Birk", office.at)
    with pytest.raises(Conflict):
        register(office, "Zoe Amsel", moment)
    assert made == [office["zoe"]]
    assert office.app.names.said(office["zoe"])[1] == "Zoe Birk"
