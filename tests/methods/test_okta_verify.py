"""Prompts in Okta Verify over the wire: the contract, what is refused of the provider, and what a proof is worth."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec
import pytest
from msgspec.structs import replace

from tests.methods.okta import FACTOR, TOKEN, USER, Okta, okta
from watchword.core.errors import Invalid, Refused, Unavailable
from watchword.core.ids import AccountId, CaseId
from watchword.core.person import Credential
from watchword.methods.contract import AT, SOON, MethodContract
from watchword.methods.okta_verify import Factor, OktaVerify, demand_factor
from watchword.methods.port import Ask, MethodPort, SendsPrompts
from watchword.methods.provider_push import ProviderPush

KEY = b"k" * 32
TARGET = msgspec.json.encode(Factor(user=USER, factor=FACTOR))
ASK = Ask(
    challenge="ch-0123456789abcdefghij",
    case=CaseId("c-k3m7q2x5w8z4n6p9r2t5"),
    account=AccountId("a-7f3k"),
    purpose="verify",
    at=AT,
    credential=Credential(id="k-9", method="okta_factor", enrolled_at=AT - timedelta(days=90), public="{}"),
    secret=TARGET,
)


@pytest.fixture
def org() -> Iterator[Okta]:
    """An organisation."""
    with okta() as running:
        yield running


def push(org: Okta, token: str = TOKEN) -> ProviderPush:
    """The method, over the wire."""
    return ProviderPush("okta_push", "Okta Verify", OktaVerify(org.url, token, within_s=2), KEY)


def prompted(method: ProviderPush, ask: Ask = ASK) -> Ask:
    """*ask* as the ledger has it once its prompt was sent."""
    return replace(ask, prompt=method.prompt(ask))


def number_of(method: MethodPort, ask: Ask) -> int:
    """The number as it is said to the agent, or at the hand-over to the caller's page."""
    begun = method.begin(ask)
    said = begun.show_agent or begun.show_caller or ""
    return int(next(w.strip(".") for w in said.split() if w.strip(".").isdigit()))


def reasons(method: ProviderPush, ask: Ask) -> tuple[str, ...]:
    """Why an answer is refused."""
    with pytest.raises(Refused) as caught:
        method.check(ask, "", SOON)
    return caught.value.reasons


class TestOktaPush(MethodContract):
    """Somebody with Okta Verify."""

    name = "okta_push"

    @pytest.fixture(autouse=True)
    def _org(self, org: Okta) -> None:
        self.org = org
        self.begun = prompted(push(org))

    def method(self) -> MethodPort:
        """The method."""
        return push(self.org)

    def ask(self) -> Ask:
        """A prompt that was sent."""
        return self.begun

    def right(self, method: MethodPort, ask: Ask, at: datetime) -> str:
        """They pick the number; nothing is answered here."""
        self.org.picks(next(iter(self.org.numbers.values())))
        return ""

    def wrong(self, method: MethodPort, ask: Ask, at: datetime) -> str:
        """They pick another one."""
        self.org.picks(99)
        return ""

    def secrets(self, method: MethodPort, ask: Ask) -> tuple[str, ...]:
        """Their ids at Okta, the transaction and the token."""
        return (USER, FACTOR, TOKEN, *self.org.prompts)


def test_the_number_is_shown_once_it_was_sent_and_to_one_side(org: Okta) -> None:
    """The desk learns it when the provider has sent the prompt; the caller's page shows it at the hand-over alone."""
    method = push(org)
    assert not any(c.isdigit() for c in str(method.begin(ASK).show_agent))
    ask = prompted(method)
    assert number_of(method, ask) == 17
    assert "17" not in str(method.begin(ask).show_caller)
    again = prompted(method, replace(ASK, purpose="hand_over"))
    assert method.begin(again).show_agent is None
    assert number_of(method, again) == 18
    assert isinstance(method, SendsPrompts)


def test_a_denial_and_a_wrong_pick_end_the_method(org: Okta) -> None:
    """A no at the provider is final, whichever of its words it uses."""
    method = push(org)
    for word in ("REJECTED", "FAILED"):
        ask = prompted(method)
        org.prompts[next(reversed(org.prompts))] = word
        assert reasons(method, ask) == ("wrong_answer", "final")


def test_what_is_no_yes_proves_nothing(org: Okta) -> None:
    """Nothing yet, a prompt that ran out, a word nobody knows, a lost transaction: no miss, and no proof."""
    method = push(org)
    assert reasons(method, ASK) == ("pending",)
    ask = prompted(method)
    assert reasons(method, ask) == ("pending",)
    for word in ("TIMEOUT", "EXPIRED", "CHALLENGE", "success", ""):
        org.prompts["v2transaction0"] = word
        assert reasons(method, ask) == ("expired",)
    org.prompts.clear()
    assert reasons(method, ask) == ("expired",)


