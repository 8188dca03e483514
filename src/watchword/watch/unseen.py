"""Changes that the desk says were done and no log shows, once a correlation has judged what the logs do show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import msgspec

from watchword.core.identity_event import Canonical, Verdict
from watchword.watch.verdicts import UnseenChange, VerdictRow

_QUERY = (Path(__file__).parent / "sql" / "unseen.sql").read_text(encoding="utf-8")


def unseen_changes(con: duckdb.DuckDBPyConnection) -> tuple[UnseenChange, ...]:
    """After `judge`: changes said done, within the time the log covers, that the log does not show."""
    return tuple(
        UnseenChange(case=row.case or "", ticket=row.ticket, native_id=row.target, change=row.native_action, at=row.at)
        for row in unseen_rows(con)
    )


def unseen_rows(con: duckdb.DuckDBPyConnection, told: Iterable[VerdictRow] = ()) -> tuple[VerdictRow, ...]:
    """After `judge`: the same as rows of their own; those of *told* that are missing no more come as revisions."""
    rows: dict[str, VerdictRow] = {}
    several = Counter[str]()
    for values in con.execute(_QUERY).fetchall():
        row = _unseen(*values)
        several[row.id] += 1
        if (number := several[row.id]) > 1:  # a case may have several changes of one kind
            row = msgspec.structs.replace(row, id=f"{row.id}/{number}")
        rows[row.id] = row
    late = (
        msgspec.structs.replace(row, verdict=Verdict.IGNORED, reasons=("seen_late",))
        for row in told
        if row.reasons == ("unseen",) and row.id not in rows
    )
    return (*rows.values(), *late)


def _unseen(
    case: str, ticket: str | None, native_id: str, change: str, at: datetime, directory: str, provider: str,
    principal: str, action: str | None, leaves: list[int],
) -> VerdictRow:  # fmt: skip
    return VerdictRow(
        id=f"unseen/{case}/{change}",
        provider=provider,
        directory=directory,
        action=None if action is None else Canonical(action),
        native_action=change,
        actor=principal,
        target=native_id,
        at=at.replace(tzinfo=UTC),
        outcome="",
        address=None,
        socket=None,
        correlation=None,
        folded=1,
        verdict=Verdict.SUSPICIOUS,
        reasons=("unseen",),
        case=case,
        ticket=ticket,
        leaves=tuple(leaves),
    )
