"""OCSF 1.8: a Detection Finding (2004) for a verdict or a finding, an Account Change (3001) for the event of a verdict.

From https://schema.ocsf.io/1.8.0. What a verdict rests on (ticket) stands in the incident profile's `ticket`; case,
leaves and reasons stand in `unmapped.watchword`, since OCSF has no word for them.
"""

from __future__ import annotations

from collections.abc import Mapping

from watchword.core.identity_event import Canonical
from watchword.watch.formats.alert import PRODUCT, VERSION, Alert
from watchword.watch.formats.plain import encode

OCSF = "1.8.0"

ACTIVITIES: Mapping[Canonical, int] = {
    Canonical.ACCOUNT_CREATE: 1,
    Canonical.ACCOUNT_ENABLE: 2,
    Canonical.PASSWORD_CHANGE_SELF: 3,
    Canonical.PASSWORD_RESET: 4,
    Canonical.PASSWORD_RECOVER_SELF: 4,
    Canonical.PASSWORD_EXPIRE: 4,
    Canonical.ACCOUNT_DISABLE: 5,
    Canonical.ACCOUNT_DELETE: 6,
    Canonical.ACCOUNT_LOCK: 9,
    Canonical.FACTOR_ENROLL: 10,
    Canonical.FACTOR_RESET: 11,
    Canonical.FACTOR_RESET_ALL: 11,
    Canonical.FACTOR_SUSPEND: 11,
    Canonical.ACCOUNT_UNLOCK: 12,
    Canonical.ACCOUNT_UNLOCK_SELF: 12,
}
"""`activity_id` of Account Change; what it has no word for is 99."""

_NAMES = {
    1: "Create",
    2: "Enable",
    3: "Password Change",
    4: "Password Reset",
    5: "Disable",
    6: "Delete",
    9: "Lock",
    10: "MFA Factor Enable",
    11: "MFA Factor Disable",
    12: "Unlock",
    99: "Other",
}

USER_MANAGEMENT: Mapping[Canonical, int] = {
    Canonical.ACCOUNT_CREATE: 1,
    Canonical.RECOVERY_INFO_CHANGE: 2,
    Canonical.ACCOUNT_RENAME: 2,
    Canonical.ACCOUNT_DELETE: 3,
    Canonical.ACCOUNT_ENABLE: 4,
    Canonical.ACCOUNT_DISABLE: 5,
    Canonical.ACCOUNT_LOCK: 6,
    Canonical.ACCOUNT_UNLOCK: 7,
    Canonical.ACCOUNT_UNLOCK_SELF: 7,
    Canonical.PASSWORD_CHANGE_SELF: 8,
    Canonical.PASSWORD_RESET: 9,
    Canonical.PASSWORD_RECOVER_SELF: 9,
    Canonical.PASSWORD_EXPIRE: 9,
    Canonical.FACTOR_ENROLL: 12,
    Canonical.FACTOR_RESET: 13,
    Canonical.FACTOR_RESET_ALL: 13,
    Canonical.FACTOR_SUSPEND: 13,
    Canonical.PRIVILEGE_GRANT: 14,
    Canonical.PRIVILEGE_REVOKE: 15,
    Canonical.TOKEN_REISSUE: 18,
    Canonical.TOKEN_REVOKE: 19,
}
"""`activity_id` of User Management (3007), which takes the place of Account Change from 1.9 on."""


def finding(alert: Alert) -> bytes:
    """The verdict, as a Detection Finding: created at first, updated by a revision, closed by one that clears it."""
    row = alert.row
    activity = 1 if row.revision == 1 else 2 if alert.is_open else 3
    said: dict[str, object] = {
        "activity_id": activity,
        "activity_name": ("Create", "Update", "Close")[activity - 1],
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": 2004,
        "class_name": "Detection Finding",
        "type_uid": 200400 + activity,
        "time": alert.millis,
        "severity_id": int(alert.severity),
        "severity": alert.severity.word,
        "status_id": 1 if alert.is_open else 4,
        "status": "New" if alert.is_open else "Resolved",
        "confidence_id": 3,
        "confidence": "High",
        "is_alert": alert.is_open,
        "message": f"{alert.title}. {alert.why}.",
        "metadata": _metadata(alert) | {"profiles": ["incident"] if row.ticket else []},
        "finding_info": {
            "uid": row.id,
            "title": alert.title,
            "desc": alert.why,
            "first_seen_time": alert.millis,
            "types": [row.verdict.value],
            "analytic": {"type_id": 1, "type": "Rule", "name": "identity event verdict", "uid": row.verdict.value},
            "related_events": [{"uid": row.id, "type": row.native_action or "feed"}],
            "data_sources": [row.provider],
            **(_attacks(alert)),
        },
        "evidences": [
            {
                **_actor(alert),
                **_endpoint(alert),
                "data": {"native_action": row.native_action, "outcome": row.outcome, "folded": row.folded},
            }
        ],
        "resources": [
            {"uid": row.target, "type": "account", "namespace": row.directory}
            | ({"name": row.target_login} if row.target_login else {})
        ],
        "unmapped": {"watchword": _ours(alert)},
    }
    if row.ticket:
        said["ticket"] = {"uid": row.ticket}
    observables = [{"name": "resources.uid", "type_id": 10, "type": "Resource UID", "value": row.target}]
    if row.address:
        observables.append(
            {"name": "evidences.src_endpoint.ip", "type_id": 2, "type": "IP Address", "value": row.address}
        )
    return encode(said | {"observables": observables})


