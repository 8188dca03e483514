"""A process that follows and can be killed: it kills itself at the Nth thing it does to the disk.

Arguments: the folder, and N (0: never). It fills the spool from the log in the folder, follows, and steps until nothing
is left. What it does to the disk is counted where Python does it, and at each statement that ends a transaction.
"""

from __future__ import annotations

import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from watchword.watch.follow import Follow, Followed
from watchword.watch.providers import OKTA
from watchword.watch.sources.spool import Spool
from watchword.watch.sources.tail import Tail

LATER = datetime(2026, 3, 2, 12, 10, tzinfo=UTC)  # than anything waits for its evidence


class Fate:
    """Counts, and kills at the right moment: before and after each thing."""

    def __init__(self, at: int) -> None:
        self.at, self.count = at, 0

    def point(self) -> None:
        """One more moment."""
        self.count += 1
        if self.count == self.at:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, call: Any) -> Any:
        """*call*, with a moment before and one after it."""

        def counted(*arguments: Any, **named: Any) -> Any:
            self.point()
            answer = call(*arguments, **named)
            self.point()
            return answer

        return counted


class Connection:
    """A connection whose commits are counted."""

    def __init__(self, con: duckdb.DuckDBPyConnection, fate: Fate) -> None:
        self._con, self._fate = con, fate

    def __getattr__(self, name: str) -> Any:
        return getattr(self._con, name)

    def execute(self, query: str, *arguments: Any) -> Any:
        """Execute *query*."""
        if query in {"BEGIN", "COMMIT"} or query.startswith("CHECKPOINT"):
            return self._fate.around(self._con.execute)(query, *arguments)
        return self._con.execute(query, *arguments)


def main(folder: Path, at: int) -> int:
    """Follow, and return how many moments there were."""
    fate = Fate(at)
    os.fsync = fate.around(os.fsync)
    os.pwrite = fate.around(os.pwrite)
    Path.rename = fate.around(Path.rename)  # type: ignore[method-assign]
    spool = Spool(folder / "spool", segment=3000)
    feed = Followed(name="okta", provider=OKTA, spool=spool, source=Tail(folder / "log.jsonl"))
    with Follow((feed,), folder / "state", folder / "out", folder / "evidence.parquet", clock=lambda: LATER) as follow:
        follow._con = follow._window._con = Connection(follow._con, fate)  # type: ignore[assignment]
        while follow.step(LATER) or follow.tick.lines:
            pass
    return fate.count


if __name__ == "__main__":
    print(main(Path(sys.argv[1]), int(sys.argv[2])), "OK")
