"""Recoveries that go well, and the ways in which they end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.core.sample import (
    ANN,
    COY,
    EXE,
    GLASS,
    IDA,
    MANAGER,
    MANAGER_AND_DUTY,
    MAX,
    NOON,
    RESET,
    REX,
    RUE,
    SUE,
    UNLOCK,
    VIC,
    WITH_MANAGER,
    procedure,
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
    hold_told,
    opened,
    overdue,
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
from watchword.core.action import Action
from watchword.core.case import (
    AwaitingApproval,
    Checked,
    Closed,
    Contained,
    Declined,
    Delivered,
    Executed,
    Executing,
    Expired,
    Failed,
    Frozen,
    Holding,
    Releasable,
    Released,
    Verifying,
    Withdrawn,
    change_of,
    participants,
    progress_of,
    state_of,
)
from watchword.core.change import RevokeSessions, Suspend
from watchword.core.facts import facts_of
from watchword.core.fold import fold
from watchword.core.person import ExecutorGranted
from watchword.core.request import parse
from watchword.core.standing import AccountShielded, RecoveryCompleted, RecoveryContained, RecoverySettled

TOTAL_LOSS = procedure(Action.TOTAL_LOSS)
HELD = procedure(hold_s=3600)


def test_a_procedure_without_approval_goes_straight_from_verification_to_release() -> None:
    """No seat is asked for, so an unlock runs from intake to close with nobody's approval."""
    story = given(verified(UNLOCK)).when(asked()).then(Releasable, past.ApprovalAsked)
    story = story.when(released()).then(Released, past.CaseReleased, ExecutorGranted)
    story = story.when(started(), ended()).then(Executed, past.ChangeEnded, RecoveryCompleted, RecoverySettled)
    story.when(validated()).then(Delivered).when(closed()).then(Closed)


def test_an_approval_releases_exactly_the_request_that_was_shown() -> None:
    """The manager's yes carries the same bytes that the release names and the executor parses."""
    story = given(verified(WITH_MANAGER)).when(asked()).then(AwaitingApproval)
    shown = story.now(AwaitingApproval).request
    story = story.when(approved()).then(Releasable, past.ApprovalGiven).when(released()).then(Released)
    release = story.events[0]
    assert isinstance(release, past.CaseReleased)
    assert release.request == shown
    assert release.approvals == (story.now(Released).votes[0].leaf,)
    assert parse(shown).evidence == tuple(e.leaf for e in story.now(Released).evidence)


def test_two_seats_need_two_people() -> None:
    """With a manager's and a duty officer's seat, one yes leaves the case waiting and the second opens it."""
    story = given(verified(procedure(approve=MANAGER_AND_DUTY)), asked())
    story = story.when(approved(MAX, "manager_of_record")).then(AwaitingApproval)
    story.when(approved(IDA, "iam_duty")).then(Releasable)


def test_an_approvers_no_ends_the_case() -> None:
    """One eligible no declines the case, whatever others said before."""
    story = given(verified(procedure(approve=MANAGER_AND_DUTY)), asked(), approved())
    story.when(declined(IDA, "iam_duty")).then(Declined, past.ApprovalRefused)


def test_a_hold_keeps_an_approved_case_waiting() -> None:
    """The case waits its full time, then the hold elapses and it may be released."""
    story = given(verified(HELD)).when(asked()).then(Holding)
    assert story.now(Holding).until == NOON + timedelta(hours=1)
    story.when(hold_told(), wait(hours=1), hold_over()).then(Releasable, past.HoldElapsed)


def test_a_hold_that_is_over_needs_no_word_to_that_effect() -> None:
    """A releaser who comes after the hold need not wait for somebody to record that it elapsed."""
    given(verified(HELD), asked(), hold_told(), wait(hours=1)).when(released()).then(Released)


