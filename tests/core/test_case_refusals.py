"""What the rules refuse, and why: each refusal names its reason and leaves the case as it was."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from tests.core.sample import (
    ACCOUNT,
    ANN,
    CASE,
    COY,
    CUSTODIAN,
    CYD,
    DAY,
    EXE,
    IDA,
    MANAGER,
    MANAGER_AND_DUTY,
    MAX,
    METHODS,
    NOON,
    REX,
    RUE,
    SUE,
    VIC,
    facts,
    procedure,
    standing,
)
from tests.core.story import (
    Tell,
    answered,
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
    missed,
    on,
    opened,
    page_opened,
    proved,
    released,
    reproved,
    reviewed,
    started,
    step,
    ticketed,
    validated,
    verified,
    wait,
    withdrawn,
)
from watchword.core import command as do
from watchword.core import event as past
from watchword.core.account import AccountClass, Status
from watchword.core.action import Action, Step
from watchword.core.case import TERMINAL, Releasable, Verifying
from watchword.core.change import GrantOverride, IssuePass, ResetFactors, ResetPassword, RevokeSessions, Suspend, Unlock
from watchword.core.errors import Conflict, Invalid
from watchword.core.ids import AccountId, CaseId, PersonId
from watchword.core.origin import OriginFailed
from watchword.core.quorum import Rule
from watchword.core.requirement import Context, Requirement
from watchword.core.ruling import Ruling
from watchword.core.standing import Account, FailureRecorded, Recovery

RESET = procedure(Action.PASSWORD_RESET)
WITH_MANAGER = procedure(approve=MANAGER)
GLASS = procedure(approve=CUSTODIAN, cell="break_glass.unlock")


def recovered(*when: timedelta, case: str = "c-earlier") -> Account:
    """The account with a recovery completed each of *when* before noon."""
    done = tuple(Recovery(at=NOON - w, case=CaseId(case), action=Action.UNLOCK, probation_s=0) for w in when)
    return msgspec.structs.replace(standing(), recoveries=done)


# --- rulings and intake ------------------------------------------------------------------------------------------


def test_nothing_is_decided_without_a_ruling() -> None:
    """A person whom policy does not let take the step is refused before anything else is looked at."""
    no = Ruling(person=ANN, step=Step.CLOSE, allowed=False, reasons=("separate_close",))
    given(opened()).when(step(do.Close(by=ANN), ruling=no)).refused("separate_close")


def test_a_ruling_with_a_diagnostics_error_is_a_refusal() -> None:
    """Policy that could not be evaluated whole refuses, even where it also permits."""
    broken = Ruling(person=ANN, step=Step.LINK_TICKET, allowed=True, errors=("attribute not found",))
    given(opened()).when(step(do.LinkTicket(by=ANN), ruling=broken)).refused("attribute not found")


def test_a_leaver_is_not_recovered() -> None:
    """An account of somebody who left opens no case."""
    given(on(standing((NOON - DAY, facts(status=Status.LEAVER))))).when(opened()).refused("leaver")


def test_an_account_in_no_class_is_refused() -> None:
    """No class, no procedure."""
    given().when(opened(account_class=None)).refused("no_class")


def test_an_account_its_directory_protects_is_refused_with_its_way_on() -> None:
    """What the directory keeps from us is refused at intake and not halfway through."""
    refused = given().when(opened(protected="This account is under AdminSDHolder.")).refused("protected")
    assert "administrators" in refused.remedy


def test_an_account_nobody_ever_read_is_refused() -> None:
    """A missing fact is a refusal."""
    unseen = Account(id=ACCOUNT, directory="sandbox")
    given(on(unseen)).when(opened()).refused("missing_fact")


def test_a_procedure_of_a_weaker_class_does_not_answer() -> None:
    """An executive's case is not opened under the standard row."""
    given().when(opened(account_class=AccountClass.EXECUTIVE)).refused("no_cell")


def test_without_a_procedure_nothing_is_opened() -> None:
    """No matching cell fails closed."""
    command = do.Open(
        case=CASE,
        account=ACCOUNT,
        account_class=AccountClass.STANDARD,
        unit="north",
        action=Action.UNLOCK,
        changes=(Unlock(account=ACCOUNT),),
        context=Context(),
        opener=ANN,
        subject=SUE,
        origin=None,
    )
    given().when(step(command, None)).refused("no_cell")


