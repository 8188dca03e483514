"""What this process wrote lately, as it was signed: no need to fetch from the database what was just handed to it."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from watchword.ledger.append import Appended
from watchword.ledger.entry import parse

MOST = 4096
"""Entries that are kept, of at most 8 KiB each; the one kept longest goes first."""


class Recent:
    """Entries that this process appended, by index. Safe to use from many threads.

    Whoever has to judge what the database holds does not ask here.
    """

    def __init__(self) -> None:
        self._kept: dict[int, Appended] = {}
        self._gate = threading.Lock()

    def keep(self, appended: Sequence[Appended]) -> None:
        """Keep *appended*, which a signed checkpoint covers."""
        with self._gate:
            for one in appended:
                # What its bytes say, as whoever fetches it is told.
                self._kept[one.seq] = Appended(seq=one.seq, leaf=one.leaf, entry=parse(one.raw), raw=one.raw)
            while len(self._kept) > MOST:
                del self._kept[next(iter(self._kept))]

    def all_of(self, seqs: Sequence[int]) -> tuple[Appended, ...] | None:
        """Return the entries at *seqs*, None unless each of them is kept."""
        kept = self._kept
        found = [kept.get(seq) for seq in seqs]
        return None if None in found else tuple(one for one in found if one is not None)
