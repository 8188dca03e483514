"""`watchword watch follow` and `watchword watch sources`: the feeds, judged as they come, and how they are."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from cyclopts import Parameter
from rich.markup import escape
from rich.table import Table

from watchword.cli.ending import until_signalled
from watchword.cli.terminal import CONFIG, Config, Json, err, out, print_json
from watchword.core.errors import Invalid, WatchwordError
from watchword.feeds import WebhookSource
from watchword.settings import Settings, load
from watchword.watch.printable import printable
from watchword.watch.tenants import named

if TYPE_CHECKING:
    from watchword.metering.metrics import Metrics
    from watchword.watch.follow import Follow

QUIET_S = 10.0
"""Seconds after which a tick is told though nothing came."""


def follow(
    *,
    config: Config = CONFIG,
    once: Annotated[bool, Parameter(negative=(), help="Judge what is there, and end.")] = False,
    json: Json = False,
) -> None:
    """Follow every source of the settings and judge what comes; Ctrl-C ends it.

    Set `apart = true` under [watch], or the console follows and this is refused. --json prints a line for each step
    that did something: lines and verdicts, lines a second, and milliseconds from arrival to verdict.
    """
    from watchword.metering.metrics import Metrics
    from watchword.metering.watch import ask_watch
    from watchword.watching import Watching

    settings = load(config)
    if not settings.watch.feeds:
        raise Invalid("No source is configured.", "Name one under [watch.sources.NAME].", where=str(config))
    ticks = _Ticks(json)
    with Watching(settings, _now) as watching:
        if once:
            for pull in watching.pulls.values():
                pull.once()
            while True:
                watching.step()
                ticks.tell(watching.follow)
                if not watching.follow.tick.behind:
                    return
        stop = until_signalled()
        watching.follow  # noqa: B018  (refused now when somebody else follows, and not in a loop)
        metrics, part = Metrics.of(settings), settings.metrics
        if metrics is not None:
            ask_watch(metrics, watching, _now, settings.watch.feeds)
        if not json:
            out.print(f"Following {', '.join(map(escape, settings.watch.feeds))}; Ctrl-C ends it.")
        with _measured(metrics, part.follow if part else None):
            watching.run(stop, after=ticks.tell)


def _measured(metrics: Metrics | None, listen: str | None) -> AbstractContextManager[None]:
    if listen is None:  # what serves it takes a while to load
        return nullcontext()
    from watchword.cli.listening import measured

    return measured(metrics, listen)


class _Ticks:
    """Prints what the steps come to."""

    def __init__(self, json: bool) -> None:
        self._json = json
        self._told: datetime | None = None

    def tell(self, follow: Follow) -> None:
        tick = follow.tick
        if not (tick.lines or tick.verdicts) and self._told and (tick.at - self._told).total_seconds() < QUIET_S:
            return
        self._told = tick.at
        rate = tick.lines / tick.seconds if tick.seconds and tick.lines else 0.0
        if self._json:
            print_json({**msgspec.structs.asdict(tick), "lines_per_s": round(rate, 1)})
        elif tick.lines or tick.verdicts:
            waited = f", {tick.p99_ms:.0f} ms after arrival (99 of 100)" if tick.p99_ms is not None else ""
            told = f"{tick.findings} finding(s)" if tick.findings else "no finding"
            out.print(f"{tick.at:%H:%M:%S} {tick.lines} line(s), {tick.verdicts} verdict(s), {told}{waited}")
        for one in follow.rejected[:5]:
            err.print(f"[yellow]no event[/]: {escape(printable(one.file))} line {one.line}: {escape(one.reason)}")


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How one source is: what it is and gives, whether it is well, how far it is, and since when it is silent.

    *tenants* are those that its lines name, with how many, where the settings name none.
    """

    source: str
    kind: str
    provider: str
    directory: str | None
    state: Literal["ok", "silent", "strange", "failing", "waiting"]
    told: str
    spooled: int
    last: datetime | None
    answered: datetime | None
    blind_since: datetime | None
    tenants: dict[str, int]


