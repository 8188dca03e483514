r"""ArcSight's Common Event Format, version 0: for collectors that know nothing newer.

The header escapes `\` and `|`, the extension `\` and `=`, and neither has a line end (CEF Implementation Standard,
version 26).
"""

from __future__ import annotations

from collections.abc import Mapping

from watchword.watch.formats.alert import PRODUCT, VERSION, Alert, millis
from watchword.watch.formats.finding_alert import AnyAlert, FindingAlert
from watchword.watch.printable import printable

_SEVERITIES = {1: 1, 2: 3, 3: 5, 4: 8, 5: 10}


def line(alert: Alert) -> bytes:
    """One event."""
    row = alert.row
    fields = {
        "rt": str(alert.millis),
        "externalId": alert.tag,
        "cat": row.verdict.value,
        "act": row.action or "feed",
        "outcome": row.outcome,
        "suser": row.actor_login or row.actor,
        "suid": row.actor if row.actor_login else None,
        "duser": row.target_login or row.target,
        "duid": row.target if row.target_login else None,
        "src": row.address if row.address and _is_ipv4(row.address) else None,
        "c6a2": row.address if row.address and ":" in row.address else None,
        "c6a2Label": "Source IPv6 Address" if row.address and ":" in row.address else None,
        "msg": alert.why,
        "cs1": row.case,
        "cs1Label": "case" if row.case else None,
        "cs2": row.ticket,
        "cs2Label": "ticket" if row.ticket else None,
        "cs3": ",".join(row.reasons),
        "cs3Label": "reasons",
        "cs4": row.directory,
        "cs4Label": "directory",
        "cs5": row.native_action,
        "cs5Label": "native action",
        "cs6": ",".join(map(str, row.leaves)) or None,
        "cs6Label": "leaves" if row.leaves else None,
        "cn1": str(row.revision),
        "cn1Label": "revision",
    }
    return _event(f"{row.verdict}:{row.action or 'feed'}", alert, fields)


def of_finding(alert: FindingAlert) -> bytes:
    """One event: a finding, with the first of those who did it and of the accounts it was done to."""
    actor, target = next(iter(alert.actors), None), next((target for _, target in alert.targets), None)
    actor_login, target_login = alert.logins.get(actor or ""), alert.logins.get(target or "")
    fields = {
        "rt": str(alert.millis),
        "start": str(millis(alert.since)),
        "end": str(millis(alert.until)),
        "externalId": alert.tag,
        "cat": "finding",
        "act": alert.status.value,
        "cnt": str(alert.events),
        "reason": alert.dismissal,
        "suser": actor_login or actor,
        "suid": actor if actor_login else None,
        "duser": target_login or target,
        "duid": target if target_login else None,
        "msg": alert.why,
        "cs1": ",".join(alert.cases) or None,
        "cs1Label": "case" if alert.cases else None,
        "cs2": ",".join(alert.tickets) or None,
        "cs2Label": "ticket" if alert.tickets else None,
        "cs3": ",".join(alert.rules) or None,
        "cs3Label": "rules" if alert.rules else None,
        "cs4": ",".join(alert.directories) or None,
        "cs4Label": "directory" if alert.directories else None,
        "cs5": f"{alert.by} {alert.name}" if alert.name else None,
        "cs5Label": "shared" if alert.name else None,
        "cs6": alert.finding,
        "cs6Label": "finding",
    }
    return _event(f"finding:{alert.status}", alert, fields)


def _event(kind: str, alert: AnyAlert, fields: Mapping[str, str | None]) -> bytes:
    """Header and extension."""
    parts = ("CEF:0", PRODUCT, "watch", VERSION, kind, alert.title, str(_SEVERITIES[int(alert.severity)]))
    head = "|".join(map(_head, parts))
    extension = " ".join(f"{key}={_value(value)}" for key, value in fields.items() if value)
    return f"{head}|{extension}".encode()


def _head(text: str) -> str:
    return printable(text).replace("\\", "\\\\").replace("|", "\\|")


def _value(text: str) -> str:
    return printable(text).replace("\\", "\\\\").replace("=", "\\=")


def _is_ipv4(address: str) -> bool:
    parts = address.split(".")
    return len(parts) == 4 and all(p.isascii() and p.isdigit() and int(p) < 256 for p in parts)
