"""OCSF 1.8: a finding as a Detection Finding (2004), its steps as activities and states of one `finding_info.uid`."""

from __future__ import annotations

from collections.abc import Mapping

from watchword.core.finding import Dismissal, Status
from watchword.watch.campaigns import Item
from watchword.watch.formats.alert import PRODUCT, VERSION, millis
from watchword.watch.formats.finding_alert import FindingAlert
from watchword.watch.formats.ocsf import OCSF
from watchword.watch.formats.plain import encode

_STATES: Mapping[Status, tuple[int, str]] = {
    Status.NEW: (1, "New"),
    Status.TRIAGED: (2, "In Progress"),
    Status.CONFIRMED: (2, "In Progress"),
    Status.DISMISSED: (3, "Suppressed"),
    Status.CLOSED: (4, "Resolved"),
}

_DISMISSED: Mapping[Dismissal, tuple[int, str]] = {
    "false_positive": (1, "False Positive"),
    "expected": (5, "Benign"),
    "duplicate": (10, "Duplicate"),
    "test": (6, "Test"),
    "risk_accepted": (3, "Disregard"),
}

_TRUE, _BENIGN = (2, "True Positive"), (5, "Benign")


def of_finding(alert: FindingAlert) -> bytes:
    """The finding: its rules as analytics, its events as related ones, each item as evidence."""
    activity, name = (1, "Create") if alert.is_first else (2, "Update") if alert.is_open else (3, "Close")
    state, word = _STATES[alert.status]
    said: dict[str, object] = {
        "activity_id": activity,
        "activity_name": name,
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": 2004,
        "class_name": "Detection Finding",
        "type_uid": 200400 + activity,
        "time": alert.millis,
        "start_time": millis(alert.since),
        "end_time": millis(alert.until),
        "count": max(alert.events, 1),
        "severity_id": int(alert.severity),
        "severity": alert.severity.word,
        "status_id": state,
        "status": word,
        "status_detail": alert.dismissal or alert.status.value,
        "is_alert": alert.is_open,
        "message": f"{alert.title}. {alert.why}.",
        "metadata": {
            "version": OCSF,
            "uid": alert.tag,
            "original_event_uid": alert.finding,
            "product": {"name": PRODUCT, "vendor_name": PRODUCT, "version": VERSION, "feature": {"name": "watch"}},
            "log_provider": PRODUCT,
            "event_code": f"finding.{alert.status}",
            "profiles": ["incident"],
        },
        "finding_info": _info(alert),
        "evidences": [_evidence(item) for item in alert.items],
        "resources": [
            {"uid": target, "type": "account"} | ({"namespace": directory} if directory else {})
            for directory, target in alert.targets
        ],
        "unmapped": {"watchword": _ours(alert)},
        **_verdict(alert),
    }
    if alert.tickets:
        said["ticket"] = {"uid": alert.tickets[0]}
    if alert.owner:
        said["assignee"] = {"uid": alert.owner}
    return encode(
        said
        | {
            "observables": [
                {"name": "resources.uid", "type_id": 10, "type": "Resource UID", "value": target}
                for _, target in alert.targets
            ]
        }
    )


def _info(alert: FindingAlert) -> dict[str, object]:
    analytics = [
        {"type_id": 1, "type": "Rule", "uid": rule, "name": title}
        for rule, title in zip(alert.rules, alert.rule_titles, strict=True)
    ]
    events: dict[str, dict[str, object]] = {}
    for item in alert.items:
        if item.event:
            told = {"uid": item.event, "type": item.rule, "desc": item.why, "first_seen_time": millis(item.at)}
            events.setdefault(item.event, told)
    said: dict[str, object] = {
        "uid": alert.finding,
        "title": alert.title,
        "desc": alert.why,
        "created_time": millis(alert.raised_at),
        "modified_time": alert.millis,
        "first_seen_time": millis(alert.since),
        "last_seen_time": millis(alert.until),
        "types": list(alert.rules),
        "related_events": [*events.values()],
        "related_events_count": alert.events,
        "data_sources": list(alert.directories),
    }
    if analytics:
        said |= {"analytic": analytics[0], "related_analytics": analytics[1:]}
    if alert.attack:
        said["attacks"] = [_attack(uid) for uid in alert.attack]
    return said


def _attack(uid: str) -> dict[str, object]:
    whole: dict[str, object] = {"technique": {"uid": uid.split(".", maxsplit=1)[0]}, "version": "18.1"}
    return whole | ({"sub_technique": {"uid": uid}} if "." in uid else {})


def _evidence(item: Item) -> dict[str, object]:
    told = {
        "rule": item.rule,
        "why": item.why,
        "at": millis(item.at),
        "event": item.event,
        "target": item.target,
        "target_login": item.target_login,
        "case": item.case,
        "ticket": item.ticket,
        "leaves": list(item.leaves),
        "caller": item.caller,
        "vendor": item.vendor,
        "unit": item.unit,
    }
    said: dict[str, object] = {"data": {name: value for name, value in told.items() if value}}
    if item.actor:
        said["actor"] = {"user": {"uid": item.actor, "name": item.actor_login or item.actor}}
    return said


def _verdict(alert: FindingAlert) -> dict[str, object]:
    """What people found of it, as the incident profile says it; nothing while nobody did."""
    match alert.status:
        case Status.NEW | Status.TRIAGED:
            return {}
        case _ if alert.dismissal is not None:
            number, word = _DISMISSED[alert.dismissal]
        case Status.CLOSED if not alert.events:
            number, word = _BENIGN  # late evidence spoke for every event of it
        case _:
            number, word = _TRUE
    return {"verdict_id": number, "verdict": word}


def _ours(alert: FindingAlert) -> dict[str, object]:
    return {
        "status": alert.status.value,
        "by": alert.by,
        "name": alert.name,
        "rules": list(alert.rules),
        "cases": list(alert.cases),
        "tickets": list(alert.tickets),
        "left_out": alert.left_out,
    }