def standings(settings: Settings, at: datetime) -> tuple[Standing, ...]:
    """How every source of *settings* is, from what is on disk: nobody is asked."""
    return tuple(_standing(settings, name, at) for name in settings.watch.feeds)


def _standing(settings: Settings, name: str, at: datetime) -> Standing:
    from watchword.watch.sources.heartbeat import LEARNED, Heartbeat
    from watchword.watch.sources.pull import health_of
    from watchword.watch.sources.spool import Spool
    from watchword.watch.sources.understood import understood

    source = settings.watch.feeds[name]
    spool = Spool(settings.path(settings.watch.spools) / name)
    arrivals, health, end = spool.arrivals(at - LEARNED), health_of(spool.folder), spool.end
    seen = understood(spool)
    beat = Heartbeat(name, source.quiet, seen.alive(arrivals))
    if arrivals:
        beat.beat((), at)
    state: Literal["ok", "silent", "strange", "failing", "waiting"] = "ok" if arrivals else "waiting"
    told = f"segment {end.segment}, {end.offset} bytes" if arrivals else "nothing came yet"
    if isinstance(source, WebhookSource) and source.timestamp is None:
        told += "; what calls signs no time, so a captured delivery is known for 30 days only"
    path = getattr(source, "path", None)
    if isinstance(path, Path) and not settings.path(path).exists():
        state, told = "failing", f"{settings.path(path)} is not there"
    elif health.failing is not None:
        state, told = "failing", f"since {health.failing:%Y-%m-%d %H:%M}: {health.error}"
    elif seen.is_strange:
        state, told = "strange", f"not understood since {seen.since:%Y-%m-%d %H:%M:%S} UTC: {seen.said}"
    elif beat.blind_since is not None:
        state, told = "silent", f"blind since {beat.blind_since:%Y-%m-%d %H:%M:%S} UTC"
    tenants = seen.tenants if not source.tenants else {}
    if len(tenants) > 1:
        told += f"; its lines are of {len(tenants)} tenants, and all are judged: {named(tenants)}"
    return Standing(
        source=name,
        kind=source.kind,
        provider=source.log_of,
        directory=source.directory,
        state=state,
        told=told,
        spooled=end.line,
        last=arrivals[-1] if arrivals else None,
        answered=health.answered,
        blind_since=beat.blind_since,
        tenants=tenants,
    )


def sources(
    *,
    config: Config = CONFIG,
    ask: Annotated[
        bool, Parameter(negative=(), help="Ask every service that is asked, once, and keep nothing.")
    ] = False,
    json: Json = False,
) -> None:
    """What the watch is fed by, how far each source is, and since when one is silent; exit code 1 when one is not well.

    Nobody is asked, unless with --ask.
    """
    settings = load(config)
    found = standings(settings, _now())
    if ask:
        found = tuple(_asked(settings, one) for one in found)
    if json:
        for one in found:
            print_json(one)
    else:
        table = Table("source", "kind", "log of", "state", "last line (UTC)", "told", box=None, pad_edge=False)
        for one in found:
            colour = {"ok": "green", "waiting": "dim"}.get(one.state, "red")
            last = f"{one.last:%Y-%m-%d %H:%M:%S}" if one.last else ""
            told = escape(printable(one.told))
            table.add_row(one.source, one.kind, one.provider, f"[{colour}]{one.state}[/]", last, told)
        out.print(table if found else "No source is configured: see [watch] in watchword.toml.", markup=bool(found))
    if any(one.state in {"silent", "strange", "failing"} for one in found):
        raise SystemExit(1)


def _asked(settings: Settings, one: Standing) -> Standing:
    """*one*, after its service was asked for a first page that nobody keeps."""
    from watchword.watching import Watching

    with Watching(settings, _now) as watching:
        pull = watching.pulls.get(one.source)
        if pull is None:
            return one
        try:
            lines = pull.probe()
        except WatchwordError as fault:
            return msgspec.structs.replace(one, state="failing", told=str(fault))
        state = "ok" if one.state == "failing" else one.state
        return msgspec.structs.replace(one, state=state, told=f"answers: {lines} line(s) in the first page; {one.told}")


def _now() -> datetime:
    return datetime.now(UTC)
