"""The executor's own judgement: a history that any one entry was forged in does not clear."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest

from tests.core.sample import (
    ACCOUNT,
    COY,
    CUSTODIAN,
    CYD,
    EXE,
    IDA,
    MANAGER,
    MANAGER_AND_DUTY,
    MAX,
    NOON,
    REX,
    SUE,
    VIC,
    procedure,
)
from tests.core.story import (
    SIGNED,
    Story,
    answered,
    approved,
    asked,
    begun,
    contained,
    escalated,
    executed,
    given,
    glass_broken,
    hold_told,
    leaf,
    opened,
    page_opened,
    proved,
    released,
    started,
    ticketed,
    verified,
    wait,
    withdrawn,
)
from tests.core.test_objection import lifted, objected
from watchword.core import event as past
from watchword.core.action import Action
from watchword.core.case import people_of
from watchword.core.change import (
    ContactKind,
    ResetFactors,
    ResetPassword,
    RevokeSessions,
    SetContact,
    Suspend,
    Unlock,
)
from watchword.core.clearance import clear
from watchword.core.errors import Corrupt, Refused
from watchword.core.request import Request, parse

HELD = procedure(Action.PASSWORD_RESET, approve=MANAGER, hold_s=3600)
READY = given(verified(HELD), asked(), approved(), hold_told(), wait(hours=1), released(), page_opened())
RELEASE = next(r.event for r in READY.history if isinstance(r.event, past.CaseReleased))

Forge = Callable[[past.Recorded], past.Recorded | None]


def forged(story: Story, forge: Forge) -> tuple[past.Recorded, ...]:
    """The history with each entry as *forge* returns it; None leaves it out."""
    return tuple(r for r in map(forge, story.history) if r is not None)


def rewritten(kind: type[past.CaseEvent], **fields: object) -> Forge:
    """Every event of *kind* with other *fields*."""
    return lambda r: (
        msgspec.structs.replace(r, event=msgspec.structs.replace(r.event, **fields)) if isinstance(r.event, kind) else r
    )


def requested(**fields: object) -> Forge:
    """Every request text, in the question, the approvals and the release, with other *fields*: a consistent forgery."""

    def forge(r: past.Recorded) -> past.Recorded:
        if not isinstance(r.event, past.ApprovalAsked | past.ApprovalGiven | past.CaseReleased):
            return r
        other: Request = msgspec.structs.replace(parse(r.event.request), **fields)
        return msgspec.structs.replace(r, event=msgspec.structs.replace(r.event, request=other.encode()))

    return forge


def refused(history: tuple[past.Recorded, ...], check: str, story: Story = READY) -> None:
    """The executor says no, and names the check."""
    with pytest.raises(Refused) as caught:
        clear(history, story.at)
    assert caught.value.reasons == (f"clearance:{check}",)


def test_a_case_that_ran_by_the_rules_clears() -> None:
    """What may be done is what was approved, carried by the proofs it cites."""
    cleared = clear(READY.history, READY.at)
    assert (cleared.account, cleared.changes) == (ACCOUNT, (ResetPassword(account=ACCOUNT),))
    assert len(cleared.evidence) == 2
    assert "hold" in cleared.checks


def test_a_case_half_done_clears_for_the_rest() -> None:
    """Between two changes the same evidence is judged again, and still holds."""
    story = given(verified(procedure(Action.TOTAL_LOSS)), asked(), released(), page_opened(), started())
    assert clear(story.history, story.at).changes == (ResetFactors(account=ACCOUNT), ResetPassword(account=ACCOUNT))


def test_nothing_clears_before_release_nor_after_the_end() -> None:
    """Asked, executed or withdrawn cases give the executor nothing to do."""
    for story in (
        given(verified(), asked()),
        given(verified(), asked(), released(), executed()),
        given(verified(), asked(), released(), withdrawn()),
    ):
        refused(story.history, "released")


def test_a_grant_that_ran_out_does_not_clear() -> None:
    """The executor's time is the release's."""
    refused(READY.history, "in_time", given(wait(minutes=15), start=READY))


def test_an_approval_of_other_bytes_does_not_clear() -> None:
    """Each approval the release names carries exactly the released text."""
    other = msgspec.structs.replace(parse(RELEASE.request), nonce="n-0").encode()
    refused(forged(READY, rewritten(past.ApprovalGiven, request=other)), "same_bytes")
    refused(forged(READY, rewritten(past.CaseReleased, approvals=(leaf(999),))), "same_bytes")


@pytest.mark.parametrize(
    ("fields", "check"),
    [
        ({"changes": (ResetPassword(account=ACCOUNT), RevokeSessions(account=ACCOUNT))}, "same_case"),
        ({"changes": (Unlock(account=ACCOUNT),)}, "same_case"),
        ({"action": Action.UNLOCK}, "same_case"),
        ({"account": "a-other"}, "same_case"),
        ({"case": "c-other"}, "same_case"),
        ({"ticket": leaf(999)}, "evidence"),
        ({"evidence": (leaf(999),)}, "evidence"),
        ({"evidence": ()}, "evidence"),
        ({"policy": "00" * 32}, "policy"),
        ({"not_after": NOON}, "expiry"),
    ],
)
def test_a_consistent_forgery_of_the_request_does_not_clear(fields: dict[str, object], check: str) -> None:
    """Even when question, approval and release all say the same, the case they name says otherwise."""
    refused(forged(READY, requested(**fields)), check)


def test_a_proof_that_was_taken_out_does_not_clear() -> None:
    """With one method missing from the case, the request cites what is not there."""
    gone = forged(READY, lambda r: None if isinstance(r.event, past.MethodProved) and r.event.method == "totp" else r)
    refused(gone, "evidence")


def test_a_proof_that_was_old_when_asked_does_not_clear() -> None:
    """Freshness is judged again at the time of the question."""
    early = timedelta(minutes=16)
    aged = forged(
        READY,
        lambda r: msgspec.structs.replace(r, at=r.at - early) if isinstance(r.event, past.MethodProved) else r,
    )
    refused(aged, "evidence")


def no_approvals(r: past.Recorded) -> past.Recorded | None:
    """Leave every yes out."""
    return None if isinstance(r.event, past.ApprovalGiven) else r


def test_an_approval_that_was_taken_out_stops_the_world() -> None:
    """A release behind an empty seat is nothing that decisions could have written."""
    with pytest.raises(Corrupt):
        clear(forged(READY, no_approvals), READY.at)


def test_a_release_that_names_no_approval_does_not_clear() -> None:
    """Where a seat was asked, the release itself says who filled it."""
    refused(forged(READY, rewritten(past.CaseReleased, approvals=())), "quorum")


def test_approvals_nobody_asked_for_stop_the_world() -> None:
    """A release that cites approvals under a procedure without any was not written by us."""
    story = given(verified(), asked(), released())
    proof = next(r for r in story.history if isinstance(r.event, past.MethodProved))
    with pytest.raises((Corrupt, Refused)):
        clear(forged(story, rewritten(past.CaseReleased, approvals=(proof.leaf,))), story.at)


def test_a_release_during_the_hold_does_not_clear() -> None:
    """The waiting time is counted again from the last word that settled the case."""
    early = forged(
        READY,
        lambda r: (
            msgspec.structs.replace(r, at=r.at - timedelta(seconds=1)) if isinstance(r.event, past.CaseReleased) else r
        ),
    )
    refused(early, "hold")


def test_a_release_during_a_hold_that_began_anew_does_not_clear() -> None:
    """Where somebody objected while it ran, the waiting time is counted from when the case was let go on."""
    paused = given(
        verified(HELD), asked(), approved(), hold_told(), wait(minutes=50), objected(), wait(minutes=30), lifted()
    )
    story = given(hold_told(), wait(hours=1), released(), page_opened(), start=paused)
    clear(story.history, story.at)
    early = forged(
        story,
        lambda r: (
            msgspec.structs.replace(r, at=r.at - timedelta(seconds=1)) if isinstance(r.event, past.CaseReleased) else r
        ),
    )
    refused(early, "hold", story)


def test_a_hold_that_nobody_was_told_of_does_not_clear() -> None:
    """Without the entry of the notice there was nobody who could have said no; told too late is as bad."""
    refused(forged(READY, lambda r: None if isinstance(r.event, past.HoldTold) else r), "hold")
    late = forged(
        READY,
        lambda r: (
            msgspec.structs.replace(r, at=r.at + timedelta(seconds=1)) if isinstance(r.event, past.HoldTold) else r
        ),
    )
    refused(late, "hold")


@pytest.mark.parametrize("hand", [VIC, REX])
def test_one_person_in_two_steps_does_not_clear(hand: str) -> None:
    """An approver who verified, by beginning or by their word, or who released, is found out again."""
    attested = (begun("in_person", by=VIC), answered("in_person", by=VIC))
    story = given(opened(procedure(approve=MANAGER)), ticketed(), *attested, proved("totp"), asked(), approved())
    story = given(released(), start=story)
    refused(forged(story, rewritten(past.ApprovalGiven, person=hand)), "separation", story)


def test_the_verifiers_are_also_those_whose_word_proved() -> None:
    """Whoever attests a method that another began has verified."""
    story = given(opened(), begun("in_person", by=VIC), answered("in_person", by=MAX))
    assert story.case is not None
    assert people_of(story.case)["verify"] == {VIC, MAX}


def test_whose_vote_was_dropped_and_who_lent_a_seat_still_approved() -> None:
    """Neither an escalation nor sitting in somebody's place makes the one approver who releases another person."""
    two = procedure(approve=MANAGER_AND_DUTY)
    story = given(verified(two), asked(), approved(IDA, "iam_duty"), escalated(two), asked("n-2"))
    story = given(approved(), approved(CYD, "iam_duty"), released(), start=story)
    clear(story.history, story.at)
    refused(forged(story, rewritten(past.CaseReleased, by=IDA)), "separation", story)
    refused(forged(READY, rewritten(past.ApprovalGiven, lent_by=(REX,))), "separation")


