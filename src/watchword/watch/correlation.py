"""One correlation: a DuckDB connection that holds canonical events and evidence, and judges the one by the other."""

from __future__ import annotations

import csv
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, TypeVar

import duckdb
import msgspec

from watchword.core.errors import Invalid
from watchword.core.evidence import DECLARED, GAPS, SCHEMA, DeclaredRow
from watchword.core.identity_event import SUPPORT
from watchword.watch.providers import Provider
from watchword.watch.verdicts import TypeCount, UnseenChange, VerdictRow, rows_of

_Time = Annotated[datetime, msgspec.Meta(tz=True)]
T = TypeVar("T")

_SQL = Path(__file__).parent / "sql"


def connect(memory: str, threads: int) -> duckdb.DuckDBPyConnection:
    """A connection with its own memory, in UTC, that uses at most *memory* (as `512MB`) and *threads*."""
    con = duckdb.connect(config={"memory_limit": memory, "threads": threads, "preserve_insertion_order": False})
    con.execute("SET TimeZone = 'UTC'")
    con.execute(_text("macros"))
    con.execute(_text("tables"))
    return con


@contextmanager
def connected(memory: str, threads: int) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection for one answer, closed beside whoever has it: letting go of a log takes a tenth of reading it."""
    con = connect(memory, threads)
    try:
        yield con
    finally:
        threading.Thread(target=con.close, name="watch-close").start()


def set_up(con: duckdb.DuckDBPyConnection, providers: Iterable[Provider], lag: timedelta) -> None:
    """Fill the tables that do not come from a log."""
    con.execute("INSERT INTO setting VALUES (false, $lag)", {"lag": lag})
    for name, catalogue in {p.name: p.catalogue for p in providers}.items():
        types = _csv(catalogue, ("native", "canonical", "by_owner", "ignored"))
        con.execute("INSERT INTO catalogue SELECT $1, unnest($2), unnest($3), unnest($4), unnest($5)", [name, *types])
    kinds = _csv(_SQL / "actions.csv", ("action", "family", "rank"))
    con.execute(
        "INSERT INTO kind SELECT unnest($1), unnest($2), unnest($3)::INTEGER, unnest($4)",
        [*kinds, [action in SUPPORT for action in kinds[0]]],
    )


def read_evidence(con: duckdb.DuckDBPyConnection, evidence: Path | None, accounts: Path | None = None) -> None:
    """Load the evidence table from a Parquet file, or from all those of a folder; and the classes of *accounts*.

    *accounts* is CSV with the columns `target_keys` (names separated by `|`) and `class`. `Invalid` for what is missing
    or has another schema; the tables then keep what they had.
    """
    columns = ", ".join(f'CAST("{name}" AS {kind}) AS "{name}"' for name, kind in SCHEMA)
    empty = ", ".join(f'CAST(NULL AS {kind}) AS "{name}"' for name, kind in SCHEMA)
    files = () if evidence is None else _parquet_files(evidence)
    rows = f"SELECT {columns} FROM read_parquet($files, union_by_name = true)" if files else f"SELECT {empty} LIMIT 0"
    named = _account_rows(accounts) if accounts else []
    try:
        con.execute(
            "CREATE OR REPLACE TABLE evidence AS SELECT row_number() OVER ("
            'ORDER BY "case", opened_leaf, started_leaf, change, native_id) AS evidence, * REPLACE ('
            "list_transform(target_keys, lambda k: lower(k)) AS target_keys, "
            f"list_transform(principal_keys, lambda k: lower(k)) AS principal_keys) FROM ({rows})",
            {"files": [str(file) for file in files]} if files else {},
        )
        _read_gaps(con, files)
        _read_declared(con, files)
    except duckdb.Error as error:
        raise Invalid(
            f"This is no evidence table: {str(error).splitlines()[0]}.",
            "Give the Parquet file, or the folder of such files, that the desk writes.",
            where=str(evidence),
        ) from error
    con.execute("UPDATE setting SET has_evidence = $given", {"given": evidence is not None})
    con.execute("DELETE FROM account")
    con.execute("INSERT INTO account SELECT DISTINCT account, unnest(target_keys), account_class FROM evidence")
    if named:
        con.executemany("INSERT INTO account VALUES (?, ?, ?)", named)


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
    con.execute(_text("fold"))
    con.execute(_text("pair"))
    con.execute("CREATE OR REPLACE TEMP TABLE claim (id VARCHAR, evidence BIGINT)")
    claim = _text("claim")
    while _changed(con.execute(claim)):
        pass
    con.execute(f"CREATE OR REPLACE TEMP TABLE verdict AS {_text('verdict')}")
    return rows_of(con, 'SELECT * REPLACE (timezone(\'UTC\', "at") AS "at") FROM verdict')


def unseen_changes(con: duckdb.DuckDBPyConnection) -> tuple[UnseenChange, ...]:
    """After `judge`: changes said done, within the time the log covers, that the log does not show."""
    return tuple(
        UnseenChange(case=case, ticket=ticket, native_id=native_id, change=change, at=at.replace(tzinfo=UTC))
        for case, ticket, native_id, change, at in con.execute(_text("unseen")).fetchall()
    )


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


def forget(con: duckdb.DuckDBPyConnection, before: datetime) -> None:
    """Drop the events of *before*; they are no longer judged, nor counted as a repeat."""
    con.execute('DELETE FROM native WHERE "time" < $before', {"before": before})
    con.execute('DELETE FROM sign_in WHERE "time" < $before', {"before": before})


def _csv(file: Path, columns: tuple[str, ...]) -> list[list[str | None]]:
    """The *columns* of a file of ours, each a list; an empty field is None."""
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    return [[row[column] or None for row in rows] for column in columns]


def _text(name: str) -> str:
    return (_SQL / f"{name}.sql").read_text(encoding="utf-8")


def _changed(cursor: duckdb.DuckDBPyConnection) -> bool:
    row = cursor.fetchone()
    return row is not None and row[0] > 0


def _parquet_files(evidence: Path) -> tuple[Path, ...]:
    if not evidence.exists():
        raise Invalid(
            "There is no such evidence file.",
            "Check the path, or leave it out to see every event.",
            where=str(evidence),
        )
    return tuple(sorted(evidence.glob("*.parquet"))) if evidence.is_dir() else (evidence,)


def _account_rows(accounts: Path) -> list[tuple[str, str, str]]:
    try:
        with accounts.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if not {"target_keys", "class"} <= set(reader.fieldnames or ()):
                raise Invalid(
                    "The columns target_keys and class are not both there.",
                    "Write a first line `target_keys,class`.",
                    where=str(accounts),
                )
            return [
                (f"{accounts}:{reader.line_num}", name.strip().lower(), (row["class"] or "").strip())
                for row in reader
                for name in (row["target_keys"] or "").split("|")
                if name.strip()
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise Invalid(
            f"The accounts file can not be read: {error}.",
            "Give CSV in UTF-8, with target_keys and class.",
            where=str(accounts),
        ) from error
