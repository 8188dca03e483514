"""Prompts in an enrolled browser: the contract, the number, and what else somebody could sign."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta

import msgspec
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from msgspec.structs import replace

from watchword.core.errors import Invalid, Refused
from watchword.core.ids import AccountId, CaseId
from watchword.core.person import Credential
from watchword.core.prompt import MOST, WITHIN, PromptMaterial, demand_rest
from watchword.methods.contract import AT, SOON, MethodContract
from watchword.methods.port import Ask, MethodPort
from watchword.methods.push_number import PushNumber, demand_key, to_sign

KEY = b"k" * 32


def base64url(raw: bytes) -> str:
    """Without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class PromptBrowser:
    """A browser's key, in software: what WebCrypto does with it."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        point = self.key.public_key().public_numbers()
        self.x, self.y = (base64url(half.to_bytes(32)) for half in (point.x, point.y))

    def credential(self) -> Credential:
        """Its enrolment."""
        public = msgspec.json.encode(PromptMaterial(x=self.x, y=self.y, offer="e-1")).decode()
        return Credential(id="k-9", method="prompt_key", enrolled_at=AT - timedelta(days=90), public=public)

    def sign(self, message: bytes) -> str:
        """r, then s."""
        r, s = decode_dss_signature(self.key.sign(message, ec.ECDSA(hashes.SHA256())))
        return base64url(r.to_bytes(32) + s.to_bytes(32))

    def answers(self, ask: Ask, number: str) -> str:
        """What it sends when *number* was typed."""
        signature = self.sign(to_sign(ask.statement("push_number"), number))
        return msgspec.json.encode({"number": number, "signature": signature}).decode()


OWN, OTHER = PromptBrowser(), PromptBrowser()
ASK = Ask(
    challenge="ch-0123456789abcdefghij",
    case=CaseId("c-k3m7q2x5w8z4n6p9r2t5"),
    account=AccountId("a-7f3k"),
    purpose="verify",
    at=AT,
    credential=OWN.credential(),
)


def shown(method: MethodPort, ask: Ask) -> str:
    """The number as it is said to the agent, or at the hand-over to the caller's page."""
    begun = method.begin(ask)
    digits = [w.strip(".,") for w in (begun.show_agent or begun.show_caller or "").split() if w.strip(".,").isdigit()]
    return digits[0]


class TestPushNumber(MethodContract):
    """A browser that was enrolled for prompts."""

    name = "push_number"

    def method(self) -> MethodPort:
        """The method."""
        return PushNumber(KEY)

    def ask(self) -> Ask:
        """Somebody with a browser."""
        return ASK

    def right(self, method: MethodPort, ask: Ask, at: datetime) -> str:
        """The number that is shown, signed."""
        return OWN.answers(ask, shown(method, ask))

    def wrong(self, method: MethodPort, ask: Ask, at: datetime) -> str:
        """The right number, from another browser."""
        return OTHER.answers(ask, shown(method, ask))


def _refused(answer: str) -> tuple[str, ...]:
    with pytest.raises(Refused) as caught:
        PushNumber(KEY).check(ASK, answer, SOON)
    return caught.value.reasons


def test_a_wrong_number_ends_the_method() -> None:
    """A guess is one guess: whichever of the ninety numbers is signed, only the one shown is not final."""
    right = shown(PushNumber(KEY), ASK)
    others = [str(n) for n in range(10, 100) if str(n) != right]
    assert len(others) == 89
    assert {_refused(OWN.answers(ASK, number)) for number in others} == {("wrong_answer", "final")}


def test_not_me_ends_the_method() -> None:
    """Somebody who did not ask says so, once and for all."""
    assert _refused(OWN.answers(ASK, "no")) == ("wrong_answer", "final", "not_me")


def test_another_browser_can_not_end_it() -> None:
    """A wrong number and a no that the enrolled browser did not sign are a miss like any other, and not final."""
    wrong = "10" if shown(PushNumber(KEY), ASK) != "10" else "11"
    for number in (wrong, "no"):
        assert _refused(OTHER.answers(ASK, number)) == ("wrong_answer",)


def test_a_number_changed_on_the_way() -> None:
    """The signature covers the number: it can not be replaced by the right one."""
    signed = msgspec.json.decode(OWN.answers(ASK, "no"))
    assert _refused(msgspec.json.encode(signed | {"number": shown(PushNumber(KEY), ASK)}).decode()) == ("wrong_answer",)


def test_the_number_is_not_shown_to_the_caller_while_the_desk_asks() -> None:
    """The caller learns it from the desk, and from the page only at the hand-over, which no agent takes part in."""
    method = PushNumber(KEY)
    assert shown(method, ASK) not in (method.begin(ASK).show_caller or "")
    again = replace(ASK, purpose="hand_over")
    assert method.begin(again).show_agent is None
    assert shown(method, again) in (method.begin(again).show_caller or "")


def test_numbers_are_spread() -> None:
    """Over a thousand challenges every one of the ninety numbers is shown, and none remarkably often."""
    method = PushNumber(KEY)
    numbers = [shown(method, replace(ASK, challenge=f"ch-{i}")) for i in range(1000)]
    assert set(numbers) == {str(n) for n in range(10, 100)}
    assert max(map(numbers.count, set(numbers))) < 30


def test_stored_proof_of_another_number_or_browser() -> None:
    """A stored answer is held against the number, the signature and the enrolment again."""
    method = PushNumber(KEY)
    proof = method.check(ASK, OWN.answers(ASK, shown(method, ASK)), SOON)
    forged = (
        replace(proof, raw=OTHER.answers(ASK, shown(method, ASK))),
        replace(proof, raw=OWN.answers(ASK, "no")),
        replace(proof, raw=None),
        replace(proof, detail={**proof.detail, "credential": "k-8"}),
    )
    for each in forged:
        with pytest.raises(Refused):
            method.recheck(ASK, each)


@pytest.mark.parametrize("point", [(OWN.x, OTHER.y), ("", ""), ("AA", "AA"), ("!", "?"), (OWN.x, "A" * 9000)])
def test_what_is_no_key(point: tuple[str, str]) -> None:
    """A point that is not on the curve is not enrolled."""
    with pytest.raises(Invalid):
        demand_key(*point)
    demand_key(OWN.x, OWN.y)


def test_a_short_key_for_numbers() -> None:
    """Numbers are not derived from less than 32 bytes."""
    with pytest.raises(Invalid):
        PushNumber(b"short")


def test_nobody_is_prompted_a_fourth_time_within_an_hour() -> None:
    """The third prompt is the last one until the first of them is an hour old."""
    times = tuple(AT + timedelta(minutes=m) for m in (0, 10, 20))
    demand_rest(times[:2], AT + timedelta(minutes=21))
    with pytest.raises(Refused) as caught:
        demand_rest(times, AT + timedelta(minutes=59))
    assert caught.value.reasons == ("prompted_often",)
    assert "10:00 UTC" in caught.value.remedy
    demand_rest(times, AT + WITHIN)
    assert len(times) == MOST
