"""What a poller remembers of what it read lately, so that reading again what may have come late costs little."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta

MOST = 100_000

LATE = timedelta(days=3)
"""How far back a log of changes is read again once a day, when it is not set: vendors warn of such delays."""

_DAILY = timedelta(days=1)


def is_due(swept: datetime | None, at: datetime, late: timedelta) -> bool:
    """Whether the last *late* of a log that was *swept* last then has to be read again at *at*; never where it is 0."""
    return bool(late) and (swept is None or at - swept >= _DAILY)


class Recent:
    """The ids read lately. Only this process knows them: after a restart repeats are spooled, and the engine folds."""

    def __init__(self) -> None:
        self._ids: OrderedDict[str, None] = OrderedDict()

    def new(self, event: dict[str, object], *members: str) -> bool:
        """Whether *event* is not known by the values of *members*; it is from now on. One without any is always new."""
        values = [value for member in members if (value := event.get(member)) is not None]
        if not values:
            return True
        key = "\x00".join(map(str, values))
        if key in self._ids:
            self._ids.move_to_end(key)
            return False
        self._ids[key] = None
        while len(self._ids) > MOST:
            self._ids.popitem(last=False)
        return True

    def forget(self, events: tuple[dict[str, object], ...], *members: str) -> None:
        """Let *events* be new again: they did not get to where they were to go."""
        for event in events:
            values = [value for member in members if (value := event.get(member)) is not None]
            self._ids.pop("\x00".join(map(str, values)), None)
