"""Whose logs the watch reads: per provider the columns to parse, the SQL that normalises, and the catalogue of types.

`NAME.sql` holds two queries. The first, over `log` (the parsed lines), names each line's native type and time and packs
the columns that its events need. The second, over `record` (the packed columns of the kept lines), gives canonical
events. `NAME.csv` is the catalogue: a native type stands for a canonical action (`by_owner` where the actor is the
target), or is `ignored` for a reason. A native type that the catalogue does not name is counted and shown.
"""

from __future__ import annotations

import re

from watchword.core.errors import Invalid
from watchword.watch.providers.cloudtrail import CLOUDTRAIL
from watchword.watch.providers.duo import DUO
from watchword.watch.providers.github import GITHUB
from watchword.watch.providers.keycloak import KEYCLOAK
from watchword.watch.providers.openldap import OPENLDAP
from watchword.watch.providers.provider import Feed, Provider

__all__ = [
    "CLOUDTRAIL",
    "DUO",
    "GITHUB",
    "KEYCLOAK",
    "OKTA",
    "OPENLDAP",
    "PROVIDERS",
    "SAMBA",
    "Feed",
    "Provider",
    "provider_named",
]

OKTA = Provider(
    name="okta",
    type_key="eventType",
    columns=(
        ("uuid", "VARCHAR"),
        ("published", "VARCHAR"),
        ("eventType", "VARCHAR"),
        ("actor", "STRUCT(id VARCHAR, alternateId VARCHAR)"),
        ("client", "STRUCT(ipAddress VARCHAR)"),
        ("outcome", "STRUCT(result VARCHAR)"),
        ("target", 'STRUCT(id VARCHAR, "type" VARCHAR, alternateId VARCHAR, changeDetails JSON)[]'),
        ("transaction", "STRUCT(id VARCHAR)"),
        ("debugContext", "STRUCT(debugData STRUCT(changedAttributes VARCHAR))"),
    ),
)
"""Okta System Log, one event a line, as the API and the log streams give it."""

_SAMBA_CHANGE = "statusCode BIGINT, remoteAddress VARCHAR, userSid VARCHAR, transactionId VARCHAR"
_SAMBA_SIGN_IN = "status VARCHAR, remoteAddress VARCHAR"
_SAMBA_NAMED = "becameAccount VARCHAR, mappedAccount VARCHAR, clientAccount VARCHAR"
_SAMBA_VALUES = 'STRUCT(actions STRUCT("action" VARCHAR, "values" STRUCT("value" VARCHAR)[])[])'

SAMBA = Provider(
    name="samba",
    type_key="type",
    columns=(
        ("timestamp", "VARCHAR"),
        ("type", "VARCHAR"),
        (
            "dsdbChange",
            f"STRUCT({_SAMBA_CHANGE}, operation VARCHAR, dn VARCHAR, attributes MAP(VARCHAR, {_SAMBA_VALUES}))",
        ),
        ("passwordChange", f"STRUCT({_SAMBA_CHANGE}, eventId BIGINT, dn VARCHAR)"),
        ("groupChange", f'STRUCT({_SAMBA_CHANGE}, eventId BIGINT, "action" VARCHAR, "group" VARCHAR, "user" VARCHAR)'),
        (
            "Authentication",
            f"STRUCT({_SAMBA_SIGN_IN}, authDescription VARCHAR, becameSid VARCHAR, {_SAMBA_NAMED})",
        ),
        (
            "Authorization",
            f"STRUCT({_SAMBA_SIGN_IN}, authType VARCHAR, sid VARCHAR, account VARCHAR, sessionId VARCHAR)",
        ),
        (
            "KDC Authorization",
            f"STRUCT({_SAMBA_SIGN_IN}, authType VARCHAR, sid VARCHAR, account VARCHAR)",
        ),
    ),
    # Samba heads each record with "[2026/11/21 04:44:23.043021,  5] ../../lib/audit_logging/audit_logging.c:97(…)".
    preamble=re.compile(rb"\[\d{4}/\d\d/\d\d \d\d:\d\d:\d\d|\s*$"),
)
"""Samba AD audit: `dsdb_json_audit:5`, `dsdb_password_json_audit:5`, `dsdb_group_json_audit:5`, `auth_json_audit:5`.

A change made on the controller's own database file, not over the network, writes no line: the watch can not see it.
"""


PROVIDERS = {provider.name: provider for provider in (OKTA, SAMBA, KEYCLOAK, DUO, CLOUDTRAIL, GITHUB, OPENLDAP)}


def provider_named(name: str) -> Provider:
    """The provider called *name*; `Invalid` names the known ones."""
    try:
        return PROVIDERS[name]
    except KeyError:
        raise Invalid(
            f"No provider is called {name!r}.", f"Use one of: {', '.join(sorted(PROVIDERS))}.", where="provider"
        ) from None
