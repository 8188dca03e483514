"""What one process tells Prometheus: what was counted while it ran, and what its parts say when they are asked."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Iterator

import structlog
from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from watchword.core.errors import Invalid
from watchword.core.identity_event import Verdict
from watchword.ledger.keyfiles import read_private
from watchword.settings import Settings

log = structlog.get_logger("watchword.metrics")

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each counter, which nobody asks for

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

SHORTEST_TOKEN = 16
"""Characters of a bearer token, at least."""

_QUICK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
_REQUEST = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0)
_STEP = (0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_LATENCY = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)

Tell = Callable[[], Iterable[Metric]]
"""What one part says of itself, when it is asked."""


class Metrics(Collector):
    """What is measured of one process, in a registry of its own. Safe to use from many threads.

    *token* is what whoever reads it has to show; without one it is for this machine alone.
    """

    def __init__(self, token: str | None = None) -> None:
        self._token = token
        self._parts: dict[str, Tell] = {}
        self._failing: set[str] = set()
        self.registry = one = CollectorRegistry()
        self.appends = Histogram("watchword_append_seconds", "Seconds an append took.", buckets=_QUICK, registry=one)
        self.effects = Counter(
            "watchword_effects", "Effects that were tried, by kind and outcome.", ("kind", "outcome"), registry=one
        )
        self.requests = Counter(
            "watchword_http_requests", "Requests, by route and class of status.", ("route", "status"), registry=one
        )
        self.request_seconds = Histogram(
            "watchword_http_request_seconds", "Seconds to an answer's head.", ("route",), buckets=_REQUEST, registry=one
        )
        ProcessCollector(registry=one)
        PlatformCollector(registry=one)
        GCCollector(registry=one)
        one.register(self)

    @classmethod
    def of(cls, settings: Settings) -> Metrics | None:
        """As *settings* have it, None where they do not; `Invalid` for a token that can not be read or is short."""
        if (part := settings.metrics) is None:
            return None
        if part.token_file is None:
            return cls()
        token = read_private(settings.path(part.token_file)).decode("utf-8", "replace").strip()
        if len(token) < SHORTEST_TOKEN or not token.isascii():
            raise Invalid(
                f"A token for metrics is {SHORTEST_TOKEN} or more letters and digits.",
                "Make one with `openssl rand -hex 32`.",
                where="metrics.token_file",
            )
        return cls(token)

    @property
    def is_guarded(self) -> bool:
        """Whether a token has to be shown."""
        return self._token is not None

    def is_token(self, authorization: str) -> bool:
        """Whether a header `Authorization` shows the token; never where there is none."""
        expected = f"Bearer {self._token or ''}".encode()
        return hmac.compare_digest(authorization.encode("utf-8", "replace"), expected) and self.is_guarded

    def ask(self, part: str, tell: Tell) -> None:
        """Have *part* say how it is whenever this is read, with *tell*: quick, and without holding anybody up."""
        self._parts[part] = tell

    def collect(self) -> Iterator[Metric]:
        """What the parts say; one that can not say anything now is told in `watchword_scrape_errors`."""
        failed = GaugeMetricFamily(
            "watchword_scrape_errors", "1 where a part could not be read, whose series are absent.", labels=("part",)
        )
        for part, tell in tuple(self._parts.items()):
            try:
                said = tuple(tell())
            except Exception as fault:
                if part not in self._failing:  # told once, and not at each scrape
                    log.warning("metrics.unread", part=part, exc_info=fault)
                self._failing.add(part)
                failed.add_metric((part,), 1)
            else:
                self._failing.discard(part)
                failed.add_metric((part,), 0)
                yield from said
        yield failed

    def text(self) -> bytes:
        """Everything, in the text format of Prometheus (0.0.4)."""
        return generate_latest(self.registry)


class WatchCounts:
    """What is counted of a watch, in the registry of *metrics*."""

    def __init__(self, metrics: Metrics) -> None:
        one = metrics.registry
        self.verdicts = Counter("watchword_verdicts", "Verdicts, revisions too, by kind.", ("verdict",), registry=one)
        self.steps = Histogram("watchword_watch_step_seconds", "Seconds a step took.", buckets=_STEP, registry=one)
        self.latency = Histogram(
            "watchword_verdict_latency_seconds",
            "Seconds from arrival within which 99 of 100 lines of a step were judged, one observation a step.",
            buckets=_LATENCY,
            registry=one,
        )
        for kind in Verdict:  # told as none, so that the first one is an increase
            self.verdicts.labels(kind.value)
