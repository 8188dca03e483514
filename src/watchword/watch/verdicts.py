"""Verdicts as values: one row an identity event, why, and what it matched; and the file that keeps every revision."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import chain
from pathlib import Path

import duckdb
import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj
import pyarrow.parquet as pq

from watchword.core.errors import Corrupt
from watchword.core.identity_event import Canonical, Verdict
from watchword.watch.signals import Hit
from watchword.watch.tenants import TenantCount

FINDINGS = frozenset({Verdict.SUSPICIOUS, Verdict.UNVERIFIED, Verdict.OUT_OF_POLICY})
"""The verdicts that someone must look at."""

REASONS = {
    "whole_chain": "the whole chain of evidence is there",
    "no_evidence": "no evidence was given, so nothing can speak for it",
    "no_case": "no case speaks for it",
    "no_released_case": "by the executor's principal with no released case for this account",
    "other_account": "a case of the same executor was open, for another account",
    "other_actor": "a case for this account was open, but somebody else did it",
    "other_connection": "by the executor's principal within a case, but not over the connection of its receipt",
    "wider_than_approved": "wider than approved: the case does not cover this action",
    "already_used": "the case for it was already used by another event",
    "outside_window": "outside the time of its case",
    "expired": "done after the approval or release had expired",
    "missing:ticket": "the case has no ticket",
    "missing:verification": "the case has no verification",
    "missing:approval": "the case has no approval and needs one",
    "missing:release": "the case was not released",
    "missing:start": "the desk has no start of this change",
    "missing:receipt": "the desk has no receipt of this change",
    "recorded_as_not_done": "the desk recorded this change as not done, the directory did it",
    "privileged_target": "the account is privileged",
    "repeat_24h": "not the first support action on this account within 24 hours",
    "many_kinds_1h": "several kinds of change to this account within an hour",
    "declared": "declared by two custodians as done while the desk was down",
    "review_owed": "its review is owed",
    "review_done": "its review found it sound",
    "by_owner": "done by the owner of the account",
    "shared_actor": "who did it used an account that several people share",
    "leaver_actor": "who did it used the account of somebody who has left",
    "ticket_only": "only a ticket speaks for it",
    "ticket_not_enough": "only a ticket speaks for it, where a case is owed",
    "ticket_used": "its ticket speaks for another event already",
    "ticket_other_agent": "the ticket for this account is somebody else's",
    "ticket_other_action": "the ticket for this account names another action",
    "ticket_names_nothing": "the ticket for this account does not say what is to be done",
    "ticket_outside_window": "outside the time of the ticket for this account",
    "no_ticket": "no ticket speaks for it",
    "unseen": "the desk recorded this change as done, no log shows it",
    "seen_late": "the log of this change arrived late",
    "attempt_failed": "the attempt failed",
    "new_account": "the account was being made",
    "not_support": "not an identity-support action",
    "ledger_restored": "made in a time the ledger lost its record of: it owes a review",
    "no_time": "the log gives no readable time for it",
    "log_missing": "the log file is gone",
    "log_truncated": "the log file became shorter than what was read of it",
    "log_passed": "the log file that was being read is nowhere any more: what came into it last was not seen",
    "feed_silent": "the feed gave nothing for longer than it usually does: the watch was blind",
    "feed_back": "the feed gives something again",
    "feed_not_understood": "most of what the feed gives is nothing that its provider is known to write",
    "feed_understood": "most of what the feed gives is understood again",
    "feed_failing": "the feed can not be read",
    "file_unread": "a file of the feed can not be read",
    "canary_missing": "the reset of the canary's account was not seen in the log",
    "canary_silent": "nobody resets the canary's account, as far as the folder of the watch says",
    "canary": "the watch's own canary",
    "part_of_another": "by what came later it is part of another event",
}
"""Every reason a verdict or a finding may give: stable code, and its words."""


class VerdictRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One identity event, after folding the records of one click, and the verdict on it.

    *action* is None in a row about the feed itself. *actor_class* is "automation", "vendor" (its own support) or
    "system", else None; *detail* says which factor, role or rule. *reasons* are codes of `REASONS`; *case* and *ticket*
    name the case whose evidence it matched; *leaves* are the leaf indices of that chain, ascending. *revision* counts
    from 1 for each *id*, and *changed* says what this revision says otherwise than the one before it, each as
    `field: before -> now`, or the field alone where its values are long. No row is part of a cycle: there are so many
    that looking for one takes longer than all else that is done with them.

    *actor_login* and *target_login* are the addresses that the log has beside an *actor* or a *target* that is no name
    to a reader, else None.
    """

    id: str
    provider: str
    directory: str
    action: Canonical | None
    native_action: str
    actor: str
    target: str
    at: datetime
    outcome: str
    address: str | None
    socket: str | None
    correlation: str | None
    folded: int
    actor_class: str | None = None
    country: str | None = None
    asn: int | None = None
    detail: str | None = None
    verdict: Verdict
    reasons: tuple[str, ...]
    case: str | None
    ticket: str | None
    leaves: tuple[int, ...]
    revision: int = 1
    changed: tuple[str, ...] = ()
    actor_login: str | None = None
    target_login: str | None = None

    @property
    def is_finding(self) -> bool:
        """Whether someone must look at it."""
        return self.verdict in FINDINGS

    @property
    def why(self) -> str:
        """The reasons in words."""
        return "; ".join(REASONS[code] for code in self.reasons)

    def says_as(self, other: VerdictRow) -> bool:
        """Whether *other* is the same verdict for the same reasons, evidence and extent, whatever is `_BESIDE`."""
        return msgspec.structs.replace(other, **{name: getattr(self, name) for name in _BESIDE}) == self

    def after(self, before: VerdictRow) -> VerdictRow:
        """This verdict as the revision that follows *before*."""
        changed = tuple(
            f"{name}: {_said(old)} -> {_said(new)}" if name in _TOLD else name
            for name in self.__struct_fields__
            if name not in _BESIDE and (old := getattr(before, name)) != (new := getattr(self, name))
        )
        return msgspec.structs.replace(self, revision=before.revision + 1, changed=changed)


