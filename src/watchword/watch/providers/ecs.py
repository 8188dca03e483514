"""Events in the Elastic Common Schema: a vendor's that we know go to its own provider, the rest by ECS's own fields."""

from __future__ import annotations

from watchword.watch import providers
from watchword.watch.providers.provider import CARRIED, Json, Provider
from watchword.watch.providers.recased import at, nested, text

# What a document of the vendor has: a member of its own, or a data set that begins so.
_VENDORS = (
    ("okta", "okta", "okta"),
    ("azure", "azure.auditlogs", "entra"),
    ("azure", "azure.signinlogs", "entra"),
    ("microsoft_entra_id", "microsoft_entra_id", "entra"),
    ("o365", "o365", "entra"),
    ("o365audit", "o365", "entra"),
    ("winlog", "system.security", "windows"),
    ("winlog", "windows.", "windows"),
    ("google_workspace", "google_workspace", "google"),
    ("gcp", "gcp.audit", "google"),
    ("keycloak", "keycloak", "keycloak"),
    ("cisco_duo", "cisco_duo", "duo"),
    ("aws", "aws.cloudtrail", "cloudtrail"),
    ("github", "github", "github"),
)
_MEMBERS = tuple(dict.fromkeys(member for member, _, _ in _VENDORS))
_USER = 'id VARCHAR, name VARCHAR, email VARCHAR, "domain" VARCHAR'
_COLUMNS = (
    ("@timestamp", "VARCHAR"),
    (
        "event",
        (
            'STRUCT("action" VARCHAR, "outcome" VARCHAR, dataset VARCHAR, provider VARCHAR, id VARCHAR, category JSON, '
            '"type" JSON, original VARCHAR, reason VARCHAR, code VARCHAR)'
        ),
    ),
    ("user", f"STRUCT({_USER}, target STRUCT({_USER}), effective STRUCT({_USER}))"),
    (
        "source",
        'STRUCT(ip VARCHAR, geo STRUCT(country_iso_code VARCHAR, country_name VARCHAR), "as" STRUCT(number BIGINT))',
    ),
    ("client", "STRUCT(ip VARCHAR)"),
    ("device", "STRUCT(id VARCHAR)"),
    ("transaction", "STRUCT(id VARCHAR)"),
    ("group", "STRUCT(name VARCHAR)"),
    *((member, "JSON") for member in _MEMBERS),
)
_OWN = frozenset(name for name, _ in _COLUMNS) - frozenset(_MEMBERS)


def _shape(value: Json) -> tuple[Json, ...] | None:
    value = nested(value)
    dataset = text(at(value, "event", "dataset")) or text(at(value, "data_stream", "dataset")) or ""
    if not isinstance(value.get("event"), dict) and not dataset.endswith(".otel"):
        return None
    for member, prefix, name in _VENDORS:
        of = providers.PROVIDERS.get(name)
        if of is None or not (isinstance(value.get(member), dict) or dataset.startswith(prefix)):
            continue
        if events := of.events_of(value):
            return tuple({**event, CARRIED: name} for event in events)
    if not isinstance(value.get("event"), dict):
        return None
    event = {name: each for name, each in value.items() if name in _OWN}
    event["event"] = {name: each for name, each in value["event"].items() if name not in ("original", "dataset")}
    if text(event["event"].get("action")) is None and event["event"].get("category") is None:
        return None
    return (event,)


ECS = Provider(
    name="ecs",
    type_key="event",
    columns=_COLUMNS,
    wrapped=("hits", "docs", "events"),
    shape=_shape,
    carries=tuple(dict.fromkeys(name for _, _, name in _VENDORS)),
)
"""ECS documents, one a line, as Elastic Agent and Logstash write them."""