def test_the_third_recovery_in_a_week_is_refused() -> None:
    """Two completed recoveries within seven days close the desk to the account; older ones do not."""
    given(on(recovered(DAY, 2 * DAY))).when(opened()).refused("third_in_7d")
    given(on(recovered(DAY, 8 * DAY))).when(opened()).then(Verifying)


@pytest.mark.parametrize(
    "changes",
    [
        (),
        (ResetPassword(account=ACCOUNT),),
        (Unlock(account=ACCOUNT), ResetPassword(account=ACCOUNT)),
        (Unlock(account=ACCOUNT), Unlock(account=ACCOUNT)),
        (RevokeSessions(account=ACCOUNT),),
        (Unlock(account=ACCOUNT), Suspend(account=ACCOUNT)),
        (Unlock(account=AccountId("a-other")),),
    ],
)
def test_changes_have_to_belong_to_the_action_and_the_account(changes: tuple[Unlock, ...]) -> None:
    """A case asks for its action's changes, each once, to its own account, and for nothing wider."""
    given().when(opened(changes=changes)).fails(Invalid, "^changes: ")


@pytest.mark.parametrize(
    ("action", "change"),
    [
        (Action.BYPASS_CODE, IssuePass(account=ACCOUNT, lifetime_s=599)),
        (Action.BYPASS_CODE, IssuePass(account=ACCOUNT, lifetime_s=3601)),
        (Action.PRIVILEGED_OVERRIDE, GrantOverride(account=ACCOUNT, role="admin", lifetime_s=14_401)),
    ],
)
def test_lifetimes_are_bounded(action: Action, change: IssuePass | GrantOverride) -> None:
    """A pass lives ten minutes to an hour, an override at most four hours."""
    given().when(opened(procedure(action), changes=(change,))).fails(Invalid, "lifetime")


def test_a_case_is_opened_once_and_has_one_ticket() -> None:
    """Opening again is a conflict; a second ticket is refused."""
    given(opened()).when(opened()).fails(Conflict, "open already")
    given(opened(), ticketed()).when(ticketed()).refused()


def test_a_case_that_is_not_there_can_not_be_stepped() -> None:
    """Every command but opening needs a case."""
    given().when(ticketed()).fails(Invalid, "no such case")


# --- verification ------------------------------------------------------------------------------------------------


def test_three_wrong_codes_fail_the_account_and_the_origin() -> None:
    """The third wrong answer ends the challenge and sticks to the target and to where the caller came from."""
    story = given(opened(), begun("totp"), missed("totp"), missed("totp"))
    assert not story.account.failures
    story = story.when(missed("totp")).then(Verifying, past.MethodFailed, FailureRecorded, OriginFailed)
    assert (len(story.account.failures), len(story.origin.failures)) == (1, 1)
    story.when(answered("totp")).refused("used")


def test_beginning_again_does_not_make_guesses_free() -> None:
    """Wrong answers to challenges that were left count together: the third of a case is a failure."""
    story = given(opened(), begun("totp", "one"), missed("one"), missed("one"), begun("totp", "two"))
    story.when(missed("two")).then(Verifying, past.MethodFailed, FailureRecorded, OriginFailed)


def test_wrong_answers_before_the_right_one_are_forgiven() -> None:
    """A person who mistypes twice and then proves has failed nothing."""
    story = given(opened(), begun("totp"), missed("totp"), missed("totp"), answered("totp"), begun("mail_code"))
    story.when(missed("mail_code")).then(Verifying, past.ChallengeMissed)


def test_a_method_that_ends_in_no_fails_at_once() -> None:
    """A person who says on the phone that they asked for nothing is one failure, without three tries."""
    given(opened(), begun("callback")).when(missed("callback", final=True)).then(
        Verifying, past.MethodFailed, FailureRecorded, OriginFailed
    )


def test_a_challenge_of_another_case_proves_nothing_here() -> None:
    """An answer to a challenge this case never began is refused, right or wrong."""
    given(opened()).when(answered("elsewhere")).refused("foreign_challenge")
    given(opened()).when(missed("elsewhere")).refused("foreign_challenge")


def test_a_challenge_is_begun_once_and_ends() -> None:
    """Its id is used once, an answer after its time is refused, and so is a second answer."""
    given(opened(), begun("totp", "one")).when(begun("totp", "one")).fails(Conflict, "begun already")
    given(opened(), begun("totp", minutes=10), wait(minutes=10, seconds=1)).when(answered("totp")).refused("expired")
    given(opened(), proved("totp")).when(answered("totp")).refused("used")