def test_whoever_executes_is_kept_apart_as_well() -> None:
    """Where a procedure keeps the executor from another step, who is about to execute has taken none of that."""
    apart = procedure(approve=MANAGER, separate=(("verify", "execute"),))
    story = given(verified(apart), asked(), approved(), released())
    clear(story.history, story.at, EXE)
    with pytest.raises(Refused, match="both verify and execute"):
        clear(story.history, story.at, VIC)
    unknown = procedure(approve=MANAGER, separate=(("verify", "levitate"),))
    story = given(verified(unknown), asked(), approved(), released())
    refused(story.history, "separation", story)


def test_the_subject_in_any_step_does_not_clear() -> None:
    """Nobody recovers themselves."""
    refused(forged(READY, rewritten(past.ApprovalGiven, person=SUE)), "separation")


def test_two_seats_are_counted_again() -> None:
    """Two approvals by one person fill one seat."""
    story = given(verified(procedure(approve=MANAGER_AND_DUTY)), asked(), approved(), approved(IDA, "iam_duty"))
    story = given(released(), start=story)
    clear(story.history, story.at)
    with pytest.raises(Corrupt):
        clear(forged(story, rewritten(past.ApprovalGiven, person=MAX)), story.at)


def test_broken_glass_clears_without_verification_but_not_without_the_second_custodian() -> None:
    """The predefined procedure skips the proofs and nothing else."""
    glass = procedure(approve=CUSTODIAN)
    story = given(opened(), ticketed(), glass_broken(glass), approved(COY, "custodian"), released())
    assert clear(story.history, story.at).evidence == ()
    with pytest.raises(Corrupt):
        clear(forged(story, no_approvals), story.at)


