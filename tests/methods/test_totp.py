"""Codes from an authenticator app: the contract, the window, and the vectors of RFC 6238."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
from msgspec.structs import replace

from watchword.core.errors import Refused
from watchword.core.ids import AccountId, CaseId
from watchword.core.person import Credential
from watchword.methods.contract import AT, SOON, MethodContract, after
from watchword.methods.port import Ask, MethodPort
from watchword.methods.totp import SEED_BYTES, Totp

SEED = b"12345678901234567890"
ASK = Ask(
    challenge="ch-0123456789abcdefghij",
    case=CaseId("c-k3m7q2x5w8z4n6p9r2t5"),
    account=AccountId("a-7f3k"),
    purpose="verify",
    at=AT,
    credential=Credential(id="k-9", method="totp", enrolled_at=AT - timedelta(days=90)),
    secret=SEED,
)


def app(at: datetime, seed: bytes = SEED) -> str:
    """What the person's app shows at *at*."""
    return pyotp.TOTP(base64.b32encode(seed).decode()).at(at)


class TestTotp(MethodContract):
    """An authenticator app. Its code names no challenge, so that using it up is what binds it."""

    name = "totp"
    bound = False

    def method(self) -> MethodPort:
        """The method."""
        return Totp()

    def ask(self) -> Ask:
        """Somebody with an app."""
        return ASK

    def right(self, method: MethodPort, ask: Ask, at: datetime) -> str:
        """What the app shows."""
        return app(at)

    def wrong(self, method: MethodPort, ask: Ask, at: datetime) -> str:
        """What another app shows."""
        return app(at, b"x" * SEED_BYTES)

    def secrets(self, method: MethodPort, ask: Ask) -> tuple[str, ...]:
        """The seed, raw and as apps take it, and the code."""
        return str(SEED), SEED.decode(), base64.b32encode(SEED).decode(), app(SOON)


@pytest.mark.parametrize(("seconds", "accepted"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
def test_window(seconds: int, accepted: bool) -> None:
    """One step of drift either way is forgiven, two are not."""
    answer = app(SOON + timedelta(seconds=seconds))
    if accepted:
        assert Totp().check(ASK, answer, SOON).counter == (int(SOON.timestamp()) + seconds) // 30
    else:
        with pytest.raises(Refused, match="does not prove"):
            Totp().check(ASK, answer, SOON)


def test_step_is_used_once_across_challenges() -> None:
    """A code overheard on one case opens no other, not even by going back one step."""
    proof = Totp().check(ASK, app(SOON), SOON)
    other = replace(after(ASK, proof), challenge="ch-other", case=CaseId("c-other"))
    for answer in (app(SOON), app(SOON - timedelta(seconds=30))):
        with pytest.raises(Refused) as caught:
            Totp().check(other, answer, SOON)
        assert caught.value.reasons == ("replayed",)
    later = SOON + timedelta(seconds=30)
    assert Totp().check(other, app(later), later).counter == (proof.counter or 0) + 1


@pytest.mark.parametrize(
    ("unix", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_rfc_6238(unix: int, code: str) -> None:
    """The SHA-1 vectors of RFC 6238 appendix B, cut to six digits, are accepted at their times."""
    at = datetime.fromtimestamp(unix, UTC)
    assert Totp().confirm(SEED, code, at) == unix // 30


def test_enrolment() -> None:
    """A new seed has 160 bits, is shown in the address that apps read, and is confirmed by its first code."""
    seed, uri = Totp().enrol("mara.vogt@example.test")
    query = parse_qs(urlsplit(uri).query)
    assert len(seed) == SEED_BYTES
    assert query["secret"] == [base64.b32encode(seed).decode()]
    assert query["issuer"] == ["Watchword"]
    assert Totp().confirm(seed, app(AT, seed), AT) == int(AT.timestamp()) // 30
    with pytest.raises(Refused):
        Totp().confirm(seed, app(AT, SEED), AT)
    assert Totp().enrol("x")[0] != seed


def test_proof_of_another_enrolment() -> None:
    """A stored proof holds only for the enrolment it was checked against."""
    proof = Totp().check(ASK, app(SOON), SOON)
    assert ASK.credential is not None
    with pytest.raises(Refused):
        Totp().recheck(replace(ASK, credential=replace(ASK.credential, id="k-10")), proof)
