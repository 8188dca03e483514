"""A process that appends to a shared ledger beside others, and writes down each answer before it goes on.

`python racer.py URL KEY KEYS ORIGIN NAME LATE EACH`: appends EACH times to `case/NAME` and EACH times to `case/shared`,
by a clock that is LATE milliseconds behind. Says `ready` once the ledger is open, waits for a line, and then prints
index and leaf of every entry it was told is written.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

from watchword.core.errors import Conflict
from watchword.ledger.append import Append, Draft
from watchword.ledger.checkpoint import SigningKey
from watchword.ledger.leader import Ledger
from watchword.ledger.vault import KeyFile

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def append(ledger: Ledger, stream: str, name: str, at: datetime) -> None:
    """Append one entry, deciding again after every conflict."""
    draft = Draft(type="case.noted", at=at, actor=f"p-{name}", data={})
    while True:
        version = len(ledger.read(stream)) - 1
        try:
            (appended,) = ledger.append((Append(stream=stream, expected_version=version, drafts=(draft,)),))
        except Conflict:
            continue
        print(appended.seq, appended.leaf, flush=True)
        return


def main() -> int:
    """Race."""
    url, key, keys, origin, name, late, each = sys.argv[1:]
    ledger = Ledger.open(url, SigningKey.load(key), KeyFile.load(keys), origin)
    print("ready", flush=True)
    sys.stdin.readline()
    at = NOON + timedelta(seconds=5) - timedelta(milliseconds=int(late))
    for _ in range(int(each)):
        append(ledger, f"case/{name}", name, at)
        append(ledger, "case/shared", name, at)
    ledger.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