def test_what_a_containment_takes_back_clears_by_itself() -> None:
    """Taking access away needs the entry that asked for it, and allows nothing else."""
    story = given(verified(), asked(), released(), contained())
    assert clear(story.history, story.at).changes == (Suspend(account=ACCOUNT), RevokeSessions(account=ACCOUNT))


@pytest.mark.parametrize("proof", ['{"kind":"session","session":"00"}', '{"kind":"sshsig"}', "{}", ""])
def test_an_approval_without_the_signature_that_was_asked_does_not_clear(proof: str) -> None:
    """Where the requirement asks for signatures, being signed in fills no seat."""
    rule = procedure(approve=msgspec.structs.replace(MANAGER, signed=True))
    story = given(verified(rule), asked(), approved(proof=SIGNED), released())
    assert "signed" in clear(story.history, story.at).checks
    refused(forged(story, rewritten(past.ApprovalGiven, proof=proof)), "signed", story)


def test_the_request_ends_to_the_moment() -> None:
    """However long a forged grant runs, the bytes that were approved say until when they count."""
    story = given(verified(), asked(), released(), wait(days=1))
    longer = forged(story, rewritten(past.CaseReleased, until=NOON + timedelta(days=9)))
    assert "expiry" in clear(longer, story.at).checks
    refused(longer, "expiry", given(wait(microseconds=1), start=story))


