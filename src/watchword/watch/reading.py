"""Log files into the `native` table: the one place that reads logs."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import duckdb
import msgspec

from watchword.core.errors import Invalid, Unavailable
from watchword.watch.meter import Meter
from watchword.watch.providers import Feed, Provider, provider_named
from watchword.watch.shapes import Aside, are_lines
from watchword.watch.shapes_text import TextReader
from watchword.watch.sieve import Carried, Sieved, Tally, encode, excerpt, sieve, sieve_lines
from watchword.watch.sources.files import kind_of, lines_of
from watchword.watch.tenants import Ours, count_others, count_tenants, may_hold_others
from watchword.watch.unpacking import compression_of, demand_bounded
from watchword.watch.verdicts import Rejected

_BATCH = 64 * 1024 * 1024
"""Bytes of sieved lines that are written before they are read: bounds the space a damaged log takes."""

_SIGN_IN = "canonical IN ('login.success', 'login.failure')"
_KEPT = f"catalogue.ignored IS NULL OR catalogue.{_SIGN_IN}"
"""What of the catalogue leaves a record behind: what is not ignored, and sign-ins, which have no verdict."""

_UNTOLD = "catalogue.canonical IS NULL AND catalogue.ignored IS NULL"
"""What an event may be that the catalogue says nothing of, though it keeps the lines: it counts as a type unknown."""

_WHEN = 'past_instant(CAST("time" AS VARCHAR))'

_READABLE = (
    "CASE WHEN \"time\" BETWEEN TIMESTAMPTZ '0001-01-01 00:00:00+00' "
    'AND TIMESTAMPTZ \'9999-12-31 23:59:59.999999+00\' THEN "time" END AS "time"'
)
"""A time that no calendar of ours has is no time: nobody can reckon with it, and what a log says stops nothing."""

_RECORDS = "SELECT * EXCLUDE (stamp, tenant, records), stamp AS stamped, records[1] AS record FROM scratch.scan"

_UNREAD = "SELECT count(*) - count(native) FROM scratch.scan"
"""How many lines gave no type."""

_DAY = (
    r"CASE WHEN stamp >= '1990' AND stamp[:10] < CAST(today() AS VARCHAR) "
    r"AND regexp_full_match(stamp, '\d{4}-\d\d-\d\d[T ][0-9:.]+(Z|[+-][0-9:]+)?') THEN stamp[:10] END"
)
_PAST = "CASE WHEN day IS NULL THEN past_instant(stamp) END"
_FIRST = f"CASE WHEN day IS NULL THEN min({_PAST}) ELSE past_instant(min(stamp)) END"
_LAST = f"CASE WHEN day IS NULL THEN max({_PAST}) ELSE past_instant(max(stamp)) END"
"""From when until when a day's lines of a type are. Within a day that is over, text is in the order of time, and two
of it are read; of all other text each, so that one odd time says nothing of the rest."""

_TWO_WAYS = "an event as one parser has it, and none as another"

_OWN = "own"
"""What the batch of the feed's own provider is called."""

KeepAside = Callable[[Rejected, str], None]
"""Takes a rejected line and the beginning of its text."""

_FEW = 8
_MANY = 50_000
"""How many logs may leave their sign-ins where they were read, and from how many lines on they do."""

Kept = list[str]
"""SQL over sign-ins that were left where they were read, in a table of their own each: for `seeing`."""


def read_log(
    con: duckdb.DuckDBPyConnection,
    feed: Feed,
    file: Path,
    tally: Tally,
    keep_aside: KeepAside,
    meter: Meter,
    reader: TextReader | None = None,
    kept: Kept | None = None,
) -> None:
    """Add the events of *file* to `native` and its types to `seen`; count its lines in *tally*, its bytes by *meter*.

    *reader* is the provider's own, where the file is one part of a log and what it ends within goes on in the next.
    Sign-ins of a long log are not copied into `sign_in`, if *kept* is there to say where they are instead.
    A file that is none, unpacks to more than it may or ends too early is counted as *broken*, with why.
    `Invalid` when there is no such file, or it can not be opened.
    """
    must_be_readable(file)
    try:
        demand_bounded(file, feed.unpacking)
        _read(con, feed, file, tally, keep_aside, meter, reader, kept)
    except Invalid as fault:  # the other files are read all the same
        tally.lines += 1
        tally.rejected += 1
        tally.broken += 1
        keep_aside(Rejected(file=str(file), line=0, reason=fault.what), "")


