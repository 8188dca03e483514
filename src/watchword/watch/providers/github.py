"""GitHub's audit log, of an organization or an enterprise."""

from __future__ import annotations

from watchword.watch.providers.provider import Provider

GITHUB = Provider(
    name="github",
    type_key="action",
    columns=(
        ("_document_id", "VARCHAR"),
        ("@timestamp", "VARCHAR"),
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
        ("data", "JSON"),
    ),
    wrapped=("events", "items"),
)
"""GitHub's audit log as the REST API gives it, or as it is streamed: one event a line."""
