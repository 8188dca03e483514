"""Signed tokens of an OpenID provider (RFC 7519), checked against the keys it publishes and nothing else.

What a token says of its own keys (`jwk`, `jku`, `x5u`) is not followed, and only asymmetric algorithms are known: a
public key can not become a shared secret, and a token without a signature is none.
"""

from __future__ import annotations

import base64
import binascii
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, TypeVar

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from watchword.core.errors import Invalid, Unavailable
from watchword.methods.outside import demand_private, exchange
from watchword.methods.port import wrong_answer

Algorithm = Literal["RS256", "PS256", "ES256", "ES384"]

SKEW = timedelta(seconds=60)
"""How far an issuer's clock may be from ours."""

LONGEST_LIFE = timedelta(hours=24)
"""How long a token may say that it counts."""

KEPT = timedelta(hours=1)
"""How long fetched keys count before they are fetched again."""

PAUSE = timedelta(seconds=30)
"""How long after a fetch an unknown key is not looked for again: made-up names must not be a way to make us ask."""

WITHIN_S = 5.0
_LONGEST = 16_384
_MOST_KEYS = 50
_SMALLEST_RSA = 256
"""Bytes of a modulus: 2048 bits."""

_TYPES: dict[str, tuple[str, str | None]] = {
    "RS256": ("RSA", None),
    "PS256": ("RSA", None),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
}


class PublicJwk(msgspec.Struct, frozen=True, omit_defaults=True):
    """A public key as a JWK (RFC 7517); private and symmetric members are never read."""

    kty: str
    kid: str = ""
    use: str = ""
    alg: str = ""
    crv: str = ""
    x: str = ""
    y: str = ""
    n: str = ""
    e: str = ""


class _JwkSet(msgspec.Struct, frozen=True):
    keys: tuple[msgspec.Raw, ...]


class _Discovery(msgspec.Struct, frozen=True):
    issuer: str
    jwks_uri: str
    authorization_endpoint: str = ""
    token_endpoint: str = ""


