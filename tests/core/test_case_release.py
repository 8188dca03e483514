"""Nothing is done before it is approved, waited for and released, nor after, nor wider."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from tests.core.sample import (
    ACCOUNT,
    DAY,
    EXE,
    GLASS,
    IDA,
    MANAGER,
    MANAGER_AND_DUTY,
    MAX,
    NOON,
    RESET,
    WITH_MANAGER,
    facts,
    procedure,
    standing,
)
from tests.core.story import (
    SIGNED,
    Tell,
    approved,
    asked,
    begun,
    closed,
    contained,
    declined,
    ended,
    escalated,
    executed,
    execution_refused,
    expired,
    frozen,
    given,
    glass_broken,
    handed_over,
    hold_over,
    hold_told,
    on,
    opened,
    page_opened,
    proved,
    released,
    reproved,
    started,
    ticketed,
    validated,
    verified,
    wait,
    withdrawn,
)
from watchword.core import event as past
from watchword.core.account import AccountClass, Status
from watchword.core.action import Action
from watchword.core.case import Contained, Executing, Releasable
from watchword.core.change import ResetFactors, ResetPassword, RevokeSessions
from watchword.core.errors import Conflict
from watchword.core.ids import CaseId
from watchword.core.quorum import Rule
from watchword.core.standing import (
    LONGEST_UNDER_WAY,
    Account,
    Recovery,
    RecoveryBegun,
    RecoverySettled,
    Stop,
    Thresholds,
    UnderWay,
)


def recovered(*when: timedelta, case: str = "c-earlier") -> Account:
    """The account with a recovery completed each of *when* before noon."""
    done = tuple(Recovery(at=NOON - w, case=CaseId(case), action=Action.UNLOCK, probation_s=0) for w in when)
    return msgspec.structs.replace(standing(), recoveries=done)


def beside(since: timedelta = timedelta(0), case: str = "c-other") -> Account:
    """The account with another case's changes on their way for *since*."""
    return msgspec.structs.replace(standing(), begun=UnderWay(case=CaseId(case), since=NOON - since))


def stopped(why: str, before: timedelta = timedelta(0), case: str = "c-other") -> Account:
    """The account on which another case was found fraudulent *before* noon."""
    return msgspec.structs.replace(standing(), stops=(Stop(at=NOON - before, case=CaseId(case), why=why),))


SEALED = msgspec.structs.replace(standing(), sealed_off=True)
"""The account of which only the strongest way is open."""

FAILED = msgspec.structs.replace(standing(), failures=(NOON,) * Thresholds().remote)
"""The account whose remote methods that can be talked out of somebody are closed for a day."""

READY = verified(WITH_MANAGER)

STEPS: tuple[tuple[Tell, ...], ...] = (
    (asked(),),
    (asked(), approved()),
    (asked(), approved(), released()),
    (asked(), approved(), released(), started()),
)


@pytest.mark.parametrize("why", ["disowned", "contained"])
@pytest.mark.parametrize("steps", [*STEPS, (glass_broken(GLASS),)], ids=lambda s: s[-1].__qualname__.split(".")[0])
def test_nothing_goes_on_beside_what_was_found_fraudulent(why: str, steps: tuple[Tell, ...]) -> None:
    """From the moment another case was disowned or contained, what was opened before takes no further step."""
    *before, step = steps
    story = given(READY, *before)
    given(on(stopped(why)), start=story).when(step).refused("stale_facts", f"{why}_meanwhile")
    given(on(stopped(why, timedelta(seconds=1))), start=story).when(step).works()
    given(on(stopped(why, case="c-one")), start=story).when(step).works()


@pytest.mark.parametrize("account", [SEALED, FAILED], ids=["sealed off", "failed"])
@pytest.mark.parametrize("steps", STEPS[1:], ids=["approve", "release", "start"])
def test_what_a_freeze_closed_carries_nothing_further(account: Account, steps: tuple[Tell, ...]) -> None:
    """A code that was proven before the account was frozen is no longer enough for approval, release or execution."""
    *before, step = steps
    refusal = given(READY, *before, on(account)).when(step).refused("frozen")
    assert "passkey" in refusal.remedy


