"""Shared Signals: a verdict or a finding as Security Event Tokens (RFC 8417) with a CAEP 1.0 event, signed with ES256.

A finding raises the risk of its subject; a governed change and a finding that was cleared lower it. What a governed
recovery rested on is told as its assurance, in a namespace of ours, since NIST's levels are about more than recovery.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwt
from joserfc.jwk import ECKey

from watchword.core.errors import Invalid
from watchword.core.finding import Status
from watchword.core.identity_event import Canonical, Verdict
from watchword.watch.formats.alert import Alert, Severity
from watchword.watch.formats.finding_alert import AnyAlert, FindingAlert
from watchword.watch.standing import gravity

RISK = "https://schemas.openid.net/secevent/caep/event-type/risk-level-change"
ASSURANCE = "https://schemas.openid.net/secevent/caep/event-type/assurance-level-change"
VERIFICATION = "https://schemas.openid.net/secevent/ssf/event-type/verification"

NAMESPACE = "urn:watchword:recovery"
"""Levels: `verified`, `ticketed`, `unverified`."""

SUPPORTED = (RISK, ASSURANCE)
"""The events that tell of verdicts and findings."""

_UUIDS = uuid.UUID("5b0f7d5e-2a63-4c0b-9a53-3c1f2a7d7c11")
_LEVELS = {1: "LOW", 2: "LOW", 3: "MEDIUM", 4: "HIGH", 5: "HIGH"}
_ASSURED: Mapping[Verdict, str] = {
    Verdict.VERIFIED: "verified",
    Verdict.TICKETED: "ticketed",
    Verdict.OUT_OF_POLICY: "unverified",
    Verdict.UNVERIFIED: "unverified",
    Verdict.SUSPICIOUS: "unverified",
}


class SecurityEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event about one subject, before it is signed; *events* by their type."""

    jti: str
    txn: str
    subject: Mapping[str, str]
    events: Mapping[str, object]


class Signer(msgspec.Struct, frozen=True, kw_only=True):
    """Makes tokens as *issuer* for *audience*; *issuers* names each directory's own, for subjects its users are of.

    *against* says what open findings still have against an account, but for one event or finding: a level is never told
    lower than that.
    """

    key: ECKey
    issuer: str
    audience: str
    issuers: Mapping[str, str]
    clock: Callable[[], datetime]
    against: Callable[[str | None, str, str], Severity | None] = lambda *_: None

    def __repr__(self) -> str:
        """Without the key."""
        return f"Signer(issuer={self.issuer!r}, audience={self.audience!r})"

    def tokens(self, alert: AnyAlert) -> tuple[tuple[str, str], ...]:
        """Each token that *alert* is, by its id; see `events`."""
        return tuple((event.jti, self.sign(event)) for event in self.events(alert))

    def events(self, alert: AnyAlert) -> tuple[SecurityEvent, ...]:
        """Each event that *alert* is; none where a receiver has nothing to learn from it, as of a feed.

        A verdict is one, a finding one for each account that it is about. The ids are the same whenever they are made.
        """
        if isinstance(alert, FindingAlert):
            return tuple(
                SecurityEvent(
                    jti=self.jti(alert.tag, directory or "", target),
                    txn=alert.finding,
                    subject=self._subject(directory, target),
                    events=_of_finding(alert, self.against(directory, target, alert.finding)),
                )
                for directory, target in alert.targets
            )
        row = alert.row
        if row.action is None or not (events := _events(alert, self.against(row.directory, row.target, row.id))):
            return ()
        subject = self._subject(row.directory, row.target)
        return (SecurityEvent(jti=self.jti(alert.tag), txn=row.correlation or row.id, subject=subject, events=events),)

    def sign(self, event: SecurityEvent) -> str:
        """The token that *event* is."""
        return self._signed(event.jti, event.txn, event.subject, event.events)

    def _subject(self, directory: str | None, target: str) -> dict[str, str]:
        issuer = self.issuers.get(directory or "")
        if issuer:
            return {"format": "iss_sub", "iss": issuer, "sub": target}
        return {"format": "opaque", "id": f"{directory}/{target}" if directory else target}

    def verification(self, stream: str, state: str | None) -> tuple[str, str]:
        """Id and token that a receiver asks for to see whether the stream works (SSF 1.0, 8.1.4)."""
        jti, subject = str(uuid.uuid4()), {"format": "opaque", "id": stream}
        return jti, self._signed(jti, None, subject, {VERIFICATION: {"state": state} if state else {}})

    def jti(self, *about: str) -> str:
        """The id of the token that is *about* an alert, and perhaps an account: the same whenever it is made."""
        return str(uuid.uuid5(_UUIDS, " ".join((self.audience, *about))))

    @property
    def public(self) -> dict[str, object]:
        """The key that receivers verify with, as a JWK."""
        return {**self.key.as_dict(private=False), "use": "sig", "alg": "ES256", "kid": self.kid}

    @property
    def kid(self) -> str:
        """RFC 7638's thumbprint of the key."""
        return self.key.thumbprint()

    def _signed(self, jti: str, txn: str | None, subject: Mapping[str, str], events: Mapping[str, object]) -> str:
        # Neither `sub` nor `exp` (SSF 1.0, 4.1.2 and 4.1.7): a token like this is never taken for one of sign-in.
        claims: dict[str, object] = {
            "iss": self.issuer,
            "jti": jti,
            "iat": int(self.clock().timestamp()),
            "aud": self.audience,
            "sub_id": dict(subject),
            "events": dict(events),
        }
        header = {"alg": "ES256", "typ": "secevent+jwt", "kid": self.kid}
        return jwt.encode(header, claims | ({"txn": txn} if txn else {}), self.key, algorithms=["ES256"])


