"""Where the evidence stands, what the watch says, and whether this process answers."""

from __future__ import annotations

from datetime import datetime

from litestar import get
from litestar.di import NamedDependency

from watchword.api import bodies
from watchword.app import App
from watchword.reception.cases import demand_overview
from watchword.reception.sessions import Actor
from watchword.watch.verdicts import VerdictRow


@get("/api/ledger", sync_to_thread=True, tags=["evidence"])
def ledger_status(app: NamedDependency[App], actor: NamedDependency[Actor]) -> bodies.LedgerOut:
    """The ledger's name, its size, and the checkpoint that covers it."""
    del actor
    note, checkpoint = app.ledger.checkpoint
    return bodies.LedgerOut(origin=checkpoint.origin, size=checkpoint.size, checkpoint=note)


@get("/api/board", sync_to_thread=True, tags=["evidence"])
def board(
    app: NamedDependency[App], actor: NamedDependency[Actor], at: NamedDependency[datetime]
) -> tuple[VerdictRow, ...]:
    """The latest verdict on every identity event, newest first."""
    demand_overview(app, actor.person, at)
    return app.board()


@get("/healthz", sync_to_thread=True, tags=["evidence"])
def healthz(app: NamedDependency[App]) -> bodies.Healthy:
    """This process answers, and its ledger is open."""
    return bodies.Healthy(entries=app.ledger.size)
