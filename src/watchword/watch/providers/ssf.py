"""Shared Signals: the claims of a SET, one token a line, as the receiver spools them."""

from __future__ import annotations

from watchword.watch.providers.provider import Provider

_MEMBERS = (
    "format VARCHAR, email VARCHAR, iss VARCHAR, sub VARCHAR, id VARCHAR, phone_number VARCHAR, uri VARCHAR, "
    "url VARCHAR"
)
_IDENTIFIER = f"STRUCT({_MEMBERS}, identifiers STRUCT({_MEMBERS})[])"
"""A subject in any format of RFC 9493; `aliases` has several of the others."""

SSF = Provider(
    name="ssf",
    type_key="jti",
    columns=(
        ("jti", "VARCHAR"),
        ("iss", "VARCHAR"),
        ("iat", "DOUBLE"),
        ("txn", "VARCHAR"),
        (
            "sub_id",
            f'STRUCT("user" {_IDENTIFIER}, device {_IDENTIFIER}, session {_IDENTIFIER}, '
            + _IDENTIFIER.removeprefix("STRUCT("),
        ),
        ("events", "MAP(VARCHAR, JSON)"),
    ),
    tenant=("iss",),
)
"""CAEP and RISC events of any transmitter."""