_BESIDE = ("revision", "changed", "actor_login", "target_login")
"""What says nothing new of an event: which revision it is, and what else those it names are called."""

_TOLD = frozenset({"verdict", "reasons", "case", "ticket", "action", "folded"})


def _said(value: object) -> str:
    return "+".join(map(str, value)) if isinstance(value, tuple) else "none" if value is None else str(value)


class TypeCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many lines had the native type *native*: standing for *canonical*, *ignored* for a reason, or not *known*."""

    native: str
    canonical: str | None
    ignored: str | None
    known: bool
    lines: int


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """One line that is no event: where, and why."""

    file: str
    line: int
    reason: str


class FileShare(msgspec.Struct, frozen=True, kw_only=True):
    """How much of one file was of its provider: *lines* that should be events, *rejected* and *unknown* of them.

    *passed* are beside these, and neither events nor damage: what a server writes into the same log.
    One that *is_broken* was not read to its end, or not at all: its last rejected line says why. Of the rejected ones
    *elsewhere* are of another tenant.
    """

    file: str
    provider: str
    lines: int
    rejected: int
    unknown: int
    is_broken: bool = False
    passed: int = 0
    elsewhere: int = 0

    @property
    def strange(self) -> int:
        """How many lines are nothing that this provider is known to write."""
        return self.rejected - self.elsewhere + self.unknown

    @property
    def is_strange(self) -> bool:
        """Whether more than half of it, or all, is no event this provider is known to write: another's log, perhaps."""
        return 2 * self.strange > self.lines or self.passed > self.lines == 0

    def why_strange(self, name: str) -> str:
        """What is strange about it, in words that call the file *name*."""
        known = f"{self.provider} is known to write"
        if not self.lines:
            return f"none of {self.passed:,} lines of {name} is an event that {known}"
        return f"{self.strange:,} of {self.lines:,} lines of {name} are nothing that {known}"


