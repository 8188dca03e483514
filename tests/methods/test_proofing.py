"""Proofing: both kinds of provider pass the contract of the method, and every way in which a result is none."""

from __future__ import annotations

import hashlib
import hmac
import json
from abc import abstractmethod
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal
from urllib.parse import parse_qs, urlsplit

import httpx2
import msgspec
import pytest
from msgspec.structs import replace

from tests.methods.issuer import CLIENT, CLIENT_SECRET, CREDENTIAL, DOCUMENT, MARA, OTHER_EC, Provider, provider
from watchword.core.errors import Invalid, Refused, Unavailable
from watchword.core.identity import IdentityMaterial, IdentityRecord, canonical
from watchword.core.ids import AccountId, CaseId
from watchword.core.person import Credential
from watchword.methods.contract import AT, SOON, MethodContract
from watchword.methods.port import Ask, MethodPort
from watchword.methods.proofing import Proofing, digest_of, reference_of
from watchword.methods.proofing_oidc import OidcProofing, OidcSettings
from watchword.methods.proofing_webhook import Delivery, WebhookProofing
from watchword.methods.token import Issuer, IssuerSettings

SALT, SECRET = "5a" * 32, b"s" * 32
RECORD = IdentityRecord(salt=SALT, digest=digest_of(SALT, canonical("MARA ELISABETH", "Lindqvist", "1990-05-17")))
ASK = Ask(
    challenge="ch-0123456789abcdefghij",
    case=CaseId("c-k3m7q2x5w8z4n6p9r2t5"),
    account=AccountId("a-7f3k"),
    purpose="verify",
    at=AT,
    credential=Credential(
        id="k-9",
        method="identity_record",
        enrolled_at=AT - timedelta(days=90),
        public=msgspec.json.encode(IdentityMaterial(record="r-1")).decode(),
    ),
    secret=msgspec.json.encode(RECORD),
)
PRIVATE = ("Mára", "Lindqvist", "1990-05-17", "T22000129", "248289761001")


class ProofingContract(MethodContract):
    """What each provider behind the method has to pass besides: nothing of a person or document is ever shown."""

    name: ClassVar[Literal["id_proofing", "verifiable_credential"]] = "id_proofing"

    @abstractmethod
    def answered(self, method: MethodPort, ask: Ask, at: datetime, **other: Any) -> str:
        """The provider's answer at *at*; *other* names `person` or `checks` where they are not as they should be."""

    def ask(self) -> Ask:
        """Somebody whose documents are on record."""
        return ASK

    def right(self, method: MethodPort, ask: Ask, at: datetime) -> str:
        """Mara's own document and face."""
        return self.answered(method, ask, at)

    def wrong(self, method: MethodPort, ask: Ask, at: datetime) -> str:
        """Somebody else's."""
        return self.answered(method, ask, at, person=MARA | {"birthdate": "1990-05-18"})

    def secrets(self, method: MethodPort, ask: Ask) -> tuple[str, ...]:
        """The person, their document, and what it is compared with."""
        return (*PRIVATE, RECORD.digest, SALT, CLIENT_SECRET, SECRET.decode())

    @pytest.mark.parametrize("checks", [("document",), ("credential",), ("face",), ()], ids=str)
    def test_what_was_not_looked_at(self, checks: tuple[str, ...]) -> None:
        """A document without a living face, or a face without a document, ends the method in no."""
        method = self.method()
        with pytest.raises(Refused) as caught:
            method.check(ASK, self.answered(method, ASK, SOON, checks=checks), SOON)
        assert caught.value.reasons == ("wrong_answer", "final")

    @pytest.mark.parametrize(
        "person",
        [
            {"given_name": "Mara"},
            {"family_name": "Lindquist"},
            {"birthdate": ""},
            {"birthdate": "19900517"},
            {"birthdate": "1990-05-17T00:00:00"},
            {"given_name": "", "family_name": ""},
        ],
        ids=str,
    )
    def test_somebody_else(self, person: dict[str, str]) -> None:
        """Each of the names and the date has to be the one on record."""
        method = self.method()
        with pytest.raises(Refused) as caught:
            method.check(ASK, self.answered(method, ASK, SOON, person=MARA | person), SOON)
        assert caught.value.reasons[0] == "wrong_answer"

    def test_stored_proof_is_checked_again(self) -> None:
        """Years later, without the provider; not with another record, ask or credential, and not with other words."""
        method = self.method()
        proof = method.check(ASK, self.right(method, ASK, SOON), SOON)
        self.silent()
        again = self.method()
        again.recheck(ASK, proof)
        other = msgspec.json.encode(replace(RECORD, digest="00" * 32))
        for ask, forged in (
            (replace(ASK, secret=other), proof),
            (replace(ASK, case=CaseId("c-another")), proof),
            (ASK, replace(proof, raw="{}")),
            (ASK, replace(proof, raw=(proof.raw or "").replace("passed", "past").replace("ey", "eY", 1))),
            (ASK, replace(proof, detail={**proof.detail, "credential": "k-8"})),
        ):
            with pytest.raises(Refused):
                again.recheck(ask, forged)

    def silent(self) -> None:
        """Have the provider answer nobody any more."""


