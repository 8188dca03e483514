"""How much of what was read is what its provider is known to write."""

from __future__ import annotations

import duckdb

from watchword.watch.sieve import Tally
from watchword.watch.verdicts import FileShare

Counts = tuple[int, int, int, int, int, int]
"""So far: lines that should be events, those rejected of them, those of unknown types, files that are broken, lines
that are neither events nor damage, and those rejected of another tenant."""

_UNKNOWN = """
    SELECT coalesce(sum(lines), 0), min(seen.native) FILTER (seen.provider = $provider)
    FROM seen ANTI JOIN catalogue ON catalogue.native = seen.native AND catalogue.provider = seen.provider
"""


def unknown_lines(con: duckdb.DuckDBPyConnection) -> int:
    """How many lines read so far have a type that no catalogue names."""
    row = con.execute(_UNKNOWN, {"provider": None}).fetchone()
    return 0 if row is None else int(row[0])


def counts(con: duckdb.DuckDBPyConnection, tally: Tally) -> Counts:
    """What *con* and *tally* have counted by now."""
    events, passed = tally.lines - tally.preamble, tally.preamble - tally.pages
    return events, tally.rejected, unknown_lines(con), tally.broken, passed, tally.elsewhere


def share_since(before: Counts, after: Counts, file: str, provider: str) -> FileShare:
    """What *file*, read between two counts, is of *provider*."""
    lines, rejected, unknown, broken, passed, elsewhere = (b - a for a, b in zip(before, after, strict=True))
    return FileShare(
        file=file,
        provider=provider,
        lines=lines,
        rejected=rejected,
        unknown=unknown,
        is_broken=broken > 0,
        passed=passed,
        elsewhere=elsewhere,
    )


def unknown_type(con: duckdb.DuckDBPyConnection, provider: str) -> str:
    """A type, of those that a log of *provider* had, that no catalogue names; empty where there is none."""
    row = con.execute(_UNKNOWN, {"provider": provider}).fetchone()
    return "" if row is None or row[1] is None else str(row[1])