def test_a_contact_point_that_nobody_entered_does_not_clear() -> None:
    """With the person's own entry taken out everywhere, there is nothing that the executor could set."""
    story = given(verified(procedure(Action.RECOVERY_INFO_CHANGE)), asked(), released())
    clear(story.history, story.at)
    empty = (SetContact(account=ACCOUNT, contact=ContactKind.PHONE),)
    entries = tuple(r for r in story.history if not isinstance(r.event, past.ContactEntered))
    refused(forged(Story(history=entries), requested(changes=empty)), "entered", story)


def test_a_yes_under_a_rule_that_is_gone_stops_the_world() -> None:
    """Behind a forged escalation that asks nobody, a release that cites the yes of before was not written by us."""
    asks = procedure(approve=MANAGER)
    story = given(verified(asks), asked(), approved(), escalated(asks), asked(), approved(), released())
    first, second = (r.leaf for r in story.history if isinstance(r.event, past.ApprovalGiven))
    asks_nobody = rewritten(past.CaseEscalated, requirement=procedure())
    cites = rewritten(past.CaseReleased, approvals=(first,))
    history = forged(Story(history=forged(story, asks_nobody)), lambda r: None if r.leaf == second else cites(r))
    with pytest.raises(Corrupt, match="nobody asked for"):
        clear(history, story.at)


def test_a_hold_that_was_let_go_on_waits_for_a_notice_of_its_own() -> None:
    """What was told before somebody objected counts no more, also where the release follows at once."""
    story = given(
        verified(HELD), asked(), approved(), hold_told(), wait(minutes=5), objected(), wait(hours=2), lifted()
    )
    story = given(hold_told(), wait(hours=1), released(), page_opened(), start=story)
    clear(story.history, story.at)
    last = [r.leaf for r in story.history if isinstance(r.event, past.HoldTold)][-1]
    refused(forged(story, lambda r: None if r.leaf == last else r), "hold", story)


def test_a_second_notice_does_not_make_a_hold_longer() -> None:
    """The waiting is counted from the first one that went out, whatever is told again while it runs."""
    story = given(verified(HELD), asked(), approved(), hold_told(), wait(minutes=40), hold_told("phone"))
    story = given(wait(minutes=20), released(), page_opened(), start=story)
    assert "hold" in clear(story.history, story.at).checks
