"""Where the evidence stands, what the watch says, and whether this process answers."""

from __future__ import annotations

from litestar import get

from watchword.api import bodies
from watchword.reception.cases import demand_overview
from watchword.reception.given import Now, TheActor, TheApp
from watchword.watch.verdicts import VerdictRow


@get("/api/ledger", sync_to_thread=True, tags=["evidence"])
def ledger_status(app: TheApp, actor: TheActor) -> bodies.LedgerOut:
    """The ledger's name, its size, and the checkpoint that covers it."""
    del actor
    note, checkpoint = app.ledger.checkpoint
    return bodies.LedgerOut(origin=checkpoint.origin, size=checkpoint.size, checkpoint=note)


@get("/api/board", sync_to_thread=True, tags=["evidence"])
def board(app: TheApp, actor: TheActor, at: Now) -> tuple[VerdictRow, ...]:
    """The latest verdict on every identity event, newest first."""
    demand_overview(app, actor.person, at)
    return app.board()


@get("/healthz", sync_to_thread=True, tags=["evidence"])
def healthz(app: TheApp) -> bodies.Healthy:
    """This process answers, and its ledger is open."""
    return bodies.Healthy(entries=app.ledger.size)
