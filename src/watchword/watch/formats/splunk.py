"""Splunk's HTTP Event Collector: one event a verdict or a finding, its body the Detection Finding."""

from __future__ import annotations

import msgspec

from watchword.watch.formats.alert import Alert
from watchword.watch.formats.finding_alert import FindingAlert
from watchword.watch.formats.ocsf import finding
from watchword.watch.formats.ocsf_finding import of_finding as ocsf_of_finding
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


def of_finding(alert: FindingAlert) -> bytes:
    """The same for a finding."""
    return encode(
        {
            "time": round(alert.millis / 1000, 3),
            "source": "watchword:findings",
            "sourcetype": "ocsf:detection_finding",
            "event": msgspec.Raw(ocsf_of_finding(alert)),
            "fields": {"status": alert.status.value, "severity": alert.severity.word},
        }
    )