def test_nobody_waits_for_somebody_who_was_never_told() -> None:
    """However long it lasted: before a notice went out nothing elapses and nothing is released."""
    story = given(verified(HELD), asked(), wait(hours=3))
    story.when(hold_over()).refused("untold")
    story.when(released()).refused("untold")
    story.when(step(do.TellHold(channels=())), hold_over()).refused("untold")


def test_the_waiting_is_counted_from_the_first_notice() -> None:
    """Told an hour late it ends an hour late; a second channel that is told later still does not begin it anew."""
    story = given(verified(HELD), asked(), wait(minutes=50), hold_told())
    assert story.now(Holding).until == NOON + timedelta(minutes=110)
    story = given(wait(minutes=30), hold_told("mail", "phone"), start=story)
    assert (story.now(Holding).until, story.now(Holding).told) == (NOON + timedelta(minutes=110), ("mail", "phone"))
    story.when(wait(minutes=29), released()).refused("hold")
    story.when(wait(minutes=30), released()).then(Released)


def test_a_hold_begins_with_the_approval() -> None:
    """Where both are asked, the waiting time runs from the yes and not from the question."""
    story = given(verified(procedure(approve=MANAGER, hold_s=3600)), asked(), wait(hours=2), approved())
    assert story.now(Holding).until == NOON + timedelta(hours=3)


def test_a_method_that_counts_for_more_waives_the_hold() -> None:
    """A hold that in-person proof waives does not hold somebody who came in."""
    rule = procedure(hold_s=3600, hold_waived_by=("in_person",))
    given(opened(rule), ticketed(), proved("totp"), proved("in_person")).when(asked()).then(Releasable)
    given(opened(rule), ticketed(), proved("totp"), proved("mail_code")).when(asked()).then(Holding)


def test_a_new_credential_is_handed_over_after_one_more_proof() -> None:
    """A reset password reaches the browser that opened the page, once, after a method was proven again."""
    story = given(verified(RESET), asked(), released(), page_opened(), started()).when(ended()).then(Executed)
    story = story.when(validated()).then(Checked).when(reproved(), handed_over()).then(Delivered, past.HandedOver)
    story.when(closed()).then(Closed)


def test_several_changes_are_done_in_order() -> None:
    """Total loss resets the factors, then the password; it is executed when both are done."""
    story = given(verified(TOTAL_LOSS), asked(), released(), page_opened(), started(0))
    story = story.when(ended()).then(Executing, past.ChangeEnded, RecoveryCompleted)
    story.when(started(1), ended()).then(Executed, past.ChangeEnded, RecoverySettled)


def test_a_recovery_counts_from_its_first_change() -> None:
    """Factors that are gone are a recovery of the account, also when the password can not be set after them."""
    story = given(verified(procedure(Action.TOTAL_LOSS, review_s=3600)), asked(), released(), page_opened(), started())
    story = story.when(ended()).then(Executing, past.ChangeEnded, RecoveryCompleted, past.ReviewOwed)
    assert story.now(Executing).review_due == NOON + timedelta(hours=1)
    story = story.when(started(), ended("refused")).then(Failed)
    assert story.account.recoveries_within(timedelta(days=7), story.at) == 1
    assert story.account.on_probation(story.at)


def test_silence_is_read_back_and_counts_when_it_was_done() -> None:
    """An unknown outcome leaves the change open until the directory says that it was done."""
    story = given(verified(), asked(), released(), started()).when(ended("unknown")).then(Executing)
    story.when(ended("done")).then(Executed)


def test_a_change_that_was_read_back_as_not_done_is_begun_again() -> None:
    """Unknown is not failed: only a read-back that says not done lets the same change begin again."""
    story = given(verified(), asked(), released(), started(), ended("unknown")).when(ended("not_done")).then(Executing)
    story.when(started(0), ended()).then(Executed)


def test_a_directorys_no_fails_the_case() -> None:
    """What the directory itself refuses is not tried again; a failed case can only be closed."""
    story = given(verified(), asked(), released(), started()).when(ended("refused")).then(Failed)
    story.when(closed()).then(Closed)