@pytest.mark.parametrize("account", [SEALED, FAILED], ids=["sealed off", "failed"])
def test_a_freeze_never_stops_the_strongest_way(account: Account) -> None:
    """A passkey and the person on site carry a case through, also one that was frozen half-way."""
    strongest = given(opened(WITH_MANAGER), ticketed(), proved("passkey"), proved("in_person"), asked())
    given(on(account), approved(), released(), started(), start=strongest).now(Executing)


def test_a_freeze_leaves_nothing_half_done() -> None:
    """Once its first change was begun a case goes on to its end, and can be released again for that."""
    story = given(verified(procedure(Action.TOTAL_LOSS)), asked(), released(), page_opened(), started(), ended())
    given(on(SEALED), start=story).when(started()).then(Executing)
    given(on(SEALED), wait(minutes=16), released(), start=story).when(started()).then(Executing)


def test_broken_glass_proves_nobody_so_a_freeze_takes_nothing_from_it() -> None:
    """The predefined procedure verifies nobody; its two custodians are what a freeze can not close."""
    story = given(verified(), glass_broken(GLASS), on(SEALED))
    given(approved(IDA, "custodian"), released(), start=story).when(started()).then(Executing)


def test_the_first_start_tells_the_account() -> None:
    """A recovery begins with its first change, in the same append, and no later one begins it again."""
    story = given(verified(procedure(Action.TOTAL_LOSS)), asked(), released(), page_opened())
    story = story.when(started()).then(Executing, past.ChangeStarted, RecoveryBegun)
    assert story.account.under_way(story.at) == story.now(Executing).id
    given(ended(), start=story).when(started()).then(Executing, past.ChangeStarted)


def test_nothing_starts_beside_another_recovery() -> None:
    """While another case's changes are on their way none starts; not for ever, and a containment asks nobody."""
    story = given(verified(), asked(), released())
    given(on(beside()), start=story).when(started()).fails(Conflict, "under way")
    given(on(beside(LONGEST_UNDER_WAY)), start=story).when(started()).then(Executing)
    given(on(beside()), contained(), start=story).when(started(1)).then(Contained, past.ChangeStarted)


@pytest.mark.parametrize(
    "end",
    [
        (ended("refused"),),
        (ended("not_done"), execution_refused()),
        (ended("not_done"), frozen()),
        (ended("not_done"), contained()),
        (frozen(), ended("not_done")),
        (contained(),),
    ],
    ids=["refused", "given up", "frozen", "contained", "frozen, then known", "contained, never known"],
)
def test_a_case_that_goes_no_further_lets_others_go_on(end: tuple[Tell, ...]) -> None:
    """However a case fails, its account is free once what was on its way is known, and at once if it is contained."""
    story = given(verified(), asked(), released(), started(), *end)
    assert RecoverySettled in map(type, story.events)
    assert story.account.under_way(story.at) is None


def test_one_person_votes_once() -> None:
    """Who has voted can not vote again, neither for another seat nor with a no."""
    story = given(verified(procedure(approve=MANAGER_AND_DUTY)), asked(), approved(IDA, "iam_duty"))
    story.when(approved(IDA, "manager_of_record", "iam_duty")).refused("voted")
    story.when(declined(IDA, "iam_duty")).refused("voted")


def test_a_role_without_a_seat_can_not_vote() -> None:
    """Neither a yes nor a no counts from somebody the rule has no chair for."""
    story = given(verified(WITH_MANAGER), asked())
    story.when(approved(IDA, "iam_duty")).refused("no_seat")
    story.when(declined(IDA, "auditor")).refused("no_seat")


def test_an_approval_has_to_come_in_time() -> None:
    """A yes after the question ran out is refused, and so is one whose hold would outlive it."""
    given(verified(WITH_MANAGER), asked(), wait(days=1, seconds=1)).when(approved()).refused("expired")
    held = given(verified(procedure(approve=MANAGER, hold_s=3600)), asked(), wait(days=1, seconds=1))
    held.when(approved()).refused("expired")


def test_an_approval_is_of_the_bytes_that_are_asked() -> None:
    """A yes to a request that was shown before escalation is a conflict, not an approval."""
    story = given(verified(WITH_MANAGER), asked())
    before = story.history[-1].event
    assert isinstance(before, past.ApprovalAsked)
    story = given(escalated(WITH_MANAGER), asked("n-2"), start=story)
    story.when(approved(request=before.request)).fails(Conflict, "not what this case asks")


