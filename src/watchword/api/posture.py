"""What holds for the whole desk: the elevated-threat switch."""

from __future__ import annotations

from datetime import datetime

from litestar import get, post
from litestar.params import JSONBody

from watchword.api import people_bodies as bodies
from watchword.api.bodies import Why
from watchword.api.downtime import sees_downtime
from watchword.api.reading import login_of
from watchword.app import App
from watchword.reception.cases import listed
from watchword.reception.ends import in_utc
from watchword.reception.given import Now, TheActor, TheApp


@get("/api/threat", sync_to_thread=True, tags=["posture"])
def threat(app: TheApp, actor: TheActor, at: Now) -> bodies.ThreatOut:
    """Whether the elevated-threat switch is on, until when, and who turned it on; everybody who signs in may know."""
    del actor
    return _shown(app, at)


@post("/api/threat", sync_to_thread=True, tags=["posture"])
def raise_threat(app: TheApp, actor: TheActor, at: Now, data: JSONBody[bodies.RaiseThreat]) -> bodies.ThreatOut:
    """Turn the switch on, or let it last longer; it ends by itself, or when two people turn it off."""
    app.people.raise_threat(actor.person, in_utc(data.until), data.why, at)
    return _shown(app, at)


@post("/api/threat/lower", sync_to_thread=True, tags=["posture"])
def lower_threat(app: TheApp, actor: TheActor, at: Now, data: JSONBody[Why]) -> bodies.ThreatOut:
    """Agree that the switch is turned off before its time; two people on duty have to."""
    app.people.lower_threat(actor.person, data.why, at)
    return _shown(app, at)


@get("/api/debts", sync_to_thread=True, tags=["posture"])
def debts(app: TheApp, actor: TheActor, at: Now) -> tuple[bodies.DebtOut, ...]:
    """Reviews that are owed on cases whoever asks may read, and on downtime, the oldest due first."""
    owed = (row for row in listed(app, actor.person, at) if row.case.review_due and not row.case.reviewer)
    cases = (
        bodies.DebtOut(
            case=row.case.id,
            break_glass=row.case.broke_glass is not None,
            due=row.case.review_due or at,
            overdue=row.overdue,
        )
        for row in owed
    )
    down = (
        bodies.DebtOut(
            downtime=one.declared.downtime, break_glass=False, due=one.confirmed.due, overdue=one.overdue(at)
        )
        for one in (app.downtimes.owing() if sees_downtime(app, actor.person, at) else ())
        if one.confirmed is not None
    )
    return tuple(sorted((*cases, *down), key=lambda debt: debt.due))


def _shown(app: App, at: datetime) -> bodies.ThreatOut:
    posture = app.registry.posture()
    return bodies.ThreatOut(
        elevated=posture.elevated(at),
        until=posture.threat_until,
        by=login_of(app, posture.threat_by),
        lower_votes=tuple(login_of(app, who) or "" for who in app.people.lower_votes(at)),
    )
