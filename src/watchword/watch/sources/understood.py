"""Whether what a feed gives is the log it is said to be: lines that nobody knows are no sign of life."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from watchword.watch.printable import printable
from watchword.watch.sources.port import Told
from watchword.watch.sources.spool import Position, Spool
from watchword.watch.tenants import MOST

LEAST = 20
"""Lines that are looked at together, at least: one odd line says nothing of a feed."""

SHARE = 0.5
"""The share of lines that may be nothing of the provider's, where nothing else is set."""

_FILE = "understood.json"


class Understood(msgspec.Struct, frozen=True, kw_only=True):
    """What was made of a feed so far; times are those of arrival.

    *place* is how far its spool was looked at, *read* when the newest line of that came, *known* when the newest did
    that came with one of a type that the provider is known to write. *lines* were looked at since *begun*, and
    *strange* of them are none. From *since* until *until* the feed was not understood; *said* is what to tell of it.
    *tenants* are those that its lines name, in the order they came, with how many; so many were told (*told_tenants*).
    """

    place: Position = Position()
    read: datetime | None = None
    known: datetime | None = None
    lines: int = 0
    strange: int = 0
    begun: datetime | None = None
    since: datetime | None = None
    until: datetime | None = None
    said: str = ""
    tenants: dict[str, int] = {}
    told_tenants: int = 0

    @property
    def has_tenants_to_tell(self) -> bool:
        """Whether its lines are of several tenants, and of one that was not told yet."""
        return len(self.tenants) > max(1, self.told_tenants)

    @property
    def is_strange(self) -> bool:
        """Whether it is not understood now."""
        return self.since is not None and self.until is None

    def after(
        self, came: tuple[datetime, ...], lines: int, strange: int, share: float, provider: str, example: str
    ) -> Understood:
        """What is made of it after *lines* more, of which *strange* are nothing of the *provider*, such as *example*.

        It begins when more than *share* of them are strange, and ends when less than half as many are.
        """
        seen = msgspec.structs.replace(
            self,
            read=max(came, default=self.read),
            known=max(came, default=self.known) if lines > strange else self.known,
            lines=self.lines + lines,
            strange=self.strange + strange,
            begun=self.begun or min(came, default=None),
        )
        if strange and example:
            words = f"{seen.strange} of {seen.lines} lines are nothing that {provider} is known to write, such as "
            seen = msgspec.structs.replace(seen, said=words + printable(example[:200]))
        if seen.lines < LEAST:
            return seen
        if not self.is_strange and seen.strange > share * seen.lines:
            seen = msgspec.structs.replace(seen, since=seen.begun, until=None)
        elif self.is_strange and seen.strange <= share * seen.lines / 2:
            seen = msgspec.structs.replace(seen, until=seen.begun)
        return msgspec.structs.replace(seen, lines=0, strange=0, begun=None)

    def naming(self, lines: Mapping[str, int]) -> Understood:
        """What is made of it when so many *lines* more name each tenant; the case of a name says nothing."""
        tenants, spelled = dict(self.tenants), {name.lower(): name for name in self.tenants}
        for tenant, count in lines.items():
            name = spelled.setdefault(tenant.lower(), tenant)
            if name in tenants or len(tenants) < MOST:
                tenants[name] = tenants.get(name, 0) + count
        return msgspec.structs.replace(self, tenants=tenants)

    def alive(self, arrivals: Iterable[datetime]) -> tuple[datetime, ...]:
        """Of *arrivals* those that are a sign of life: with lines that are known, or that nobody looked at yet."""
        if self.read is None:
            return tuple(arrivals)
        return tuple(at for at in arrivals if at > self.read or (self.known is not None and at <= self.known))

    def told(self, name: str) -> tuple[Told, ...]:
        """What is to be told of it: the same each time it is asked, until something is otherwise."""
        if self.since is None:
            return ()
        return (
            Told(
                reasons=("feed_not_understood",) if self.until is None else ("feed_not_understood", "feed_understood"),
                at=self.since,
                key=f"{name}/not_understood/{self.since.isoformat()}",
                about=name,
                detail=f"since {self.since:%Y-%m-%d %H:%M:%S} UTC: {self.said}"
                if self.until is None
                else f"from {self.since:%Y-%m-%d %H:%M:%S} to {self.until:%Y-%m-%d %H:%M:%S} UTC",
            ),
        )


def understood(spool: Spool) -> Understood:
    """What was made of the feed of *spool* last."""
    try:
        return msgspec.json.decode((spool.folder / _FILE).read_bytes(), type=Understood)
    except (OSError, msgspec.MsgspecError):
        return Understood()


def keep_understood(spool: Spool, seen: Understood) -> None:
    """Write it down, for the next start and for whoever asks how the source is."""
    partial = spool.folder / f"{_FILE}.partial"
    partial.write_bytes(msgspec.json.encode(seen))
    partial.rename(spool.folder / _FILE)
