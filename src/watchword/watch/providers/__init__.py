"""Whose logs the watch reads: per provider the columns to parse, the SQL that normalises, and the catalogue of types.

`NAME.sql` holds two queries. The first, over `log` (the parsed lines), names each line's native type and time and packs
the columns that its events need. The second, over `record` (the packed columns of the kept lines), gives canonical
events. `NAME.csv` is the catalogue: a native type stands for a canonical action (`by_owner` where the actor is the
target), or is `ignored` for a reason. A native type that the catalogue does not name is counted and shown.
"""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from watchword.core.errors import Invalid

_HERE = Path(__file__).parent


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of log.

    *columns* are DuckDB column names and types of a line; *type_key* is the member no event lacks; *preamble* matches
    lines that are no events and no damage either, where a log has such.
    """

    name: str
    columns: tuple[tuple[str, str], ...]
    type_key: str
    preamble: re.Pattern[bytes] | None = None

    @property
    def lines(self) -> str:
        """SQL over `log`: `native`, `stamp` (text) and `record`, one row a line."""
        return self._queries()[0]

    @property
    def events(self) -> str:
        """SQL over `record`: one row for each canonical event, columns as in `sql/tables.sql`."""
        return self._queries()[1]

    @property
    def catalogue(self) -> Path:
        """CSV `native,canonical,by_owner,ignored`."""
        return _HERE / f"{self.name}.csv"

    def _queries(self) -> tuple[str, str]:
        lines, events = (_HERE / f"{self.name}.sql").read_text(encoding="utf-8").split(";\n", 1)
        return lines, events


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
    ),
    # Samba heads each record with "[2026/11/21 04:44:23.043021,  5] ../../lib/audit_logging/audit_logging.c:97(…)".
    preamble=re.compile(rb"\[\d{4}/\d\d/\d\d \d\d:\d\d:\d\d|\s*$"),
)
"""Samba AD audit: `dsdb_json_audit:5`, `dsdb_password_json_audit:5`, `dsdb_group_json_audit:5`, `auth_json_audit:5`.

A change made on the controller's own database file, not over the network, writes no line: the watch can not see it.
"""


class Feed(msgspec.Struct, frozen=True, kw_only=True):
    """Log files of one provider that are read together.

    *directory* names the directory they are of: then only its evidence counts.
    """

    provider: Provider
    directory: str | None = None
    files: tuple[Path, ...] = ()


from watchword.watch.providers.ssf import SSF  # noqa: E402  (it is made of what stands above)

PROVIDERS = {provider.name: provider for provider in (OKTA, SAMBA, SSF)}


def provider_named(name: str) -> Provider:
    """The provider called *name*; `Invalid` names the known ones."""
    try:
        return PROVIDERS[name]
    except KeyError:
        raise Invalid(
            f"No provider is called {name!r}.", f"Use one of: {', '.join(sorted(PROVIDERS))}.", where="provider"
        ) from None
