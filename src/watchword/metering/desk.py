"""What the desk's parts say of themselves, read when somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from watchword.desk.asks import Kind
from watchword.desk.downtime import owing
from watchword.desk.followers import CaseList
from watchword.desk.registry import Registry
from watchword.desk.tallies import Tallies
from watchword.ledger.leader import Follower, Ledger
from watchword.metering.metrics import Metrics
from watchword.watch.findings import Findings

OVERDUE = timedelta(minutes=5)
"""How long after an effect was due it is overdue."""

Clock = Callable[[], datetime]


def gauge(name: str, told: str, value: float) -> GaugeMetricFamily:
    """One number."""
    return GaugeMetricFamily(name, told, value=value)


def gauges(name: str, told: str, label: str, values: Iterable[tuple[str, float]]) -> GaugeMetricFamily:
    """One number for each value of *label*."""
    family = GaugeMetricFamily(name, told, labels=(label,))
    for value, number in values:
        family.add_metric((value,), number)
    return family


def ask_desk(
    metrics: Metrics,
    clock: Clock,
    *,
    ledger: Ledger,
    followers: tuple[Follower, ...],
    cases: CaseList,
    tallies: Tallies,
    registry: Registry,
    findings: Findings,
) -> None:
    """Have *metrics* ask the parts of a desk."""
    metrics.ask("ledger", lambda: _ledger(ledger, followers))
    metrics.ask("effects", lambda: _effects(ledger, clock()))
    metrics.ask("cases", lambda: _cases(cases, ledger, clock()))
    metrics.ask("verifications", lambda: _verifications(tallies))
    metrics.ask("threat", lambda: _threat(registry, clock()))
    metrics.ask("findings", lambda: _findings(findings))


def _ledger(ledger: Ledger, followers: tuple[Follower, ...]) -> Iterator[Metric]:
    size = ledger.size
    yield gauge("watchword_ledger_entries", "Entries of the ledger.", size)
    behind = ((one.name, max(size - one.position, 0)) for one in followers)
    told = "Entries that a read model has not read yet."
    yield gauges("watchword_follower_behind_entries", told, "follower", behind)


def _effects(ledger: Ledger, at: datetime) -> Iterator[Metric]:
    kinds = (*Kind.DESK, *Kind.EXECUTOR)
    waiting = {one.kind: one for one in ledger.waiting(at, OVERDUE)}
    due = [(kind, waiting[kind].due if kind in waiting else 0) for kind in kinds]
    overdue = [(kind, waiting[kind].overdue if kind in waiting else 0) for kind in kinds]
    yield gauges("watchword_effects_due", "Effects that are due and not done.", "kind", due)
    yield gauges("watchword_effects_overdue", "Of these, due for more than five minutes.", "kind", overdue)


def _cases(cases: CaseList, ledger: Ledger, at: datetime) -> Iterator[Metric]:
    stages, owed, overdue = cases.counts()
    down = owing(ledger)
    yield gauges("watchword_cases_open", "Cases that are not at their end.", "stage", stages.items())
    told = "Cases, and declarations of downtime, that owe a review."
    yield gauge("watchword_reviews_owed", told, owed + len(down))
    late = sum(one.overdue(at) for one in down)
    yield gauge("watchword_reviews_overdue", "Of these, not reviewed in time.", overdue + late)


def _verifications(tallies: Tallies) -> Iterator[Metric]:
    told = "Verifications begun with a challenge, passed and failed, by method."
    family = CounterMetricFamily("watchword_verifications", told, labels=("method", "outcome"))
    for (method, outcome), count in tallies.verifications.items():
        family.add_metric((method, outcome), count)
    yield family
    yield CounterMetricFamily("watchword_freezes", "Cases that were frozen.", value=tallies.freezes)


def _threat(registry: Registry, at: datetime) -> Iterator[Metric]:
    yield gauge("watchword_threat_elevated", "1 while the threat is elevated.", registry.posture().elevated(at))


def _findings(findings: Findings) -> Iterator[Metric]:
    told = "Findings that are new, triaged or confirmed."
    yield gauges("watchword_findings_open", told, "severity", findings.open_by_severity().items())
