"""Prompts in Duo Mobile over the wire: the contract, what is refused of Duo, and what a yes of its is worth."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec
import pytest
from msgspec.structs import replace

from tests.methods.duo import DEVICE, INTEGRATION, SECRET, USER, Duo, duo
from tests.methods.test_okta_verify import number_of
from watchword.core.errors import Invalid, Refused, Unavailable
from watchword.core.ids import AccountId, CaseId
from watchword.core.person import Credential
from watchword.methods.contract import AT, SOON, MethodContract
from watchword.methods.duo_mobile import LIFE, Device, DuoMobile, demand_device, signature
from watchword.methods.port import Ask, MethodPort
from watchword.methods.provider_push import ProviderPush

KEY = b"k" * 32
TARGET = msgspec.json.encode(Device(user=USER, device=DEVICE))
ASK = Ask(
    challenge="ch-0123456789abcdefghij",
    case=CaseId("c-k3m7q2x5w8z4n6p9r2t5"),
    account=AccountId("a-7f3k"),
    purpose="verify",
    at=AT,
    credential=Credential(id="k-9", method="duo_device", enrolled_at=AT - timedelta(days=90), public="{}"),
    secret=TARGET,
)


@pytest.fixture
def org() -> Iterator[Duo]:
    """An application at Duo."""
    with duo() as running:
        yield running


def push(org: Duo, secret: str = SECRET, look_s: float = 10) -> ProviderPush:
    """The method, over the wire."""
    sender = DuoMobile(org.url, INTEGRATION, secret, within_s=10, look_s=look_s)
    return ProviderPush("duo_push", "Duo Mobile", sender, KEY, enrolment="duo_device", deed="type", life=LIFE)


def prompted(method: ProviderPush, ask: Ask = ASK) -> Ask:
    """*ask* as the ledger has it once its prompt was sent."""
    return replace(ask, prompt=method.prompt(ask))


def reasons(method: ProviderPush, ask: Ask) -> tuple[str, ...]:
    """Why an answer is refused."""
    with pytest.raises(Refused) as caught:
        method.check(ask, "", SOON)
    return caught.value.reasons


class TestDuoPush(MethodContract):
    """Somebody with Duo Mobile."""

    name = "duo_push"

    @pytest.fixture(autouse=True)
    def _org(self, org: Duo) -> None:
        self.org = org
        self.begun = prompted(push(org))

    def method(self) -> MethodPort:
        """The method."""
        return push(self.org)

    def ask(self) -> Ask:
        """A prompt that was sent."""
        return self.begun

    def right(self, method: MethodPort, ask: Ask, at: datetime) -> str:
        """They type the number; nothing is answered here."""
        self.org.types(next(reversed(self.org.codes.values())))
        return ""

    def wrong(self, method: MethodPort, ask: Ask, at: datetime) -> str:
        """They type another one."""
        self.org.types("999999")
        return ""

    def secrets(self, method: MethodPort, ask: Ask) -> tuple[str, ...]:
        """Their ids at Duo, the transaction and the key."""
        return (USER, DEVICE, SECRET, *self.org.pushes)


@pytest.mark.parametrize(
    ("line", "body", "signed"),
    [
        (
            ("POST", "API-Example.duosecurity.com", "/auth/v2/preauth", ""),
            b'{"client_supports_verified_push":"1","user_id":"DUMARALIND0000000000"}',
            (
                "1176852d1365d5dca06ea495e16187e23aa096ce31efd9f4f0ffde2e7c55d3eb",
                "897542e264523f292f908cbf412668cb9446f618aade03997b50a07d0f632724",
            ),
        ),
        (
            ("GET", "api-example.duosecurity.com", "/auth/v2/auth_status", "txid=66ec11f2-aa1c-4087-ab4b-65b7a3a5a7c1"),
            b"",
            (
                "eb50e5e63f7c6604f559f3ce420e673ec24b00ca62a08810beea5f946b0731a4",
                "9e35bc449bc4c44f335b149630437ead234aaa07b11aa25e42e5f08119cd5044",
            ),
        ),
    ],
)
def test_a_request_is_signed_as_duos_own_client_signs_it(
    line: tuple[str, str, str, str], body: bytes, signed: tuple[str, str]
) -> None:
    """The signatures are those that Duo's reference client in Python (5.7.0) makes of the same requests."""
    verb, host, path, query = line
    key = b"Zh5eGmUq9zpfQnyUIu5OL9iWoMMv5ZNmk3zLJ4Ep"
    found = signature(key, ("Tue, 21 Aug 2012 17:29:18 -0000", verb, host, path, query), body)
    assert found == "".join(signed)


def test_the_number_is_the_code_duo_gave_and_is_shown_to_one_side(org: Duo) -> None:
    """Leading zeros included, the desk reads it out; the caller's page shows it at the hand-over alone."""
    method = push(org)
    assert not any(c.isdigit() for c in str(method.begin(ASK).show_agent))
    ask = prompted(method)
    assert "number: 000017. They type it in Duo Mobile." in str(method.begin(ask).show_agent)
    assert "000017" not in str(method.begin(ask).show_caller)
    again = prompted(method, replace(ASK, purpose="hand_over"))
    assert method.begin(again).show_agent is None
    assert number_of(method, again) == 18


