"""The evidence table: a follower that writes, as Parquet, what the watch joins the directories' logs against.

One row per change of a case that was released, with the leaf indices of its whole chain. The table is small (one row
per governed change), so it is written whole and swapped in at once: a reader never sees half of it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import structlog

from watchword.core import event as past
from watchword.core.case import Case
from watchword.core.change import Change, Receipt
from watchword.core.downtime import Downtime
from watchword.core.errors import Invalid, Refused, Unavailable
from watchword.core.evidence import DECLARED, GAPS, SCHEMA, DeclaredRow, EvidenceRow
from watchword.core.fold import evolve
from watchword.core.ids import CaseId, LeafHash
from watchword.desk.downtime import PERFORMER, declared
from watchword.desk.recording import DOWNTIME_STREAM, recorded
from watchword.desk.registry import Registry
from watchword.directories.port import Directory, kind_of
from watchword.ledger.append import Appended
from watchword.ledger.leader import Ledger
from watchword.ledger.restoration import restorations

log = structlog.get_logger("watchword.evidence")

_TYPES: dict[str, pa.DataType] = {
    "VARCHAR": pa.string(),
    "VARCHAR[]": pa.list_(pa.string()),
    "TIMESTAMPTZ": pa.timestamp("us", tz="UTC"),
    "BIGINT": pa.int64(),
    "BIGINT[]": pa.list_(pa.int64()),
    "BOOLEAN": pa.bool_(),
}

_ROWS = 1 << 17
"""Rows of a group: rows are nearly in order of time, so that a reader can skip the groups that are not of its time."""

ARROW_SCHEMA = pa.schema([(name, _TYPES[kind]) for name, kind in SCHEMA])
"""`core.evidence.SCHEMA` as Arrow has it."""


def write(
    path: Path,
    rows: Iterable[EvidenceRow],
    gaps: Iterable[tuple[datetime, datetime]] = (),
    down: Iterable[DeclaredRow] = (),
) -> None:
    """Write the whole table to *path*, in one step for any reader.

    *gaps* are times of which the ledger lost its own record, each from and until; *down* is what was declared as done
    while Watchword was down.
    """
    beside = {GAPS: msgspec.json.encode(tuple(gaps)), DECLARED: msgspec.json.encode(tuple(down))}
    schema = ARROW_SCHEMA.with_metadata(beside)
    table = pa.Table.from_pylist([msgspec.structs.asdict(row) for row in rows], schema=schema)
    new = path.with_suffix(f".{os.getpid()}.tmp")
    pq.write_table(table, new, row_group_size=_ROWS)
    new.replace(path)


class EvidenceTable:
    """Follows the ledger and keeps the table at *path* up to date.

    An account that is renamed, moved or deleted keeps, in the rows of its cases, the names that it had when they were
    written first: logs of that time have those.
    """

    name = "evidence"

    def __init__(self, path: Path, registry: Registry, directories: dict[str, Directory]) -> None:
        self.position = 0
        self.path = path
        self.registry = registry
        self.directories = directories
        self._entries: dict[CaseId, list[Appended]] = {}
        self._stale: set[CaseId] = set()  # what a directory that does not answer keeps us from naming
        self._rows: dict[CaseId, tuple[EvidenceRow, ...]] = {}
        self._names: dict[str, tuple[str, ...]] | None = None
        self._restored = 0
        self._down_stale = False
        self._down: tuple[DeclaredRow, ...] = ()

    def follow(self, ledger: Ledger) -> int:
        """Read what is new; write the table again where a case's evidence changed.

        A case whose directory does not answer keeps its old rows, and is looked at again next time.
        """
        for appended in ledger.entries(self.position):
            if appended.entry.stream.startswith("case/"):
                case = CaseId(appended.entry.stream.removeprefix("case/"))
                self._entries.setdefault(case, []).append(appended)
                self._stale.add(case)
            elif appended.entry.stream == DOWNTIME_STREAM:
                self._down_stale = True
            elif appended.entry.type == "evidence.erased":
                self._stale.update(self._touched(str(appended.entry.data["stream"])))
                self._down_stale = True  # whom a declaration names may be among what went
            self.position = appended.seq + 1
        known = restorations(ledger)
        renewed = len(known) > self._restored
        self._restored = len(known)
        for case in tuple(self._stale):
            try:
                self._rows[case] = self._of(ledger, tuple(self._entries[case]))
            except Unavailable as fault:
                log.warning("evidence.waits", case=case, why=fault.what)
                continue
            self._stale.remove(case)
            renewed = True
        renewed = self._declared(ledger) or renewed
        if renewed or not self.path.exists():
            gaps = ((each.since, each.until) for _, each in known)
            write(self.path, (row for rows in self._rows.values() for row in rows), gaps, self._down)
        return self.position

    def _declared(self, ledger: Ledger) -> bool:
        """Look again at what was declared, where something was; a silent directory is asked again next time."""
        if not self._down_stale:
            return False
        try:
            self._down = tuple(
                self._down_row(ledger, one) for one in declared(ledger).values() if one.confirmed is not None
            )
        except Unavailable as fault:
            log.warning("evidence.waits", downtime=True, why=fault.what)
            return False
        self._down_stale = False
        return True

    def _down_row(self, ledger: Ledger, one: Downtime) -> DeclaredRow:
        said = one.declared
        mine = [e for e in ledger.read(DOWNTIME_STREAM) if e.entry.data["downtime"] == said.downtime]
        try:
            directory, native = self.registry.native_id(said.account)
        except Refused:  # erased: it speaks for nobody's events any more
            directory, native = self.registry.account(said.account).directory, ""
        performer = ledger.disclosures(mine[0]).get(PERFORMER, "")
        return DeclaredRow(
            downtime=said.downtime,
            directory=directory,
            target_keys=_keys(self.directories[directory], native) if native else (),
            performers=(performer.lower(),) if performer else (),
            effects=one.effects,
            since=said.since,
            until=said.until,
            reviewed=one.reviewed is not None and one.reviewed.sound,
            leaves=tuple(e.seq for e in mine),
        )

    def _named(self, case: CaseId, keys: tuple[str, ...]) -> tuple[str, ...]:
        """*keys*, with the names that the table had for the account of *case*."""
        if self._names is None:
            self._names = _names_in(self.path)
        known = tuple(dict.fromkeys((*keys, *self._names.get(case, ()))))
        self._names[case] = known
        return known

    def _touched(self, stream: str) -> tuple[CaseId, ...]:
        """The cases whose rows hold something of *stream*: the case itself, or every case of the account."""
        kind, _, name = stream.partition("/")
        if kind == "case":
            return (CaseId(name),) if CaseId(name) in self._rows else ()
        if kind != "account":
            return ()
        return tuple(case for case, rows in self._rows.items() if rows and rows[0].account == name)

    def _of(self, ledger: Ledger, entries: tuple[Appended, ...]) -> tuple[EvidenceRow, ...]:
        chain = _Chain(entries)
        if not chain.releases and not chain.takes_back:
            return ()
        try:
            directory, native = self.registry.native_id(chain.case.account)
        except Refused:  # erased: the rows stay, and say no longer whose account it was
            directory, native = self.registry.account(chain.case.account).directory, ""
            (self._names or {}).pop(chain.case.id, None)
        reached = self.directories[directory]
        keys = self._named(chain.case.id, _keys(reached, native)) if native else ()
        rows = []
        for number, change in enumerate(chain.changes):
            started, ended = chain.started.get(number), chain.ended.get(number)
            receipt = _receipt(ledger, ended[0]) if ended else None
            principal = receipt.principal_keys if receipt and receipt.principal_keys else reached.principal_keys
            release = chain.takes_back if number >= len(chain.case.changes) else chain.release
            if release is None:
                continue
            rows.append(
                EvidenceRow(
                    case=chain.case.id,
                    ticket=chain.ticket_number(ledger),
                    account=chain.case.account,
                    directory=directory,
                    native_id=native,
                    target_keys=keys,
                    account_class=chain.case.account_class,
                    action=chain.case.action,
                    change=kind_of(change),
                    effects=tuple(sorted(change.effects)),
                    principal=principal[0] if principal else "",
                    principal_keys=tuple(k.lower() for k in principal),
                    socket=receipt.socket if receipt else None,
                    transaction=receipt.transaction if receipt else None,
                    started=started.entry.at if started else None,
                    ended=ended[0].entry.at if ended and ended[1].outcome != "unknown" else None,
                    expires=chain.until(number),
                    outcome=ended[1].outcome if ended else None,
                    receipt=msgspec.json.encode(receipt).decode() if receipt else None,
                    opened_leaf=chain.opened.seq,
                    ticket_leaf=chain.ticket.seq if chain.ticket else None,
                    verify_leaves=chain.proofs(),
                    approve_leaves=chain.approvals(),
                    approve_needed=chain.case.requirement.approve is not None,
                    release_leaf=release.seq,
                    started_leaf=started.seq if started else None,
                    outcome_leaf=ended[0].seq if ended else None,
                )
            )
        return tuple(rows)


def _names_in(path: Path) -> dict[str, tuple[str, ...]]:
    """The names of the account of each case that the table at *path* has; none where it can not be read."""
    try:
        table = pq.read_table(path, columns=["case", "target_keys"])
    except FileNotFoundError:
        return {}
    except (OSError, pa.ArrowException) as fault:
        log.warning("evidence.unread", file=str(path), why=str(fault))
        return {}
    names: dict[str, tuple[str, ...]] = {}
    for case, keys in zip(table["case"].to_pylist(), table["target_keys"].to_pylist(), strict=True):
        names[case] = tuple(dict.fromkeys((*names.get(case, ()), *(keys or ()))))
    return names


def _keys(directory: Directory, native: str) -> tuple[str, ...]:
    """Every name the directory's log may use for an account; of one that is gone, its native id."""
    try:
        seen = directory.read(native)
    except Invalid:
        return (native.lower(),)
    return tuple(dict.fromkeys(k.lower() for k in (native, seen.login, *seen.keys)))


