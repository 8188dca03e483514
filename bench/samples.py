"""Logs and evidence that several benchmarks read: made once in a folder, and found there again."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from bench.okta_generator import generate
from watchword.core.evidence import SCHEMA, EvidenceRow

_ARROW = {
    "VARCHAR": pa.string(),
    "VARCHAR[]": pa.list_(pa.string()),
    "TIMESTAMPTZ": pa.timestamp("us", tz="UTC"),
    "BIGINT": pa.int64(),
    "BIGINT[]": pa.list_(pa.int64()),
    "BOOLEAN": pa.bool_(),
}
_GROUP = 1 << 17
"""Rows of a group in the desk's own evidence table."""


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A log and its evidence, and how many of its lines are identity support."""

    log: Path
    evidence: Path
    events: int
    support: int
    rows: int

    @property
    def size(self) -> int:
        """Bytes of the log."""
        return self.log.stat().st_size


def made(folder: Path, megabytes: int, rows: int) -> Made:
    """A log of *megabytes* with *rows* of evidence in *folder*, as it is there or made now."""
    log, evidence = folder / f"okta-{megabytes}.jsonl", folder / f"okta-{megabytes}-{rows}.parquet"
    facts = evidence.with_suffix(".json")
    if not facts.exists():
        sample = generate(log, megabytes * 1_000_000, rows=rows)
        write_evidence(evidence, sample.evidence)
        known = Made(log=log, evidence=evidence, events=sample.events, support=sample.support, rows=rows)
        facts.write_bytes(msgspec.json.encode(known, enc_hook=str))
    return msgspec.json.decode(facts.read_bytes(), type=Made, dec_hook=lambda kind, text: kind(text))


def write_evidence(path: Path, rows: tuple[EvidenceRow, ...]) -> None:
    """Write *rows* as the desk writes its evidence table."""
    schema = pa.schema([(name, _ARROW[kind]) for name, kind in SCHEMA])
    # A million rows as Python dicts would take gigabytes.
    with pq.ParquetWriter(path, schema) as out:
        for start in range(0, len(rows), _GROUP):
            some = [msgspec.structs.asdict(row) for row in rows[start : start + _GROUP]]
            out.write_table(pa.Table.from_pylist(some, schema=schema), row_group_size=_GROUP)
