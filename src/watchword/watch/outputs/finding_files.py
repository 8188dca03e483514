"""Findings as Parquet, for a data lake: a row for each thing that was told of one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from watchword.core.errors import Corrupt
from watchword.watch.formats.finding_alert import FindingAlert

_TEXTS, _TIME = pa.list_(pa.string()), pa.timestamp("us", tz="UTC")
SCHEMA = pa.schema(
    [
        pa.field("finding", pa.string(), nullable=False),
        pa.field("tag", pa.string(), nullable=False),
        pa.field("at", _TIME, nullable=False),
        pa.field("status", pa.string(), nullable=False),
        pa.field("severity", pa.string(), nullable=False),
        pa.field("title", pa.string(), nullable=False),
        pa.field("why", pa.string(), nullable=False),
        pa.field("by", pa.string(), nullable=False),
        pa.field("name", pa.string()),
        pa.field("rules", _TEXTS, nullable=False),
        pa.field("attack", _TEXTS, nullable=False),
        pa.field("events", pa.int32(), nullable=False),
        pa.field("raised_at", _TIME, nullable=False),
        pa.field("since", _TIME, nullable=False),
        pa.field("until", _TIME, nullable=False),
        pa.field("owner", pa.string()),
        pa.field("dismissal", pa.string()),
        pa.field("event_ids", _TEXTS, nullable=False),
        pa.field("actors", _TEXTS, nullable=False),
        pa.field("targets", _TEXTS, nullable=False),
        pa.field("cases", _TEXTS, nullable=False),
        pa.field("tickets", _TEXTS, nullable=False),
        pa.field("items", pa.string(), nullable=False),
    ]
)
"""The columns; *items* is the JSON of the first items."""


def append_findings(folder: Path, alerts: Sequence[FindingAlert]) -> int:
    """Append those of *alerts* whose tag is not in *folder* yet, as one file, whole or not at all; return how many.

    One writer at a time. `Corrupt` when a file of the folder can not be read.
    """
    if not alerts:
        return 0
    folder.mkdir(parents=True, exist_ok=True)
    files = sorted(folder.glob("*.parquet"))
    there = {tag for file in files for tag in _tags(file)}
    rows = [_row(alert) for alert in {one.tag: one for one in alerts}.values() if alert.tag not in there]
    if rows:
        name = f"findings-{len(files):08d}.parquet"
        partial = folder / f".{name}.partial"
        pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), partial)
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        partial.rename(folder / name)
    return len(rows)


def _tags(file: Path) -> list[str]:
    try:
        return [str(tag) for tag in pq.read_table(file, columns=["tag"]).column("tag").to_pylist()]
    except pa.ArrowException as error:
        raise Corrupt(f"The file {file} can not be read: {error}.", "Restore the file from a copy.") from error


def _row(alert: FindingAlert) -> dict[str, object]:
    told = msgspec.structs.asdict(alert)
    return {
        **{name: told[name] for name in SCHEMA.names if name in told},
        "status": alert.status.value,
        "severity": alert.severity.word,
        "event_ids": list(dict.fromkeys(item.event for item in alert.items if item.event)),
        "actors": list(alert.actors),
        "targets": [target for _, target in alert.targets],
        "cases": list(alert.cases),
        "tickets": list(alert.tickets),
        "items": msgspec.json.encode(alert.items).decode(),
    }
