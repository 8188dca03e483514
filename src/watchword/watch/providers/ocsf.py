"""Events in the Open Cybersecurity Schema Framework: Account Change, User Management, Authentication and their kin."""

from __future__ import annotations

from watchword.watch.providers.provider import Json, Provider
from watchword.watch.providers.recased import at, nested, text

_USER = 'uid VARCHAR, uid_alt VARCHAR, name VARCHAR, email_addr VARCHAR, "domain" VARCHAR, phone_number VARCHAR'
_COLUMNS = (
    ("class_uid", "BIGINT"),
    ("activity_id", "BIGINT"),
    ("type_uid", "BIGINT"),
    ("activity_name", "VARCHAR"),
    ("time", "VARCHAR"),
    ("time_dt", "VARCHAR"),
    ("status_id", "BIGINT"),
    ("status", "VARCHAR"),
    ("status_code", "VARCHAR"),
    ("metadata", "STRUCT(uid VARCHAR, correlation_uid VARCHAR, original_time VARCHAR)"),
    ("actor", f'STRUCT("user" STRUCT({_USER}, type_id BIGINT), session STRUCT(uid VARCHAR), app_name VARCHAR)'),
    ("user", f"STRUCT({_USER})"),
    ("user_result", f"STRUCT({_USER})"),
    (
        "src_endpoint",
        'STRUCT(ip VARCHAR, uid VARCHAR, "location" STRUCT(country VARCHAR), autonomous_system STRUCT(number BIGINT))',
    ),
    ("device", "STRUCT(uid VARCHAR)"),
    ("session", "STRUCT(uid VARCHAR)"),
    ("privileges", "VARCHAR[]"),
    ("policy", "STRUCT(name VARCHAR)"),
    ("auth_factors", "STRUCT(factor_type VARCHAR)[]"),
)


def _shape(value: Json) -> tuple[Json, ...] | None:
    event = nested(value)
    for name in ("class_uid", "type_uid"):
        number = text(event.get(name))
        if number is not None and number.isdecimal() and len(number) < 10:
            return (event,)
    inner = at(event, "ocsf")
    return _shape(inner) if isinstance(inner, dict) else None


OCSF = Provider(name="ocsf", type_key="class_uid", columns=_COLUMNS, wrapped=("events", "records"), shape=_shape)
"""OCSF events of the classes 3001 to 3007, one a line; events of other categories are counted and let be."""