def _read(
    con: duckdb.DuckDBPyConnection,
    feed: Feed,
    file: Path,
    tally: Tally,
    keep_aside: KeepAside,
    meter: Meter,
    reader: TextReader | None,
    kept: Kept | None,
) -> None:
    kind = kind_of(file)
    # DuckDB would read these as a pattern of names.
    is_text = kind in {"lines", "gzip"} and _has_lines(file)
    if is_text and not set("*?[") & set(str(file)) and _read_whole(con, feed, file, tally, meter, kept):
        return
    ours = Ours(feed.tenants)
    with tempfile.TemporaryDirectory(prefix="watchword-") as folder:
        if kind == "parquet":
            lines = enumerate(lines_of(file, feed.provider, feed.unpacking), 1)
            sieved = sieve_lines(lines, feed.provider, tally, reader, ours)
        else:
            sieved = sieve(file, feed.provider, tally, meter, reader, ours)
        others = Counter[str]()
        for batch in _batches(file, Path(folder), sieved, keep_aside, others):
            for line in _read_batch(con, feed, batch):
                tally.rejected += 1
                # Its number is lost among those of its batch.
                keep_aside(Rejected(file=str(file), line=0, reason=_TWO_WAYS), excerpt(line))
        count_others(con, feed.provider.name, feed.directory, others)


def _read_batch(con: duckdb.DuckDBPyConnection, feed: Feed, batch: Path) -> tuple[bytes, ...]:
    """Read *batch*, named for the provider whose lines it has, as of *feed*, which carried them; return what is not."""
    of = feed.provider if batch.stem == _OWN else provider_named(batch.stem)
    unread = _scan_sieved(con, of, batch)
    _take(con, msgspec.structs.replace(feed, provider=of))
    return unread


def _has_lines(file: Path) -> bool:
    with file.open("rb") as raw:
        return are_lines(raw.read(4096))


def source(provider: Provider, *, is_strict: bool = True) -> str:
    """SQL that parses `$file` into the provider's columns: no inference, one JSON object a line.

    Strict, it fails at the first line that is no JSON or has a member of another type, and is a tenth faster; else such
    a member is null, and such a line is null throughout.
    """
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in provider.columns)
    return (
        f"SELECT * FROM read_json($file, columns = {{{columns}}}, format = 'newline_delimited', records = true, "
        f"ignore_errors = {str(not is_strict).lower()}, compression = $compression)"
    )


def _read_whole(
    con: duckdb.DuckDBPyConnection, feed: Feed, file: Path, tally: Tally, meter: Meter, kept: Kept | None
) -> bool:
    """Read *file* in one go; False, and nothing read, when it is not whole."""
    provider, compression = feed.provider, compression_of(file) or "none"
    try:
        with meter.scanning():
            _scan(con, provider, file, compression, is_strict=True)
    except (duckdb.InvalidInputException, duckdb.IOException):
        # Perhaps only a member of another type; but a log with lines between its records always needs the sieve.
        if provider.preamble is not None or not _scan_leniently(con, provider, file, compression, meter):
            return False
        # To DuckDB such an object is a member of another type, and what it holds would be lost.
        if _has_objects_as_text(con, provider, file, compression):
            return False
    if _one(con, _UNREAD) or may_hold_others(con, Ours(feed.tenants)):
        return False
    lines = _one(con, "SELECT count(*) FROM scratch.scan")
    tally.lines += lines
    _take(con, feed, kept if lines >= _MANY else None)
    return True


def _scan(
    con: duckdb.DuckDBPyConnection, provider: Provider, file: Path, compression: str, *, is_strict: bool = False
) -> None:
    # One pass over the file, and a row a line of it: only catalogued ones leave more behind than their type. DuckDB
    # spills these rows, as it would not do with lists of records. It asks for the type alone, in no join: that would
    # copy all columns.
    of_catalogue = "native IN (SELECT native FROM catalogue WHERE provider = $provider AND"
    plain = "".join(f"CASE WHEN is_kept THEN {name} END AS {name}, " for name in provider.plain)
    tenant = "tenant" if provider.tenant else "CAST(NULL AS VARCHAR)"
    is_record = "is_kept" if provider.sign_ins is None else "is_kept AND is_sign_in IS NOT TRUE"
    con.execute(
        f"""
        CREATE OR REPLACE TABLE scratch.scan AS
        WITH log AS ({source(provider, is_strict=is_strict)}), line AS ({provider.lines}),
        known AS (SELECT *, {of_catalogue} ({_KEPT})) AS is_kept, {of_catalogue} {_SIGN_IN}) AS is_sign_in FROM line)
        SELECT
            native, stamp, {tenant} AS tenant, {plain}
            -- In a list of one: the NULL of a struct is kept member by member.
            CASE WHEN {is_record} THEN [record] END AS records,
            is_sign_in
        FROM known
        """,
        {"file": str(file), "compression": compression, "provider": provider.name},
    )


