"""A process that is killed while it writes: forks one child for each write point, which ends itself there.

Run as `python victim.py KEY KEYS URL POINT [URL POINT …]`: each URL is a ledger of its own that the child opens and
appends one entry to; it is killed at POINT of the second append, which also erases what another stream holds, or does
nothing besides where POINT is one of `ONCE`. Prints OK when every child died by SIGKILL.
"""

from __future__ import annotations

import os
import signal
import sys
from datetime import UTC, datetime

from watchword.ledger.checkpoint import SigningKey
from watchword.ledger.entry import Disclosure, Retention
from watchword.ledger.leader import Append, Draft, EffectRow, EffectState, Ledger, Settle
from watchword.ledger.vault import KeyFile

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)

ONCE = ("append.turn", "append.at_once")
"""The points that only entries and payloads come by, which one statement writes."""


def live_and_die(key: str, keys: str, url: str, point: str) -> None:
    """Append once, then be killed at *point* of the second append."""
    armed = False

    def faults(reached: str) -> None:
        if armed and reached == point:
            os.kill(os.getpid(), signal.SIGKILL)

    signing = SigningKey.load(key)
    ledger = Ledger.open(url, signing, KeyFile.load(keys), signing.origin, faults=faults)
    phone = Disclosure(name="phone", value="+15550100", retention=Retention.SHORT)
    draft = Draft(type="case.noted", at=NOON, actor="p-a", data={}, disclosures=(phone,))
    due = EffectRow(id="first", stream="case/1", kind="reset", due_at=NOON)
    ledger.append((Append(stream="case/1", expected_version=-1, drafts=(draft,)),), (due,))
    ledger.append((Append(stream="case/0", expected_version=-1, drafts=(draft,)),))
    erase = ledger.holdings("case/0")
    armed = True
    ledger.append(
        (
            Append(stream="case/1", expected_version=0, drafts=(draft,)),
            Append(stream="account/1", expected_version=-1, drafts=(draft,)),
        ),
        (EffectRow(id="second", stream="case/1", kind="reset", due_at=NOON),) if point not in ONCE else (),
        (Settle(effect_id="first", state=EffectState.DONE),) if point not in ONCE else (),
        erase if point not in ONCE else (),
    )


def main() -> int:
    """Kill one child for each pair of URL and point."""
    key, keys, *pairs = sys.argv[1:]
    for url, point in zip(pairs[::2], pairs[1::2], strict=True):
        child = os.fork()
        if child == 0:
            live_and_die(key, keys, url, point)
            os._exit(3)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGKILL:
            print(f"the child for {point} was not killed: {status}")
            return 1
    print("OK")
    return 0


if __name__ == "__main__":
    sys.exit(main())
