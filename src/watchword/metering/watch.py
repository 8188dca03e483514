"""What the watch and its outputs say of themselves, read when somebody asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path

import pyarrow.parquet as pq
from prometheus_client.metrics_core import CounterMetricFamily, Metric

from watchword.feeds import Source
from watchword.metering.desk import gauges
from watchword.metering.metrics import Metrics, WatchCounts
from watchword.watch.follow import Tick
from watchword.watch.outputs.delivery import Place, place_of
from watchword.watch.pulse import Pulse
from watchword.watch.verdicts import VerdictRow, verdict_files
from watchword.watching import Watching

_LINES = (
    ("watchword_lines_read", "Lines of logs that were read, by provider.", "read"),
    ("watchword_lines_rejected", "Of these, lines that are no events.", "rejected"),
    ("watchword_lines_unknown", "Of these, lines of types that no catalogue names.", "unknown"),
)


def ask_watch(metrics: Metrics, watching: Watching, clock: Callable[[], datetime], feeds: dict[str, Source]) -> None:
    """Have *metrics* count what *watching* does and ask how its *feeds* are."""
    counts = WatchCounts(metrics)

    def heard(tick: Tick, rows: tuple[VerdictRow, ...]) -> None:
        counts.steps.observe(tick.seconds)
        if tick.p99_ms is not None:
            counts.latency.observe(tick.p99_ms / 1000)
        for row in rows:
            counts.verdicts.labels(row.verdict.value).inc()

    watching.heard = heard
    providers = {name: source.log_of for name, source in feeds.items()}
    metrics.ask("feeds", lambda: _feeds(watching.pulses, providers, clock()))


def _feeds(pulses: dict[str, Pulse], providers: dict[str, str], at: datetime) -> Iterator[Metric]:
    for name, told, kind in _LINES:
        lines: Counter[str] = Counter()
        for feed, pulse in pulses.items():
            lines[providers[feed]] += getattr(pulse, kind)
        family = CounterMetricFamily(name, told, labels=("provider",))
        for provider, count in lines.items():
            family.add_metric((provider,), count)
        yield family
    silent = ((feed, max((at - one.last).total_seconds(), 0)) for feed, one in pulses.items() if one.last is not None)
    yield gauges("watchword_feed_silence_seconds", "Seconds since a feed's last event came.", "feed", silent)
    blind = ((feed, one.blind_since is not None) for feed, one in pulses.items())
    yield gauges("watchword_feed_blind", "1 while a feed is silent too long, or not understood.", "feed", blind)


def ask_outputs(metrics: Metrics, names: Iterable[str], verdicts: Path, positions: Path) -> None:
    """Have *metrics* ask how far the outputs *names* are through the files of *verdicts*, by their *positions*."""
    ahead, named = _Ahead(verdicts), tuple(names)
    metrics.ask("outputs", lambda: _outputs(ahead, {name: place_of(positions, name) for name in named}))


def _outputs(ahead: _Ahead, places: dict[str, Place]) -> Iterator[Metric]:
    behind = [(name, count + places[name].findings) for name, count in ahead.of(places).items()]
    held = [(name, len(place.held)) for name, place in places.items()]
    failing = [(name, place.error is not None) for name, place in places.items()]
    yield gauges("watchword_output_behind", "Verdicts and findings an output is yet to pass.", "output", behind)
    yield gauges("watchword_output_held", "Alerts that a receiver would not take.", "output", held)
    yield gauges("watchword_output_failing", "1 while an output can not deliver.", "output", failing)


class _Ahead:
    """How many verdicts lie after a place in the files of *folder*; how many a file has is asked of it once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._rows: dict[str, int] = {}

    def of(self, places: dict[str, Place]) -> dict[str, int]:
        """The verdicts ahead of each of *places*."""
        files = verdict_files(self._folder)
        first = min((place.file for place in places.values()), default="")
        rows = {file.name: self._count(file) for file in files if file.name >= first}
        self._rows = rows
        return {
            name: max(sum(n for file, n in rows.items() if file >= place.file) - place.rows, 0)
            for name, place in places.items()
        }

    def _count(self, file: Path) -> int:
        known = self._rows.get(file.name)
        return int(pq.read_metadata(file).num_rows) if known is None else known