EVIDENCE = {
    "document": {"check_method": "vri"},
    "credential": {"check_method": "vcrypt"},
    "face": {"check_method": "bvr"},
}


@pytest.fixture(scope="module")
def shared() -> Iterator[Provider]:
    """One provider for the contract."""
    with provider() as made:
        yield made


@pytest.fixture
def one() -> Iterator[Provider]:
    """A provider for one test."""
    with provider() as made:
        yield made


def over(made: Provider, name: Literal["id_proofing", "verifiable_credential"] = "id_proofing") -> Proofing:
    """The method over an OpenID provider."""
    settings = OidcSettings(
        client_id=CLIENT,
        client_secret=CLIENT_SECRET,
        redirect="http://localhost:8787/api/proofing/return",
        frameworks=("eidas", "uk_diatf"),
    )
    return Proofing(name, OidcProofing(Issuer(IssuerSettings(issuer=made.issuer)), settings, b"k" * 32))


def went(method: MethodPort, ask: Ask) -> str:
    """The code that a browser brings back from the address the method gives."""
    address = method.begin(ask).options
    assert address
    back = httpx2.get(address, follow_redirects=False, trust_env=False).headers["location"]
    return parse_qs(urlsplit(back).query)["code"][0]


class TestOidcProofing(ProofingContract):
    """An OpenID provider with identity assurance, over HTTP on loopback."""

    provider: ClassVar[Provider]

    @pytest.fixture(autouse=True)
    def _provider(self, shared: Provider) -> Iterator[None]:
        type(self).provider = shared
        yield
        shared.trouble = ""

    def method(self) -> MethodPort:
        """The method."""
        return over(self.provider, self.name)

    def answered(self, method: MethodPort, ask: Ask, at: datetime, **other: Any) -> str:
        """The code of somebody who went there."""
        made, evidence = self.provider, [DOCUMENT if self.name == "id_proofing" else CREDENTIAL]
        if "checks" in other:
            kind = "document" if "credential" not in other["checks"] else "electronic_record"
            evidence = [{"type": kind, "check_details": [EVIDENCE[c] for c in other["checks"]]}]
        made.now, made.person = at, other.get("person", MARA)
        made.verification = {"trust_framework": "eidas", "evidence": evidence}
        return went(over(self.provider, self.name) if ask.credential is None else method, _whole(ask))
        # What the provider says is settled when the code is redeemed, so it says it for this code.

    def silent(self) -> None:
        """Have the provider answer nobody any more."""
        self.provider.trouble = "gone"


def _whole(ask: Ask) -> Ask:
    """The same ask of somebody who is enrolled: whoever is not still has to be refused when they answer."""
    return replace(ask, credential=ASK.credential, secret=ASK.secret)


class TestOidcCredential(TestOidcProofing):
    """The same provider, for a credential and a face."""

    name = "verifiable_credential"