def _receipt(ledger: Ledger, ended: Appended) -> Receipt | None:
    told = ledger.disclosures(ended).get("receipt")
    if told is None or not told.startswith("{"):
        return None
    return msgspec.json.decode(told.encode(), type=Receipt)


class _Chain:
    """The entries of one case by what they are to its evidence."""

    def __init__(self, entries: tuple[Appended, ...]) -> None:
        self.opened = entries[0]
        self.ticket: Appended | None = None
        self.releases: list[tuple[Appended, past.CaseReleased]] = []
        self.takes_back: Appended | None = None
        self.started: dict[int, Appended] = {}
        self.ended: dict[int, tuple[Appended, past.ChangeEnded]] = {}
        self._leaves: dict[LeafHash, int] = {}
        self._cited: tuple[LeafHash, ...] = ()
        folded: Case | None = None
        taken_back: tuple[Change, ...] = ()
        for appended in entries:
            fact = recorded(appended)
            folded = evolve(folded, fact)
            self._leaves[appended.leaf] = appended.seq
            match fact.event:
                case past.TicketLinked():
                    self.ticket = appended
                case past.ApprovalAsked():
                    self._cited = fact.event.leaves
                case past.BreakGlassInvoked():
                    self._cited = (appended.leaf,)  # the custodian's word stands where verification would
                case past.CaseReleased():
                    self.releases.append((appended, fact.event))
                case past.CaseContained() | past.ProtectionTaken():
                    self.takes_back, taken_back = appended, fact.event.changes
                case past.ChangeStarted():
                    self.started[fact.event.number] = appended
                    self.ended.pop(fact.event.number, None)
                case past.ChangeEnded():
                    self.ended[fact.event.number] = (appended, fact.event)
        assert folded is not None
        self.case = folded
        self.changes = (*folded.changes, *taken_back)

    @property
    def release(self) -> Appended | None:
        """The release that stands."""
        return self.releases[-1][0] if self.releases else None

    def until(self, number: int) -> datetime:
        """When the release stops covering a change; a containment covers a day."""
        if number >= len(self.case.changes) and self.takes_back is not None:
            return self.takes_back.entry.at + timedelta(days=1)
        return self.releases[-1][1].until

    def proofs(self) -> tuple[int, ...]:
        """Leaf indices of the verifications the request cites."""
        return tuple(self._leaves[leaf] for leaf in self._cited)

    def approvals(self) -> tuple[int, ...]:
        """Leaf indices of the approvals the release stands on."""
        return tuple(self._leaves[leaf] for leaf in self.releases[-1][1].approvals) if self.releases else ()

    def ticket_number(self, ledger: Ledger) -> str | None:
        """The ticket's number, None where it was erased or never linked."""
        return ledger.disclosures(self.ticket).get("ticket") if self.ticket else None
