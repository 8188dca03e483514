"""Builders for the watch's tests: Okta log lines, evidence rows, and one call that classifies them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from watchword.core.evidence import GAPS, SCHEMA, EvidenceRow
from watchword.core.ids import AccountId, CaseId
from watchword.watch.engine import Engine
from watchword.watch.follow import Follow, Followed
from watchword.watch.providers import provider_named
from watchword.watch.sources.spool import Spool
from watchword.watch.sources.tail import Tail
from watchword.watch.verdicts import Report, VerdictRow

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
EXECUTOR = "00uexecutor"

LONG_OVER = dict.fromkeys(("started", "ended", "expires"), NOON - timedelta(days=9))
"""Of a case that speaks for nothing any more: its account is known by its names all the same."""

_ARROW = {
    "VARCHAR": pa.string(),
    "VARCHAR[]": pa.list_(pa.string()),
    "TIMESTAMPTZ": pa.timestamp("us", tz="UTC"),
    "BIGINT": pa.int64(),
    "BIGINT[]": pa.list_(pa.int64()),
    "BOOLEAN": pa.bool_(),
}

Gap = tuple[datetime, datetime]
Line = str | bytes | dict[str, Any]


class Okta:
    """Makes System Log events; each has its own id and transaction unless told otherwise."""

    def __init__(self) -> None:
        self._made = 0

    def __call__(
        self,
        kind: str = "user.account.reset_password",
        *,
        actor: str = EXECUTOR,
        target: str | list[dict[str, Any]] | None = "00uana",
        at: datetime = NOON,
        after: float = 0,
        **members: Any,
    ) -> dict[str, Any]:
        """An event *after* seconds past *at*; *members* replace those of the event."""
        self._made += 1
        return {
            "uuid": f"u-{self._made:04d}",
            "published": (at + timedelta(seconds=after)).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "eventType": kind,
            "actor": {"id": actor, "type": "User", "alternateId": f"{actor}@example.test"},
            "client": {"ipAddress": "198.51.100.7"},
            "outcome": {"result": "SUCCESS", "reason": None},
            "target": [{"id": target, "type": "User", "alternateId": f"{target}@example.test", "changeDetails": None}]
            if isinstance(target, str)
            else target,
            "transaction": {"id": f"t-{self._made:04d}"},
            "debugContext": {"debugData": {}},
            **members,
        }


@pytest.fixture
def okta() -> Okta:
    """The maker of Okta events."""
    return Okta()


@pytest.fixture
def evidence() -> Callable[..., EvidenceRow]:
    """The maker of evidence: a whole chain for a password reset of 00uana at noon, unless told otherwise."""

    def make(account: str = "00uana", **fields: Any) -> EvidenceRow:
        whole: dict[str, Any] = {
            "case": CaseId("c-0001"),
            "ticket": "INC001",
            "account": AccountId(f"a-{account}"),
            "directory": "okta",
            "native_id": account,
            "target_keys": (account, f"{account}@example.test"),
            "account_class": "standard",
            "action": "password_reset",
            "change": "reset_password",
            "effects": ("password.reset", "password.expire", "account.unlock"),
            "principal": EXECUTOR,
            "principal_keys": (EXECUTOR,),
            "socket": None,
            "transaction": None,
            "started": NOON - timedelta(seconds=1),
            "ended": NOON + timedelta(seconds=1),
            "expires": NOON + timedelta(minutes=30),
            "outcome": "done",
            "receipt": "r-1",
            "opened_leaf": 3,
            "ticket_leaf": 4,
            "verify_leaves": (5, 6),
            "approve_leaves": (7,),
            "approve_needed": True,
            "release_leaf": 8,
            "started_leaf": 9,
            "outcome_leaf": 10,
        }
        return EvidenceRow(**{**whole, **fields})

    return make


def _write_log(path: Path, lines: Iterable[Line]) -> Path:
    with path.open("wb") as out:
        for line in lines:
            text = json.dumps(line) if isinstance(line, dict) else line
            out.write((text if isinstance(text, bytes) else text.encode()) + b"\n")
    return path


def _write_evidence(path: Path, rows: Iterable[EvidenceRow], gaps: Iterable[Gap] = ()) -> Path:
    schema = pa.schema([(name, _ARROW[kind]) for name, kind in SCHEMA]).with_metadata(
        {GAPS: msgspec.json.encode(tuple(gaps))}
    )
    pq.write_table(pa.Table.from_pylist([msgspec.structs.asdict(row) for row in rows], schema=schema), path)
    return path


@pytest.fixture
def write_log() -> Callable[[Path, Iterable[Line]], Path]:
    """Writes lines (events as dicts, or text as it is) to a file."""
    return _write_log


@pytest.fixture
def write_evidence() -> Callable[[Path, Iterable[EvidenceRow]], Path]:
    """Writes evidence rows to a Parquet file of the one schema."""
    return _write_evidence


class Classify:
    """Classifies lines against evidence, through real files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(
        self,
        lines: Sequence[Line],
        evidence: Iterable[EvidenceRow] | None = (),
        provider: str = "okta",
        gaps: Iterable[Gap] = (),
        **options: Any,
    ) -> Report:
        """The report on one log of *lines*; *evidence* None means that none was given.

        *gaps* are times of which the ledger says that it lost its record.
        """
        log = _write_log(self._folder / "log.jsonl", lines)
        table = None if evidence is None else _write_evidence(self._folder / "evidence.parquet", evidence, gaps)
        return Engine().classify(provider, (log,), table, **options)

    def one(self, line: Line, *evidence: EvidenceRow, **options: Any) -> VerdictRow:
        """The only verdict on a log of one line."""
        (row,) = self([line], evidence, **options).verdicts
        return row


@pytest.fixture
def classify(tmp_path: Path) -> Classify:
    """Lines and evidence in, a report out."""
    return Classify(tmp_path)


@pytest.fixture
def following(tmp_path: Path) -> Callable[..., Follow]:
    """Follows one log file of the test's folder, with its verdicts in `verdicts`."""

    def begin(provider: str, log: Path, evidence: Path | None = None, **options: Any) -> Follow:
        spool, source = Spool(tmp_path / "spool"), Tail(log)
        feed = Followed(name="log", provider=provider_named(provider), spool=spool, source=source)
        state, verdicts = tmp_path / "state", tmp_path / "verdicts"
        return Follow((feed,), state, verdicts, evidence, clock=lambda: NOON, **options)

    return begin
