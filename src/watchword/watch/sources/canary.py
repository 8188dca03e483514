"""The canary: a reset of a dummy account every hour, whose event has to come, or the watch is blind and does not know.

Who acts writes down each act before it is done. The watch looks for its event: one act speaks for one event on that
account by that principal within its time, and for nothing else.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from watchword.core.identity_event import Canonical, Verdict
from watchword.watch.sources.port import Told
from watchword.watch.verdicts import VerdictRow
from watchword.watch.whose import Whose, goes_by

KEPT = timedelta(days=32)
"""How long an act is remembered: longer than the watch judges again what it read."""

_LAG = timedelta(minutes=2)


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """One reset *at* a time in *directory*: every name of the account and of whom it is done as, lower case."""

    at: datetime
    account: tuple[str, ...]
    principal: tuple[str, ...]
    directory: str | None = None


def note(file: Path, act: Act) -> None:
    """Write *act* down in *file*, durable, and let go of those that are too old."""
    kept = [one for one in _read(file) if act.at - one.at < KEPT]
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    with partial.open("wb") as out:
        out.write(msgspec.json.encode([*kept, act]))
        out.flush()
        os.fsync(out.fileno())
    partial.rename(file)


def last(file: Path) -> datetime | None:
    """When the last act was."""
    return max((act.at for act in _read(file)), default=None)


class Canary:
    """What the watch expects of the acts in *file*: there is one *every* so often, and each is seen *within* a time.

    Account and principal are known by every name that the directory, or the list of *whose*, has for them.
    """

    def __init__(self, file: Path, within: timedelta, every: timedelta, whose: Whose | None = None) -> None:
        self._file, self._within, self._every = file, within, every
        self._whose = whose or Whose()
        self._seen: set[datetime] = set()
        self._begun: datetime | None = None

    def mark(self, rows: Iterable[VerdictRow]) -> tuple[VerdictRow, ...]:
        """*rows*, with the canary's own events said to be that."""
        found = list(rows)
        acts = _read(self._file)
        if not acts:
            return tuple(found)
        places: dict[datetime, int] = {}
        taken: set[int] = set()
        for act in sorted(acts, key=lambda act: act.at):
            for number, row in enumerate(found):
                if number not in taken and self._is_of(row, act):
                    places[act.at] = number
                    taken.add(number)
                    break
        for at, number in places.items():
            self._seen.add(at)
            found[number] = msgspec.structs.replace(found[number], verdict=Verdict.IGNORED, reasons=("canary",))
        return tuple(found)

    def told(self, at: datetime) -> tuple[Told, ...]:
        """The acts whose time is over and whose event was not seen; and that there is none where one is due."""
        acts = _read(self._file)
        self._begun = self._begun or at
        before = max((act.at for act in acts), default=None)
        silent: tuple[Told, ...] = ()
        if at - max(before or self._begun, self._begun) > 2 * self._every + self._within:
            silent = (self._silent(before, before or self._begun),)
        return silent + tuple(
            Told(
                reasons=("canary_missing",),
                at=act.at,
                key=f"canary/{act.at.isoformat()}",
                about="canary",
                detail=f"reset at {act.at:%Y-%m-%d %H:%M:%S} UTC of an account that logs call {_or(act.account)}, by "
                f"{_or(act.principal)}",
            )
            for act in acts
            if act.at not in self._seen and at - act.at > self._within
        )

    def _silent(self, before: datetime | None, since: datetime) -> Told:
        """What is told where nobody acts, or does so with another folder: then no event is the canary's either."""
        return Told(
            reasons=("canary_silent",),
            at=since,
            key=f"canary/silent/{before.isoformat() if before else 'never'}",
            about="canary",
            detail=f"no reset stands in {self._file} since {since:%Y-%m-%d %H:%M:%S} UTC: whoever has the executor's "
            "rights has to run, with the same folder watch.state as who follows",
        )

    def _is_of(self, row: VerdictRow, act: Act) -> bool:
        return (
            row.action is Canonical.PASSWORD_RESET
            and row.verdict is not Verdict.VERIFIED
            and act.at - _LAG <= row.at <= act.at + self._within
            # A feed that does not say whose it is, is called by its provider.
            and (act.directory is None or row.directory in {act.directory, row.provider})
            and self._is_called(row.target, row, act.account)
            and self._is_called(row.actor, row, act.principal)
        )

    def _is_called(self, name: str, row: VerdictRow, keys: tuple[str, ...]) -> bool:
        return any(goes_by(one, keys) for one in self._whose.names(row.directory, name))


def _or(names: tuple[str, ...]) -> str:
    return " or ".join(names[:5]) or "nothing"


def _read(file: Path) -> list[Act]:
    try:
        return msgspec.json.decode(file.read_bytes(), type=list[Act])
    except (OSError, msgspec.MsgspecError):
        return []
