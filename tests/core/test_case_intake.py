"""Who is let in, what may be asked for, and what verifies: each refusal names its reason."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from tests.core.sample import (
    ACCOUNT,
    ANN,
    CASE,
    DAY,
    GLASS,
    NOON,
    RESET,
    SUE,
    VIC,
    WITH_MANAGER,
    facts,
    procedure,
    standing,
)
from tests.core.story import (
    Tell,
    answered,
    asked,
    begun,
    expired,
    given,
    glass_broken,
    missed,
    on,
    opened,
    proved,
    step,
    ticketed,
    verified,
    wait,
    withdrawn,
)
from watchword.core import command as do
from watchword.core import event as past
from watchword.core.account import AccountClass, Status, covers
from watchword.core.action import Action, Step
from watchword.core.case import Expired, Releasable, Verifying, Withdrawn
from watchword.core.change import GrantOverride, IssuePass, ResetFactors, ResetPassword, RevokeSessions, Suspend, Unlock
from watchword.core.errors import Conflict, Invalid
from watchword.core.ids import AccountId, CaseId
from watchword.core.origin import OriginFailed
from watchword.core.person import CredentialUsed
from watchword.core.proving import MOST
from watchword.core.requirement import Context
from watchword.core.ruling import Ruling
from watchword.core.standing import Account, FailureRecorded, Recovery


def recovered(*when: timedelta, case: str = "c-earlier") -> Account:
    """The account with a recovery completed each of *when* before noon."""
    done = tuple(Recovery(at=NOON - w, case=CaseId(case), action=Action.UNLOCK, probation_s=0) for w in when)
    return msgspec.structs.replace(standing(), recoveries=done)


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
    """No matching cell fails closed, and so does the cell of another action."""
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
    given().when(step(command, RESET)).refused("no_cell")


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


def test_three_wrong_codes_fail_the_account_and_the_origin() -> None:
    """The third wrong answer ends the challenge and sticks to the target and to where the caller came from."""
    story = given(opened(), begun("totp"), missed("totp"), missed("totp"))
    assert not story.account.failures
    story = story.when(missed("totp")).then(Verifying, past.MethodFailed, FailureRecorded, OriginFailed, OriginFailed)
    assert (len(story.account.failures), len(story.origin.failures)) == (1, 1)
    story.when(answered("totp")).refused("used")


def test_beginning_again_does_not_make_guesses_free() -> None:
    """Wrong answers to challenges that were left count together: the third of a case is a failure."""
    story = given(opened(), begun("totp", "one"), missed("one"), missed("one"), begun("totp", "two"))
    story.when(missed("two")).then(Verifying, past.MethodFailed, FailureRecorded, OriginFailed, OriginFailed)


def test_wrong_answers_before_the_right_one_are_forgiven() -> None:
    """A person who mistypes twice and then proves has failed nothing."""
    story = given(opened(), begun("totp"), missed("totp"), missed("totp"), answered("totp"), begun("mail_code"))
    story.when(missed("mail_code")).then(Verifying, past.ChallengeMissed)


def test_a_method_that_ends_in_no_fails_at_once() -> None:
    """A person who says on the phone that they asked for nothing is one failure, without three tries."""
    given(opened(), begun("callback")).when(missed("callback", final=True)).then(
        Verifying, past.MethodFailed, FailureRecorded, OriginFailed, OriginFailed
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


def test_an_answer_that_comes_after_the_question_proves_nothing() -> None:
    """Once the case is asked, a challenge left over is not answered, neither rightly nor into the next stage."""
    story = given(verified(WITH_MANAGER), begun("passkey"), asked())
    story.when(answered("passkey")).refused("wrong_state")
    story.when(begun("in_person")).refused("wrong_state")


def test_an_answer_is_used_up_everywhere() -> None:
    """The counter of a credential that proved something is told to its owner's stream, where there is one."""
    begin = do.Begin(
        challenge="totp",
        method="totp",
        purpose="verify",
        by=VIC,
        prover=SUE,
        credential="t-1",
        contact_changed_at=None,
        expires=NOON + DAY,
    )
    story = given(opened(), step(begin))
    prove = do.Prove(challenge="totp", by=VIC, counter=41)
    used = story.when(step(prove)).then(Verifying, past.MethodProved, CredentialUsed).events[-1]
    assert used == CredentialUsed(person=SUE, credential="t-1", counter=41)
    story.when(step(msgspec.structs.replace(prove, counter=None))).then(Verifying, past.MethodProved)
    for missing in ({"prover": None}, {"credential": None}):
        story = given(opened(), step(msgspec.structs.replace(begin, **missing)))
        story.when(step(prove)).then(Verifying, past.MethodProved)


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


def test_a_case_holds_so_many_challenges() -> None:
    """The thirty-first method is not begun, so that a case calls and writes to nobody without end."""
    story = given(opened(), *(begun("passkey", f"h-{number}") for number in range(MOST)))
    assert MOST == 30
    story.when(begun("passkey", "one-more")).refused("too_many")


def test_wrong_answers_stick_when_the_case_ends_without_exhausting_them() -> None:
    """Two guesses and a withdrawal are a failure of the account, or every case would give two guesses for nothing."""
    story = given(opened(), begun("totp"), missed("totp"), missed("totp"))
    story.when(withdrawn()).then(Withdrawn, past.CaseWithdrawn, FailureRecorded, OriginFailed, OriginFailed)
    story.when(expired()).then(Expired, past.CaseExpired, FailureRecorded, OriginFailed, OriginFailed)


def test_a_case_without_wrong_answers_ends_without_a_failure() -> None:
    """Who simply changes their mind has failed at nothing."""
    given(opened(), begun("totp")).when(withdrawn()).then(Withdrawn, past.CaseWithdrawn)


@pytest.mark.parametrize(
    ("held", "asked_for", "enough"),
    [
        (AccountClass.FINANCE, AccountClass.STANDARD, True),
        (AccountClass.STANDARD, AccountClass.FINANCE, False),
        (AccountClass.SERVICE, AccountClass.IDENTITY_CONTROL, False),
        (AccountClass.IDENTITY_CONTROL, AccountClass.SERVICE, False),
        (AccountClass.BREAK_GLASS, AccountClass.STANDARD, False),
    ],
)
def test_classes_without_a_person_never_stand_in_for_people(
    held: AccountClass, asked_for: AccountClass, enough: bool
) -> None:
    """A stricter class of people covers a milder one; software and emergency accounts cover only themselves."""
    assert covers(held, asked_for) is enough


def test_all_factors_at_once_are_a_total_loss() -> None:
    """Naming none would remove every one, at the price of removing some (invariant 8)."""
    unnamed = (ResetFactors(account=ACCOUNT),)
    given().when(opened(procedure(Action.FACTOR_RESET), changes=unnamed)).fails(Invalid, "total loss")