def test_the_executors_own_no_fails_the_case() -> None:
    """When the executor's check of the evidence says no, nothing is begun and the case has failed."""
    story = given(verified(), asked(), released()).when(execution_refused()).then(Failed, past.ExecutionRefused)
    assert not progress_of(story.now(Failed))


def test_a_change_that_is_not_there_fails_the_case() -> None:
    """A read-back that does not find the change fails the case, and nothing is handed over."""
    given(verified(RESET), asked(), released(), executed()).when(validated(sound=False)).then(Failed)


def test_a_grant_that_ran_out_unused_may_be_given_again() -> None:
    """Nothing was begun in time, so the same approval may be released again while it lasts."""
    story = given(verified(), asked(), released(), wait(minutes=15)).when(released()).then(Released)
    assert story.now(Released).until == NOON + timedelta(minutes=30)


def test_a_case_released_again_half_way_is_still_half_way() -> None:
    """The second release of a case with one change done goes on with the next one."""
    story = given(verified(TOTAL_LOSS), asked(), released(), page_opened(), started(), ended(), wait(minutes=15))
    story = story.when(released()).then(Executing)
    story.when(started(1), ended()).then(Executed)


def test_break_glass_skips_verification_but_not_the_second_custodian_nor_the_review() -> None:
    """Broken glass waits for another custodian's yes and owes a review, which somebody else gives afterwards."""
    story = (
        given(opened(), ticketed())
        .when(glass_broken(GLASS))
        .then(AwaitingApproval, past.BreakGlassInvoked, past.ReviewOwed, past.GlassBroken)
    )
    story = story.when(approved(COY, "custodian")).then(Releasable).when(released()).then(Released)
    story = given(executed(), validated(), closed(), start=story)
    assert story.now(Closed).review_due == NOON + timedelta(days=1)
    assert not story.now(Closed).unsound
    for sound in (True, False):
        now = story.when(reviewed(sound=sound)).then(Closed, past.ReviewDone).now(Closed)
        assert (now.reviewer, now.unsound) == (RUE, not sound)


def test_break_glass_starts_the_vote_anew() -> None:
    """A yes to the ordinary request is no yes to the broken glass."""
    rule = procedure(approve=MANAGER_AND_DUTY)
    story = given(verified(rule), asked(), approved(COY, "manager_of_record", "custodian"))
    story = story.when(glass_broken(GLASS)).then(AwaitingApproval)
    assert story.now(AwaitingApproval).votes == ()
    story.when(approved(COY, "custodian")).then(Releasable)


def test_a_review_that_nobody_gives_becomes_overdue_once() -> None:
    """Before its day nothing is said; after it, once."""
    story = given(opened(), ticketed(), glass_broken(GLASS))
    story = story.when(overdue()).then(AwaitingApproval)
    assert story.events == ()
    story = story.when(wait(days=1), overdue()).then(AwaitingApproval, past.ReviewOverdue)
    assert overdue()(story).events == ()


def test_containing_takes_back_and_numbers_on() -> None:
    """A closed recovery found fraudulent is suspended and cut off, under numbers its own changes never had."""
    story = given(verified(), asked(), released(), executed(), validated(), closed())
    after = (past.CaseContained, past.ProtectionSpent, AccountShielded, RecoveryContained)
    story = story.when(contained()).then(Contained, *after)
    assert story.account.cut == {"mail"}
    (shield,) = story.account.shields
    assert (shield.case, shield.at) == (story.now(Contained).id, story.at)
    assert [type(change_of(story.now(Contained), n)) for n in (1, 2)] == [Suspend, RevokeSessions]
    story = story.when(started(1), ended(), started(2), ended()).then(Contained)
    assert [p.outcome for p in story.now(Contained).progress] == ["done", "done"]


