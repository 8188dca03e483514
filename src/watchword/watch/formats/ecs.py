"""Elastic Common Schema 9: one document a verdict or finding, and the lines that the bulk API takes for it."""

from __future__ import annotations

from collections.abc import Mapping

from watchword.core.identity_event import Verdict
from watchword.watch.formats.alert import PRODUCT, VERSION, Alert, iso
from watchword.watch.formats.finding_alert import FindingAlert
from watchword.watch.formats.plain import encode
from watchword.watch.verdicts import VerdictRow

ECS = "9.0.0"

_RISK = {1: 0, 2: 21, 3: 47, 4: 73, 5: 99}
"""Elastic's own scores of its severities."""

_TYPES: Mapping[str, list[str]] = {
    "account.create": ["user", "creation"],
    "account.delete": ["user", "deletion"],
    "privilege.grant": ["group", "change"],
}


def document(alert: Alert) -> bytes:
    """The document; *event.kind* is `alert` where somebody must look at it."""
    return encode(_document(alert))


def bulk(alert: Alert) -> bytes:
    """Action and document for `POST /_bulk` to a data stream; a message that arrives twice is created once."""
    return _bulk(alert.tag, _document(alert))


def of_finding(alert: FindingAlert) -> bytes:
    """The document of a finding; *event.id* is the finding, the same for all that is told of it."""
    return encode(_of_finding(alert))


def bulk_of_finding(alert: FindingAlert) -> bytes:
    """Action and document, as `bulk`."""
    return _bulk(alert.tag, _of_finding(alert))


def _bulk(tag: str, document: dict[str, object]) -> bytes:
    return encode({"create": {"_id": tag}}) + b"\n" + encode(document)


def _names(row: VerdictRow) -> tuple[str | None, ...]:
    return row.actor, row.actor_login, row.target, row.target_login


def _document(alert: Alert) -> dict[str, object]:
    row = alert.row
    failed = "attempt_failed" in row.reasons
    said: dict[str, object] = {
        "@timestamp": iso(row.at),
        "ecs": {"version": ECS},
        "message": f"{alert.title}. {alert.why}.",
        "event": {
            "kind": "alert" if alert.is_open else "event",
            "category": ["iam"],
            "type": _TYPES.get(row.action or "", ["user", "change"]),
            "action": row.action or "feed",
            "code": row.native_action,
            "id": row.id,
            "module": "watchword",
            "dataset": "watchword.verdict",
            "provider": row.provider,
            "outcome": "failure" if failed else "success",
            "reason": alert.why,
            "severity": int(alert.severity),
            "risk_score": _RISK[int(alert.severity)],
        },
        "observer": {"vendor": PRODUCT, "product": PRODUCT, "version": VERSION},
        "user": ({"id": row.actor, "name": row.actor_login or row.actor} if row.actor else {})
        | ({"target": {"id": row.target, "name": row.target_login or row.target}} if row.action is not None else {}),
        "related": {
            "user": sorted({name for name in _names(row) if name and row.action is not None}),
            "ip": [row.address] if row.address else [],
        },
        "labels": {"verdict": row.verdict.value, "directory": row.directory},
        "watchword": {
            "verdict": row.verdict.value,
            "reasons": list(row.reasons),
            "case": row.case,
            "ticket": row.ticket,
            "leaves": list(row.leaves),
            "revision": row.revision,
            "is_cleared": row.revision > 1 and not alert.is_open and row.verdict is not Verdict.IGNORED,
        },
    }
    if row.address or row.country or row.asn is not None:
        said["source"] = (
            ({"ip": row.address} if row.address else {})
            | ({"geo": _geo(row.country)} if row.country else {})
            | ({"as": {"number": row.asn}} if row.asn is not None else {})
        )
    if alert.technique is not None:
        uid, name = alert.technique
        said["threat"] = {
            "framework": "MITRE ATT&CK",
            "technique": {"id": [uid.split(".")[0]], "name": [name.split(":")[0]]}
            | ({"subtechnique": {"id": [uid], "name": [name.split(": ")[1]]}} if "." in uid else {}),
        }
    return said


def _of_finding(alert: FindingAlert) -> dict[str, object]:
    actors, targets = list(alert.actors), list(dict.fromkeys(target for _, target in alert.targets))
    logins = alert.logins
    said: dict[str, object] = {
        "@timestamp": iso(alert.at),
        "ecs": {"version": ECS},
        "message": f"{alert.title}. {alert.why}.",
        "event": {
            "kind": "alert" if alert.is_open else "event",
            "category": ["iam"],
            "type": ["info"],
            "action": f"finding.{alert.status}",
            "id": alert.finding,
            "module": "watchword",
            "dataset": "watchword.finding",
            "created": iso(alert.raised_at),
            "start": iso(alert.since),
            "end": iso(alert.until),
            "reason": alert.why,
            "severity": int(alert.severity),
            "risk_score": _RISK[int(alert.severity)],
        },
        "observer": {"vendor": PRODUCT, "product": PRODUCT, "version": VERSION},
        "rule": {"id": list(alert.rules), "name": list(alert.rule_titles), "ruleset": "watchword"},
        "user": ({"id": actors, "name": [logins.get(one, one) for one in actors]} if actors else {})
        | ({"target": {"id": targets, "name": [logins.get(one, one) for one in targets]}} if targets else {}),
        "related": {"user": sorted({*actors, *targets, *logins.values()})},
        "labels": {"status": alert.status.value, "by": alert.by},
        "watchword": {
            "finding": alert.finding,
            "status": alert.status.value,
            "by": alert.by,
            "name": alert.name,
            "rules": list(alert.rules),
            "events": [item.event for item in alert.items if item.event],
            "count": alert.events,
            "cases": list(alert.cases),
            "tickets": list(alert.tickets),
            "leaves": sorted({leaf for item in alert.items for leaf in item.leaves}),
            "dismissal": alert.dismissal,
            "owner": alert.owner,
        },
    }
    if alert.attack:
        parts = [one for one in alert.attack if "." in one]
        said["threat"] = {
            "framework": "MITRE ATT&CK",
            "technique": {"id": list(dict.fromkeys(one.split(".")[0] for one in alert.attack))}
            | ({"subtechnique": {"id": parts}} if parts else {}),
        }
    return said


def _geo(country: str) -> dict[str, str]:
    return {"country_iso_code": country.upper()} if len(country) == 2 else {"country_name": country}
