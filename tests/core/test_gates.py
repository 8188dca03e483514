"""What every decision asks first: the right state, facts that still stand, and no other change on its way."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from tests.core.sample import ANN, CASE, DAY, NOON, WITH_MANAGER, facts, standing
from tests.core.story import asked, ended, given, opened, released, started, verified
from watchword.core import command as do
from watchword.core.account import AccountClass, Status
from watchword.core.action import Action
from watchword.core.case import Case, Released, Verifying
from watchword.core.errors import Conflict, Refused
from watchword.core.gates import CASE_LIFE, WEEK, demand_alone, demand_settled, demand_standing, in_state, is_idle
from watchword.core.ids import CaseId
from watchword.core.standing import Account, Recovery, UnderWay

OTHER = CaseId("c-other")


def opened_case(account_class: AccountClass = AccountClass.STANDARD) -> Case:
    """Sue's case, opened at noon while her account was of that class."""
    case = given(opened()).now(Verifying)
    return msgspec.structs.replace(case, account_class=account_class)


def stale(account: Account, case: Case | None = None) -> tuple[str, ...]:
    """Why the case no longer stands; nothing where it does."""
    try:
        demand_standing(case or opened_case(), account, NOON)
    except Refused as refused:
        return refused.reasons
    return ()


def recovered(case: CaseId, at: timedelta) -> Account:
    """The account with one recovery, *at* after noon."""
    done = Recovery(at=NOON + at, case=case, action=Action.UNLOCK, probation_s=0)
    return msgspec.structs.replace(standing(), recoveries=(done,))


def test_a_case_is_in_one_state() -> None:
    """It is given back where it is in one of those asked for, and refused with the state it is in otherwise."""
    case = given(opened()).now(Verifying)
    assert in_state(case, do.LinkTicket(by=ANN), Released, Verifying) is case
    with pytest.raises(Refused) as caught:
        in_state(case, do.LinkTicket(by=ANN), Released)
    assert caught.value.reasons == ("wrong_state", "verifying")
    assert "linkticket" in caught.value.what


def test_a_state_of_two_words_is_one_reason() -> None:
    """Reasons are for machines: no blank is in them."""
    waiting = given(verified(WITH_MANAGER), asked()).case
    assert waiting is not None
    with pytest.raises(Refused) as caught:
        in_state(waiting, do.LinkTicket(by=ANN), Verifying)
    assert caught.value.reasons == ("wrong_state", "awaiting_approval")


def test_facts_that_did_not_change_stand() -> None:
    """A year-old account of the class it was opened with has nothing against it."""
    assert stale(standing()) == ()


def test_who_left_recovers_nothing() -> None:
    """A leaver's account is not recovered, whatever was proved before."""
    gone = standing((NOON - 365 * DAY, facts(status=Status.LEAVER)))
    assert stale(gone)[:2] == ("stale_facts", "leaver")


def test_an_account_of_no_class_recovers_nothing() -> None:
    """What policy can not place has no procedure; that is no raised class, and said as what it is."""
    assert stale(standing((NOON - 365 * DAY, facts(None)))) == ("stale_facts", "no_class")


def test_a_raised_class_needs_another_case() -> None:
    """A case for a standard account is not enough for one that became privileged; the other way round it is."""
    raised = standing((NOON - 365 * DAY, facts(AccountClass.PRIVILEGED)))
    assert stale(raised) == ("stale_facts", "class_raised")
    assert stale(raised, opened_case(AccountClass.PRIVILEGED)) == ()
    assert stale(standing(), opened_case(AccountClass.PRIVILEGED)) == ()


@pytest.mark.parametrize(
    ("case", "seconds", "overtaken"), [(OTHER, 0, True), (OTHER, 1, True), (OTHER, -1, False), (CASE, 0, False)]
)
def test_a_recovery_since_the_opening_overtakes_the_case(case: CaseId, seconds: int, *, overtaken: bool) -> None:
    """From the instant it was opened on; its own recovery does not."""
    want = ("stale_facts", "recovered_meanwhile") if overtaken else ()
    assert stale(recovered(case, timedelta(seconds=seconds))) == want


def test_everything_against_it_is_said_at_once() -> None:
    """In words for people too, without underscores."""
    account = msgspec.structs.replace(
        recovered(OTHER, timedelta(0)), observations=standing((NOON - DAY, facts(status=Status.LEAVER))).observations
    )
    with pytest.raises(Refused) as caught:
        demand_standing(opened_case(), account, NOON)
    assert caught.value.reasons == ("stale_facts", "leaver", "recovered_meanwhile")
    assert "leaver, recovered meanwhile" in caught.value.what


def test_one_recovery_of_an_account_at_a_time() -> None:
    """Another case's changes hold this one up, its own do not, and none do after a day."""
    free = standing()
    demand_alone(opened_case(), free, NOON)
    demand_alone(opened_case(), msgspec.structs.replace(free, begun=UnderWay(case=CASE, since=NOON)), NOON)
    held = msgspec.structs.replace(free, begun=UnderWay(case=OTHER, since=NOON))
    with pytest.raises(Conflict, match="under way"):
        demand_alone(opened_case(), held, NOON)
    demand_alone(opened_case(), held, NOON + DAY)


def test_a_change_whose_end_nobody_knows_is_on_its_way() -> None:
    """Begun and not ended; before and after that nothing is."""
    before = given(verified(), asked(), released())
    begun = given(started(), start=before)
    done = given(ended(), start=begun)
    assert [is_idle(s.case) for s in (before, begun, done) if s.case] == [True, False, True]
    assert begun.case is not None
    assert done.case is not None
    with pytest.raises(Refused) as caught:
        demand_settled(begun.case)
    assert caught.value.reasons == ("in_flight",)
    demand_settled(done.case)


def test_the_spans_are_those_that_are_documented() -> None:
    """A week without recovery, and two days of a case's life."""
    assert timedelta(days=7) == WEEK
    assert timedelta(days=2) == CASE_LIFE