class UnseenChange(msgspec.Struct, frozen=True, kw_only=True):
    """A change said done without an event, though the log covers its time."""

    case: str
    ticket: str | None
    native_id: str
    change: str
    at: datetime


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What one run of `Engine.classify` found.

    *verdicts* are ordered by time and id. *lines* is every line read; *preamble* of them head a record, *repaired* were
    damaged and could be read all the same, *rejected_lines* could not. *rejected* holds the first thousand of these;
    *left_out* records were older than what was asked for.
    *hits* are what signals found, by time; *blind_signals* could not look, since a table they need was not given.
    *tenants* are those that lines name, of each feed and most lines first.
    """

    verdicts: tuple[VerdictRow, ...]
    types: tuple[TypeCount, ...]
    lines: int
    preamble: int
    repaired: int
    rejected_lines: int
    rejected: tuple[Rejected, ...]
    unseen: tuple[UnseenChange, ...]
    has_evidence: bool
    hits: tuple[Hit, ...] = ()
    blind_signals: tuple[str, ...] = ()
    files: tuple[FileShare, ...] = ()
    left_out: int = 0
    tenants: tuple[TenantCount, ...] = ()

    @property
    def strange_files(self) -> tuple[FileShare, ...]:
        """The files that are perhaps not of the provider they were given as."""
        return tuple(share for share in self.files if share.is_strange)

    @property
    def broken_files(self) -> tuple[FileShare, ...]:
        """The files that were not read to their end."""
        return tuple(share for share in self.files if share.is_broken)

    @property
    def findings(self) -> tuple[VerdictRow, ...]:
        """The verdicts that someone must look at."""
        return tuple(row for row in self.verdicts if row.is_finding)

    @property
    def unknown_types(self) -> tuple[TypeCount, ...]:
        """The native types that the catalogue does not know, most frequent first."""
        return tuple(count for count in self.types if not count.known)

    @property
    def counts(self) -> dict[Verdict, int]:
        """How many events have each verdict; lines whose type is ignored count as ignored."""
        counts = dict.fromkeys(Verdict, 0)
        for row in self.verdicts:
            counts[row.verdict] += 1
        counts[Verdict.IGNORED] += sum(count.lines for count in self.types if count.ignored)
        return counts


_read_row = msgspec.json.Decoder(VerdictRow).decode
_encode = msgspec.json.Encoder().encode
_ROWS = 10_000
"""Verdicts that are made into a table at a time."""
_BLOCK = 1 << 20
"""Bytes of JSON that one thread makes into a table at a time."""
_TEXTS, _LEAVES = pa.list_(pa.string()), pa.list_(pa.int64())
_OPTIONAL = frozenset(
    {
        "action",
        "address",
        "socket",
        "correlation",
        "actor_class",
        "country",
        "asn",
        "detail",
        "case",
        "ticket",
        "changed",
        "actor_login",
        "target_login",
    }
)
_TYPES = {
    "at": pa.timestamp("us", tz="UTC"),
    "folded": pa.int32(),
    "asn": pa.int64(),
    "reasons": _TEXTS,
    "changed": _TEXTS,
    "leaves": _LEAVES,
    "revision": pa.int32(),
}
SCHEMA = pa.schema(
    [pa.field(name, _TYPES.get(name, pa.string()), nullable=name in _OPTIONAL) for name in VerdictRow.__struct_fields__]
)
"""The columns of a verdict file, equal to `VerdictRow`'s fields."""


def append_verdicts(directory: Path, rows: Iterable[VerdictRow]) -> tuple[VerdictRow, ...]:
    """Append to *directory* those of *rows* that say something new of their event, as its next revision; return them.

    Verdicts are never rewritten: each call that has something to say adds one Parquet file, whole or not at all. One
    writer at a time. `Corrupt` when a file of the directory can not be read.
    """
    directory.mkdir(parents=True, exist_ok=True)
    rows = tuple(rows)
    latest = {row.id: row for row in _latest(directory, {row.id for row in rows})}
    new: list[VerdictRow] = []
    for row in rows:
        before = latest.get(row.id)
        if (said := revised(row, before)) is not None:
            new.append(said)
            latest[row.id] = said
    if new:
        _write(directory, new)
    return tuple(new)


def revised(row: VerdictRow, before: VerdictRow | None) -> VerdictRow | None:
    """*row* as the next revision after what was said *before*; None when it says nothing new."""
    if before is None:
        return row if row.revision == 1 and not row.changed else msgspec.structs.replace(row, revision=1, changed=())
    return None if before.says_as(row) else row.after(before)


def write_step(directory: Path, step: int, rows: Iterable[VerdictRow]) -> None:
    """Write the verdicts of one *step* of the watch, revised already, into a file that is named for it, if any."""
    if rows := list(rows):
        _write(directory, rows, f"step{step:08d}", least=step)


def newest_step(directory: Path) -> int:
    """The last step whose verdicts are in *directory*; 0 for none."""
    return max((int(file.stem.rpartition("step")[2]) for file in directory.glob("*-step*.parquet")), default=0)


def latest_verdicts(directory: Path) -> tuple[VerdictRow, ...]:
    """The last revision of every event in *directory*, by time and id; `Corrupt` as `append_verdicts`."""
    return _latest(directory, None)


