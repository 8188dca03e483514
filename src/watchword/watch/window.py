"""What the watch remembers on disk: events that may yet be judged otherwise, what was said, and how far it has read.

One DuckDB file. A step of the watch is one transaction in it: the events, the positions in the spools and the verdicts
that follow, so that after a kill all of a step is there or nothing. The verdicts leave for their Parquet file after the
transaction, under a name that the step alone decides: a step that was killed between the two writes the same file.
"""

from __future__ import annotations

import fcntl
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import duckdb
import msgspec

from watchword.core.errors import Corrupt, Unavailable
from watchword.watch.signals import Hit
from watchword.watch.sources.spool import Position
from watchword.watch.verdicts import VerdictRow

_KEPT = ("native", "sign_in", "seen")
"""Tables of `sql/tables.sql` of which the window has one beside."""

_OWN = """
CREATE TABLE IF NOT EXISTS kept.position (feed VARCHAR, segment BIGINT, "offset" BIGINT, line BIGINT);
CREATE TABLE IF NOT EXISTS kept.told (id VARCHAR PRIMARY KEY, base VARCHAR, "row" VARCHAR);
CREATE TABLE IF NOT EXISTS kept.pending (step BIGINT, "row" VARCHAR);
CREATE TABLE IF NOT EXISTS kept.step (step BIGINT);
CREATE TABLE IF NOT EXISTS kept.matched (came TIMESTAMPTZ, "row" VARCHAR);
CREATE TABLE IF NOT EXISTS kept.forgotten ("until" TIMESTAMPTZ);
ALTER TABLE kept.told ADD COLUMN IF NOT EXISTS touched TIMESTAMPTZ;
"""

_read_row = msgspec.json.Decoder(VerdictRow).decode
_read_hit = msgspec.json.Decoder(Hit).decode

MATCHED = timedelta(days=1)
"""How long what a Sigma rule found in a line is told on: whoever makes findings of it may be away meanwhile."""

_MARK = "/[0-9a-f]{8}([0-9a-f]{24})?$"
_APART = re.compile(_MARK)
"""What an id goes on with that several records share (`sql/fold.sql`): what is in the record tells them apart."""

_BUSY = """
    SELECT
        target_key, unnest(principal_keys) AS name, started - span AS since, coalesce(ended, expires) + span AS until
    FROM (SELECT *, unnest(target_keys) AS target_key FROM memory.evidence WHERE started IS NOT NULL),
        (SELECT max(lag) AS span FROM (SELECT lag FROM lag UNION ALL SELECT lag FROM setting))
"""
"""When an executor had a case open, for each name of its account."""

MANY = 20_000
"""New events from which on the whole window is judged: asking what they touch would cost more."""