@pytest.mark.parametrize("trouble", ["silent", "500", "403", "302"])
def test_a_provider_that_does_not_say(org: Okta, trouble: str) -> None:
    """Silence and every other status are somebody else's fault, to be asked again, and no answer of the person."""
    method = push(org)
    ask = prompted(method)
    org.picks(17)
    org.trouble = trouble
    with pytest.raises(Unavailable):
        method.check(ask, "", SOON)


@pytest.mark.parametrize(
    ("trouble", "fault"),
    [("plain", Refused), ("silent", Refused), ("403", Refused), ("429", Unavailable), ("503", Unavailable)],
)
def test_a_prompt_that_is_not_sent(org: Okta, trouble: str, fault: type[Exception]) -> None:
    """Only what surely sent nothing is tried again; a prompt without a number to pick is not waited for."""
    org.trouble = trouble
    with pytest.raises(fault):
        push(org).prompt(ASK)


def test_where_the_provider_sends_us_we_do_not_go(org: Okta) -> None:
    """A poll link of another user is refused, and one of another host is asked of the host that is configured."""
    org.poll = f"{org.url}/api/v1/users/00uSomebody/factors/{FACTOR}/transactions"
    with pytest.raises(Refused):
        push(org).prompt(ASK)
    org.poll = f"https://elsewhere.example.test/api/v1/users/{USER}/factors/{FACTOR}/transactions"
    method = push(org)
    ask = prompted(method)
    org.picks(17 + 1)
    assert method.check(ask, "", SOON).method == "okta_push"
    assert org.asked[-1].endswith("/transactions/v2transaction1")


def test_another_token_and_another_factor(org: Okta) -> None:
    """A token that Okta does not know, and a factor it does not have, send nothing."""
    for method, ask in (
        (push(org, "00another"), ASK),
        (push(org), replace(ASK, secret=msgspec.json.encode(Factor(user=USER, factor="opfNone")))),
        (push(org), replace(ASK, secret=b'{"user": "../..", "factor": "x"}')),
        (push(org), replace(ASK, secret=b"nonsense")),
    ):
        with pytest.raises(Refused):
            method.prompt(ask)
    assert org.prompts == {}


def test_a_yes_to_another_prompt_is_none_here(org: Okta) -> None:
    """What was kept of one challenge's prompt does not count for another, nor with its transaction replaced."""
    method = push(org)
    ask = prompted(method)
    org.picks(17)
    kept = ask.prompt or ""
    another = Credential(id="k-8", method="okta_factor", enrolled_at=AT, public="{}")
    assert reasons(method, replace(ask, credential=another)) == ("wrong_answer",)
    assert reasons(method, replace(ask, prompt=kept.replace("v2transaction0", "v2transaction1"))) == ("wrong_answer",)


def test_a_proof_is_checked_again_without_the_provider(org: Okta) -> None:
    """The seal over the provider's yes holds years later, and neither for another ask nor for an open prompt's seal."""
    method = push(org)
    ask = prompted(method)
    org.picks(17)
    proof = method.check(ask, "", SOON)
    org.prompts.clear()
    bare = replace(ask, prompt=None, secret=None)
    method.recheck(bare, proof)
    kept = msgspec.json.decode(ask.prompt or "")
    forged = msgspec.json.encode({"transaction": kept["sent"]["transaction"], "seal": kept["seal"]}).decode()
    for other, shown in (
        (replace(bare, case=CaseId("c-another")), proof),
        (bare, replace(proof, raw=forged)),
        (bare, replace(proof, raw="nonsense")),
        (bare, replace(proof, detail={"credential": "k-8"})),
        (replace(bare, credential=None), replace(proof, detail={})),
    ):
        with pytest.raises(Refused):
            method.recheck(other, shown)


@pytest.mark.parametrize(
    "url", ["http://okta.example.test", "https://okta.example.test/api", "https://a@okta.example.test", "okta"]
)
def test_where_the_token_would_go(url: str) -> None:
    """An address that is no https origin is refused before anything is sent there."""
    with pytest.raises(Invalid):
        OktaVerify(url, TOKEN)


@pytest.mark.parametrize("wrong", ["", "a/b", "..", "a b", "x" * 65, "00u?x"])
def test_ids_that_are_none(wrong: str) -> None:
    """What would lead to another address at Okta is no id."""
    for factor in (Factor(user=wrong, factor=FACTOR), Factor(user=USER, factor=wrong)):
        with pytest.raises(Invalid):
            demand_factor(factor)
