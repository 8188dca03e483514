"""Log files into the `native` table: the one place that reads logs."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import msgspec

from watchword.core.errors import Invalid, Unavailable
from watchword.watch.meter import Meter
from watchword.watch.providers import Feed, Provider
from watchword.watch.sieve import Aside, Tally, encode, is_gzip, sieve, sieve_lines
from watchword.watch.sources.files import kind_of, lines_of
from watchword.watch.verdicts import Rejected

_BATCH = 64 * 1024 * 1024
"""Bytes of sieved lines that are written before they are read: bounds the space a damaged log takes."""

_SIGN_IN = "\"action\" IN ('login.success', 'login.failure')"
_KEPT = "catalogue.ignored IS NULL OR catalogue.canonical IN ('login.success', 'login.failure')"
"""What of the catalogue leaves a record behind: what is not ignored, and sign-ins, which have no verdict."""

KeepAside = Callable[[Rejected, str], None]
"""Takes a rejected line and the beginning of its text."""


def read_log(
    con: duckdb.DuckDBPyConnection, feed: Feed, file: Path, tally: Tally, keep_aside: KeepAside, meter: Meter
) -> None:
    """Add the events of *file* to `native` and its types to `seen`; count its lines in *tally*, its bytes by *meter*.

    `Invalid` when there is no such file, or it can not be opened.
    """
    _must_be_readable(file)
    kind = kind_of(file)
    # DuckDB would read these as a pattern of names.
    is_text = kind in {"lines", "gzip"}
    if is_text and not set("*?[") & set(str(file)) and _read_whole(con, feed, file, tally, meter):
        return
    with tempfile.TemporaryDirectory(prefix="watchword-") as folder:
        batch = Path(folder) / "lines.jsonl"
        if is_text:
            sieved = sieve(file, feed.provider, tally, meter)
        else:
            sieved = sieve_lines(enumerate(lines_of(file, feed.provider), 1), feed.provider, tally)
        for _ in _batches(file, batch, sieved, keep_aside):
            _scan_sieved(con, feed.provider, batch)
            _take(con, feed)


def read_lines(con: duckdb.DuckDBPyConnection, feed: Feed, lines: list[bytes]) -> None:
    """Add the events of *lines*, each whole JSON that `sieve` let pass, to `native` and their types to `seen`."""
    with tempfile.TemporaryDirectory(prefix="watchword-") as folder:
        batch = Path(folder) / "lines.jsonl"
        batch.write_bytes(b"".join(lines))
        _scan_sieved(con, feed.provider, batch)
        _take(con, feed)


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


def _read_whole(con: duckdb.DuckDBPyConnection, feed: Feed, file: Path, tally: Tally, meter: Meter) -> bool:
    """Read *file* in one go; False, and nothing read, when it is not whole."""
    provider, compression = feed.provider, "gzip" if is_gzip(file) else "none"
    try:
        with meter.scanning():
            _scan(con, provider, file, compression, is_strict=True)
    except (duckdb.InvalidInputException, duckdb.IOException):
        # Perhaps only a member of another type; but a log with lines between its records always needs the sieve.
        if provider.preamble is not None or not _scan_leniently(con, provider, file, compression, meter):
            return False
    if _one(con, "SELECT count(*) FROM scan WHERE native IS NULL"):
        return False
    tally.lines += _one(con, "SELECT coalesce(sum(lines), 0) FROM scan")
    _take(con, feed)
    return True


def _scan(
    con: duckdb.DuckDBPyConnection, provider: Provider, file: Path, compression: str, *, is_strict: bool = False
) -> None:
    # One pass over the file: every line is counted by its type, and only catalogued ones leave a record behind.
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE scan AS
        WITH log AS ({source(provider, is_strict=is_strict)}), line AS ({provider.lines})
        SELECT
            line.native, count(*) AS lines, min(stamp) AS since, max(stamp) AS until,
            list(record) FILTER (WHERE catalogue.native IS NOT NULL AND ({_KEPT})) AS records
        FROM line LEFT JOIN catalogue ON catalogue.native = line.native AND catalogue.provider = $provider
        GROUP BY line.native
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


def _scan_sieved(con: duckdb.DuckDBPyConnection, provider: Provider, batch: Path) -> None:
    """Scan lines that the sieve let pass; `Unavailable` rather than lose one that DuckDB reads in another way."""
    unread = "SELECT coalesce(sum(lines), 0) FROM scan WHERE native IS NULL"
    _scan(con, provider, batch, "none")
    if _one(con, unread):
        # Such as a member written twice, null at first: as Python sees it, each line has one meaning.
        batch.write_bytes(b"".join(encode(json.loads(line)) for line in batch.read_bytes().splitlines()))
        _scan(con, provider, batch, "none")
    if count := _one(con, unread):
        raise Unavailable(
            f"{count} lines that are JSON could not be read as events.",
            "Take the lines that other tools refuse out of the log, and report them.",
        )


def _take(con: duckdb.DuckDBPyConnection, feed: Feed) -> None:
    named: dict[str, object] = {"provider": feed.provider.name, "directory": feed.directory}
    con.execute("INSERT INTO seen SELECT $provider, $directory, native, lines, since, until FROM scan", named)
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE taken AS
        WITH record AS (SELECT native, unnest(records) AS record FROM scan)
        SELECT
            $provider AS provider, $directory AS directory, event.*,
            CASE WHEN event.by_owner THEN catalogue.by_owner ELSE catalogue.canonical END AS "action"
        FROM ({feed.provider.events}) AS event
        JOIN catalogue ON catalogue.native = event.native_action AND catalogue.provider = $provider
        WHERE catalogue.canonical IS NOT NULL AND ({_KEPT})
        """,
        named,
    )
    con.execute(f"INSERT INTO native BY NAME SELECT * FROM taken WHERE NOT ({_SIGN_IN})")
    for column in ("country", "asn", "device", "session", "detail"):
        con.execute(f"ALTER TABLE taken ADD COLUMN IF NOT EXISTS {column} VARCHAR")
    con.execute(
        f"""
        INSERT INTO sign_in BY NAME
        SELECT
            provider, directory, id, native_action, "target", target_keys, "time",
            done AND "action" = 'login.success' AS done, address, country, asn, device, session, detail
        FROM taken
        WHERE {_SIGN_IN}
        """
    )


def _batches(file: Path, batch: Path, sieved: Iterator[bytes | Aside], keep_aside: KeepAside) -> Iterator[None]:
    """Write the *sieved* lines of *file* into *batch*, again and again, until all of it was there once."""
    written = 0
    out = batch.open("wb")
    try:
        for line in sieved:
            if isinstance(line, Aside):
                keep_aside(Rejected(file=str(file), line=line.line, reason=line.reason), line.text)
                continue
            written += out.write(line)
            if written >= _BATCH:
                out.close()
                yield
                written = 0
                out = batch.open("wb")
    finally:
        out.close()
    if written:
        yield


def _must_be_readable(file: Path) -> None:
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