class TestWebhookProofing(ProofingContract):
    """A provider that posts a signed result."""

    def method(self) -> MethodPort:
        """The method."""
        return Proofing(self.name, webhook())

    def answered(self, method: MethodPort, ask: Ask, at: datetime, **other: Any) -> str:
        """What is posted."""
        checks = other.get("checks", ("document", "face") if self.name == "id_proofing" else ("credential", "face"))
        return posted(reference_of(ask, self.name), at, checks=checks, **other.get("person", MARA))


class TestWebhookCredential(TestWebhookProofing):
    """The same, for a credential and a face."""

    name = "verifiable_credential"


def webhook() -> WebhookProofing:
    """A provider at an address of its own."""
    return WebhookProofing("idcheck", "https://idcheck.example.test/start", SECRET)


def posted(reference: str, at: datetime, secret: bytes = SECRET, **said: Any) -> str:
    """A delivery as JSON, signed at *at*."""
    body = json.dumps({"reference": reference, "status": "passed", "checks": ["document", "face"]} | MARA | said)
    timestamp = str(int(at.timestamp()))
    signature = hmac.digest(secret, f"{timestamp}.{body}".encode(), hashlib.sha256).hex()
    return msgspec.json.encode(Delivery(body=body, timestamp=timestamp, signature=signature)).decode()


def refused(method: Proofing, answer: str, at: datetime = SOON) -> tuple[str, ...]:
    """Why."""
    with pytest.raises(Refused) as caught:
        method.check(ASK, answer, at)
    return caught.value.reasons


@pytest.mark.parametrize(
    ("token", "verification"),
    [
        ({"nonce": "another"}, {}),
        ({"aud": "somebody-else"}, {}),
        ({"azp": "somebody-else"}, {}),
        ({"iss": "https://elsewhere.example.test"}, {}),
        ({"exp": int((AT - timedelta(hours=1)).timestamp())}, {}),
        ({"iat": int((AT - timedelta(hours=1)).timestamp())}, {}),
        ({"verified_claims": None}, {}),
        ({"verified_claims": "yes"}, {}),
        ({"verified_claims": []}, {}),
        ({}, {"trust_framework": "trust_me"}),
        ({}, {"trust_framework": None}),
        ({}, {"time": (AT - timedelta(days=400)).isoformat()}),
        ({}, {"time": "once"}),
        ({}, {"time": ""}),
    ],
    ids=str,
)
def test_an_id_token_that_does_not_hold(one: Provider, token: dict[str, Any], verification: dict[str, Any]) -> None:
    """Nonce, audience, issuer, times, framework and freshness: each of them refuses by itself."""
    method = over(one)
    one.now = SOON
    code = went(method, ASK)
    one.token, one.verification = token, one.verification | verification
    assert refused(method, code)[0] == "wrong_answer"


def test_two_agreed_frameworks_at_once(one: Provider) -> None:
    """Of two answers nobody knows which is meant, so neither is; one among others that were not agreed on counts."""
    method = over(one)
    one.now = SOON

    def under(framework: str) -> dict[str, Any]:
        verification = {"trust_framework": framework, "time": SOON.isoformat(), "evidence": [DOCUMENT]}
        return {"verification": verification, "claims": MARA}

    one.token = {"verified_claims": [under("eidas"), under("uk_diatf")]}
    assert refused(method, went(method, ASK)) == ("wrong_answer",)
    one.token = {"verified_claims": [under("eidas"), under("trust_me")]}
    assert method.check(ASK, went(method, ASK), SOON).method == "id_proofing"


def test_a_code_counts_once_and_for_its_own_verifier(one: Provider) -> None:
    """A code that was redeemed, made up, or fetched for another Watchword's verifier is a wrong answer."""
    method = over(one)
    one.now = SOON
    code = went(method, ASK)
    method.check(ASK, code, SOON)
    other = Proofing(
        "id_proofing",
        OidcProofing(Issuer(IssuerSettings(issuer=one.issuer)), method.provider.settings, b"o" * 32),  # type: ignore[attr-defined]
    )
    for answer in (code, "made-up", went(other, ASK), "x" * 3000, "a\nb"):
        assert refused(method, answer) == ("wrong_answer",)