def _scan_leniently(
    con: duckdb.DuckDBPyConnection, provider: Provider, file: Path, compression: str, meter: Meter
) -> bool:
    try:
        with meter.scanning():
            _scan(con, provider, file, compression)
    except (duckdb.InvalidInputException, duckdb.IOException):
        return False
    return True


def _has_objects_as_text(con: duckdb.DuckDBPyConnection, provider: Provider, file: Path, compression: str) -> bool:
    """Whether a line of *file* has an object or a list written as text where a column is one."""
    if not provider.structured:
        return False
    columns = ", ".join(f"'{name}': 'JSON'" for name in provider.structured)
    texts = " OR ".join(
        f"json_type(\"{name}\") = 'VARCHAR' AND regexp_matches(\"{name}\" ->> '$', '^\\s*[\\[{{]')"
        for name in provider.structured
    )
    found = con.execute(
        f"""
        SELECT 1 FROM read_json($file, columns = {{{columns}}}, format = 'newline_delimited', records = true,
        ignore_errors = true, compression = $compression) WHERE {texts} LIMIT 1
        """,
        {"file": str(file), "compression": compression},
    )
    return found.fetchone() is not None


def _scan_sieved(con: duckdb.DuckDBPyConnection, provider: Provider, batch: Path) -> tuple[bytes, ...]:
    """Scan lines that the sieve let pass, and return those that DuckDB reads in another way: of no type to it."""
    _scan(con, provider, batch, "none")
    if _one(con, _UNREAD):
        # Such as a member written twice, null at first: as Python sees it, each line has one meaning.
        batch.write_bytes(b"".join(encode(json.loads(line)) for line in batch.read_bytes().splitlines()))
        _scan(con, provider, batch, "none")
    if not _one(con, _UNREAD):
        return ()
    # Once more, in the order of the file, to see which they are.
    con.execute("SET preserve_insertion_order = true")
    try:
        _scan(con, provider, batch, "none")
        places = {place for (place,) in con.execute("SELECT rowid FROM scratch.scan WHERE native IS NULL").fetchall()}
    finally:
        con.execute("SET preserve_insertion_order = false")
    lines = batch.read_bytes().splitlines(keepends=True)
    batch.write_bytes(b"".join(line for place, line in enumerate(lines) if place not in places))
    _scan(con, provider, batch, "none")
    if count := _one(con, _UNREAD):
        raise Unavailable(
            f"{count} lines that are JSON could not be read as events.",
            "Take the lines that other tools refuse out of the log, and report them.",
        )
    return tuple(lines[place] for place in sorted(places))


def _take(con: duckdb.DuckDBPyConnection, feed: Feed, kept: Kept | None = None) -> None:
    named: dict[str, object] = {"provider": feed.provider.name, "directory": feed.directory}
    signs = feed.provider.sign_ins
    if feed.provider.tenant:
        count_tenants(con, named)
    con.execute(
        f"INSERT INTO seen SELECT $provider, $directory, native, count(*), CAST({_FIRST} AS VARCHAR), "
        f"CAST({_LAST} AS VARCHAR) FROM (SELECT native, stamp, {_DAY} AS day FROM scratch.scan) GROUP BY native, day",
        named,
    )
    con.execute(
        f"""
        CREATE OR REPLACE TABLE scratch.taken AS
        WITH record AS ({_RECORDS} WHERE records IS NOT NULL)
        SELECT
            $provider AS provider, $directory AS directory,
            event.* REPLACE (event.by_owner AND catalogue.by_owner IS NOT NULL AS by_owner, {_READABLE}),
            CASE WHEN event.by_owner THEN coalesce(catalogue.by_owner, catalogue.canonical)
                ELSE catalogue.canonical END AS canonical
        FROM ({feed.provider.events}) AS event
        LEFT JOIN catalogue ON catalogue.native = event.native_action AND catalogue.provider = $provider
        WHERE catalogue.canonical IS NOT NULL AND ({_KEPT}) OR ({_UNTOLD})
        """,
        named,
    )
    con.execute(
        f"INSERT INTO seen SELECT provider, directory, native_action || '/?' AS native, count(*), "
        f"CAST(min({_WHEN}) AS VARCHAR), CAST(max({_WHEN}) AS VARCHAR) FROM scratch.taken WHERE canonical IS NULL "
        "GROUP BY provider, directory, native_action"
    )
    con.execute(
        'INSERT INTO native BY NAME SELECT * RENAME (canonical AS "action") FROM scratch.taken '
        f"WHERE canonical IS NOT NULL AND NOT ({_SIGN_IN})"
    )
    if (written := feed.provider.written) is not None:
        con.execute(
            "INSERT INTO written BY NAME SELECT $provider AS provider, $directory AS directory, told.* FROM "
            f"(WITH record AS ({_RECORDS} WHERE records IS NOT NULL) {written}) AS told",
            named,
        )
    if signs is not None:
        if kept is not None and len(kept) < _FEW:
            kept.append(_leave_sign_ins(con, signs, named, len(kept)))
        else:
            con.execute(f"INSERT INTO sign_in BY NAME {_sign_ins(signs, '$provider', '$directory', _RECORDS)}", named)
        return
    for column in ("country", "asn", "device", "session", "detail"):
        con.execute(f"ALTER TABLE scratch.taken ADD COLUMN IF NOT EXISTS {column} VARCHAR")
    con.execute(
        f"""
        INSERT INTO sign_in BY NAME
        SELECT
            provider, directory, id, native_action, "target", target_keys, "time",
            done AND canonical = 'login.success' AS done, address, country, asn, device, session, detail
        FROM scratch.taken
        WHERE {_SIGN_IN}
        """
    )


