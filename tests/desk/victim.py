"""An executor that is killed at work: forks one child for each place, which ends itself at the n-th write point.

Run as `python victim.py AT [HOME POINT …]`: each HOME is an office of its own with a released case. A child does what
is due there at AT and is killed when it reaches the write point number POINT; with POINT `list` it lives, and the names
of all points it passed are printed, one a line. Prints OK when every other child died by SIGKILL.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import structlog

from watchword.app import App
from watchword.core.change import Change, Receipt
from watchword.core.errors import Unavailable
from watchword.directories.sandbox import Sandbox
from watchword.ledger.sql import SqlStore
from watchword.settings import load


class Doomed(Sandbox):
    """The sandbox, with a write point on either side of each change."""

    reach: Callable[[str], None]

    def apply(
        self, native_id: str, change: Change, effect_id: str, secret: str | None = None, value: str | None = None
    ) -> Receipt:
        """Do the change, unless killed before; be killed after."""
        self.reach("apply.begin")
        receipt = super().apply(native_id, change, effect_id, secret, value)
        self.reach("apply.end")
        return receipt


def work(home: Path, at: datetime, last: int | None) -> list[str]:
    """Do what is due; be killed at the point number *last*."""
    passed: list[str] = []

    def reach(point: str) -> None:
        if len(passed) == last:
            os.kill(os.getpid(), signal.SIGKILL)
        passed.append(point)

    app = App(load(home / "watchword.toml"), clock=lambda: at)
    sandbox = Doomed(home / "sandbox.db", clock=lambda: at)
    sandbox.reach = reach
    app.directories["sandbox"] = sandbox
    store = app.ledger._store
    assert isinstance(store, SqlStore)
    store._faults = reach
    try:
        app.runner.drain(at)
    except Unavailable:
        return passed
    return passed


def main() -> int:
    """Send one child to each place."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    at = datetime.fromisoformat(sys.argv[1])
    for home, point in zip(sys.argv[2::2], sys.argv[3::2], strict=True):
        child = os.fork()
        if child == 0:
            passed = work(Path(home), at, None if point == "list" else int(point))
            print("\n".join(passed), flush=True)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if point != "list" and not (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL):
            print(f"the child for {point} was not killed: {status}")
            return 1
    print("OK")
    return 0


if __name__ == "__main__":
    sys.exit(main())
