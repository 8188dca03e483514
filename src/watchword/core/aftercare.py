"""After-care: what was done is confirmed by the person in time, or access is taken away again."""

from __future__ import annotations

from datetime import datetime, timedelta

from watchword.core import command as do
from watchword.core.case import Case, Closed, Delivered
from watchword.core.confirmation import CareConfirmed, CareMissed
from watchword.core.errors import Refused
from watchword.core.gates import Event, in_state
from watchword.core.objection import stops_care, taken_back
from watchword.core.standing import shielded


def confirm_due(case: Case) -> datetime | None:
    """Until when the person has to confirm; None where nothing is asked, nothing was delivered, or they have."""
    if type(case) not in (Delivered, Closed) or case.confirmed or case.delivered_at is None:
        return None
    asked = case.requirement.after.confirm_s
    return case.delivered_at + timedelta(seconds=asked) if asked else None


def may_confirm(case: Case, *, bound: bool, browser: str | None) -> bool:
    """Whether a browser speaks for the person: the one the case is bound to, or one an enforced proof came from."""
    enforced = {m.name for m in case.requirement.methods if m.enforced}
    return bound or (browser is not None and any(e.browser == browser for e in case.evidence if e.method in enforced))


def confirm_care(case: Case, command: do.ConfirmCare) -> tuple[Event, ...]:
    """Take the person's word, from where they proved themself; once is enough.

    Not after a “not me”: whoever took the credential over has that browser, and their word would be the last one.
    """
    in_state(case, command, Delivered, Closed)
    if not may_confirm(case, bound=command.bound, browser=command.browser):
        raise Refused(
            "This browser proved nothing in this case.",
            "Go on in the browser you began with; tell the desk at once if somebody else did.",
            ("other_browser",),
        )
    due = confirm_due(case)
    if due is None:
        return ()
    if stops_care(case):
        raise Refused(
            "Somebody said that this was not them, so it can not be confirmed until security has looked at it.",
            f"Call the desk at the number you know; the account is suspended at {due:%Y-%m-%d %H:%M} UTC otherwise.",
            ("care_stopped",),
        )
    return (CareConfirmed(case=case.id),)


def miss_care(case: Case, command: do.MissCare, at: datetime) -> tuple[Event, ...]:
    """Suspend the account and end its sessions, where the time is over and nobody confirmed."""
    in_state(case, command, Delivered, Closed)
    due = confirm_due(case)
    if due is None:
        return ()
    if at < due:
        raise Refused("The person still has time to confirm.", "Wait.", ("too_early",))
    changes = taken_back(case)
    return (CareMissed(case=case.id, changes=changes), *shielded(case.account, case.id, command.by, changes))