def test_a_method_unknown_to_the_procedure_is_not_begun() -> None:
    """Only what the case's own requirement weighs may be begun."""
    given(opened()).when(begun("horoscope")).refused("unknown_method")


def test_a_young_contact_point_proves_nothing() -> None:
    """A phone number that changed within thirty days is not called."""
    given(opened()).when(begun("callback", contact_changed=timedelta(days=29))).refused("young_contact")
    given(opened()).when(begun("callback", contact_changed=timedelta(days=30))).then(Verifying)


def failures(count: int) -> tuple[Tell, ...]:
    """So many failures, each of its own challenge."""
    return tuple(tell for n in range(count) for tell in (begun("in_person", f"f{n}"), missed(f"f{n}", final=True)))


def test_three_failures_close_the_remote_phishable_methods() -> None:
    """After three failures within a day a code can not be begun, and a passkey still can."""
    story = given(opened(), *failures(3))
    story.when(begun("totp")).refused("frozen")
    story.when(begun("passkey")).then(Verifying)
    story.when(wait(days=1, seconds=1), begun("totp")).then(Verifying)


def test_five_failures_leave_the_strongest_way_and_never_close_it() -> None:
    """After five failures, and also days later, what usually suffices does not, and the strongest way does."""
    rule = procedure(verify=(msgspec.structs.replace(procedure().verify[0], min_methods=1),))
    story = given(opened(rule), ticketed(), *failures(5), wait(days=3))
    given(proved("passkey"), start=story).when(asked()).refused("unverified")
    given(proved("passkey"), proved("in_person"), start=story).when(asked()).then(Releasable)


def test_a_proof_that_was_on_its_way_when_the_account_froze_does_not_count() -> None:
    """A code begun before the third failure may be answered, but the question is held to the freeze."""
    story = given(opened(), ticketed(), proved("mail_code"), begun("totp"), *failures(3), answered("totp"))
    story.when(asked()).refused("unverified")


def test_verification_is_fresh_for_fifteen_minutes_when_asked() -> None:
    """A proof older than a quarter of an hour is worth nothing at the question."""
    given(verified(), wait(minutes=15)).when(asked()).then(Releasable)
    given(verified(), wait(minutes=15, seconds=1)).when(asked()).refused("unverified")


def test_attested_methods_alone_satisfy_nothing() -> None:
    """However much two human words weigh, one method has to be checked by the software."""
    story = given(opened(), ticketed(), proved("in_person"), proved("known_voice"))
    refused = story.when(asked()).refused("unverified")
    assert "software checks" in refused.what


def test_too_little_is_refused_with_what_is_missing() -> None:
    """The refusal says what each way still lacks."""
    refused = given(opened(), ticketed(), proved("totp")).when(asked()).refused("unverified")
    assert "V1: 1 more independent method(s); weight 2 of 4" in refused.what


def test_without_a_ticket_nothing_is_asked() -> None:
    """A case that no ticket speaks for goes no further, also through broken glass."""
    given(opened(), proved("totp"), proved("mail_code")).when(asked()).refused("no_ticket")
    given(opened()).when(glass_broken(GLASS)).refused("no_ticket")


# --- approval, hold, release -------------------------------------------------------------------------------------


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
    story = given(verified(procedure(hold_s=3600)), asked(), wait(minutes=59, seconds=59))
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


# --- execution ---------------------------------------------------------------------------------------------------


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


# --- hand-over ---------------------------------------------------------------------------------------------------


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


def test_a_sealed_credential_waits_an_hour() -> None:
    """After that it is over, and the case can only be closed."""
    story = given(verified(RESET), asked(), released(), executed(), validated(), wait(minutes=59), reproved())
    story.when(wait(minutes=1, seconds=1), handed_over()).refused("expired")


def test_a_credential_is_handed_over_once_and_after_the_read_back() -> None:
    """Neither before the change was found sound, nor a second time."""
    story = given(verified(RESET), asked(), released(), executed(), reproved())
    story.when(handed_over()).refused("wrong_state")
    given(validated(), handed_over(), start=story).when(handed_over()).refused("wrong_state")