def test_a_rule_without_seats_approves_nothing() -> None:
    """`n: 0` is not `approve: none`: nobody can vote, and nothing is released."""
    story = given(verified(procedure(approve=Rule(name="A?", seats=()))), asked())
    story.when(approved(MAX, "manager_of_record")).refused("no_seat")
    story.when(released()).refused("wrong_state")


def test_nothing_is_released_before_it_is_asked_or_approved() -> None:
    """Verification and empty seats both stand before the release."""
    given(verified(WITH_MANAGER)).when(released()).refused("wrong_state")
    given(verified(WITH_MANAGER), asked()).when(released()).refused("wrong_state")


def test_a_release_does_not_cut_a_hold_short() -> None:
    """Until its last second the hold stands, for the releaser and for whoever says it is over."""
    story = given(verified(procedure(hold_s=3600)), asked(), hold_told(), wait(minutes=59, seconds=59))
    story.when(released()).refused("hold")
    story.when(hold_over()).refused("hold")


def test_a_release_is_of_what_was_approved() -> None:
    """A releaser who believes in more, less or another order is refused."""
    story = given(verified(procedure(Action.TOTAL_LOSS)), asked())
    factors, password = ResetFactors(account=ACCOUNT), ResetPassword(account=ACCOUNT)
    for wrong in ((factors,), (password, factors), (factors, password, RevokeSessions(account=ACCOUNT))):
        story.when(released(wrong)).refused("wider_than_approved")


def test_a_release_after_the_approval_ended_is_refused() -> None:
    """Approved is not approved for ever."""
    given(verified(WITH_MANAGER), asked(), approved(), wait(days=1, seconds=1)).when(released()).refused("expired")


def test_a_grant_that_runs_is_not_given_again() -> None:
    """A second release while the first still counts is refused, and so is one with a change on its way."""
    given(verified(), asked(), released()).when(released()).refused("wrong_state")
    story = given(verified(), asked(), released(), started(), ended("unknown"), wait(minutes=15))
    story.when(released()).refused("wrong_state")


@pytest.mark.parametrize(
    ("meanwhile", "why"),
    [
        (standing((NOON - DAY, facts(status=Status.LEAVER))), "leaver"),
        (standing((NOON - DAY, facts(None))), "no_class"),
        (standing((NOON - DAY, facts()), (NOON, facts(AccountClass.PRIVILEGED))), "class_raised"),
        (standing((NOON - DAY, facts(AccountClass.FINANCE)), (NOON, facts())), "class_raised"),
        (recovered(timedelta(0)), "recovered_meanwhile"),
    ],
)
@pytest.mark.parametrize(
    ("so_far", "then"),
    [
        ((verified(),), asked()),
        ((verified(), asked()), released()),
        ((verified(), asked(), released()), started()),
        ((opened(), ticketed()), glass_broken(GLASS)),
    ],
    ids=["ask", "release", "start", "break_glass"],
)
def test_facts_that_became_stricter_stop_a_running_case(
    so_far: tuple[Tell, ...], then: Tell, meanwhile: Account, why: str
) -> None:
    """Who left, rose in class or was recovered through another case is not served by what was opened before."""
    given(*so_far, on(meanwhile)).when(then).refused("stale_facts", why)


def test_nothing_starts_without_release() -> None:
    """No state before the release lets a change begin."""
    for so_far in ((opened(),), (verified(),), (verified(WITH_MANAGER), asked()), (verified(), asked())):
        given(*so_far).when(started(0)).refused("wrong_state")


def test_a_change_is_begun_once() -> None:
    """Begun again while on its way, after it was done, or out of order, a change is refused."""
    story = given(verified(procedure(Action.TOTAL_LOSS)), asked(), released(), page_opened())
    story.when(started(1)).refused("order")
    story.when(started(-1)).refused("order")
    story = given(started(0), start=story)
    story.when(started(0)).refused("one_use")
    story.when(started(1)).refused("order")
    given(ended("unknown"), start=story).when(started(0)).refused("one_use")
    given(ended(), start=story).when(started(0)).refused("one_use")
    given(ended(), started(1), ended(), start=story).when(started(2)).refused("wrong_state")


def test_a_change_has_to_begin_within_the_grant() -> None:
    """The executor's grant ends on the minute."""
    given(verified(), asked(), released(), wait(minutes=15)).when(started()).refused("expired")


def test_a_change_with_a_credential_needs_a_key_to_seal_it_to() -> None:
    """Nothing secret is born before the person's browser has made a key."""
    given(verified(RESET), asked(), released()).when(started()).refused("no_hand_over_key")


