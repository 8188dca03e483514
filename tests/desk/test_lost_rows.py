"""Effect rows that a database writer, or a restore, took away: every case comes to its right end, and once."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

import pytest

from tests.desk.office import Office, refused
from tests.desk.test_afterwards import REVOKE, SUSPEND, broken, contain
from tests.desk.test_decisions import asked
from watchword.core import command as do
from watchword.core.action import Action, Step
from watchword.core.case import Contained, Holding, progress_of
from watchword.core.change import Change, Receipt
from watchword.core.ids import CaseId
from watchword.desk.asks import Kind
from watchword.desk.reminder import batched
from watchword.directories.sandbox import Sandbox, SignIn

DELETED = "DELETE FROM effect"
SETTLED = "UPDATE effect SET state = 'done', lease_owner = NULL, lease_until = NULL"
CANCELLED = "UPDATE effect SET state = 'cancelled'"
PUT_OFF = "UPDATE effect SET due_at = '9999-01-01T00:00:00.000Z', state = 'due'"
LEASED = "UPDATE effect SET state = 'claimed', lease_owner = 'nobody', lease_until = '9999-01-01T00:00:00.000Z'"
MOVED = "UPDATE effect SET stream = 'case/c-nobody'"

spoilt = pytest.mark.parametrize(
    "how",
    [DELETED, SETTLED, CANCELLED, PUT_OFF, LEASED, MOVED],
    ids=["deleted", "settled", "cancelled", "put off", "leased", "moved"],
)


def meanwhile(office: Office, statement: str) -> None:
    """Run SQL on the ledger's database while it is in use."""
    with sqlite3.connect(office.home / "ledger.db", isolation_level=None) as connection:
        connection.execute(statement)
    connection.close()


@spoilt
def test_released(office: Office, how: str) -> None:
    """A released case is executed, and its credential fits."""
    case = office.released()
    office.tamper(how)
    office.run()
    assert (office.state(case), office.version("mara.lind"), office.version("mara.lind", REVOKE)) == ("checked", 1, 1)
    assert office.directory.sign_in("mara.lind", office.take(case)) is SignIn.MUST_CHANGE


@spoilt
def test_change_whose_end_is_unknown(office: Office, how: str) -> None:
    """What became of it is read back, and the rest of the case goes on."""
    case = office.released()
    office.directory.outage = "after"
    office.run()
    office.tamper(how)
    office.pass_by(minutes=1)
    assert (office.state(case), office.version("mara.lind"), office.version("mara.lind", REVOKE)) == ("checked", 1, 1)


@spoilt
def test_executor_that_ended_before_the_change(office: Office, how: str) -> None:
    """What was begun is left alone for as long as an executor might be at it, then read back and begun again."""
    case = office.released()
    office.crash_before_apply(case)
    office.tamper(how)
    office.run()
    assert office.types(case)[-1] == "change.started"
    for _ in range(4):
        office.pass_by(minutes=1)
    assert (office.state(case), office.version("mara.lind")) == ("checked", 1)
    assert office.types(case).count("change.started") == 3


class Robbed(Sandbox):
    """The sandbox, in which something happens while a change is being made."""

    happens: Callable[[], None]

    def apply(
        self, native_id: str, change: Change, effect_id: str, secret: str | None = None, value: str | None = None
    ) -> Receipt:
        """Let it happen, then make the change."""
        self.happens()
        return super().apply(native_id, change, effect_id, secret, value)


def test_executor_that_is_at_work(office: Office) -> None:
    """Its row is taken away in mid-change and another executor asks again: the change is not made twice."""
    case = office.released()
    office.directory.close()
    robbed = Robbed(office.home / "sandbox.db", clock=lambda: office.at)
    office.app.directories["sandbox"] = robbed

    def rob() -> None:
        meanwhile(office, DELETED)
        other = office.app.runner_of(desk=False, executor=True)
        other.drain(office.at)
        assert [e.kind for e in office.app.ledger.effects()] == [Kind.CHANGE]

    robbed.happens = rob
    office.app.runner.step(office.at)
    robbed.happens = lambda: None
    for _ in range(3):
        office.pass_by(minutes=1)
    assert (office.state(case), office.version("mara.lind")) == ("checked", 1)
    assert office.types(case).count("change.started") == 2


def test_executed_and_not_read_again(office: Office) -> None:
    """A case whose changes are done is validated."""
    case = office.released()
    while office.state(case) != "executed":
        assert office.app.runner.step(office.at)
    office.tamper(DELETED)
    office.run()
    assert (office.state(case), office.version("mara.lind")) == ("checked", 1)


@spoilt
def test_hold(office: Office, how: str) -> None:
    """A hold ends at its time and no sooner, and those it warns are warned."""
    case = asked(office, "eve.exec", "in_person", "totp")
    office.approve(case, "boss.one", "sam.security")
    now = office.case(case)
    assert isinstance(now, Holding)
    office.tamper(how)
    office.run()
    assert office.state(case) == "holding"
    assert office.app.outbox is not None
    # That it was told is an entry, so a notice that stands as settled and is in none was not sent.
    assert any("was approved" in sent.text for sent in office.app.outbox.sent("eve.exec@example.test"))
    office.wait(seconds=(now.until - office.at).total_seconds())
    office.run()
    assert office.state(case) == "releasable"