def verdicts_of(directory: Path, ids: set[str]) -> tuple[VerdictRow, ...]:
    """The last revision of each event of *ids* that is in *directory*; `Corrupt` as `append_verdicts`."""
    return _latest(directory, ids)


def rows_of(
    con: duckdb.DuckDBPyConnection, query: str, parameters: dict[str, object] | None = None
) -> tuple[VerdictRow, ...]:
    """The rows of *query*, columns as `VerdictRow` with `at` in UTC and no zone, by time and id."""
    # As JSON, which msgspec reads into rows in half the time that a tuple of Python objects a row would take.
    cursor = con.execute(
        "SELECT to_json(found) FROM ("
        'SELECT * REPLACE (strftime("at", \'%Y-%m-%dT%H:%M:%S.%fZ\') AS "at") FROM ('
        f'{query})) AS found ORDER BY found."at", found.id',
        parameters or {},
    )
    return tuple(map(_read_row, chain.from_iterable(cursor.fetchall())))


def verdict_files(directory: Path) -> tuple[Path, ...]:
    """The verdict files of *directory*, in the order of writing."""
    return tuple(sorted(directory.glob("*.parquet")))


def read_verdicts(file: Path, ids: set[str] | None = None) -> tuple[VerdictRow, ...]:
    """Every row of one verdict file, or those of *ids*, in the order of writing; `Corrupt` where it can not be read."""
    rows = _table(file, ids).to_pylist()
    return tuple(msgspec.convert(row | {"changed": row["changed"] or ()}, VerdictRow) for row in rows)


def _table(file: Path, ids: set[str] | None = None) -> pa.Table:
    """What *file* has, or what it has of *ids*."""
    try:
        return pq.read_table(file, schema=SCHEMA, filters=None if ids is None else pc.field("id").isin(sorted(ids)))
    except (pa.ArrowException, OSError) as error:
        raise Corrupt(f"The verdict file {file} can not be read: {error}.", "Restore the file from a copy.") from error


def _latest(directory: Path, ids: set[str] | None) -> tuple[VerdictRow, ...]:
    """The last revision of each event, or of those in *ids*."""
    with duckdb.connect() as con:
        return rows_of(con, "SELECT * FROM latest") if latest_of(con, directory, ids) else ()


def latest_of(con: duckdb.DuckDBPyConnection, directory: Path, ids: set[str] | None = None) -> bool:
    """Make `latest` on *con*: the last revision of each event, or of those in *ids*; False where there is no file."""
    files = verdict_files(directory)
    if not files:
        return False
    con.register("kept", pa.concat_tables([_table(file, ids) for file in files]))
    # By the place of its last revision: to sort whole rows takes four times as long.
    con.execute(
        "CREATE TEMP TABLE latest AS WITH placed AS (SELECT *, row_number() OVER () AS place FROM kept) "
        'SELECT * EXCLUDE place REPLACE (timezone(\'UTC\', "at") AS "at", coalesce(changed, []) AS changed) '
        "FROM placed WHERE place IN (SELECT arg_max(place, revision) FROM placed GROUP BY id)"
    )
    return True


def table_of(rows: Sequence[msgspec.Struct], schema: pa.Schema = SCHEMA) -> pa.Table:
    """*rows*, one or more, as a table: by way of JSON, since Arrow loads all of pandas before it looks at an object."""
    lines = [_encode(row) for row in rows]
    table = pj.read_json(
        pa.py_buffer(b"\n".join(lines)),
        # No row may be longer than a block.
        pj.ReadOptions(block_size=max(_BLOCK, 1 + max(map(len, lines)))),
        pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error"),
    )
    return table.select(schema.names).cast(schema)


def _write(directory: Path, rows: list[VerdictRow], suffix: str | None = None, *, least: int = 0) -> None:
    table = pa.concat_tables(table_of(rows[first : first + _ROWS]) for first in range(0, len(rows), _ROWS))
    # Named for its place in the order of writing, behind all that were there, also those that somebody took away since:
    # readers go by that. It is seen whole, since it appears by renaming.
    there = (file.name.split("-")[1] for file in directory.glob("verdicts-*-*.parquet"))
    place = max((least, *(int(one) + 1 for one in there if one.isdecimal())))
    name = f"verdicts-{place:08d}-{suffix or uuid.uuid4().hex[:8]}.parquet"
    partial = directory / f".{name}.partial"
    pq.write_table(table, partial)
    with partial.open("rb") as written:
        os.fsync(written.fileno())
    partial.rename(directory / name)
