"""Whose an event is of the vendor's many customers, and which of them a feed is of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import duckdb
import msgspec

from watchword.core.errors import Invalid
from watchword.watch.providers.provider import Json, Provider

ELSEWHERE = "of another tenant"
"""How the reason begins for which an event of another tenant is kept aside."""

_LONGEST = 100
"""Characters that are kept of a tenant's name: it is whatever the line says."""

MOST = 100
"""Tenants that are told of one feed."""

_FEW = 5
"""Tenants that are named in a sentence."""


class TenantCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many *lines* of a feed name *tenant*; where it is not *ours* they were kept aside, and not judged."""

    provider: str
    directory: str | None
    tenant: str
    lines: int
    ours: bool


class Ours:
    """The *tenants* that a feed is of: none named, every one."""

    def __init__(self, tenants: tuple[str, ...]) -> None:
        self.names = frozenset(name.lower() for name in tenants)

    def other(self, event: Json, provider: Provider) -> str | None:
        """The tenant that *event* names, where it names some and none of ours: what names none may be ours."""
        if not self.names:
            return None
        named = provider.tenants_of(event)
        return named[0][:_LONGEST] if named and self.names.isdisjoint(name.lower() for name in named) else None


def demand_tenants_told(provider: Provider, tenants: tuple[str, ...]) -> None:
    """`Invalid` where *tenants* are named for a log that never says whose a line is: it would let all pass."""
    if tenants and not provider.tenant and not provider.carries:
        raise Invalid(
            f"A log of {provider.name} does not say which tenant a line is of.",
            "Leave the tenants out, and give each tenant's log as a source of its own.",
            where="tenants",
        )


def may_hold_others(con: duckdb.DuckDBPyConnection, ours: Ours) -> bool:
    """Whether a line that was just scanned names first a tenant that is not ours."""
    if not ours.names:
        return False
    found = con.execute(
        "SELECT 1 FROM scratch.scan WHERE lower(tenant) NOT IN (SELECT unnest($names)) LIMIT 1",
        {"names": sorted(ours.names)},
    )
    return found.fetchone() is not None


def count_tenants(con: duckdb.DuckDBPyConnection, named: dict[str, object]) -> None:
    """Count the tenants of the lines that were just scanned, for the feed that *named* says."""
    con.execute(
        "INSERT INTO tenant SELECT $provider, $directory, left(tenant, $longest), count(*), true FROM scratch.scan "
        "WHERE tenant IS NOT NULL GROUP BY ALL",
        {**named, "longest": _LONGEST},
    )


def count_others(con: duckdb.DuckDBPyConnection, provider: str, directory: str | None, others: Counter[str]) -> None:
    """Count the tenants of lines that were kept aside."""
    for tenant, lines in others.items():
        con.execute("INSERT INTO tenant VALUES (?, ?, ?, ?, false)", [provider, directory, tenant, lines])


def tenants_seen(con: duckdb.DuckDBPyConnection) -> tuple[TenantCount, ...]:
    """Whose the lines of each feed were, most first; of one that names very many, those that most lines name."""
    cursor = con.execute(
        """
        FROM (SELECT provider, directory, tenant, CAST(sum(lines) AS BIGINT) AS lines, ours FROM tenant GROUP BY ALL)
        QUALIFY row_number() OVER (PARTITION BY provider, directory, ours ORDER BY lines DESC, tenant) <= $most
        ORDER BY lines DESC, provider, directory, tenant, ours
        """,
        {"most": MOST},
    )
    return tuple(
        TenantCount(provider=provider, directory=directory, tenant=tenant, lines=lines, ours=ours)
        for provider, directory, tenant, lines, ours in cursor.fetchall()
    )


def lines_of_tenants(con: duckdb.DuckDBPyConnection) -> Counter[str]:
    """How many of the lines read so far name which tenant, of whatever feed."""
    return Counter(dict(con.execute("SELECT tenant, CAST(sum(lines) AS BIGINT) FROM tenant GROUP BY ALL").fetchall()))


def named(lines: Mapping[str, int]) -> str:
    """The tenants that most of the *lines* are of, with how many are."""
    most = sorted(lines.items(), key=lambda one: (-one[1], one[0]))
    more = f" and {len(most) - _FEW} more" if len(most) > _FEW else ""
    return ", ".join(f"{tenant} ({count:,})" for tenant, count in most[:_FEW]) + more


def several_said(feed: str, lines: Mapping[str, int]) -> str:
    """That the lines of *feed*, which is said to be of no tenant, are of several."""
    return f"The lines of {feed} are of {len(lines)} tenants, and all were judged as its own: {named(lines)}."
