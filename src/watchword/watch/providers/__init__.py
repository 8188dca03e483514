"""Whose logs the watch reads: per provider the columns to parse, the SQL that normalises, and the catalogue of types.

`NAME.sql` holds two queries. The first, over `log` (the parsed lines), names each line's native type and time and packs
the columns that its events need. The second, over `record` (the packed columns of the kept lines), gives canonical
events. `NAME.csv` is the catalogue: a native type stands for a canonical action (`by_owner` where the actor is the
target), or is `ignored` for a reason. A native type that the catalogue does not name is counted and shown.
"""

from __future__ import annotations

from watchword.core.errors import Invalid
from watchword.watch.providers.cloudtrail import CLOUDTRAIL
from watchword.watch.providers.duo import DUO
from watchword.watch.providers.ecs import ECS
from watchword.watch.providers.entra import ENTRA
from watchword.watch.providers.github import GITHUB
from watchword.watch.providers.google import GOOGLE
from watchword.watch.providers.keycloak import KEYCLOAK
from watchword.watch.providers.ocsf import OCSF
from watchword.watch.providers.okta import OKTA
from watchword.watch.providers.openldap import OPENLDAP
from watchword.watch.providers.provider import CARRIED, LAG, UNSURE, Feed, Provider
from watchword.watch.providers.samba import SAMBA
from watchword.watch.providers.ssf import SSF
from watchword.watch.providers.windows import WINDOWS

__all__ = [
    "CARRIED",
    "CLOUDTRAIL",
    "DUO",
    "ECS",
    "ENTRA",
    "GITHUB",
    "GOOGLE",
    "KEYCLOAK",
    "LAG",
    "OCSF",
    "OKTA",
    "OPENLDAP",
    "PROVIDERS",
    "SAMBA",
    "SSF",
    "UNSURE",
    "WINDOWS",
    "Feed",
    "Provider",
    "provider_named",
]

PROVIDERS = {
    provider.name: provider
    for provider in (
        OKTA,
        SAMBA,
        ENTRA,
        WINDOWS,
        GOOGLE,
        KEYCLOAK,
        DUO,
        CLOUDTRAIL,
        GITHUB,
        OPENLDAP,
        SSF,
        ECS,
        OCSF,
    )
}


def provider_named(name: str) -> Provider:
    """The provider called *name*; `Invalid` names the known ones."""
    try:
        return PROVIDERS[name]
    except KeyError:
        raise Invalid(
            f"No provider is called {name!r}.", f"Use one of: {', '.join(sorted(PROVIDERS))}.", where="provider"
        ) from None
