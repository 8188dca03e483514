"""A proofing provider that speaks OpenID Connect for Identity Assurance 1.0: authorization code with PKCE.

The code that comes back is redeemed with a verifier that only this Watchword can derive, the ID token names this
sitting as its nonce, and what it says of the person counts only under a trust framework that was agreed on.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

import msgspec

from watchword.core.errors import Refused, Unavailable
from watchword.methods.outside import exchange
from watchword.methods.port import wrong_answer
from watchword.methods.proofing import Check, Identified, Sitting
from watchword.methods.token import SKEW, Claims, Issuer, PublicJwk, demand_meant, read_token, verified

WITHIN_S = 10.0
_LONGEST_CODE = 2048

_DOCUMENT = frozenset({"vpip", "vpiruv", "vri", "vdig", "vcrypt", "pvp", "pvr"})
_FACE = frozenset({"bvr", "bvp"})
# OpenID Identity Assurance, predefined values: physical and digital verification of the evidence, and biometric
# verification, remote or in person. A credential is one whose cryptography was verified.


class OidcSettings(msgspec.Struct, frozen=True, kw_only=True):
    """This Watchword at the provider: *redirect* is where people come back, *frameworks* the ones agreed on."""

    client_id: str
    client_secret: str
    redirect: str
    frameworks: tuple[str, ...]

    def __repr__(self) -> str:
        """Without the secret."""
        return f"OidcSettings(client_id={self.client_id!r})"


class _CheckDetail(msgspec.Struct, frozen=True):
    check_method: str = ""


class _Evidence(msgspec.Struct, frozen=True):
    type: str
    check_details: tuple[_CheckDetail, ...] = ()


class _Verification(msgspec.Struct, frozen=True):
    trust_framework: str
    time: str = ""
    evidence: tuple[_Evidence, ...] = ()


class _Person(msgspec.Struct, frozen=True):
    given_name: str = ""
    family_name: str = ""
    birthdate: str = ""


class _Verified(msgspec.Struct, frozen=True):
    verification: _Verification
    claims: _Person


class _Proofed(Claims, frozen=True, kw_only=True):
    nonce: str
    azp: str | None = None
    verified_claims: msgspec.Raw


class _Redeemed(msgspec.Struct, frozen=True):
    id_token: str


class _Kept(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    token: str
    key: PublicJwk


class OidcProofing:
    """One provider. *key* (32 bytes, derived) makes the verifiers, so that a restart loses nobody on the way."""

    def __init__(self, issuer: Issuer, settings: OidcSettings, key: bytes) -> None:
        self.issuer = issuer
        self.settings = settings
        self._key = key

    @property
    def framework(self) -> str:
        """See `ProofingProvider.framework`."""
        return self.issuer.name

    def start(self, sitting: Sitting) -> str:
        """See `ProofingProvider.start`: asks the provider once where people are sent, and remembers it."""
        asked = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": self.settings.redirect,
            "scope": "openid",
            "state": sitting.reference,
            "nonce": sitting.binding,
            "max_age": "0",
            "code_challenge": _base64url(hashlib.sha256(self._verifier(sitting).encode()).digest()),
            "code_challenge_method": "S256",
            "claims": self._wanted(),
        }
        return f"{self.issuer.endpoints()[0]}?{urlencode(asked, quote_via=quote)}"

    def redeem(self, sitting: Sitting, answer: str, at: datetime) -> Identified:
        """See `ProofingProvider.redeem`; *answer* is the authorization code."""
        if not answer.isascii() or not answer.isprintable() or not 0 < len(answer.strip()) <= _LONGEST_CODE:
            raise wrong_answer()
        token = self._redeemed(sitting, answer.strip())
        claims, key = read_token(token, self.issuer, _Proofed, self.settings.client_id, sitting.since, at)
        return self._identified(sitting, claims, msgspec.json.encode(_Kept(token=token, key=key)).decode())

    def recheck(self, sitting: Sitting, raw: str) -> Identified:
        """See `ProofingProvider.recheck`: with the key that was kept, whatever the provider publishes now."""
        try:
            kept = msgspec.json.decode(raw, type=_Kept)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            raise wrong_answer() from error
        claims = verified(kept.token, kept.key, self.issuer.settings.algorithms, _Proofed)
        demand_meant(claims, self.issuer.name, self.settings.client_id, sitting.since)
        return self._identified(sitting, claims, raw)

    def _redeemed(self, sitting: Sitting, code: str) -> str:
        client = f"{quote(self.settings.client_id, safe='')}:{quote(self.settings.client_secret, safe='')}"
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.settings.redirect,
            "code_verifier": self._verifier(sitting),
        }
        status, body = exchange(
            "POST",
            self.issuer.endpoints()[1],
            within_s=WITHIN_S,
            body=urlencode(form).encode(),
            headers={
                "content-type": "application/x-www-form-urlencoded",
                "authorization": f"Basic {base64.b64encode(client.encode()).decode()}",
            },
        )
        if status == 400:  # RFC 6749 §5.2: the code is not one, was used, or was made for another verifier
            raise wrong_answer()
        try:
            if status != 200:
                raise Unavailable(f"The identity provider answered {status}.", "Try again, or use another method.")
            return msgspec.json.decode(body, type=_Redeemed).id_token
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            raise Unavailable("The identity provider's answer is none.", "Try again, or use another method.") from error

    def _identified(self, sitting: Sitting, claims: _Proofed, raw: str) -> Identified:
        """Whom the token speaks of, if it is about this sitting and what it stands on is fresh and agreed on."""
        if not hmac.compare_digest(claims.nonce.encode(), sitting.binding.encode()):
            raise wrong_answer()
        if claims.azp not in (None, self.settings.client_id):
            raise wrong_answer()
        try:
            found = msgspec.json.decode(claims.verified_claims, type=_Verified | tuple[_Verified, ...])
        except (msgspec.MsgspecError, RecursionError) as error:
            raise wrong_answer() from error
        agreed = [
            one
            for one in ((found,) if isinstance(found, _Verified) else found)
            if one.verification.trust_framework in self.settings.frameworks
        ]
        if len(agreed) != 1:  # of two answers nobody knows which is meant
            raise Refused(
                "The identity provider proved the person under no framework that was agreed on.",
                "Use another method; check the provider's settings if it stays.",
                ("wrong_answer",),
            )
        verification, person = agreed[0].verification, agreed[0].claims
        if not sitting.since - SKEW <= _time(verification.time):
            raise Refused(
                "The identity provider looked at the person some other time.",
                "Have it look at them now, or use another method.",
                ("wrong_answer",),
            )
        return Identified(
            given_name=person.given_name,
            family_name=person.family_name,
            birthdate=person.birthdate,
            checks=frozenset(c for each in verification.evidence for c in _checks(each)),
            raw=raw,
        )

    def _wanted(self) -> str:
        """The `claims` parameter: nothing but what is compared, and what it stands on (data minimisation)."""
        frameworks = {"values": list(self.settings.frameworks)}
        verification = {
            "trust_framework": frameworks,
            "time": {"essential": True, "max_age": 900},
            "evidence": [{"type": {"value": "document"}, "check_details": [{"check_method": None}]}],
        }
        claims = dict.fromkeys(("given_name", "family_name", "birthdate"))
        asked = {"id_token": {"verified_claims": {"verification": verification, "claims": claims}}}
        return msgspec.json.encode(asked).decode()

    def _verifier(self, sitting: Sitting) -> str:
        return _base64url(hmac.digest(self._key, sitting.binding.encode(), hashlib.sha256))


def _checks(evidence: _Evidence) -> tuple[Check, ...]:
    methods = {detail.check_method for detail in evidence.check_details}
    found: list[Check] = []
    if evidence.type == "document" and methods & _DOCUMENT:
        found.append("document")
    if "vcrypt" in methods:
        found.append("credential")
    if methods & _FACE:
        found.append("face")
    return tuple(found)


def _time(said: str) -> datetime:
    try:
        at = datetime.fromisoformat(said)
    except ValueError as error:
        raise wrong_answer() from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
