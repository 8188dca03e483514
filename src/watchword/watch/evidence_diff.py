"""What a new evidence table changes: the accounts whose events have to be judged again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb

from watchword.core.errors import Invalid
from watchword.watch import correlation
from watchword.watch.accounts import read_accounts


class EvidenceDiff:
    """Loads the evidence again when its file changed, and names in TEMP table `hit` whose events that can touch.

    *is_whole* says that it can touch any: evidence where there was none, a gap, a declaration.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, evidence: Path | None, accounts: Path | None) -> None:
        self._con, self._evidence, self._accounts = con, evidence, accounts
        self._seen: tuple[tuple[str, int, int], ...] | None = None
        self._reading: tuple[tuple[str, int, int], ...] | None = None
        self._accounts_seen: tuple[tuple[str, int, int], ...] = ()
        self.is_whole = False
        self.fault: Invalid | None = None
        """Why the accounts can not be used, when they changed last; then nobody is known by them."""

    def read(self, before: Callable[[], None]) -> bool:
        """Load what changed; True when something did, until it is `settle`d. `Invalid` as `read_evidence`.

        *before* is called first, whatever there is.
        """
        before()
        con = self._con
        seen = signature(self._evidence)
        accounts = signature(self._accounts)
        if accounts != self._accounts_seen:  # who an account is may change what is said of any event
            self._seen = self._reading = None
            self.fault = None
            try:
                if accounts and self._accounts is not None:
                    read_accounts(self._accounts)
            except Invalid as fault:
                self.fault = fault
        if self._reading is not None and seen == self._reading:
            return True  # loaded by a step that did not come to its end
        con.execute("CREATE OR REPLACE TEMP TABLE hit (name VARCHAR)")
        self.is_whole = False
        if seen == self._seen:
            return False
        for table in ("evidence", "account", "gap", "declared"):
            con.execute(f"CREATE OR REPLACE TEMP TABLE old_{table} AS SELECT * FROM memory.{table}")
        was_given = con.execute("SELECT has_evidence FROM setting").fetchone()
        known = self._accounts if accounts and self.fault is None else None
        correlation.read_evidence(con, self._evidence if seen else None, known)
        self._reading = seen
        is_other = accounts != self._accounts_seen
        self._accounts_seen = accounts
        self.is_whole = (
            is_other
            or was_given != con.execute("SELECT has_evidence FROM setting").fetchone()
            or any(self._differs(table) for table in ("gap", "declared"))
        )
        if not self.is_whole:
            self._hit()
        return True

    def settle(self) -> None:
        """What was loaded has been judged by."""
        if self._reading is not None:
            self._seen, self._reading = self._reading, None

    def _differs(self, table: str) -> bool:
        query = _difference(table, "*")
        return self._con.execute(f"SELECT count(*) > 0 FROM ({query})").fetchone() == (True,)

    def _hit(self) -> None:
        con = self._con
        con.execute(f"CREATE OR REPLACE TEMP TABLE changed AS {_difference('evidence', '* EXCLUDE (evidence)')}")
        con.execute(
            f"""
            INSERT INTO hit
            SELECT unnest(target_keys) FROM changed
            UNION SELECT name FROM ({_difference("account", "*")})
            """
        )
        # Whose executor has a case open, and which executors there are, is said of events on other accounts too.
        con.execute(
            """
            INSERT INTO hit
            WITH acting AS (SELECT "target", "time", unnest(actor_keys) AS name FROM kept.native),
            busy AS (
                SELECT unnest(principal_keys) AS name, started - span AS since, coalesce(ended, expires) + span AS until
                FROM changed, (SELECT max(lag) AS span FROM (SELECT lag FROM lag UNION ALL SELECT lag FROM setting))
            ),
            was AS (SELECT DISTINCT unnest(principal_keys) AS name FROM old_evidence),
            now AS (SELECT DISTINCT unnest(principal_keys) AS name FROM memory.evidence),
            other AS ((FROM was EXCEPT FROM now) UNION ALL (FROM now EXCEPT FROM was))
            SELECT '=' || "target" FROM acting JOIN busy USING (name)
            WHERE acting."time" BETWEEN busy.since AND busy.until
            UNION SELECT '=' || "target" FROM acting SEMI JOIN other USING (name)
            """
        )


def _difference(table: str, columns: str) -> str:
    old, new = f"SELECT {columns} FROM old_{table}", f"SELECT {columns} FROM memory.{table}"
    return f"(({old}) EXCEPT ({new})) UNION ALL (({new}) EXCEPT ({old}))"


def signature(evidence: Path | None) -> tuple[tuple[str, int, int], ...]:
    """What tells one state of a table's file, or of its folder, from another."""
    if evidence is None or not evidence.exists():
        return ()
    files = sorted(evidence.glob("*.parquet")) if evidence.is_dir() else [evidence]
    return tuple((str(file), (stat := file.stat()).st_mtime_ns, stat.st_size) for file in files)
