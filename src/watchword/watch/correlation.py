"""One correlation: a DuckDB connection that holds canonical events and evidence, and judges the one by the other."""

from __future__ import annotations

import csv
import tempfile
import threading
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, TypeVar

import duckdb
import msgspec
import pyarrow as pa

from watchword.core.errors import Invalid
from watchword.core.evidence import DECLARED, GAPS, SCHEMA, DeclaredRow
from watchword.core.identity_event import SUPPORT
from watchword.watch.accounts import Account, names_of, read_accounts
from watchword.watch.cells import EVENTS_OF, Enforced
from watchword.watch.providers import LAG, PROVIDERS, Feed, Provider
from watchword.watch.tickets import Ticket, once, parts_of
from watchword.watch.verdicts import TypeCount, VerdictRow, rows_of, table_of

_Time = Annotated[datetime, msgspec.Meta(tz=True)]
T = TypeVar("T")

_SQL = Path(__file__).parent / "sql"
_TIME = pa.timestamp("us", tz="UTC")
_ACCOUNT = pa.schema(
    [
        *((name, pa.string()) for name in ("account", "name", "class", "person", "unit", "vendor", "status")),
        ("shared", pa.bool_()),
        ("since", _TIME),
    ]
)
_PART = pa.schema(
    [
        *((name, pa.string()) for name in ("ticket", "target", "agent")),
        ("actions", pa.list_(pa.string())),
        *((name, _TIME) for name in ("opened", "since", "until")),
    ]
)


def connect(memory: str, threads: int) -> duckdb.DuckDBPyConnection:
    """A connection with its own memory, in UTC, that uses at most *memory* (as `512MB`) and *threads*."""
    con = duckdb.connect(
        config={
            "memory_limit": memory,
            "threads": threads,
            "preserve_insertion_order": False,
            "temp_directory": str(Path(tempfile.gettempdir()) / f"watchword-{uuid.uuid4().hex}"),
        }
    )
    con.execute("SET TimeZone = 'UTC'")
    # Beside the tables: what each thread writes of less than a group of rows is written once more, and by one alone.
    con.execute("ATTACH ':memory:' AS scratch (ROW_GROUP_SIZE 16384)")
    con.execute(_text("macros"))
    con.execute(_text("tables"))
    return con


