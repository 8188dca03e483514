"""New credentials: made in the executor, sealed to the key of the person's own browser, and known to nobody between."""

from __future__ import annotations

import secrets

import msgspec
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from watchword.core.errors import Invalid, Refused

_ALPHABET = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_LONGEST = 2000


class _Point(msgspec.Struct, frozen=True, kw_only=True):
    """A public P-256 key (RFC 7518 §6.2); every other member a browser adds is dropped."""

    kty: str
    crv: str
    x: str
    y: str


def new_secret() -> str:
    """A new random credential: 20 characters of 55 in groups of five (115 bits), easy to type from a screen."""
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(4))
    return "-".join(groups)


def public_key(jwk: str) -> str:
    """The public part of a P-256 key as JSON, and nothing else of it; `Invalid` for any other key."""
    try:
        point = msgspec.json.decode(jwk.encode(), type=_Point) if len(jwk) <= _LONGEST else None
        if point is None or (point.kty, point.crv) != ("EC", "P-256"):
            raise _no_key()
        _ = ECKey.import_key(msgspec.to_builtins(point)).public_key  # ValueError when the point is not on the curve
    except (msgspec.DecodeError, JoseError, ValueError) as error:
        raise _no_key() from error
    return msgspec.json.encode(point, order="sorted").decode()


def seal(secret: str, jwk: str) -> str:
    """Seal *secret* to a browser's public key as a compact JWE (ECDH-ES, A256GCM: RFC 7516, RFC 7518 §4.6)."""
    try:
        key = ECKey.import_key(msgspec.to_builtins(msgspec.json.decode(jwk.encode(), type=_Point)))
        return jwe.encrypt_compact({"alg": "ECDH-ES", "enc": "A256GCM"}, secret.encode(), key)
    except (msgspec.DecodeError, JoseError, ValueError) as error:
        raise Refused(
            "The hand-over key is no public P-256 key.", "Open the hand-over page again in a new case.", ("bad_key",)
        ) from error


def _no_key() -> Invalid:
    return Invalid("This is no public P-256 key.", "Open the page again in a current browser.", where="jwk")