class _Header(msgspec.Struct, frozen=True):
    alg: str
    kid: str = ""
    crit: msgspec.Raw | None = None


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What every token here has to say; times are seconds since 1970."""

    iss: str
    sub: str
    aud: str | tuple[str, ...]
    exp: int | float
    iat: int | float
    nbf: int | float | None = None


C = TypeVar("C", bound=Claims)


class IssuerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """An issuer that is trusted: its exact name, the *algorithms* it signs with, and its keys.

    *jwks* is a file with its keys; without one they are found by OpenID Connect Discovery at *issuer*.
    """

    issuer: str
    algorithms: tuple[Algorithm, ...] = ("RS256", "ES256")
    jwks: Path | None = None


class Issuer:
    """One issuer and the keys it publishes, fetched when they are needed and kept for an hour."""

    def __init__(self, settings: IssuerSettings) -> None:
        if settings.jwks is None:
            demand_private(settings.issuer, "issuer")
        if not settings.algorithms or not set(settings.algorithms) <= set(_TYPES):
            raise Invalid("An issuer signs with an algorithm that is not known.", f"Use {', '.join(_TYPES)}.", "issuer")
        self.settings = settings
        self.name = settings.issuer
        self._lock = threading.Lock()
        self._keys: dict[str, PublicJwk] = {}
        self._fetched: datetime | None = None
        self._endpoints: _Discovery | None = None

    def key(self, kid: str, at: datetime) -> PublicJwk:
        """The key called *kid*; `wrong_answer` when the issuer publishes none, `Unavailable` when it does not answer.

        A key it has taken back counts for an hour at most; one that is new is looked for when it is first seen.
        """
        with self._lock:
            age = None if self._fetched is None else at - self._fetched
            known = self._keys.get(kid)
            if known is not None and age is not None and timedelta(0) <= age < KEPT:
                return known
            if age is None or not timedelta(0) <= age < PAUSE:
                self._keys, self._fetched = self._published(), at
            found = self._keys.get(kid)
        if found is None:
            raise wrong_answer()
        return found

    def endpoints(self) -> tuple[str, str]:
        """Where people are sent, and where a code is redeemed, as its discovery document says."""
        with self._lock:
            found = self._endpoints or self._discovered()
            self._endpoints = found
        return self._private(found.authorization_endpoint), self._private(found.token_endpoint)

    def _published(self) -> dict[str, PublicJwk]:
        if self.settings.jwks is not None:
            try:
                return key_set(self.settings.jwks.read_bytes())
            except OSError as error:
                raise Unavailable(
                    f"The keys of {self.name} can not be read: {error.strerror}.", "Name the file."
                ) from error
        return key_set(self._get(self._private(self._discovered().jwks_uri)))

    def _private(self, url: str) -> str:
        """An address the issuer gave, if it is one to speak with."""
        try:
            demand_private(url, "issuer")
        except Invalid as error:
            raise Unavailable(f"{self.name} gives an address that is not https.", "Tell whoever runs it.") from error
        return url

    def _discovered(self) -> _Discovery:
        body = self._get(f"{self.name.rstrip('/')}/.well-known/openid-configuration")
        try:
            found = msgspec.json.decode(body, type=_Discovery)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            raise Unavailable(f"{self.name} describes itself in no way we read.", "Check the issuer's name.") from error
        if found.issuer != self.name:  # OpenID Connect Discovery 1.0 §4.3
            raise Unavailable(f"{self.name} says that it is somebody else.", "Write its name as it does itself.")
        return found

    def _get(self, url: str) -> bytes:
        status, body = exchange("GET", url, within_s=WITHIN_S)
        if status != 200:
            raise Unavailable(f"{self.name} answered {status}.", "Try again in a moment; check the issuer's name.")
        return body


def key_set(body: bytes) -> dict[str, PublicJwk]:
    """The usable signing keys of a JWK set by their names; `Unavailable` when it is none."""
    try:
        raw = msgspec.json.decode(body, type=_JwkSet).keys
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Unavailable("The issuer's keys are no JWK set.", "Tell whoever runs the issuer.") from error
    if len(raw) > _MOST_KEYS:
        raise Unavailable(f"The issuer publishes more than {_MOST_KEYS} keys.", "Tell whoever runs the issuer.")
    found: dict[str, PublicJwk] = {}
    for each in raw:
        try:
            key = msgspec.json.decode(each, type=PublicJwk)
        except msgspec.MsgspecError:
            continue  # of a kind that nobody here reads
        if key.kid and key.use in {"", "sig"} and key.kty in {"RSA", "EC"}:
            found[key.kid] = key
    return found


def thumbprint(key: PublicJwk) -> str:
    """RFC 7638: what a key is, whatever it is called."""
    return _imported(key).thumbprint()


def read_token(
    token: str, issuer: Issuer, kind: type[C], audience: str, since: datetime, at: datetime
) -> tuple[C, PublicJwk]:
    """The claims of a *token* that *issuer* signed for *audience* after *since* and that counts at *at*, and the key.

    `Refused` as a wrong answer when anything about it does not hold.
    """
    header = _header(token, issuer)
    key = issuer.key(header.kid, at)
    claims = verified(token, key, issuer.settings.algorithms, kind)
    demand_meant(claims, issuer.name, audience, since)
    expires, issued = _time(claims.exp), _time(claims.iat)
    if not at - SKEW < expires <= issued + LONGEST_LIFE or issued > at + SKEW:
        raise wrong_answer()
    if claims.nbf is not None and _time(claims.nbf) > at + SKEW:
        raise wrong_answer()
    return claims, key


def verified(token: str, key: PublicJwk, algorithms: tuple[str, ...], kind: type[C]) -> C:
    """The claims of a *token* whose signature *key* verifies, by one of *algorithms* and one that fits the key."""
    header = _header(token, None)
    kty, crv = _TYPES.get(header.alg, ("", None))
    if header.alg not in algorithms or key.kty != kty or (crv and key.crv != crv) or key.alg not in {"", header.alg}:
        raise wrong_answer()
    try:
        payload = jws.deserialize_compact(token, _imported(key), algorithms=[header.alg]).payload
        return msgspec.json.decode(payload or b"", type=kind)
    except (JoseError, ValueError, msgspec.MsgspecError, RecursionError) as error:
        raise wrong_answer() from error


def demand_meant(claims: Claims, issuer: str, audience: str, since: datetime) -> None:
    """Raise `Refused` unless *issuer* issued the token for *audience* alone, no sooner than *since*."""
    audiences = (claims.aud,) if isinstance(claims.aud, str) else claims.aud
    if claims.iss != issuer or audiences != (audience,) or not claims.sub or _time(claims.iat) < since - SKEW:
        raise wrong_answer()


def issuer_of(token: str) -> str:
    """Who a token says that it is from, read before anything is checked: only to find whose keys to check it with."""
    try:
        return msgspec.json.decode(_part(token, 1), type=Claims).iss
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise wrong_answer() from error


def _header(token: str, issuer: Issuer | None) -> _Header:
    try:
        header = msgspec.json.decode(_part(token, 0), type=_Header)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise wrong_answer() from error
    allowed = tuple(_TYPES) if issuer is None else issuer.settings.algorithms
    if header.alg not in allowed or header.crit is not None:
        raise wrong_answer()
    return header


def _part(token: str, number: int) -> bytes:
    parts = token.split(".")
    if len(token) > _LONGEST or len(parts) != 3 or not token.isascii():
        raise wrong_answer()
    try:
        return base64.urlsafe_b64decode(parts[number] + "=" * (-len(parts[number]) % 4))
    except (binascii.Error, ValueError) as error:
        raise wrong_answer() from error


def _imported(key: PublicJwk) -> RSAKey | ECKey:
    members = {k: v for k, v in msgspec.to_builtins(key).items() if k in {"kty", "crv", "x", "y", "n", "e"}}
    try:
        if key.kty == "RSA":
            if len(base64.urlsafe_b64decode(key.n + "=" * (-len(key.n) % 4))) < _SMALLEST_RSA:
                raise wrong_answer()
            return RSAKey.import_key(members)
        return ECKey.import_key(members)
    except (JoseError, ValueError, KeyError, binascii.Error) as error:
        raise wrong_answer() from error


def _time(seconds: float) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise wrong_answer() from error
