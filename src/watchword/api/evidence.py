"""Where the evidence stands, what the watch says, and whether this process answers."""

from __future__ import annotations

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.status_codes import HTTP_200_OK

from watchword.api import bodies
from watchword.core.errors import Invalid
from watchword.core.ids import CaseId
from watchword.ledger.erasure import Reason
from watchword.reception.cases import demand_overview, readable
from watchword.reception.given import Now, TheActor, TheApp
from watchword.watch.verdicts import VerdictRow


@get("/api/ledger", sync_to_thread=True, tags=["evidence"])
def ledger_status(app: TheApp, actor: TheActor) -> bodies.LedgerOut:
    """The ledger's name, its size, and the checkpoint that covers it."""
    del actor
    note, checkpoint = app.ledger.checkpoint
    return bodies.LedgerOut(origin=checkpoint.origin, size=checkpoint.size, checkpoint=note)


@get("/api/cases/{case:str}/evidence", sync_to_thread=True, tags=["evidence"], media_type="application/zip")
def evidence(
    app: TheApp, actor: TheActor, at: Now, case: FromPath[str], closed: FromQuery[bool] = False
) -> Response[bytes]:
    """A case's evidence bundle, a zip that anybody can check; with *closed* no personal data are disclosed in it."""
    loaded = readable(app, actor.person, case, at)
    bundle = app.dossier.collect(actor.person, loaded.case.id, at, is_open=not closed)
    headers = {
        "content-disposition": f'attachment; filename="evidence-{loaded.case.id}.zip"',
        "cache-control": "no-store",
    }
    return Response(bundle.zip(), media_type="application/zip", headers=headers)


@post("/api/ledger/erasures", sync_to_thread=True, status_code=HTTP_200_OK, tags=["evidence"])
def erase(app: TheApp, actor: TheActor, at: Now, data: JSONBody[bodies.EraseEvidence]) -> tuple[bodies.HeldOut, ...]:
    """Erase payloads for good, or say what would go; the evidence stays and verifies."""
    if data.case is None:
        if data.retention is not None or data.why not in (None, Reason.TIME_OVER):
            raise Invalid("Without a case only what is over goes, of every class.", "Name a case.", where="case")
        gone = app.keeper.erase_expired(actor.person, at, dry_run=data.dry_run)
    else:
        if data.retention is None or data.why is None:
            raise Invalid("A case is erased by class and for a reason.", "Give both.", where="retention, why")
        case = CaseId(data.case)
        gone = app.keeper.erase_case(actor.person, case, data.retention, data.why, at, dry_run=data.dry_run)
    app.follow()
    return tuple(
        bodies.HeldOut(stream=one.stream, retention=one.retention, payloads=one.payloads, keys=len(one.keys))
        for one in gone
    )


@post("/api/ledger/holds", sync_to_thread=True, status_code=HTTP_200_OK, tags=["evidence"])
def hold(app: TheApp, actor: TheActor, at: Now, data: JSONBody[bodies.HoldCase]) -> bodies.HoldOut:
    """Keep a case from erasure, or agree that it is kept no longer."""
    case = CaseId(data.case)
    if data.lift:
        return bodies.HoldOut(held=not app.keeper.lift(actor.person, case, at))
    app.keeper.hold(actor.person, case, data.why, at)
    return bodies.HoldOut(held=True)


@get("/api/board", sync_to_thread=True, tags=["evidence"])
def board(app: TheApp, actor: TheActor, at: Now) -> tuple[VerdictRow, ...]:
    """The latest verdict on every identity event, newest first."""
    demand_overview(app, actor.person, at)
    return app.board()


@get("/healthz", sync_to_thread=True, tags=["evidence"])
def healthz(app: TheApp) -> bodies.Healthy:
    """This process answers, and its ledger is open."""
    return bodies.Healthy(entries=app.ledger.size)
