"""OpenLDAP: the accesslog and auditlog overlays, and slapd's `stats` lines."""

from __future__ import annotations

import re

from watchword.watch.providers.domain import of_entry
from watchword.watch.providers.provider import Provider
from watchword.watch.shapes_slapd import SlapdReader
from watchword.watch.shapes_text import PASSED

OPENLDAP = Provider(
    name="openldap",
    type_key="type",
    columns=(
        ("type", "VARCHAR"),
        ("source", "VARCHAR"),
        ("time", "VARCHAR"),
        ("session", "VARCHAR"),
        ("operation", "VARCHAR"),
        ("actor", "VARCHAR"),
        ("target", "VARCHAR"),
        ("address", "VARCHAR"),
        ("result", "VARCHAR"),
        ("to", "VARCHAR"),
        ("mods", 'STRUCT("attribute" VARCHAR, act VARCHAR, "values" VARCHAR[])[]'),
    ),
    preamble=re.compile(re.escape(PASSED)),
    reader=SlapdReader,
    tenant=("target", "actor"),
    tenant_in=of_entry,
)
"""OpenLDAP's logs, as `watch/shapes_slapd.py` reads them into one operation a line.

`auditlog` has only what was done; `stats` lines have no values, so that a lock written by hand looks like its end.
"""
