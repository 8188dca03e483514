"""How grave findings are: which are looked at first, and the gravest that open ones still have against an account.

Whoever is told that one thing is over must not take it for all there was.
"""

from __future__ import annotations

from watchword.core.finding import OPEN, SEVERITIES, VERDICT
from watchword.core.identity_event import Verdict
from watchword.watch.campaigns import Item
from watchword.watch.finding_log import FindingLog, Shown
from watchword.watch.formats.alert import Severity
from watchword.watch.whose import Whose

_GRAVE = frozenset({f"{VERDICT}{Verdict.UNVERIFIED}", f"{VERDICT}{Verdict.SUSPICIOUS}"})
"""Rules of what is told as high by itself, whatever its finding is."""


def against(log: FindingLog, whose: Whose, directory: str | None, target: str, but: str = "") -> Severity | None:
    """The gravest that findings of *log* have against the account called *target* in *directory*; None for nothing.

    *but* is an event or a finding that does not count.
    """
    names = whose.names(directory, target)
    with log.lock:
        log.look()
        found = (
            gravity(item)
            for one in log.known.values()
            if one.finding.status in OPEN and one.finding.id != but
            for mark, item in one.items.items()
            if mark in one.finding.marks and _is_about(item, directory, names) and item.event != (but or None)
        )
        return max(found, default=None)


def rank(shown: Shown) -> tuple[int, int, float, str]:
    """What findings are sorted by: gravest first, then the one with most events, then the newest."""
    finding = shown.finding
    return -SEVERITIES.index(finding.severity), -shown.live, -finding.raised_at.timestamp(), finding.id


def gravity(item: Item) -> Severity:
    """How grave *item* is told to be."""
    own = Severity(SEVERITIES.index(item.severity) + 1)
    return max(own, Severity.HIGH) if item.rule in _GRAVE else own


def _is_about(item: Item, directory: str | None, names: frozenset[str]) -> bool:
    if not item.target or item.is_feed or (directory and item.directory and item.directory != directory):
        return False
    return item.target.lower() in names or (item.account or "").lower() in names