def event(alert: Alert) -> bytes:
    """The event itself, as an Account Change, with its place in User Management beside it; a feed's as a finding."""
    row = alert.row
    if row.action is None:
        return finding(alert)
    activity = ACTIVITIES.get(row.action, 99)
    newer = USER_MANAGEMENT.get(row.action, 99)
    is_done = "attempt_failed" not in row.reasons
    said: dict[str, object] = {
        "activity_id": activity,
        "activity_name": _NAMES[activity] if activity != 99 else row.action.value,
        "category_uid": 3,
        "category_name": "Identity & Access Management",
        "class_uid": 3001,
        "class_name": "Account Change",
        "type_uid": 300100 + activity,
        "time": alert.millis,
        "severity_id": int(alert.severity),
        "severity": alert.severity.word,
        "status_id": 1 if is_done else 2,
        "status": "Success" if is_done else "Failure",
        "status_detail": row.outcome,
        "message": f"{row.native_action}: {alert.why}",
        "metadata": _metadata(alert),
        "user": {"uid": row.target, "name": row.target_login or row.target},
        **_actor(alert),
        **_endpoint(alert),
        "unmapped": {
            "watchword": _ours(alert),
            "user_management": {"class_uid": 3007, "activity_id": newer, "type_uid": 300700 + newer},
        },
    }
    return encode(said)


def _metadata(alert: Alert) -> dict[str, object]:
    row = alert.row
    said: dict[str, object] = {
        "version": OCSF,
        "uid": alert.tag,
        "original_event_uid": row.id,
        "product": {"name": PRODUCT, "vendor_name": PRODUCT, "version": VERSION, "feature": {"name": "watch"}},
        "log_provider": row.provider,
        "log_name": row.directory,
        "event_code": row.native_action,
    }
    return said | ({"correlation_uid": row.correlation} if row.correlation else {})


def _actor(alert: Alert) -> dict[str, object]:
    row = alert.row
    if not row.actor:
        return {}
    user: dict[str, object] = {"uid": row.actor, "name": row.actor_login or row.actor}
    kinds = {"automation": (4, "Service"), "vendor": (99, "vendor"), "system": (3, "System")}
    if row.actor_class is not None:
        user["type_id"], user["type"] = kinds.get(row.actor_class, (99, row.actor_class))
    return {"actor": {"user": user}}


def _endpoint(alert: Alert) -> dict[str, object]:
    row = alert.row
    said: dict[str, object] = {}
    if row.address:
        said["ip"] = row.address
    if row.country:
        said["location"] = {"country": row.country} if len(row.country) == 2 else {"desc": row.country}
    if row.asn is not None:
        said["autonomous_system"] = {"number": row.asn}
    return {"src_endpoint": said} if said else {}


def _attacks(alert: Alert) -> dict[str, object]:
    if alert.technique is None:
        return {}
    uid, name = alert.technique
    technique: dict[str, object] = {"technique": {"uid": uid.split(".")[0], "name": name.split(":")[0]}}
    if "." in uid:
        technique["sub_technique"] = {"uid": uid, "name": name.split(": ")[1]}
    return {"attacks": [technique | {"version": "18.1"}]}


def _ours(alert: Alert) -> dict[str, object]:
    row = alert.row
    return {
        "verdict": row.verdict.value,
        "reasons": list(row.reasons),
        "action": row.action,
        "case": row.case,
        "leaves": list(row.leaves),
        "revision": row.revision,
    }