def _sign_ins(signs: str, provider: str, directory: str, records: str) -> str:
    return f"""
        WITH record AS ({records} WHERE is_sign_in)
        SELECT
            {provider} AS provider, {directory} AS directory,
            one.* REPLACE (done AND catalogue.canonical = 'login.success' AS done, {_READABLE})
        FROM ({signs}) AS one
        JOIN catalogue ON catalogue.native = one.native_action AND catalogue.provider = {provider}
        """


def _leave_sign_ins(con: duckdb.DuckDBPyConnection, signs: str, named: dict[str, object], number: int) -> str:
    """Have the scan stay, as number *number*; return SQL over its sign-ins."""
    con.execute(f"ALTER TABLE scratch.scan RENAME TO scan_{number}")
    con.execute(
        f"CREATE TABLE scratch.scanned_{number} AS SELECT $provider AS provider, $directory AS directory", named
    )
    of = f"FROM scratch.scanned_{number})"
    # NULL has no type that a table could keep.
    directory = f"(SELECT CAST(directory AS VARCHAR) {of}"
    return _sign_ins(
        signs, f"(SELECT provider {of}", directory, _RECORDS.replace("scratch.scan", f"scratch.scan_{number}")
    )


@contextmanager
def seeing(con: duckdb.DuckDBPyConnection, kept: Kept) -> Iterator[None]:
    """Have `sign_in` show those too that *kept* is SQL over, as `read_log` left them; then let go of them."""
    if not kept:
        yield
        return
    con.execute("ALTER TABLE sign_in RENAME TO taken_sign_in")
    every = " UNION ALL BY NAME ".join(f"({one})" for one in ("FROM taken_sign_in", *kept))
    con.execute(f"CREATE VIEW sign_in AS {every}")
    yield
    con.execute("DROP VIEW sign_in")
    con.execute("ALTER TABLE taken_sign_in RENAME TO sign_in")
    for number in range(len(kept)):
        con.execute(f"DROP TABLE scratch.scan_{number}")


def _batches(
    file: Path, folder: Path, sieved: Iterator[Sieved], keep_aside: KeepAside, others: Counter[str]
) -> Iterator[Path]:
    """Write the *sieved* lines of *file* into files in *folder*, one a provider; give each when it is full.

    Tenants that it is not of are counted in *others*.
    """
    outs: dict[str, BinaryIO] = {}
    written = 0
    try:
        for line in sieved:
            if isinstance(line, Aside):
                keep_aside(Rejected(file=str(file), line=line.line, reason=line.reason), line.text)
                if line.tenant is not None:
                    others[line.tenant] += 1
                continue
            name, text = (line.provider, line.line) if isinstance(line, Carried) else ("", line)
            if name not in outs:
                outs[name] = (folder / f"{name or _OWN}.jsonl").open("wb")
            written += outs[name].write(text)
            if written >= _BATCH:
                yield from _closed(outs)
                written = 0
        yield from _closed(outs)
    finally:
        for out in outs.values():
            out.close()


def _closed(outs: dict[str, BinaryIO]) -> Iterator[Path]:
    for name in tuple(outs):
        out = outs.pop(name)
        out.close()
        yield Path(str(out.name))


def must_be_readable(file: Path) -> None:
    """`Invalid` when there is no such file, or it can not be opened."""
    try:
        if file.is_dir():
            raise Invalid("This is a folder.", "Name the log files in it.", where=str(file))
        with file.open("rb"):
            pass
    except FileNotFoundError:
        raise Invalid("There is no such log file.", "Check the path.", where=str(file)) from None
    except OSError as error:
        raise Invalid(
            f"The log file can not be opened: {error.strerror}.", "Check its permissions.", where=str(file)
        ) from error


def _one(con: duckdb.DuckDBPyConnection, query: str) -> int:
    row = con.execute(query).fetchone()
    return int(msgspec.convert(row, tuple[int])[0])
