"""“Not me”: one signal stops a case at once, a second one takes back what it gave; to go on takes somebody else."""

from __future__ import annotations

from watchword.core import command as do
from watchword.core import event as past
from watchword.core.case import PAUSABLE, Case, Closed, Delivered, Failed, Paused, progress_of, verifiers
from watchword.core.change import Change, RevokeSessions, Suspend
from watchword.core.errors import Refused
from watchword.core.gates import Event, in_state
from watchword.core.standing import RecoveryDisowned, shielded


def taken_back(case: Case) -> tuple[Change, ...]:
    """What a containment asks of the directory: access is taken away."""
    return (Suspend(account=case.account), RevokeSessions(account=case.account))


def object_to(case: Case, command: do.Object) -> tuple[Event, ...]:
    """Hear an objection.

    The second signal, of another person or over another channel, or from the very browser the case is bound to, ends
    the case and closes the account to all but its strongest way. The account is suspended where something was begun:
    else whoever can object twice could lock people out of accounts that nothing happened to.
    """
    in_state(case, command, *PAUSABLE, Paused, Delivered, Failed, Closed)
    said = past.Objected(case=case.id, by=command.by, channel=command.channel, bound=command.bound)
    earlier = case.objections
    if not earlier:
        return (said,)
    other = any((e.by, e.channel) != (command.by, command.channel) and not _one_hand(case, e, said) for e in earlier)
    newly_bound = command.bound and not any(e.bound for e in earlier)
    if not other and not newly_bound:
        raise Refused(
            "This was said already, by the same person over the same channel, and the case stands still.",
            "Have somebody else say it, or the person over another channel; security looks at it meanwhile.",
            ("said_already",),
        )
    changes = taken_back(case) if progress_of(case) else ()
    contained = past.CaseContained(case=case.id, by=command.by, changes=changes)
    spent = (past.ProtectionSpent(case=case.id, by=command.by),) if command.channel == "desk" else ()
    cut = shielded(case.account, case.id, command.by, changes)
    return (said, contained, *spent, *cut, RecoveryDisowned(account=case.account, case=case.id))


def _one_hand(case: Case, one: past.Objected, other: past.Objected) -> bool:
    """Whether the same agent may have said both: who opened or verified a case knows the address of its page."""
    desk = {case.opener, *verifiers(case)}
    pairs = ((one, other), (other, one))
    return any(a.channel == "page" and not a.bound and b.channel == "desk" and b.by in desk for a, b in pairs)


def stops_care(case: Case) -> bool:
    """Whether the person's word on what was done waits, since somebody said “not me” and nobody has looked at it."""
    # A case that was closed after a failure, or before its hand-over, has nothing that anybody could confirm.
    given = type(case) in (Delivered, Closed) and case.delivered_at is not None
    return given and bool(case.requirement.after.confirm_s) and bool(case.objections) and not case.confirmed


def lift(case: Case, command: do.LiftPause) -> tuple[Event, ...]:
    """Let it go on, by somebody who neither took a step in it nor objected.

    Of what is done only the person's confirmation can go on.
    """
    paused = case if stops_care(case) else in_state(case, command, Paused)
    # Who let it go on once may look again: to look is no step that anything was given by.
    if command.by in {paused.subject, *(hand.person for hand in paused.hands if hand.part != "lift_pause")}:
        raise Refused(
            "You took a step in this case, objected to it, or it is about you.",
            "Somebody else on duty has to look at it.",
            ("same_person",),
        )
    return (past.PauseLifted(case=case.id, by=command.by),)
