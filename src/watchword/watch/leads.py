"""Which ungoverned events to look at first: points for what each is, added up, and said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from watchword.core.account import AccountClass
from watchword.core.identity_event import Canonical, Verdict
from watchword.watch.observed import Observed
from watchword.watch.verdicts import REASONS

RARE = 0.01
"""An hour of the day with a smaller share of all support events than this is an unusual one …"""

ENOUGH = 200
"""… where there are this many events to tell by."""

_OF_REASON = {
    "leaver_actor": 40,
    "privileged_target": 40,
    "many_kinds_1h": 30,
    "other_account": 25,
    "wider_than_approved": 25,
    "shared_actor": 20,
    "already_used": 20,
    "other_connection": 20,
    "no_released_case": 20,
    "repeat_24h": 15,
    "other_actor": 15,
    "expired": 10,
    "outside_window": 10,
    "ticket_other_agent": 10,
    "ticket_other_action": 10,
    "ticket_names_nothing": 10,
    "ticket_used": 5,
    "ticket_outside_window": 5,
}
_OF_ACTION = {
    Canonical.FACTOR_RESET_ALL: (25, "every factor was taken off"),
    Canonical.BYPASS_GRANT: (25, "a way around the second factor was given out"),
    Canonical.PRIVILEGE_GRANT: (25, "power was given"),
    Canonical.FACTOR_RESET: (15, "a factor was taken off"),
    Canonical.RECOVERY_INFO_CHANGE: (15, "where recovery messages go was changed"),
    Canonical.TOKEN_REISSUE: (10, "a new secret was issued"),
    Canonical.PASSWORD_RESET: (10, "the password was reset"),
}
_OF_CLASS = {
    AccountClass.EXECUTIVE: 20,
    AccountClass.FINANCE: 20,
    AccountClass.SERVICE: 10,
    AccountClass.AI_AGENT: 10,
}


class Lead(msgspec.Struct, frozen=True, kw_only=True):
    """One event to look at, how many points it has, and what for, the most telling first."""

    id: str
    at: datetime | None
    directory: str
    action: Canonical
    verdict: Verdict
    who: str
    whom: str
    points: int
    why: tuple[str, ...]


def leads_of(events: Sequence[Observed], most: int) -> tuple[Lead, ...]:
    """The *most* telling ungoverned events of *events*, one for each pair of actor and target."""
    hours = Counter(e.at.astimezone(UTC).hour for e in events if e.at)
    rare = {h for h in range(24) if hours.total() >= ENOUGH and hours[h] < RARE * hours.total()}
    leads: dict[tuple[str, str, str], Lead] = {}
    for event in events:
        if event.standing != "ungoverned":
            continue
        lead, pair = _lead(event, rare), (event.directory, event.who, event.whom)
        if pair not in leads or lead.points > leads[pair].points:
            leads[pair] = lead
    return tuple(sorted(leads.values(), key=lambda one: (-one.points, str(one.at), one.id))[:most])


def _lead(event: Observed, rare: set[int]) -> Lead:
    found = [(_OF_REASON.get(code, 0), REASONS[code]) for code in event.reasons]
    found.append(_OF_ACTION.get(event.action, (0, "")))
    if points := _OF_CLASS.get(AccountClass(event.account_class), 0) if _is_class(event.account_class) else 0:
        found.append((points, f"the account is of class {event.account_class}"))
    if event.actor_class == "vendor":
        found.append((20, "the directory's own support did it"))
    if event.at is not None and event.at.astimezone(UTC).hour in rare:
        found.append((10, "at an hour when hardly anybody is helped"))
    found.sort(key=lambda one: -one[0])
    return Lead(
        id=event.id,
        at=event.at,
        directory=event.directory,
        action=event.action,
        verdict=event.verdict,
        who=event.who,
        whom=event.whom,
        points=sum(points for points, _ in found),
        why=tuple(words for _, words in found if words),
    )


def _is_class(name: str) -> bool:
    return name in set(AccountClass)