@spoilt
def test_contained(office: Office, how: str) -> None:
    """What a containment takes back is taken back, once, and the case whose changes were in flight is read back."""
    case = office.released()
    office.directory.outage = "after"
    office.run()
    contain(office, case)
    office.tamper(how)
    for _ in range(3):
        office.pass_by(minutes=1)
    now = office.case(case)
    assert isinstance(now, Contained)
    assert [p.outcome for p in progress_of(now)] == ["done", "done", "done"]
    assert (office.version("mara.lind", SUSPEND), office.version("mara.lind", REVOKE)) == (1, 1)
    assert office.version("mara.lind") == 1


def test_contained_before_anybody_else_was_stopped(office: Office) -> None:
    """The cases of the same agents are stopped all the same, those opened since are not."""
    case, other = office.open(), office.open("noah.berg")
    steps = office.app.desk.steps
    steps.step(case, office["sam.security"], Step.CONTAIN, lambda _: do.Contain(by=office["sam.security"]), office.at)
    office.tamper(DELETED)
    office.wait(minutes=10)
    since = office.open("boss.one")
    office.run()
    assert [office.state(c) for c in (other, since)] == ["frozen", "verifying"]
    assert office.version("mara.lind", SUSPEND) == 1


@spoilt
def test_review(office: Office, how: str) -> None:
    """A review that nobody gives is overdue at its time."""
    case = broken(office)
    office.app.desk.decisions.withdraw(office["ada.agent"], case, "over", office.at)
    office.tamper(how)
    office.run()
    assert not office.case(case).review_overdue
    office.pass_by(days=1)
    assert office.case(case).review_overdue
    assert office.types(case).count("review.overdue") == 1
    office.tamper(DELETED)
    office.pass_by(minutes=10)
    assert not [e for e in office.app.ledger.effects() if e.kind == Kind.REVIEW]


@spoilt
def test_nobody_went_on(office: Office, how: str) -> None:
    """A case in which nothing happens expires."""
    case = office.open()
    office.tamper(how)
    office.run()
    assert office.state(case) == "verifying"
    office.pass_by(days=2)
    assert office.state(case) == "expired"


def test_code_that_was_not_sent(office: Office) -> None:
    """A code is sent while its challenge runs."""
    case = office.open(action=Action.FACTOR_RESET, factors=("security_key",))
    challenge = office.begin(case, "mail_code")
    office.tamper(DELETED)
    office.run()
    assert office.delivered(case, challenge)


@pytest.mark.parametrize("close", [False, True])
def test_handed_over(office: Office, close: bool) -> None:
    """A case whose credential is with the person stays as it is: nothing is done or told twice."""
    case = office.released()
    office.run()
    office.take(case)
    if close:
        office.app.desk.decisions.close(office["ada.agent"], case, office.at)
    assert office.app.outbox is not None
    before, told = office.types(case), len(office.app.outbox.sent())
    office.tamper(DELETED)
    for _ in range(3):
        office.pass_by(minutes=10)
    assert (office.types(case), office.version("mara.lind"), office.version("mara.lind", REVOKE)) == (before, 1, 1)
    assert len(office.app.outbox.sent()) == told
    assert refused(lambda: office.take(case))


def test_from_time_to_time(office: Office) -> None:
    """A desk that goes on running misses what was taken from it within minutes."""
    office.run()
    case = office.released()
    meanwhile(office, DELETED)
    office.pass_by(minutes=4)
    assert (office.state(case), office.app.ledger.effects()) == ("released", ())
    office.pass_by(minutes=1)
    assert (office.state(case), office.version("mara.lind")) == ("checked", 1)


def test_each_asks_for_what_it_does(office: Office) -> None:
    """An executor of its own asks for changes, and leaves a desk's rows to the desk."""
    case, waiting = office.released(), office.open("noah.berg")
    office.tamper(DELETED)
    office.app.runner_of(desk=False, executor=True).drain(office.at)
    assert office.state(case) == "checked"
    assert not [e for e in office.app.ledger.effects() if e.stream == f"case/{waiting}"]
    office.app.runner_of(desk=True, executor=False).drain(office.at)
    assert [e.kind for e in office.app.ledger.effects() if e.stream == f"case/{waiting}"] == [Kind.EXPIRE]


def test_grant_that_ran_out_waits_for_people(office: Office) -> None:
    """A release that nobody used in time is not gone back to until somebody releases again."""
    case = office.released()
    office.wait(minutes=15)
    office.tamper(DELETED)
    office.run()
    assert (office.state(case), rows_of(office, case, Kind.CHANGE)) == ("released", 0)
    office.release(case)
    office.tamper(DELETED)
    office.run()
    assert (office.state(case), office.version("mara.lind")) == ("checked", 1)


def test_cases_that_are_over_are_not_read(office: Office) -> None:
    """Only cases that may owe something are looked at, so that their number does not make it slow."""
    over, running = office.open(), office.open("noah.berg")
    office.app.desk.decisions.withdraw(office["ada.agent"], over, "no", office.at)
    office.app.follow()
    office.wait(days=2)
    assert office.app.steps.cases.may_owe(office.at) == (running,)


def rows_of(office: Office, case: CaseId, kind: str) -> int:
    """How many rows of a kind wait, or waited, for a case."""
    return sum(e.kind == kind and e.stream == f"case/{case}" for e in office.app.ledger.effects())


def test_many_rows_are_asked_for_in_parts() -> None:
    """Every row is in one part, in its order, and none is too long for a statement."""
    names = [f"e-{n}" for n in range(1001)]
    parts = list(batched(names, 500))
    assert [len(part) for part in parts] == [500, 500, 1]
    assert [name for part in parts for name in part] == names
    assert list(batched([], 500)) == []
