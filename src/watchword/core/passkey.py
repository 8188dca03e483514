"""A passkey as entries and browsers write it: values alone, read by the method that proves with it and by approvals.

Byte strings are base64url without padding. What is signed, and by which key, is checked elsewhere.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from watchword.core.person import Credential

METHOD = "passkey"
"""`Credential.method` of every passkey, whatever it is used for."""


class RelyingParty(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks: *id* is the domain passkeys are made for, *origins* the exact pages that may ask."""

    id: str
    name: str
    origins: tuple[str, ...]


class PasskeyMaterial(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`Credential.public` of a passkey; *public_key* is COSE, ES256."""

    credential_id: str
    public_key: str
    sign_count: int
    aaguid: str
    backup_eligible: bool
    rp_id: str


class AssertionResponse(msgspec.Struct, frozen=True, rename="camel"):
    """The three byte strings that count: what the browser says, what the authenticator says, and the signature."""

    client_data: str = msgspec.field(name="clientDataJSON")
    authenticator_data: str = msgspec.field(name="authenticatorData")
    signature: str


class Assertion(msgspec.Struct, frozen=True):
    """The fields of a browser's `PublicKeyCredential` that count; everything else a browser adds is dropped."""

    id: str
    raw_id: str = msgspec.field(name="rawId")
    type: Literal["public-key"]
    response: AssertionResponse


class ClientData(msgspec.Struct, frozen=True):
    """What the browser signed. Browsers add fields at will, so it is parsed and never compared with a template."""

    type: str
    challenge: str
    origin: str
    cross_origin: bool = msgspec.field(name="crossOrigin", default=False)
    top_origin: str | None = msgspec.field(name="topOrigin", default=None)


def material_of(credential: Credential) -> PasskeyMaterial | None:
    """What an enrolment holds; None where it is no passkey of ours."""
    try:
        return msgspec.json.decode(credential.public, type=PasskeyMaterial)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