def test_only_a_no_of_the_person_is_held_against_them(org: Duo) -> None:
    """A denial and a report of fraud end the method; a timeout, a lock at Duo and unknown words prove nothing."""
    method = push(org)
    for status in ("deny", "fraud"):
        ask = prompted(method)
        org.ends("deny", status)
        assert reasons(method, ask) == ("wrong_answer", "final")
    ask = prompted(method)
    assert reasons(method, ask) == ("pending",)
    for result, status in (("deny", "timeout"), ("deny", "locked_out"), ("deny", "new"), ("new", "allow"), ("", "")):
        org.ends(result, status)
        assert reasons(method, ask) == ("expired",)
    org.pushes.clear()
    assert reasons(method, ask) == ("expired",)


def test_a_yes_that_nobody_gave_proves_nobody(org: Duo) -> None:
    """A bypass and a remembered device are allowed by Duo without a prompt, and count for nothing here."""
    method = push(org)
    ask = prompted(method)
    for status in ("bypass", "trust", ""):
        org.ends("allow", status)
        assert reasons(method, ask) == ("expired",)
    org.trouble = "bypass"
    with pytest.raises(Refused) as caught:
        method.prompt(ASK)
    assert caught.value.reasons == ("not_sent",)


def test_a_push_without_a_code_is_not_sent(org: Duo) -> None:
    """Where the policy at Duo asks for no code, the person is not prompted at all, and the way on is said."""
    org.trouble = "plain"
    with pytest.raises(Refused, match="Verified Duo Push"):
        push(org).prompt(ASK)
    assert org.asked == ["/auth/v2/preauth"]
    assert org.pushes == {}


def test_waiting_at_duo_is_waiting(org: Duo) -> None:
    """Duo answers when something happens; nobody here waits for that, and nobody is failed by it."""
    method = push(org, look_s=0.2)
    ask = prompted(method)
    org.trouble = "slow"
    assert reasons(method, ask) == ("pending",)


@pytest.mark.parametrize("trouble", ["silent", "500", "403", "302", "429"])
def test_a_provider_that_does_not_say(org: Duo, trouble: str) -> None:
    """Silence and every other status are somebody else's fault, to be asked again, and no answer of the person."""
    method = push(org)
    ask = prompted(method)
    org.types("000017")
    org.trouble = trouble
    with pytest.raises(Unavailable):
        method.check(ask, "", SOON)


@pytest.mark.parametrize(
    ("trouble", "fault"),
    [
        ("silent", Unavailable),
        ("503", Unavailable),
        ("429", Unavailable),
        ("403", Refused),
        ("auth:429", Unavailable),
        ("auth:silent", Refused),
        ("auth:503", Refused),
        ("auth:403", Refused),
    ],
)
def test_a_prompt_that_is_not_sent(org: Duo, trouble: str, fault: type[Exception]) -> None:
    """Only what surely sent nothing is tried again: all before the push itself is asked for, and a throttle."""
    org.trouble = trouble
    with pytest.raises(fault):
        push(org).prompt(ASK)
    assert org.pushes == {}


def test_another_key_and_another_device(org: Duo) -> None:
    """A key that Duo does not know, and a person or device it does not have, send nothing."""
    for method, ask in (
        (push(org, "another"), ASK),
        (push(org), replace(ASK, secret=msgspec.json.encode(Device(user="DUNOBODY000000000000", device=DEVICE)))),
        (push(org), replace(ASK, secret=msgspec.json.encode(Device(user=USER, device="DPNONE00000000000000")))),
        (push(org), replace(ASK, secret=b'{"user": "../..", "device": "x"}')),
        (push(org), replace(ASK, secret=b"nonsense")),
    ):
        with pytest.raises(Refused):
            method.prompt(ask)
    assert org.pushes == {}


def test_an_app_of_another_provider_is_no_enrolment(org: Duo) -> None:
    """What is enrolled at Okta is asked of nobody at Duo."""
    okta = Credential(id="k-9", method="okta_factor", enrolled_at=AT, public="{}")
    with pytest.raises(Refused) as caught:
        push(org).begin(replace(ASK, credential=okta))
    assert caught.value.reasons == ("not_enrolled",)


@pytest.mark.parametrize(
    ("url", "key", "secret"),
    [
        ("http://api-1.duosecurity.example.test", INTEGRATION, SECRET),
        ("https://api-1.duosecurity.example.test/auth", INTEGRATION, SECRET),
        ("https://api-1.duosecurity.example.test", "DI-no", SECRET),
        ("https://api-1.duosecurity.example.test", INTEGRATION, ""),
        ("https://api-1.duosecurity.example.test", INTEGRATION, "a b"),
    ],
)
def test_what_would_be_signed_for_whom(url: str, key: str, secret: str) -> None:
    """An address that is no https origin, and what is no key, are refused before anything is sent."""
    with pytest.raises(Invalid):
        DuoMobile(url, key, secret)


@pytest.mark.parametrize("wrong", ["", "DU", "..", "DPMARALIND000000000a", "00u0000000000000000", USER + "0"])
def test_ids_that_are_none(wrong: str) -> None:
    """What is no id of a user or of a phone is refused by its field."""
    for where, device in (
        ("user", Device(user=wrong, device=DEVICE)),
        ("device", Device(user=USER, device=wrong)),
        ("user", Device(user=DEVICE, device=DEVICE)),
        ("device", Device(user=USER, device=USER)),
    ):
        with pytest.raises(Invalid) as caught:
            demand_device(device)
        assert caught.value.where == where
