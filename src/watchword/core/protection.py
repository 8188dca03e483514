"""Protective actions: they only take away, with one check, and what waits for a "not me" waits anew after one."""

from __future__ import annotations

from datetime import datetime, timedelta

from watchword.core import command as do
from watchword.core import event as past
from watchword.core.case import OPEN, Case, Holding, hold_of
from watchword.core.change import RevokeSessions, Suspend, SuspendFactors
from watchword.core.errors import Invalid, Refused
from watchword.core.gates import Event, in_state
from watchword.core.requirement import counting
from watchword.core.standing import Account, shielded

PROTECTIVE = (Suspend, RevokeSessions, SuspendFactors)
"""What takes access away and gives none."""

DAY = timedelta(days=1)

SHIELDS_A_DAY = 3
"""Protective actions one account may have within a day: nobody is kept out by being protected over and over."""


def protect(case: Case, account: Account, command: do.Protect, at: datetime) -> tuple[Event, ...]:
    """Take access away; the person has proved one method, or a responder on duty does it."""
    in_state(case, command, *OPEN)
    kinds = [type(change) for change in command.changes]
    if not kinds or len(set(kinds)) != len(kinds) or not set(kinds) <= set(PROTECTIVE):
        raise Invalid(
            "That takes nothing away, or gives something.",
            "Lock the account, end its sessions, suspend a factor, or several of these.",
            "changes",
        )
    if any(change.account != case.account for change in command.changes):
        raise Invalid("A change names another account.", "A case changes one account.", where="changes")
    worth = {m.name for m in case.requirement.methods if m.weight}
    checked = any(e.method in worth for e in counting(case.requirement, case.evidence, at))
    if not (checked or command.on_duty):
        raise Refused(
            "Nothing was checked yet.",
            "Have the person prove one method, or have security on duty do it.",
            ("unchecked",),
        )
    if account.shields_within(DAY, at) >= SHIELDS_A_DAY:
        raise Refused(
            f"This account was protected {SHIELDS_A_DAY} times within a day.",
            "Somebody may be keeping its owner out: have security look at it.",
            ("protection_budget",),
        )
    return (
        past.ProtectionTaken(case=case.id, by=command.by, changes=command.changes),
        past.ProtectionSpent(case=case.id, by=command.by),
        *shielded(account.id, case.id, command.by, command.changes),
    )


def restart_hold(case: Case, command: do.RestartHold, at: datetime) -> tuple[Event, ...]:
    """Let the waiting begin anew: the person has to be told over a channel that still reaches them."""
    holding = in_state(case, command, Holding)
    return (past.HoldRestarted(case=case.id, because=command.because, until=at + hold_of(holding)),)


def demand_waited(case: Holding, account: Account, at: datetime) -> None:
    """Refuse while the person was told over nothing that still reaches them, and while the waiting since then runs."""
    if not case.told:
        raise Refused(
            "The waiting time has not begun: nobody could be told of it yet.",
            "See that a contact point of record can be reached, or have them come in, in a new case.",
            ("untold",),
        )
    if at < case.until:
        raise Refused(
            f"The waiting time runs until {case.until:%Y-%m-%d %H:%M} UTC.",
            "Wait, or prove with a method that waives it before the case is asked again.",
            ("hold",),
        )
    if not set(case.told) - account.cut:
        raise Refused(
            f"The person was told by nothing that still reaches them: {', '.join(sorted(account.cut))} was cut.",
            "Withdraw this case; open another once they can be told, or have them come in.",
            ("untold",),
        )