# --- escalate, break glass, contain, review ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lower", "name"),
    [
        ({"hold_s": 0}, "hold"),
        ({"hold_waived_by": ("totp",)}, "hold"),
        ({"approve": None}, "approve"),
        ({"approve": MANAGER}, "approve"),
        ({"verify": ()}, "verify"),
        ({"separate": ()}, "separate"),
        ({"policy": "00" * 32}, "procedure"),
        ({"review_s": 0}, "review"),
        ({"methods": (msgspec.structs.replace(METHODS[0], weight=9),)}, "methods"),
        ({"verify": (msgspec.structs.replace(procedure().verify[0], min_weight=3),)}, "verify"),
    ],
)
def test_a_requirement_may_only_be_raised(lower: dict[str, Any], name: str) -> None:
    """Escalating to anything that asks less in any part is refused, and says which."""
    strict: dict[str, Any] = {"approve": MANAGER_AND_DUTY, "hold_s": 3600, "review_s": 60}
    story = given(verified(procedure(**strict)))
    less: Requirement = procedure(**(strict | lower))
    story.when(escalated(less)).refused("lowered", name)


def test_the_glass_is_broken_once_and_not_by_one_person() -> None:
    """Who broke it does not approve it, nobody breaks it again, and nothing is escalated from there."""
    story = given(opened(), ticketed(), glass_broken(GLASS))
    story.when(approved(CYD, "custodian")).refused("same_person")
    story.when(glass_broken(GLASS, COY)).refused("glass_broken")
    story.when(escalated(WITH_MANAGER)).refused("glass_broken")


def test_broken_glass_does_not_undo_a_no() -> None:
    """A case an approver declined, or that was released, is beyond break-glass."""
    given(verified(WITH_MANAGER), asked(), declined()).when(glass_broken(GLASS)).refused("wrong_state")
    given(verified(), asked(), released()).when(glass_broken(GLASS)).refused("wrong_state")


def test_a_case_is_contained_once() -> None:
    """What is contained already is followed to its end, not begun again."""
    given(verified(), asked(), released(), contained()).when(contained()).refused("wrong_state")


def test_a_containment_takes_nothing_else_back() -> None:
    """The numbers of the case's own changes, and any beyond those taken back, do not begin."""
    story = given(verified(), asked(), released(), contained())
    story.when(started(0)).refused("order")
    story.when(started(2)).refused("order")
    story = given(started(1), ended(), started(2), ended(), start=story)
    story.when(started(3)).refused("order")
    story.when(started(1)).refused("one_use")


def test_a_review_is_owed_before_it_is_given() -> None:
    """Where none is owed, or it was given, a review is refused."""
    given(opened()).when(reviewed()).refused("no_review")
    story = given(verified(procedure(review_s=60)), asked(), released(), executed(), reviewed())
    story.when(reviewed()).refused("no_review")


def test_a_review_looks_back() -> None:
    """Nobody reviews broken glass before anything came of it."""
    given(opened(), ticketed(), glass_broken(GLASS)).when(reviewed()).refused("wrong_state")


@pytest.mark.parametrize("hand", [ANN, VIC, CYD, COY, REX, EXE, SUE])
def test_nobody_reviews_what_they_took_part_in(hand: PersonId) -> None:
    """Opener, verifier, custodians, releaser, executor and subject are refused; somebody else is not."""
    story = given(opened(), ticketed(), proved("totp"), glass_broken(GLASS), approved(COY, "custodian"))
    story = given(released(), executed(), start=story)
    story.when(reviewed(by=hand)).refused("same_person")
    given(reviewed(by=RUE), start=story)


# --- terminal states ---------------------------------------------------------------------------------------------

ENDS: dict[str, tuple[Tell, ...]] = {
    "closed": (verified(RESET), asked(), released(), executed(), validated(), reproved(), handed_over(), closed()),
    "declined": (verified(WITH_MANAGER), asked(), declined()),
    "withdrawn": (opened(), withdrawn()),
    "expired": (opened(), expired()),
    "frozen": (opened(), frozen()),
    "contained": (verified(), asked(), released(), contained()),
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize(
    "tell",
    [
        ticketed(),
        begun("passkey", "late"),
        begun("passkey", "late", purpose="hand_over"),
        asked(),
        approved(),
        declined(),
        hold_over(),
        released(),
        page_opened(),
        started(0),
        ended("done", 0),
        execution_refused(),
        validated(),
        handed_over(),
        escalated(WITH_MANAGER),
        glass_broken(GLASS),
        closed(),
        withdrawn(),
        expired(),
        frozen(),
    ],
)
def test_what_is_over_stays_over(end: str, tell: Tell) -> None:
    """No step of anybody's but containing moves a case that ended."""
    story = given(*ENDS[end])
    assert type(story.case) in TERMINAL
    story.when(tell).refused()