def beside(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Another connection to the tables of *con*, for another thread: of TEMP tables it has none."""
    other = con.cursor()
    other.execute("SET TimeZone = 'UTC'")
    return other


@contextmanager
def connected(memory: str, threads: int) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection for one answer, closed beside whoever has it: letting go of a log takes a tenth of reading it."""
    con = connect(memory, threads)
    # Tables that are gone with the answer are worth no tidying up.
    con.execute("SET checkpoint_threshold = '1TB'")
    try:
        yield con
    finally:
        threading.Thread(target=con.close, name="watch-close").start()


def set_up(
    con: duckdb.DuckDBPyConnection,
    providers: Iterable[Provider],
    lag: timedelta | None = None,
    feeds: Iterable[Feed] = (),
    *,
    signed_in: bool = True,
) -> None:
    """Fill the tables that do not come from a log; *lag* is for every feed, else each has its own or its provider's.

    Unless somebody wants to know who *signed_in*, sign-ins are kept of those providers alone whose changes need them.
    """
    every = [of for p in providers for of in (p, *(PROVIDERS[name] for name in p.carries if name in PROVIDERS))]
    known = {provider.name: provider for provider in every}
    con.execute("INSERT INTO setting VALUES (false, false, $lag)", {"lag": LAG if lag is None else lag})
    lags: list[tuple[str, str | None, timedelta]] = [
        (name, None, provider.lag if lag is None else lag) for name, provider in known.items()
    ]
    if lag is None:
        own = {(f.provider.name, f.directory): f.lag for f in feeds if f.lag is not None and f.directory is not None}
        lags += [(name, directory, one) for (name, directory), one in own.items()]
    for row in lags:
        con.execute("INSERT INTO lag VALUES (?, ?, ?)", row)
    for name, catalogue in ((name, provider.catalogue) for name, provider in known.items()):
        types = _csv(catalogue, ("native", "canonical", "by_owner", "ignored"))
        con.execute("INSERT INTO catalogue SELECT $1, unnest($2), unnest($3), unnest($4), unnest($5)", [name, *types])
        if not signed_in and not known[name].needs_sign_ins:
            con.execute(
                "UPDATE catalogue SET canonical = NULL, by_owner = NULL "
                "WHERE provider = $name AND ignored IS NOT NULL AND canonical IN ('login.success', 'login.failure')",
                {"name": name},
            )
    kinds = _csv(_SQL / "actions.csv", ("action", "family", "rank"))
    con.execute(
        "INSERT INTO kind SELECT unnest($1), unnest($2), unnest($3)::INTEGER, unnest($4)",
        [*kinds, [action in SUPPORT for action in kinds[0]]],
    )


def read_evidence(con: duckdb.DuckDBPyConnection, evidence: Path | None, accounts: Path | None = None) -> None:
    """Load the evidence table from a Parquet file, or from all those of a folder; and the classes of *accounts*.

    *accounts* is CSV as `accounts.read_accounts` takes it. `Invalid` for what is missing or has another schema; the
    tables then keep what they had.
    """
    files = () if evidence is None else _parquet_files(evidence)
    named = read_accounts(accounts) if accounts else ()
    with _evidence_of(evidence):
        _load_rows(con, files)
        _read_gaps(con, files)
        _read_declared(con, files)
    con.execute("DELETE FROM principal")
    _know_accounts(con, "evidence", named)
    con.execute("UPDATE setting SET has_evidence = $given", {"given": evidence is not None})


def open_evidence(con: duckdb.DuckDBPyConnection, evidence: Path | None, accounts: Path | None = None) -> None:
    """As `read_evidence`, but for the rows that speak for single events: those are for `take_evidence`."""
    files = () if evidence is None else _parquet_files(evidence)
    named = read_accounts(accounts) if accounts else ()
    with _evidence_of(evidence):
        _load_rows(con, ())
        _read_gaps(con, files)
        _read_declared(con, files)
        con.execute("DELETE FROM principal")
        if files:
            given = {"files": [str(file) for file in files]}
            con.execute(
                "INSERT INTO principal SELECT DISTINCT lower(unnest(principal_keys)) "
                f"FROM (SELECT DISTINCT principal_keys FROM {_PARQUET})",
                given,
            )
            _know_accounts(con, _PARQUET, named, given)
        else:
            _know_accounts(con, "evidence", named)
    con.execute("UPDATE setting SET has_evidence = $given", {"given": evidence is not None})


def take_evidence(con: duckdb.DuckDBPyConnection, evidence: Path | None) -> None:
    """After `open_evidence`, and once all logs are read: load the rows that can matter to what those logs show."""
    if evidence is None:
        return
    files = _parquet_files(evidence)
    since, until, apart = con.execute(_text("span")).fetchone() or (None, None, 0)
    if since is None or until is None:
        return
    with _evidence_of(evidence):
        given = {"files": [str(file) for file in files], "since": since, "until": until, "apart": apart}
        first, last, is_bound = con.execute(f"{_text('relevant')} FROM {_PARQUET})", given).fetchone() or (
            None,
            None,
            True,
        )
        # DuckDB skips what lies beyond a plain bound, and nothing by any other condition.
        if not is_bound:
            _load_rows(con, files)
        elif first is not None and last is not None:
            bounds = {"first": _EPOCH + timedelta(microseconds=first), "last": _EPOCH + timedelta(microseconds=last)}
            _load_rows(con, files, "expires >= $first AND expires <= $last", bounds)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PARQUET = "read_parquet($files, union_by_name = true)"


@contextmanager
def _evidence_of(evidence: Path | None) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        raise Invalid(
            f"This is no evidence table: {str(error).splitlines()[0]}.",
            "Give the Parquet file, or the folder of such files, that the desk writes.",
            where=str(evidence),
        ) from error


def _load_rows(
    con: duckdb.DuckDBPyConnection,
    files: tuple[Path, ...],
    where: str = "true",
    parameters: Mapping[str, object] | None = None,
) -> None:
    """Make `evidence` of those rows in *files* that are *where* says; of none, where there are no files."""
    columns = ", ".join(f'CAST("{name}" AS {kind}) AS "{name}"' for name, kind in SCHEMA)
    empty = ", ".join(f'CAST(NULL AS {kind}) AS "{name}"' for name, kind in SCHEMA)
    rows = f"SELECT {columns} FROM {_PARQUET} WHERE {where}" if files else f"SELECT {empty} LIMIT 0"
    con.execute(
        # Numbered by what it says: sorting a million rows takes longer than all the rest of reading them.
        'CREATE OR REPLACE TABLE evidence AS SELECT CAST(hash("case", change, native_id, opened_leaf, '
        "started_leaf, outcome_leaf) >> 1 AS BIGINT) AS evidence, * REPLACE ("
        "list_transform(target_keys, lambda k: lower(k)) AS target_keys, "
        f"list_transform(principal_keys, lambda k: lower(k)) AS principal_keys) FROM ({rows})",
        {"files": [str(file) for file in files], **(parameters or {})} if files else {},
    )
    _once(con)


def _know_accounts(
    con: duckdb.DuckDBPyConnection,
    evidence: str,
    named: Iterable[Account],
    parameters: Mapping[str, object] | None = None,
) -> None:
    """The names and classes of accounts that *evidence*, a table, has; and those *named* beside it."""
    con.execute("DELETE FROM account")
    con.execute(
        "INSERT INTO account BY NAME "
        "SELECT DISTINCT account, lower(unnest(target_keys)) AS name, account_class AS class "
        f"FROM (SELECT DISTINCT account, target_keys, account_class FROM {evidence})",
        dict(parameters or {}),
    )
    add_accounts(con, named)


def add_accounts(con: duckdb.DuckDBPyConnection, accounts: Iterable[Account]) -> None:
    """Tell the correlation of *accounts* beside those that evidence names."""
    rows = [name for account in accounts for name in names_of(account)]
    if rows:
        con.register("told", table_of(rows, _ACCOUNT))
        con.execute("INSERT INTO account BY NAME SELECT * FROM told")
        con.unregister("told")


def add_tickets(con: duckdb.DuckDBPyConnection, tickets: Iterable[Ticket]) -> None:
    """Have *tickets* speak for what no evidence speaks for, in place of those given before."""
    con.execute("DELETE FROM ticket_part")
    con.execute("UPDATE setting SET has_tickets = true")
    parts = once(part for ticket in tickets for part in parts_of(ticket))
    if parts:
        con.register("told", table_of(parts, _PART))
        con.execute(
            "INSERT INTO ticket_part BY NAME SELECT row_number() OVER "
            '(ORDER BY ticket, "target", opened, actions) AS part, * FROM told'
        )
        con.unregister("told")


def enforce(con: duckdb.DuckDBPyConnection, cells: Iterable[Enforced]) -> None:
    """Where a case is owed and a ticket is not enough, in place of what was said before."""
    con.execute("DELETE FROM enforced")
    for cell in cells:
        actions = [None] if cell.action is None else [str(one) for one in EVENTS_OF[cell.action]]
        for action in actions:
            values = (cell.account_class, action, cell.unit, cell.since, cell.until)
            con.execute("INSERT INTO enforced VALUES (?, ?, ?, ?, ?)", values)


def _once(con: duckdb.DuckDBPyConnection) -> None:
    """Drop rows that stand in two files: one change is one piece of evidence."""
    row = con.execute("SELECT count(*) - count(DISTINCT evidence) FROM evidence").fetchone()
    if row is not None and row[0]:
        con.execute("DELETE FROM evidence WHERE rowid NOT IN (SELECT min(rowid) FROM evidence GROUP BY evidence)")


def _read_gaps(con: duckdb.DuckDBPyConnection, files: tuple[Path, ...]) -> None:
    con.execute("DELETE FROM gap")
    if gaps := _beside(con, files, GAPS, tuple[_Time, _Time]):
        con.executemany("INSERT INTO gap VALUES (?, ?)", gaps)


def _read_declared(con: duckdb.DuckDBPyConnection, files: tuple[Path, ...]) -> None:
    con.execute("DELETE FROM declared")
    if found := _beside(con, files, DECLARED, DeclaredRow):
        rows = [
            (
                d.downtime,
                d.directory,
                list(d.target_keys),
                list(d.performers),
                list(d.effects),
                d.since,
                d.until,
                d.reviewed,
                list(d.leaves),
            )
            for d in found
        ]
        con.executemany("INSERT INTO declared VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


def _beside(con: duckdb.DuckDBPyConnection, files: tuple[Path, ...], key: str, kind: type[T]) -> list[T]:
    """What the metadata of *files* has under *key*: JSON lists of *kind*."""
    if not files:
        return []
    query = "SELECT value FROM parquet_kv_metadata($files) WHERE decode(key) = $key"
    found = con.execute(query, {"files": [str(file) for file in files], "key": key}).fetchall()
    try:
        lists: list[list[T]] = [msgspec.json.decode(value, type=list[kind]) for (value,) in found]  # type: ignore[valid-type]
    except msgspec.MsgspecError as error:
        raise duckdb.InvalidInputException(f"its {key} can not be read: {error}") from error
    return [one for each in lists for one in each]


def judge(con: duckdb.DuckDBPyConnection) -> tuple[VerdictRow, ...]:
    """The verdict on each event in `native`, by time and id, whatever the order they were read in."""
    decide(con)
    return decided(con)


def decide(con: duckdb.DuckDBPyConnection) -> None:
    """The same, left in the table `verdict`."""
    fold(con)
    match(con)


def fold(con: duckdb.DuckDBPyConnection) -> None:
    """Make the events of `native`, the table `event`: the first half of `decide`."""
    join_sign_ins(con)
    # To plan what does nothing takes longer than most steps have.
    if con.execute("SELECT 1 FROM native WHERE half = 'directory' LIMIT 1").fetchall():
        con.execute(_text("echo"))
    con.execute(_text("fold"))


def match(con: duckdb.DuckDBPyConnection) -> None:
    """Judge the events of `event`: the other half."""
    con.execute(_text("pair"))
    con.execute("CREATE OR REPLACE TABLE claim (id VARCHAR, evidence BIGINT)")
    _until_nothing_changes(con, _text("claim"))
    con.execute(_text("claim_told"))
    con.execute(_text("speak"))
    con.execute("CREATE OR REPLACE TABLE spoken (id VARCHAR, part BIGINT)")
    _until_nothing_changes(con, _text("speak_claim"))
    con.execute(f"CREATE OR REPLACE TABLE verdict AS {_text('verdict')}")


def decided(con: duckdb.DuckDBPyConnection) -> tuple[VerdictRow, ...]:
    """What `decide` left, by time and id."""
    return rows_of(con, 'SELECT * REPLACE (timezone(\'UTC\', "at") AS "at") FROM verdict')


def join_sign_ins(con: duckdb.DuckDBPyConnection) -> None:
    """Have `sign_in` say of the records in `native` what they leave out."""
    if asks_sign_ins(con):
        con.execute(_text("join"))
    con.execute(_text("act"))


def asks_sign_ins(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether any record in `native` leaves out what a sign-in could say."""
    return bool(con.execute(_text("asks")).fetchall())


def remember(con: duckdb.DuckDBPyConnection, since: datetime) -> None:
    """Say that events from before *since* are forgotten: whether a change of then was seen, no log says any more."""
    con.execute("DELETE FROM remembered")
    con.execute("INSERT INTO remembered VALUES ($since)", {"since": since})


def types_seen(con: duckdb.DuckDBPyConnection) -> tuple[TypeCount, ...]:
    """Every native type read so far, most frequent first."""
    cursor = con.execute(
        """
        SELECT
            seen.native, canonical, ignored, catalogue.native IS NOT NULL AS known,
            CAST(sum(lines) AS BIGINT) AS lines
        FROM seen LEFT JOIN catalogue ON catalogue.native = seen.native AND catalogue.provider = seen.provider
        GROUP BY ALL ORDER BY lines DESC, seen.native
        """
    )
    return tuple(
        TypeCount(native=native, canonical=canonical, ignored=ignored, known=known, lines=lines)
        for native, canonical, ignored, known, lines in cursor.fetchall()
    )


def has_evidence(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether evidence was given."""
    return con.execute("SELECT has_evidence FROM setting").fetchone() == (True,)


def forget(con: duckdb.DuckDBPyConnection, before: datetime) -> int:
    """Drop the events of *before*, and say how many; they are no longer judged, nor counted as a repeat."""
    con.execute('DELETE FROM sign_in WHERE "time" < $before', {"before": before})
    row = con.execute('DELETE FROM native WHERE "time" < $before', {"before": before}).fetchone()
    return 0 if row is None else int(row[0])


def _csv(file: Path, columns: tuple[str, ...]) -> list[list[str | None]]:
    """The *columns* of a file of ours, each a list; an empty field is None."""
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    return [[row[column] or None for row in rows] for column in columns]


def _text(name: str) -> str:
    return (_SQL / f"{name}.sql").read_text(encoding="utf-8")


def _until_nothing_changes(con: duckdb.DuckDBPyConnection, claim: str) -> None:
    while (row := con.execute(claim).fetchone()) is not None and row[0] > 0:
        pass


def _parquet_files(evidence: Path) -> tuple[Path, ...]:
    if not evidence.exists():
        raise Invalid(
            "There is no such evidence file.",
            "Check the path, or leave it out to see every event.",
            where=str(evidence),
        )
    return tuple(sorted(evidence.glob("*.parquet"))) if evidence.is_dir() else (evidence,)
