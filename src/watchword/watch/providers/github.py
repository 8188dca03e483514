"""GitHub's audit log, of an organization or an enterprise."""

from __future__ import annotations

import json

from watchword.watch.providers.log_analytics import custom
from watchword.watch.providers.original import at, original
from watchword.watch.providers.provider import Json, Provider
from watchword.watch.providers.recased import Spelling

_COLUMNS = (
    ("_document_id", "VARCHAR"),
    ("@timestamp", "VARCHAR"),
    ("at_sign_timestamp", "VARCHAR"),
    ("created_at", "VARCHAR"),
    ("action", "VARCHAR"),
    ("actor", "VARCHAR"),
    ("actor_id", "VARCHAR"),
    ("actor_ip", "VARCHAR"),
    ("actor_is_bot", "VARCHAR"),
    ("actor_location", "JSON"),
    ("user", "VARCHAR"),
    ("user_id", "VARCHAR"),
    ("external_identity_nameid", "VARCHAR"),
    ("external_identity_username", "VARCHAR"),
    ("org", "VARCHAR"),
    ("business", "VARCHAR"),
    ("request_id", "VARCHAR"),
    ("user_agent", "VARCHAR"),
    ("programmatic_access_type", "VARCHAR"),
    ("permission", "VARCHAR"),
    ("old_permission", "VARCHAR"),
    ("name", "VARCHAR"),
    ("role_name", "VARCHAR"),
    ("team", "VARCHAR"),
    ("token_id", "VARCHAR"),
    ("hashed_token", "VARCHAR"),
    ("application_name", "VARCHAR"),
    ("title", "VARCHAR"),
    ("repo", "VARCHAR"),
    ("data", "JSON"),
)
_SPELLING = Spelling(_COLUMNS)
_PROGRAM = "github_audit"
"""What the server calls itself in the system log to which it forwards its audit log."""


def _text(line: bytes) -> tuple[Json, ...] | None:
    """The entry of a line that has it behind a head, as the server writes it to the system log."""
    head, brace, rest = line.partition(b"{")
    if not head or not brace:
        return None
    try:
        entry = json.loads(brace + rest.decode("utf-8", "replace").encode(), strict=False)
    except (ValueError, RecursionError):
        return None
    return (entry,) if isinstance(entry, dict) and isinstance(entry.get("action"), str) else None


def _shape(value: Json) -> tuple[Json, ...] | None:
    """An entry that another system carries: whole under `github`, or as an ECS document has it."""
    if isinstance(value.get("action_s"), str):
        row = custom(value, _COLUMNS, parted=False)
        return None if row is None else (row,)
    if isinstance(value.get("Action"), str):  # as Sentinel's later table has it
        return ({"actor_location": {"country_code": value.get("CountryCode")}, **_SPELLING.of(value)},)
    own, inner = value.get("github"), original(value)
    for entry in (inner, own):
        if isinstance(entry, dict) and isinstance(entry.get("action"), str):
            return (entry,)
    action = at(value, "event", "action")
    if not isinstance(own, dict) or not isinstance(action, str):
        said = next((value[name] for name in ("message", "MESSAGE", "log") if isinstance(value.get(name), str)), "")
        return _text(said.encode("utf-8", "replace")) if _PROGRAM in said.partition("{")[0] else None
    entry = {
        **own,
        "action": action,
        "@timestamp": value.get("@timestamp"),
        "_document_id": at(value, "event", "id"),
        "actor": at(value, "user", "name"),
        "actor_ip": own.get("actor_ip") or at(value, "source", "ip") or at(value, "client", "ip"),
        "actor_location": {"country_code": at(value, "client", "geo", "country_iso_code")},
        "user": at(value, "user", "target", "name"),
    }
    return (entry,)


GITHUB = Provider(
    name="github",
    type_key="action",
    columns=_COLUMNS,
    wrapped=("events", "items"),
    shape=_shape,
    text=_text,
    titles=("action_s",),
    tenant=("business", "org"),
)
"""GitHub's audit log as the REST API gives it, as it is streamed or as the server forwards it: one event a line."""