def test_a_provider_that_does_not_answer(one: Provider) -> None:
    """It is not the person's fault, and counts for nothing; without an address nobody is sent anywhere."""
    method = over(one)
    one.now = SOON
    code = went(method, ASK)
    one.trouble = "no tokens"
    with pytest.raises(Unavailable):
        method.check(ASK, code, SOON)
    one.trouble = "another name"
    with pytest.raises(Unavailable):
        over(one).begin(ASK)


def test_little_is_asked_for_and_nothing_of_a_document_is_in_a_leaf(one: Provider) -> None:
    """The request names three claims, a framework and a time; the detail names provider, checks and enrolment."""
    method = over(one)
    one.now = SOON
    address = method.begin(ASK).options or ""
    asked = {k: v[0] for k, v in parse_qs(urlsplit(address).query).items()}
    wanted = json.loads(asked["claims"])["id_token"]["verified_claims"]
    assert set(wanted["claims"]) == {"given_name", "family_name", "birthdate"}
    assert asked["code_challenge_method"] == "S256"
    assert asked["scope"] == "openid"
    proof = method.check(ASK, went(method, ASK), SOON)
    assert set(proof.detail) == {"credential", "provider", "checks"}


def test_a_kept_key_that_is_another(one: Provider) -> None:
    """A stored token with a key swapped in does not hold, unless somebody signed the token with it."""
    method = over(one)
    one.now = SOON
    proof = method.check(ASK, went(method, ASK), SOON)
    kept = json.loads(proof.raw or "")
    kept["key"] = OTHER_EC.as_dict(private=False) | {"kid": "ec-1"}
    with pytest.raises(Refused):
        method.recheck(ASK, replace(proof, raw=json.dumps(kept)))


def test_posts_that_do_not_hold() -> None:
    """Another secret, another body, another time, an old one, one from the future, and one for another challenge."""
    method, reference = Proofing("id_proofing", webhook()), reference_of(ASK, "id_proofing")
    good = json.loads(posted(reference, SOON))
    foreign = reference_of(replace(ASK, challenge="ch-other"), "id_proofing")
    for forged, reason in (
        (posted(reference, SOON, b"t" * 32), "wrong_answer"),
        (json.dumps(good | {"body": good["body"].replace("Lindqvist", "Lindquist")}), "wrong_answer"),
        (json.dumps(good | {"timestamp": str(int(good["timestamp"]) + 1)}), "wrong_answer"),
        (json.dumps(good | {"signature": ""}), "wrong_answer"),
        (json.dumps(good | {"signature": "é"}), "wrong_answer"),
        (posted(reference, SOON - timedelta(minutes=5, seconds=1)), "replayed"),
        (posted(reference, SOON + timedelta(minutes=5, seconds=1)), "replayed"),
        (posted(foreign, SOON), "wrong_answer"),
        (posted(reference_of(ASK, "verifiable_credential"), SOON), "wrong_answer"),
    ):
        assert refused(method, forged)[0] == reason
    assert refused(method, posted(reference, SOON, status="failed")) == ("wrong_answer", "final")
    assert method.check(ASK, json.dumps(good), SOON).method == "id_proofing"


def test_a_webhook_that_is_not_configured_well() -> None:
    """A short secret, and an address that is not https."""
    with pytest.raises(Invalid):
        WebhookProofing("idcheck", "https://idcheck.example.test/", b"short")
    with pytest.raises(Invalid):
        WebhookProofing("idcheck", "http://idcheck.example.test/", SECRET)


@pytest.mark.parametrize(
    ("one_way", "other"),
    [("Mára Elisabeth", "mara elisabeth"), ("O'Neill", "ONEILL"), ("Ng-Smith", "Ng Smith"), ("Straße", "STRASSE")],
)
def test_names_are_compared_as_documents_print_them(one_way: str, other: str) -> None:
    """Case, accents and separators make no difference; another letter does."""
    assert canonical(one_way, "X", "1990-05-17") == canonical(other, "x", "1990-05-17")
    assert canonical(one_way + "a", "X", "1990-05-17") != canonical(other, "x", "1990-05-17")
    assert canonical("AB", "C", "1990-05-17") != canonical("A", "BC", "1990-05-17")