def key_of(pem: bytes, file: Path) -> ECKey:
    """The P-256 key of what *file* has; `Invalid` where it is none."""
    try:
        read = serialization.load_pem_private_key(pem, None)
    except (ValueError, TypeError) as error:
        raise Invalid(
            "The key that security events are signed with can not be read.",
            "Make one: openssl ecparam -name prime256v1 -genkey -noout, and let only this user read it.",
            where=str(file),
        ) from error
    if not isinstance(read, ec.EllipticCurvePrivateKey) or not isinstance(read.curve, ec.SECP256R1):
        raise Invalid("This is no P-256 key.", "Make one of the curve prime256v1.", where=str(file))
    return ECKey.import_key(pem)


def _level(own: Severity, others: Severity | None) -> str:
    """The level of an account that *others* may be against as well."""
    return _LEVELS[int(own if others is None else max(own, others))]


def _events(alert: Alert, others: Severity | None) -> dict[str, object]:
    row = alert.row
    common = {
        "event_timestamp": int(row.at.timestamp()),
        "initiating_entity": "policy",
        "reason_admin": {"en": f"{alert.title}. {alert.why}."},
    }
    events: dict[str, object] = {}
    is_cleared = row.revision > 1 and not alert.is_open
    if alert.is_open or is_cleared:
        events[RISK] = common | {
            "principal": "USER",
            "current_level": _level(alert.severity if alert.is_open else Severity.LOW, others),
            "risk_reason": f"WATCHWORD_{row.verdict.upper()}",
        }
    elif row.verdict in _ASSURED and row.action in _RECOVERIES:
        level = _ASSURED[row.verdict]
        events[ASSURANCE] = common | {"namespace": NAMESPACE, "current_level": level}
    return events


def _of_finding(alert: FindingAlert, others: Severity | None) -> dict[str, object]:
    own = max(alert.severity, *map(gravity, alert.items)) if alert.is_open else Severity.LOW
    return {
        RISK: {
            "event_timestamp": int(alert.at.timestamp()),
            "initiating_entity": "policy" if alert.status is Status.NEW else "admin",
            "reason_admin": {"en": f"{alert.title}. {alert.why}."},
            "principal": "USER",
            "current_level": _level(own, others),
            "risk_reason": f"WATCHWORD_FINDING_{alert.status.upper()}",
        }
    }


_RECOVERIES = frozenset(
    {
        Canonical.PASSWORD_RESET,
        Canonical.FACTOR_RESET,
        Canonical.FACTOR_RESET_ALL,
        Canonical.BYPASS_GRANT,
        Canonical.RECOVERY_INFO_CHANGE,
        Canonical.ACCOUNT_UNLOCK,
    }
)