def test_an_outcome_belongs_to_a_change_on_its_way() -> None:
    """What never began, or has its outcome, gets no other."""
    given(verified(), asked(), released()).when(ended("done", 0)).refused("order")
    given(verified(), asked(), released(), started(), ended()).when(ended("not_done", 0)).refused("order")
    given(opened()).when(ended("done", 0)).refused("order")


def test_a_change_on_its_way_is_read_back_before_the_case_goes_on() -> None:
    """Neither the executor's no nor anything else buries an unknown outcome."""
    story = given(verified(), asked(), released(), started(), ended("unknown"))
    story.when(execution_refused()).refused("in_flight")
    for end in (withdrawn(), expired(), closed()):
        story.when(end).refused("wrong_state")


def test_a_failed_case_can_not_be_revived() -> None:
    """No outcome, start or release brings a failed case back."""
    story = given(verified(), asked(), released(), started(), ended("refused"))
    for tell in (started(0), ended("done", 0), released(), validated(), page_opened()):
        story.when(tell).refused()


def test_a_hand_over_is_opened_by_one_browser() -> None:
    """A second key is refused, also when the case is released again."""
    story = given(verified(RESET), asked(), released(), page_opened())
    story.when(page_opened("{}")).refused("opened")
    story.when(wait(minutes=15), released(), page_opened("{}")).refused("opened")


def test_a_hand_over_is_opened_while_the_release_lasts_and_only_where_something_is_born() -> None:
    """An unlock hands over nothing, and a page opened too late is told so."""
    given(verified(), asked(), released()).when(page_opened()).refused("no_credential")
    given(verified(RESET), asked(), released(), wait(minutes=15)).when(page_opened()).refused("expired")


def test_nothing_is_handed_over_without_another_proof() -> None:
    """The proofs of the verification are not enough: one enforced method is proven again, and lately."""
    story = given(verified(RESET), asked(), released(), executed(), validated())
    story.when(handed_over()).refused("not_reproved")
    story.when(reproved(), wait(minutes=16), handed_over()).refused("not_reproved")


def test_a_re_proof_is_of_an_enforced_method_and_after_the_page_was_opened() -> None:
    """An agent's word does not release a credential, and a proof before there is a key is none."""
    story = given(verified(RESET), asked(), released())
    story.when(begun("totp", "again", purpose="hand_over")).refused("no_hand_over_key")
    story = given(page_opened(), start=story)
    story.when(begun("in_person", "again", purpose="hand_over")).refused("attested_only")


def test_a_re_proof_is_of_a_method_proven_before() -> None:
    """Another enforced method, which nobody held against the requirement, lets nothing go."""
    story = given(verified(RESET), asked(), released(), page_opened())
    story.when(begun("callback", "again", by=EXE, purpose="hand_over")).refused("not_proved_before")
    story.when(begun("passkey", "again", by=EXE, purpose="hand_over")).refused("not_proved_before")
    given(begun("mail_code", "again", by=EXE, purpose="hand_over"), start=story)


def test_a_sealed_credential_waits_an_hour() -> None:
    """After that it is over, and the case can only be closed."""
    story = given(verified(RESET), asked(), released(), executed(), validated(), wait(minutes=59), reproved())
    story.when(wait(minutes=1, seconds=1), handed_over()).refused("expired")


def test_a_credential_is_handed_over_once_and_after_the_read_back() -> None:
    """Neither before the change was found sound, nor a second time."""
    story = given(verified(RESET), asked(), released(), executed(), reproved())
    story.when(handed_over()).refused("wrong_state")
    given(validated(), handed_over(), start=story).when(handed_over()).refused("wrong_state")


def test_a_signature_that_is_asked_is_not_made_up_for_by_a_session() -> None:
    """Where the procedure asks for signatures nothing else is a yes; where it does not, both are."""
    strict = given(verified(procedure(approve=msgspec.structs.replace(MANAGER, signed=True))), asked())
    strict.when(approved()).refused("unsigned")
    strict.when(approved(proof="{}")).refused("unsigned")
    strict.when(approved(proof=SIGNED)).then(Releasable, past.ApprovalGiven)
    given(verified(WITH_MANAGER), asked()).when(approved(proof=SIGNED)).then(Releasable, past.ApprovalGiven)