def test_containing_goes_on_past_a_refusal() -> None:
    """A directory that will not suspend the account still ends its sessions."""
    story = given(verified(), asked(), released(), contained(), started(1), ended("refused"))
    story.when(started(2), ended()).then(Contained)


def test_an_outcome_that_arrives_after_containing_belongs_to_the_change_it_names() -> None:
    """The reset that was on its way is never taken for the suspension that follows it."""
    story = given(verified(), asked(), released(), started(), contained(), started(1), ended("done", 0))
    case = story.now(Contained)
    assert [(p.number, p.outcome) for p in progress_of(case)] == [(0, "done"), (1, None)]
    assert story.account.recoveries


def test_escalating_starts_over_under_more() -> None:
    """A raised case forgets its approvals, keeps its evidence while fresh, and asks for what is new."""
    more = procedure(approve=MANAGER_AND_DUTY, hold_s=3600)
    story = given(verified(WITH_MANAGER), asked(), approved()).when(escalated(more)).then(Verifying)
    assert story.now(Verifying).votes == ()
    story = story.when(asked("n-2"), approved()).then(AwaitingApproval)
    story.when(approved(IDA, "iam_duty")).then(Holding)


@pytest.mark.parametrize("end", [(withdrawn(), Withdrawn), (expired(), Expired), (frozen(), Frozen)])
@pytest.mark.parametrize(
    "until_then",
    [
        (opened(),),
        (verified(WITH_MANAGER), asked()),
        (verified(HELD), asked()),
        (verified(), asked()),
        (verified(), asked(), released()),
    ],
    ids=["verifying", "awaiting", "holding", "releasable", "released"],
)
def test_a_case_can_be_stopped_until_something_was_begun(
    until_then: tuple[Tell, ...], end: tuple[Tell, type[Frozen]]
) -> None:
    """Withdrawing, expiring and freezing end a case in every state before its first change."""
    tell, state = end
    given(*until_then).when(tell).then(state)


@pytest.mark.parametrize("how_far", [(started(),), (executed(),), (executed(), validated())])
def test_a_freeze_stops_a_hand_over(how_far: tuple[Tell, ...]) -> None:
    """A new credential whose case is frozen is never handed over, however far the change got."""
    story = given(verified(RESET), asked(), released(), page_opened(), *how_far).when(frozen()).then(Frozen)
    story.when(handed_over()).refused("wrong_state")
    story.when(started(0)).refused("wrong_state")


def test_a_frozen_case_still_hears_what_became_of_its_change() -> None:
    """What was on its way when the case was frozen is read back and counts as a recovery."""
    story = given(verified(), asked(), released(), started(), frozen()).when(ended()).then(Frozen)
    assert progress_of(story.now(Frozen))[0].outcome == "done"
    assert story.account.recoveries


def test_the_same_entries_make_the_same_case() -> None:
    """A case is the fold of its entries and of nothing else."""
    story = given(verified(RESET), asked(), released(), executed(), validated(), reproved(), handed_over(), closed())
    assert fold(story.history) == story.case == fold(story.history)


def test_states_are_called_as_people_would() -> None:
    """The state of a case in words is the name of its class."""
    assert state_of(given(verified(WITH_MANAGER), asked()).now(AwaitingApproval)) == "awaiting approval"


def test_policy_is_told_who_took_which_step() -> None:
    """The facts a ruling stands on name the agent whose word proved a method, not only the one who began it."""
    attested = (begun("in_person", by=VIC), answered("in_person", by=REX))
    story = given(
        opened(WITH_MANAGER), ticketed(), *attested, proved("totp"), asked(), approved(), released(), started()
    )
    told = facts_of(story.now(Executing), story.account, MAX, story.at, recovered=False)
    assert (told.opener, told.verifiers, told.approvers) == (ANN, (VIC, REX), (MAX,))
    assert (told.releaser, told.executor, told.relations) == (REX, EXE, ("manager_of_record",))
    assert participants(story.now(Executing)) == {ANN, VIC, REX, MAX, EXE, SUE}
