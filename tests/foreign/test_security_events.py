"""Security event tokens, read by a JOSE library that we do not sign with."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from joserfc.jwk import ECKey
from jwcrypto import jwk, jwt

from tests.watch.rows import FEED, ITEMS, finding, row
from watchword.core.finding import Status
from watchword.core.identity_event import Verdict
from watchword.watch.formats.alert import Alert, Severity
from watchword.watch.formats.finding_alert import AnyAlert
from watchword.watch.formats.security_events import ASSURANCE, NAMESPACE, RISK, VERIFICATION, Signer

ISSUER, AUDIENCE = "https://desk.example.test", "https://siem.example.test/ssf"
SIGNER = Signer(
    key=ECKey.generate_key("P-256"),
    issuer=ISSUER,
    audience=AUDIENCE,
    issuers={"corp": "https://idp.example.test"},
    clock=lambda: datetime.now(UTC),
)

MILD = tuple(msgspec.structs.replace(item, rule="agent_outlier", severity="medium") for item in ITEMS)


def _read(token: str | None) -> dict[str, Any]:
    """The claims, verified with the published keys, held to what RFC 8417 and SSF 1.0 demand."""
    assert token is not None
    keys = jwk.JWKSet.from_json(json.dumps({"keys": [SIGNER.public]}))
    read = jwt.JWT(jwt=token, key=keys, algs=["ES256"], check_claims={"iss": ISSUER, "aud": AUDIENCE, "iat": None})
    header, claims = json.loads(read.header), json.loads(read.claims)
    assert header["typ"] == "secevent+jwt"
    assert not {"sub", "exp"} & claims.keys()
    assert {"iss", "jti", "iat", "aud", "sub_id", "events"} <= claims.keys()
    return dict(claims)


def _token(signer: Signer, alert: AnyAlert) -> str:
    ((_, token),) = signer.tokens(alert)
    return token


def test_a_verdict_raises_the_risk_of_its_account() -> None:
    """CAEP's risk-level-change, about the account at its directory's issuer, with the time in seconds."""
    claims = _read(_token(SIGNER, Alert.of(row())))
    assert claims["sub_id"] == {"format": "iss_sub", "iss": "https://idp.example.test", "sub": "00uana"}
    event = claims["events"][RISK]
    assert (event["principal"], event["current_level"]) == ("USER", "HIGH")
    assert (event["event_timestamp"], event["initiating_entity"]) == (1772452800, "policy")
    assert claims["txn"] == "t-0001"


def test_what_clears_it_lowers_the_risk() -> None:
    """A later revision that somebody no longer has to look at says LOW, under an id of its own."""
    first = _read(_token(SIGNER, Alert.of(row())))
    cleared = _read(_token(SIGNER, Alert.of(row(verdict=Verdict.VERIFIED, reasons=("whole_chain",), revision=2))))
    assert cleared["events"][RISK]["current_level"] == "LOW"
    assert cleared["jti"] != first["jti"]


def test_a_governed_recovery_tells_its_assurance() -> None:
    """In a namespace of ours; the same alert is the same token id whenever it is made."""
    alert = Alert.of(row(directory="other", verdict=Verdict.VERIFIED, reasons=("whole_chain",)))
    claims = _read(_token(SIGNER, alert))
    assert claims["events"] == {ASSURANCE: claims["events"][ASSURANCE]}
    assert (claims["events"][ASSURANCE]["namespace"], claims["events"][ASSURANCE]["current_level"]) == (
        NAMESPACE,
        "verified",
    )
    assert claims["sub_id"] == {"format": "opaque", "id": "other/00uana"}
    assert claims["jti"] == _read(_token(SIGNER, alert))["jti"]


@pytest.mark.parametrize("quiet", [FEED, row(verdict=Verdict.SELF_SERVICE), row(verdict=Verdict.IGNORED)])
def test_what_says_nothing_of_an_account_is_no_event(quiet: Any) -> None:
    """A silent log and a person's own change change nobody's risk."""
    assert SIGNER.tokens(Alert.of(quiet)) == ()


@pytest.mark.parametrize(
    ("fields", "level"),
    [
        ({}, "HIGH"),
        ({"severity": Severity.MEDIUM, "status": Status.TRIAGED, "items": MILD}, "MEDIUM"),
        ({"severity": Severity.MEDIUM, "status": Status.TRIAGED}, "HIGH"),  # its verdict alone is told as high
        ({"status": Status.DISMISSED, "dismissal": "expected"}, "LOW"),
        ({"status": Status.CLOSED}, "LOW"),
    ],
)
def test_a_finding_is_an_event_for_each_of_its_accounts(fields: dict[str, Any], level: str) -> None:
    """Its risk is that of the finding until this is over; each token has an id that is the same whenever it is made."""
    alert = finding(**fields)
    made = SIGNER.tokens(alert)
    read = {jti: _read(token) for jti, token in made}
    assert all(claims["jti"] == jti for jti, claims in read.items())
    assert [claims["sub_id"] for claims in read.values()] == [
        {"format": "iss_sub", "iss": "https://idp.example.test", "sub": "00uana"},
        {"format": "opaque", "id": "00uben"},
    ]
    assert {claims["events"][RISK]["current_level"] for claims in read.values()} == {level}
    assert {claims["txn"] for claims in read.values()} == {alert.finding}
    assert [jti for jti, _ in SIGNER.tokens(alert)] == [jti for jti, _ in made]


def test_a_stream_can_be_verified() -> None:
    """The verification event carries the state that the receiver gave."""
    jti, token = SIGNER.verification("stream-1", "opaque-state")
    claims = _read(token)
    assert claims["jti"] == jti
    assert claims["events"] == {VERIFICATION: {"state": "opaque-state"}}


def test_another_key_does_not_verify() -> None:
    """A token is only as good as its signature."""
    other = Signer(key=ECKey.generate_key("P-256"), issuer=ISSUER, audience=AUDIENCE, issuers={}, clock=SIGNER.clock)
    token = _token(other, Alert.of(row()))
    assert token is not None
    with pytest.raises(jwt.JWTMissingKey):
        _read(token)
