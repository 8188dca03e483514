"""Splunk's HTTP Event Collector: one event a verdict, its body the Detection Finding."""

from __future__ import annotations

import msgspec

from watchword.watch.formats.alert import Alert
from watchword.watch.formats.ocsf import finding
from watchword.watch.formats.plain import encode


def event(alert: Alert) -> bytes:
    """For `POST /services/collector/event`; many stand one behind the other."""
    row = alert.row
    return encode(
        {
            "time": round(alert.millis / 1000, 3),
            "source": f"watchword:{row.directory}",
            "sourcetype": "ocsf:detection_finding",
            "event": msgspec.Raw(finding(alert)),
            "fields": {"verdict": row.verdict.value, "severity": alert.severity.word},
        }
    )
