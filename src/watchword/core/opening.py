"""Intake: whether a request becomes a case at all."""

from __future__ import annotations

from datetime import datetime

from watchword.core import command as do
from watchword.core import event as past
from watchword.core.account import Status, covers
from watchword.core.action import Action
from watchword.core.case import TERMINAL, Case
from watchword.core.change import ALLOWED, GrantOverride, IssuePass, ResetFactors, RevokeSessions, SetContact
from watchword.core.errors import Conflict, Invalid, Refused
from watchword.core.gates import WEEK, Event
from watchword.core.origin import OriginSeen
from watchword.core.requirement import Requirement
from watchword.core.standing import Account

LIFETIMES = {IssuePass: (600, 3600), GrantOverride: (60, 14_400)}
"""Shortest and longest *lifetime_s*, in seconds."""


def open_case(
    case: Case | None, account: Account, command: do.Open, requirement: Requirement | None, at: datetime
) -> tuple[Event, ...]:
    """Open a case, or refuse: an account nobody may recover, no procedure for it, or changes that do not belong."""
    if case is not None:
        raise Conflict("This case is open already.", "Read it instead.")
    if command.account_class is None:
        raise Refused(
            "This account is in no class, so no procedure answers for it.",
            "Put it in one of the groups that give a class, then open the case again.",
            ("no_class",),
        )
    if account.facts.status is Status.LEAVER:
        raise Refused(
            "This account belongs to somebody who left.", "Tell security: a leaver asks to get in.", ("leaver",)
        )
    if command.protected:
        raise Refused(
            command.protected, "Its own administrators recover it, outside the desk's rights.", ("protected",)
        )
    if (
        requirement is None
        or requirement.action is not command.action
        or not covers(requirement.account_class, command.account_class)
    ):
        raise Refused("No procedure answers for this account and action.", "Add the cell to the policy.", ("no_cell",))
    if account.recoveries_within(WEEK, at) > 1:
        raise Refused(
            "This account was recovered twice within seven days.", "Security has to look at it first.", ("third_in_7d",)
        )
    _allowed(command)
    opened = past.CaseOpened(
        case=command.case,
        account=command.account,
        account_class=command.account_class,
        unit=command.unit,
        action=command.action,
        changes=command.changes,
        context=command.context,
        requirement=requirement,
        opener=command.opener,
        subject=command.subject,
        origin=command.origin,
        lane=command.lane,
        assisted=command.assisted,
        shared_origin=command.shared_origin,
    )
    if command.origin is None:
        return (opened,)
    return (opened, OriginSeen(origin=command.origin, case=command.case, account=command.account, kind="number"))


MOST_PAGES = 20
"""From how many places the caller's page may be noted to be opened: whoever has its address may not fill the ledger."""


def see_caller(case: Case, command: do.SeeCaller) -> tuple[Event, ...]:
    """Note one more place the caller's page was opened from; nothing where it is known, or the case is at its end."""
    if isinstance(case, TERMINAL) or command.origin in case.sources or len(case.pages) >= MOST_PAGES:
        return ()
    return (
        past.CallerSeen(case=case.id, origin=command.origin, kind=command.kind, shared=command.shared),
        OriginSeen(origin=command.origin, case=case.id, account=case.account, kind=command.kind),
    )


def _allowed(command: do.Open) -> None:
    kinds = [type(c) for c in command.changes]
    asked = set(kinds) - {RevokeSessions}
    if not asked or len(set(kinds)) != len(kinds) or not asked <= set(ALLOWED[command.action]):
        raise Invalid(
            f"These changes do not belong to {command.action}.",
            f"Ask for: {', '.join(k.__name__ for k in ALLOWED[command.action])}, each once.",
            where="changes",
        )
    if any(c.account != command.account for c in command.changes):
        raise Invalid("A change names another account.", "A case changes one account.", where="changes")
    for change in command.changes:
        if isinstance(change, SetContact) and change.commitment:
            raise Invalid(
                "A new contact point is not given when a case is opened.",
                "The person enters it on their own page.",
                where="changes",
            )
        if isinstance(change, ResetFactors) and not change.factors and command.action is not Action.TOTAL_LOSS:
            raise Invalid(
                "Which factors are to be removed is not said; all of them is a total loss.",
                "Name the factors, or ask for total_loss.",
                where="changes",
            )
        if not isinstance(change, IssuePass | GrantOverride):
            continue
        shortest, longest = LIFETIMES[type(change)]
        if not shortest <= change.lifetime_s <= longest:
            raise Invalid(
                f"{change.lifetime_s} s is no lifetime for {type(change).__name__}.",
                f"Ask for {shortest} to {longest} seconds.",
                where="changes",
            )