class Window:
    """The window in *file*, attached to *con*, which has the tables of one correlation.

    `Unavailable` while another process has it; `Corrupt` when it can not be read.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, file: Path) -> None:
        self._con = con
        file.parent.mkdir(parents=True, exist_ok=True)
        self._lock = _locked(file.with_suffix(".lock"))
        try:
            con.execute(f"ATTACH '{str(file).replace(chr(39), chr(39) * 2)}' AS kept")
            for statement in _OWN.strip().split(";\n"):
                con.execute(statement)
            for table in (*_KEPT, "written"):
                con.execute(f"CREATE TABLE IF NOT EXISTS kept.{table} AS SELECT * FROM memory.{table} LIMIT 0")
                self._widen(table)
            con.execute("INSERT INTO memory.written BY NAME SELECT * FROM kept.written")
        except duckdb.Error as error:
            self._lock.close()
            raise Corrupt(
                f"What the watch remembers ({file}) can not be read: {error}.",
                "Remove it: it is made anew from the spools, and no verdict is written twice.",
            ) from error

    def close(self) -> None:
        """Let another process have it."""
        if self._lock.closed:
            return
        try:
            self._con.execute("DETACH kept")
        finally:
            self._lock.close()

    def _widen(self, table: str) -> None:
        """Columns that a newer version has."""
        columns = (
            "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = $table AND database_name = $db"
        )
        here = dict(self._con.execute(columns, {"table": table, "db": "memory"}).fetchall())
        kept = dict(self._con.execute(columns, {"table": table, "db": "kept"}).fetchall())
        for name, kind in here.items():
            if name not in kept:
                self._con.execute(f'ALTER TABLE kept.{table} ADD COLUMN "{name}" {kind}')

    @property
    def step(self) -> int:
        """The last step that was committed; 0 when none was."""
        return self._one("SELECT coalesce(max(step), 0) FROM kept.step")

    def position(self, feed: str) -> Position:
        """How far the spool of *feed* was read."""
        found = self._con.execute(
            'SELECT segment, "offset", line FROM kept.position WHERE feed = $feed', {"feed": feed}
        ).fetchone()
        return Position() if found is None else Position(segment=found[0], offset=found[1], line=found[2])

    def pending(self) -> tuple[VerdictRow, ...]:
        """The verdicts of the last step."""
        return tuple(_read_row(row) for (row,) in self._con.execute('SELECT "row" FROM kept.pending').fetchall())

    def clear(self) -> None:
        """Empty what the last step read."""
        for table in _KEPT:
            self._con.execute(f"DELETE FROM memory.{table}")
        self._con.execute("DELETE FROM memory.tenant")
        self._con.execute("CREATE OR REPLACE TEMP TABLE came AS SELECT * FROM memory.native LIMIT 0")
        self._con.execute("CREATE OR REPLACE TEMP TABLE arrived AS SELECT * FROM memory.sign_in LIMIT 0")

    def take(self) -> int:
        """Set aside what was read into `native` and is new to the window; return how many events that are.

        What was read of sign-ins before is let go of.
        """
        self._con.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE arrived AS SELECT * FROM memory.sign_in EXCEPT
            SELECT {self._columns("sign_in")} FROM kept.sign_in WHERE id IN (SELECT id FROM memory.sign_in)
            """
        )
        self._con.execute(
            "CREATE OR REPLACE TEMP TABLE came AS SELECT * FROM memory.native EXCEPT "
            f"SELECT {self._columns('native')} FROM kept.native WHERE id IN (SELECT id FROM memory.native)"
        )
        # What a sign-in says of changes that are known already (`sql/join.sql`), it says when it comes later, too.
        self._con.execute(
            """
            CREATE OR REPLACE TEMP TABLE late AS
            SELECT native.id
            FROM kept.native JOIN arrived USING (provider, session)
            WHERE native.address IS NULL AND native.directory IS NOT DISTINCT FROM arrived.directory
            UNION
            SELECT native.id
            FROM kept.native JOIN arrived USING (provider, address)
            WHERE native.country IS NULL AND native.directory IS NOT DISTINCT FROM arrived.directory
                AND (arrived.country IS NOT NULL OR arrived.asn IS NOT NULL)
                AND list_has_any(arrived.target_keys, native.actor_keys)
            """
        )
        return self._one("SELECT (SELECT count(*) FROM came) + (SELECT count(*) FROM late)")

    def _recall_sign_ins(self) -> None:
        """Put beside what has to be judged the sign-ins of earlier steps that say of it what its own records do not."""
        columns = self._columns("sign_in")
        self._con.execute(
            f"""
            INSERT INTO memory.sign_in BY NAME
            SELECT {columns} FROM kept.sign_in
            WHERE session IN (SELECT session FROM memory.native WHERE address IS NULL)
                OR (country IS NOT NULL OR asn IS NOT NULL)
                    AND address IN (SELECT address FROM memory.native WHERE country IS NULL)
            """
        )

    def gather(self, due: Iterable[str], *, whole: bool) -> None:
        """Put into `native` what has to be judged: what is new or *due*, and all they can change; or the *whole* of it.

        TEMP table `hit` names the accounts that evidence changed for. Events share a verdict's fate with those of the
        same target under whatever of its names, and with those of the same id.
        """
        con = self._con
        columns = self._columns("native")
        every = f"SELECT {columns} FROM kept.native UNION ALL SELECT {columns} FROM came"
        con.execute("DELETE FROM memory.native")
        if whole:
            con.execute(f"INSERT INTO memory.native BY NAME {every}")
            con.execute("CREATE OR REPLACE TEMP TABLE asked AS SELECT DISTINCT id FROM memory.native")
            self._recall_sign_ins()
            return
        con.execute("CREATE OR REPLACE TEMP TABLE hit_id AS SELECT id FROM came UNION SELECT id FROM late")
        con.execute(
            "INSERT INTO hit_id SELECT DISTINCT id FROM kept.native WHERE id IN (SELECT unnest($due))",
            {"due": [id_ for one in due for id_ in (one, _APART.sub("", one))]},
        )
        con.execute(
            f"""
            INSERT INTO hit SELECT DISTINCT name
            FROM (
                SELECT unnest(target_keys || ['=' || "target"]) AS name
                FROM ({every}) WHERE id IN (SELECT id FROM hit_id)
            )
            """
        )
        self._gather_all(every)
        # Evidence that an event takes or leaves is open to what its executor did to other accounts meanwhile.
        con.execute(
            f"""
            INSERT INTO hit
            WITH busy AS (SELECT DISTINCT name, since, until FROM ({_BUSY}) SEMI JOIN hit ON hit.name = target_key)
            SELECT DISTINCT '=' || "target"
            FROM (SELECT "target", "time", unnest(actor_keys) AS name FROM ({every})) AS acting
            JOIN busy ON busy.name = acting.name AND acting."time" BETWEEN busy.since AND busy.until
            WHERE '=' || "target" NOT IN (SELECT name FROM hit)
            """
        )
        self._gather_all(every)
        con.execute("CREATE OR REPLACE TEMP TABLE asked AS SELECT id FROM hit_id")
        # And whether evidence of other accounts is taken is for their own events to say: they are there, and not asked.
        con.execute(
            f"""
            INSERT INTO hit
            SELECT DISTINCT target_key
            FROM (
                SELECT "time", unnest(actor_keys) AS name FROM ({every}) WHERE id IN (SELECT id FROM asked)
            ) AS acting
            JOIN ({_BUSY}) AS busy ON busy.name = acting.name AND acting."time" BETWEEN busy.since AND busy.until
            WHERE target_key NOT IN (SELECT name FROM hit)
            """
        )
        self._gather_all(every)
        con.execute(f"INSERT INTO memory.native BY NAME SELECT * FROM ({every}) WHERE id IN (SELECT id FROM hit_id)")
        self._recall_sign_ins()

    def asked(self, judged: Iterable[VerdictRow]) -> tuple[VerdictRow, ...]:
        """Of what was *judged* after `gather` that which is true whatever else is in the window."""
        ids = {id_ for (id_,) in self._con.execute("SELECT id FROM asked").fetchall()}
        return tuple(row for row in judged if row.id in ids or _APART.sub("", row.id) in ids)

    def _gather_all(self, every: str) -> None:
        """Add to `hit` and `hit_id` whatever of *every* event shares a name or an id with what they have."""
        con = self._con
        before = -1
        while (now := self._one("SELECT (SELECT count(*) FROM hit) + (SELECT count(*) FROM hit_id)")) != before:
            before = now
            con.execute(
                """
                INSERT INTO hit SELECT DISTINCT name FROM account
                WHERE account IN (SELECT account FROM account JOIN hit USING (name))
                    AND name NOT IN (SELECT name FROM hit)
                """
            )
            con.execute(
                f"""
                CREATE OR REPLACE TEMP TABLE near AS
                WITH every AS ({every}),
                named AS (
                    SELECT id, unnest(target_keys || ['=' || "target"]) AS name FROM every
                )
                SELECT DISTINCT id FROM named WHERE name IN (SELECT name FROM hit) OR id IN (SELECT id FROM hit_id)
                """
            )
            con.execute("INSERT INTO hit_id SELECT id FROM near WHERE id NOT IN (SELECT id FROM hit_id)")
            con.execute(
                f"""
                INSERT INTO hit
                SELECT DISTINCT name
                FROM (
                    SELECT unnest(target_keys || ['=' || "target"]) AS name
                    FROM ({every}) WHERE id IN (SELECT id FROM hit_id)
                )
                WHERE name NOT IN (SELECT name FROM hit)
                """
            )

    def whole(self) -> None:
        """Put all that is remembered into the tables, as if it had just been read."""
        for table in _KEPT:
            self._con.execute(f"DELETE FROM memory.{table}")
            self._con.execute(f"INSERT INTO memory.{table} BY NAME SELECT * FROM kept.{table}")

    def told_because(self, reason: str) -> tuple[VerdictRow, ...]:
        """What was last said for the one *reason*."""
        found = self._con.execute(
            'SELECT "row" FROM kept.told WHERE json_extract("row", \'$.reasons\') = to_json([$reason])',
            {"reason": reason},
        ).fetchall()
        return tuple(_read_row(text) for (text,) in found)

    @property
    def matched(self) -> tuple[Hit, ...]:
        """What Sigma rules found within a day."""
        return tuple(_read_hit(text) for (text,) in self._con.execute('SELECT "row" FROM kept.matched').fetchall())

    @property
    def forgotten(self) -> datetime | None:
        """Of events up to this time what was said may be forgotten; None when it is not of any."""
        ((found,),) = self._con.execute("SELECT timezone('UTC', max(\"until\")) FROM kept.forgotten").fetchall()
        until = msgspec.convert(found, datetime | None)
        return None if until is None else until.replace(tzinfo=UTC)

    def told(self, ids: Iterable[str]) -> dict[str, VerdictRow]:
        """What was last said of each of *ids*."""
        wanted = list(ids)
        found = self._con.execute(
            'SELECT "row" FROM kept.told WHERE id IN (SELECT unnest($ids))', {"ids": wanted}
        ).fetchall()
        return {row.id: row for (text,) in found for row in (_read_row(text),)}

    def gone(self, judged: Iterable[str]) -> tuple[VerdictRow, ...]:
        """What was said of records in `native` under an id that no event has any more."""
        found = self._con.execute(
            """
            SELECT "row" FROM kept.told
            WHERE base IN (SELECT id FROM memory.native)
                AND id NOT IN (SELECT unnest($judged))
            """,
            {"judged": list(judged)},
        ).fetchall()
        return tuple(_read_row(text) for (text,) in found)

    def commit(
        self,
        step: int,
        positions: dict[str, Position],
        rows: tuple[VerdictRow, ...],
        *,
        at: datetime,
        kept: timedelta | None,
        are_pending: bool = True,
        matched: tuple[Hit, ...] = (),
    ) -> None:
        """Everything of *step*, done *at* a time, at once; events older than *kept* are let go, none when it is None.

        So is what was said, a while after its event and all that came of it since. *rows* are pending until the next
        step, unless they are in their file already. *matched* is what Sigma rules found in what was read.
        """
        con = self._con
        con.execute("BEGIN")
        try:
            for table, source in (("native", "came"), ("sign_in", "arrived"), ("seen", "memory.seen")):
                con.execute(f"INSERT INTO kept.{table} BY NAME SELECT * FROM {source}")
            con.execute(
                "INSERT INTO kept.written BY NAME SELECT * FROM memory.written EXCEPT SELECT * FROM kept.written"
            )
            for feed, place in positions.items():
                con.execute("DELETE FROM kept.position WHERE feed = $feed", {"feed": feed})
                con.execute(
                    "INSERT INTO kept.position VALUES ($feed, $segment, $offset, $line)",
                    {"feed": feed, "segment": place.segment, "offset": place.offset, "line": place.line},
                )
            con.execute("DELETE FROM kept.pending")
            con.execute("DELETE FROM kept.step")
            con.execute("INSERT INTO kept.step VALUES ($step)", {"step": step})
            if rows:
                texts = [msgspec.json.encode(row).decode() for row in rows]
                con.execute(
                    'INSERT OR REPLACE INTO kept.told (id, base, "row", touched) '
                    f"SELECT id, regexp_replace(id, '{_MARK}', ''), \"row\", greatest(\"at\", $at) "
                    'FROM (SELECT unnest($ids) AS id, unnest($texts) AS "row", unnest($times) AS "at")',
                    {"ids": [row.id for row in rows], "texts": texts, "times": [row.at for row in rows], "at": at},
                )
                if are_pending:
                    con.execute("INSERT INTO kept.pending SELECT $step, unnest($texts)", {"step": step, "texts": texts})
            if matched:
                found = {"at": at, "rows": [msgspec.json.encode(hit).decode() for hit in matched]}
                con.execute("INSERT INTO kept.matched SELECT $at, unnest($rows)", found)
                con.execute("DELETE FROM kept.matched WHERE came < $before", {"before": at - MATCHED})
            if kept is not None:
                for table in ("kept.native", "kept.sign_in", "kept.written"):
                    con.execute(f'DELETE FROM {table} WHERE "time" < $forget', {"forget": at - kept})
                self._forget_told(at, at - kept * 31 / 30)
            con.execute("COMMIT")
        except BaseException:
            con.execute("ROLLBACK")
            raise
        if kept is not None:  # apart: one transaction writes to one database
            con.execute('DELETE FROM memory.written WHERE "time" < $forget', {"forget": at - kept})

    def _forget_told(self, at: datetime, before: datetime) -> None:
        """Let go of what was said of events that nothing came of since *before*, and note until when that reaches.

        What comes again is touched: it is not said again for as long as it keeps coming.
        """
        con = self._con
        con.execute("UPDATE kept.told SET touched = $at WHERE touched IS NULL", {"at": at})  # of an older version
        con.execute(
            "UPDATE kept.told SET touched = $at WHERE touched < $at AND base IN (SELECT id FROM came)", {"at": at}
        )
        lapsed = {"lapsed": before}
        con.execute("INSERT INTO kept.forgotten SELECT max(touched) FROM kept.told WHERE touched < $lapsed", lapsed)
        con.execute('DELETE FROM kept.forgotten WHERE "until" IS NULL')
        con.execute("DELETE FROM kept.told WHERE touched < $lapsed", lapsed)

    def seed(self, rows: Iterable[VerdictRow], step: int, at: datetime) -> None:
        """Take *rows* as told, by *step* and before."""
        self.clear()
        self._con.execute("DELETE FROM memory.native")
        self.commit(step, {}, tuple(rows), at=at, kept=None, are_pending=False)

    def compact(self, before: datetime) -> None:
        """Count types once a day, let go of the days of *before*, and write what the log of transactions holds."""
        con = self._con
        con.execute("BEGIN")
        con.execute(
            """
            CREATE OR REPLACE TABLE kept.seen AS
            SELECT provider, directory, native, CAST(sum(lines) AS BIGINT) AS lines,
                CAST(min(first) AS VARCHAR) AS since, CAST(max(last) AS VARCHAR) AS until
            FROM (SELECT *, past_instant(since) AS first, past_instant(until) AS last FROM kept.seen)
            WHERE last >= $before
            GROUP BY provider, directory, native, CAST(first AS DATE)
            """,
            {"before": before},
        )
        con.execute(
            'CREATE OR REPLACE TABLE kept.forgotten AS SELECT max("until") AS "until" FROM kept.forgotten '
            'HAVING max("until") IS NOT NULL'
        )
        con.execute("COMMIT")
        con.execute("CHECKPOINT kept")

    def _columns(self, table: str) -> str:
        names = self._con.execute(
            "SELECT column_name FROM duckdb_columns() WHERE table_name = $table AND database_name = 'memory' "
            "ORDER BY column_index",
            {"table": table},
        ).fetchall()
        return ", ".join(f'"{name}"' for (name,) in names)

    def _one(self, query: str) -> int:
        row = self._con.execute(query).fetchone()
        return int(msgspec.convert(row, tuple[int])[0])


def _locked(file: Path) -> BinaryIO:
    lock = file.open("wb")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise Unavailable(
            f"Another process follows already: it has {file}.", "Leave the following to it, or stop it first."
        ) from None
    return lock
