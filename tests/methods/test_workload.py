"""Tokens of workloads: the contract, over a real issuer, and every way in which a token is none."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest
from joserfc.jwk import OctKey
from msgspec.structs import replace

from tests.methods.issuer import OTHER_EC, RSA, SMALL_RSA, Provider, by_hand, provider
from watchword.core.errors import Invalid, Refused, Unavailable
from watchword.core.ids import AccountId, CaseId
from watchword.core.person import Credential
from watchword.core.workload import WorkloadMaterial
from watchword.methods import token
from watchword.methods.contract import AT, SOON, MethodContract
from watchword.methods.port import Ask, MethodPort
from watchword.methods.token import Issuer, IssuerSettings
from watchword.methods.workload import Workload, audience

SUBJECT = "repo:example/payroll:ref:refs/heads/main"
ACCOUNT = AccountId("a-7f3k")


def enrolled(issuer: str, subject: str = SUBJECT) -> Ask:
    """An ask for a workload that *issuer* vouches for."""
    public = msgspec.json.encode(WorkloadMaterial(account=ACCOUNT)).decode()
    return Ask(
        challenge="ch-0123456789abcdefghij",
        case=CaseId("c-k3m7q2x5w8z4n6p9r2t5"),
        account=ACCOUNT,
        purpose="verify",
        at=AT,
        credential=Credential(id="k-9", method="workload", enrolled_at=AT - timedelta(days=90), public=public),
        secret=json.dumps({"issuer": issuer, "subject": subject}).encode(),
    )


@pytest.fixture(scope="module")
def shared() -> Iterator[Provider]:
    """One issuer for the contract, which changes nothing about it."""
    with provider() as made:
        yield made


@pytest.fixture
def issuer() -> Iterator[Provider]:
    """An issuer for one test."""
    with provider() as made:
        yield made


class TestWorkload(MethodContract):
    """A workload that its platform vouches for."""

    name = "workload"

    provider: ClassVar[Provider]

    @pytest.fixture(autouse=True)
    def _issuer(self, shared: Provider) -> None:
        type(self).provider = shared

    def method(self) -> MethodPort:
        """The method, which knows one issuer."""
        return Workload({self.provider.issuer: Issuer(IssuerSettings(issuer=self.provider.issuer))})

    def ask(self) -> Ask:
        """An enrolled workload."""
        return enrolled(self.provider.issuer)

    def right(self, method: MethodPort, ask: Ask, at: datetime) -> str:
        """A token for this ask."""
        return self.provider.sign(self.provider.claims(audience(ask), SUBJECT, at))

    def wrong(self, method: MethodPort, ask: Ask, at: datetime) -> str:
        """A token for this ask, of another workload of the same platform."""
        return self.provider.sign(self.provider.claims(audience(ask), SUBJECT.replace("main", "fork"), at))

    def secrets(self, method: MethodPort, ask: Ask) -> tuple[str, ...]:
        """What the platform calls the workload."""
        return (SUBJECT,)


def made(issuer: Provider, *algorithms: Any) -> Workload:
    """The method over *issuer*."""
    settings = IssuerSettings(issuer=issuer.issuer, algorithms=algorithms or ("RS256", "ES256"))
    return Workload({issuer.issuer: Issuer(settings)})


def refused(method: Workload, ask: Ask, answer: str, at: datetime = SOON) -> tuple[str, ...]:
    """Why it was refused."""
    with pytest.raises(Refused) as caught:
        method.check(ask, answer, at)
    return caught.value.reasons


def seconds(at: datetime) -> int:
    """Since 1970."""
    return int(at.timestamp())


@pytest.mark.parametrize(
    "other",
    [
        {"aud": "watchword:other"},
        {"aud": None},
        {"aud": []},
        {"iss": "https://elsewhere.example.test"},
        {"iss": None},
        {"sub": SUBJECT + "x"},
        {"sub": ""},
        {"sub": None},
        {"sub": 5},
        {"exp": seconds(AT - timedelta(minutes=2))},
        {"exp": None},
        {"exp": "9999999999"},
        {"exp": 1e300},
        {"exp": seconds(AT + timedelta(days=30))},
        {"nbf": seconds(SOON + timedelta(minutes=2))},
        {"iat": seconds(SOON + timedelta(minutes=2))},
        {"iat": seconds(AT - timedelta(minutes=2))},
        {"iat": None},
    ],
    ids=str,
)
def test_claims_that_do_not_hold(issuer: Provider, other: dict[str, Any]) -> None:
    """Each claim is checked: a token that is signed well and says something else proves nothing."""
    ask = enrolled(issuer.issuer)
    claims = issuer.claims(audience(ask), SUBJECT, SOON)
    assert refused(made(issuer), ask, issuer.sign({k: v for k, v in (claims | other).items() if v is not None})) == (
        "wrong_answer",
    )
    made(issuer).check(ask, issuer.sign(claims), SOON)


def test_an_audience_among_others_is_not_ours_alone(issuer: Provider) -> None:
    """A token that somebody else may use as well is refused; a list of one is the same as that one."""
    ask = enrolled(issuer.issuer)
    mine = audience(ask)
    several = issuer.sign(issuer.claims(mine, SUBJECT, SOON) | {"aud": [mine, "https://other.example.test"]})
    assert refused(made(issuer), ask, several) == ("wrong_answer",)
    made(issuer).check(ask, issuer.sign(issuer.claims(mine, SUBJECT, SOON) | {"aud": [mine]}), SOON)


def test_clocks_that_differ_a_little(issuer: Provider) -> None:
    """An issuer whose clock is up to a minute away is believed, and not one further away."""
    ask = enrolled(issuer.issuer)
    for skew in (-59, 59):
        made(issuer).check(ask, issuer.sign(issuer.claims(audience(ask), SUBJECT, AT + timedelta(seconds=skew))), AT)
    for skew in (-62, 62):
        late = issuer.sign(issuer.claims(audience(ask), SUBJECT, AT + timedelta(seconds=skew)))
        assert refused(made(issuer), ask, late, AT) == ("wrong_answer",)


def test_no_signature_and_a_symmetric_one(issuer: Provider) -> None:
    """`none` in any spelling, and HS256 keyed with what is public, are no signatures."""
    ask, method = enrolled(issuer.issuer), made(issuer)
    claims = issuer.claims(audience(ask), SUBJECT, SOON)
    for name in ("none", "None", "NONE", "", "HS256"):
        assert refused(method, ask, by_hand({"alg": name, "kid": "rsa-1"}, claims)) == ("wrong_answer",)
    public = RSA.as_pem(private=False)
    for secret in (public, public.strip(), json.dumps(RSA.as_dict(private=False)).encode()):
        key = OctKey.import_key(secret.hex().encode()) if b"-----" not in secret else OctKey.generate_key(256)
        forged = by_hand({"alg": "HS256", "kid": "rsa-1"}, claims, key)
        assert refused(method, ask, forged) == ("wrong_answer",)
    assert issuer.asked == []  # refused before anything was fetched


def test_a_key_the_token_brings_itself(issuer: Provider) -> None:
    """What a header says of its own key is not believed, and what it marks as critical is not passed over."""
    ask, method = enrolled(issuer.issuer), made(issuer)
    claims = issuer.claims(audience(ask), SUBJECT, SOON)
    issuer.keys["own"] = OTHER_EC
    brought = issuer.sign(claims, "own", kid="ec-1", jwk=OTHER_EC.as_dict(private=False))
    pointed = issuer.sign(claims, "own", kid="ec-1", jku=f"{issuer.issuer}/mine")
    del issuer.keys["own"]
    for forged in (brought, pointed):
        assert refused(method, ask, forged) == ("wrong_answer",)
    assert f"{issuer.issuer}/mine" not in issuer.asked
    head, _, rest = issuer.sign(claims).partition(".")
    assert refused(
        method, ask, by_hand({"alg": "ES256", "kid": "ec-1", "crit": ["b64"]}, {}).split(".")[0] + "." + rest
    )
    assert head


def test_an_algorithm_that_is_not_this_issuers(issuer: Provider) -> None:
    """An issuer that is known to sign with one algorithm is believed with no other."""
    ask = enrolled(issuer.issuer)
    rsa = issuer.sign(issuer.claims(audience(ask), SUBJECT, SOON), "rsa-1")
    assert refused(made(issuer, "ES256"), ask, rsa) == ("wrong_answer",)
    made(issuer, "RS256").check(ask, rsa, SOON)


def test_a_key_of_another_kind_or_too_small(issuer: Provider) -> None:
    """The key has to be of the kind the algorithm needs, and large enough."""
    ask = enrolled(issuer.issuer)
    claims = issuer.claims(audience(ask), SUBJECT, SOON)
    crossed = issuer.sign(claims, "ec-1", kid="rsa-1")
    assert refused(made(issuer), ask, crossed) == ("wrong_answer",)
    issuer.keys["small"] = SMALL_RSA
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        small = issuer.sign(claims, "small")
    assert refused(made(issuer), ask, small) == ("wrong_answer",)


def test_keys_that_are_rotated(issuer: Provider) -> None:
    """An unknown key is looked for once in a while; one that is new counts then, one taken back no longer."""
    ask, method = enrolled(issuer.issuer), made(issuer)
    claims = issuer.claims(audience(ask), SUBJECT, SOON)
    method.check(ask, issuer.sign(claims), SOON)
    asked = len(issuer.asked)
    del issuer.keys["ec-1"]
    issuer.keys["ec-2"] = OTHER_EC
    renewed = issuer.sign(claims, "ec-2")
    for _ in range(3):  # nobody makes us ask again and again by inventing names
        assert refused(method, ask, renewed) == ("wrong_answer",)
    assert len(issuer.asked) == asked
    method.check(ask, renewed, SOON + timedelta(seconds=31))
    issuer.keys["ec-1"] = OTHER_EC
    old = issuer.sign(claims, "ec-1")
    del issuer.keys["ec-1"]
    assert refused(method, ask, old, SOON + timedelta(seconds=70)) == ("wrong_answer",)


def test_keys_are_fetched_again_after_an_hour(issuer: Provider) -> None:
    """A key that was taken back counts for an hour at most."""
    trusted = Issuer(IssuerSettings(issuer=issuer.issuer))
    trusted.key("ec-1", AT)
    del issuer.keys["ec-1"]
    trusted.key("ec-1", AT + timedelta(minutes=59))
    with pytest.raises(Refused):
        trusted.key("ec-1", AT + timedelta(minutes=60))


@pytest.mark.parametrize(
    "trouble", ["big", "many", "slow", "redirect", "nonsense", "gone", "another name", "plain keys"]
)
def test_an_issuer_that_misbehaves(issuer: Provider, trouble: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it does, it is waited for and read only so far, and it is its fault and not the workload's."""
    monkeypatch.setattr(token, "WITHIN_S", 1.0)
    ask = enrolled(issuer.issuer)
    issuer.trouble = trouble
    with pytest.raises(Unavailable) as caught:
        made(issuer).check(ask, issuer.sign(issuer.claims(audience(ask), SUBJECT, SOON)), SOON)
    assert caught.value.remedy
    assert "/other-jwks" not in issuer.asked


def test_who_is_trusted_is_settled_before_anything_is_fetched(issuer: Provider) -> None:
    """A token of an issuer nobody named, or of a named one that does not vouch for this workload, asks nobody."""
    ask = enrolled(issuer.issuer)
    with provider() as other:
        both = Workload({each.issuer: Issuer(IssuerSettings(issuer=each.issuer)) for each in (issuer, other)})
        foreign = other.sign(other.claims(audience(ask), SUBJECT, SOON))
        assert refused(both, ask, foreign) == ("wrong_answer",)
        assert other.asked == []
    assert refused(Workload({}), ask, foreign) == ("not_enrolled",)


def test_an_enrolment_for_another_account(issuer: Provider) -> None:
    """One owner has several workloads, and each speaks for its own account alone."""
    ask = replace(enrolled(issuer.issuer), account=AccountId("a-other"))
    answer = issuer.sign(issuer.claims(audience(ask), SUBJECT, SOON))
    with pytest.raises(Refused) as caught:
        made(issuer).begin(ask)
    assert caught.value.reasons == ("not_enrolled",)
    assert refused(made(issuer), ask, answer) == ("wrong_answer",)
    assert refused(made(issuer), replace(enrolled(issuer.issuer), secret=b"{"), answer) == ("not_enrolled",)


def test_a_stored_token_is_checked_again_without_the_issuer(issuer: Provider, tmp_path: Path) -> None:
    """Years later, with the issuer gone, the kept token and key still prove; another key, token or ask does not."""
    ask = enrolled(issuer.issuer)
    proof = made(issuer).check(ask, issuer.sign(issuer.claims(audience(ask), SUBJECT, SOON)), SOON)
    issuer.trouble = "gone"
    asked = len(issuer.asked)
    method = made(issuer)
    method.recheck(ask, proof)
    assert len(issuer.asked) == asked
    kept = json.loads(proof.raw or "")
    swapped = kept | {"key": OTHER_EC.as_dict(private=False) | {"kid": "ec-1"}}
    issuer.keys["ec-1"] = OTHER_EC
    resigned = swapped | {"token": issuer.sign(issuer.claims(audience(ask), SUBJECT, SOON))}
    for forged in (
        replace(proof, raw=json.dumps(swapped)),
        replace(proof, raw=json.dumps(resigned)),
        replace(proof, raw="{}"),
        replace(proof, detail={**proof.detail, "credential": "k-8"}),
    ):
        with pytest.raises(Refused):
            method.recheck(ask, forged)
    with pytest.raises(Refused):
        method.recheck(replace(ask, case=CaseId("c-another")), proof)
    with pytest.raises(Refused):
        method.recheck(replace(ask, secret=ask.secret.replace(b"main", b"fork") if ask.secret else None), proof)


def test_keys_in_a_file(issuer: Provider, tmp_path: Path) -> None:
    """An issuer that can not be reached from here gives its keys as a file; a missing file is said."""
    file = tmp_path / "jwks.json"
    name = "https://spiffe.example.test"
    method = Workload({name: Issuer(IssuerSettings(issuer=name, jwks=file))})
    ask = enrolled(name, "spiffe://example.test/ns/prod/sa/payroll")
    answer = issuer.sign(issuer.claims(audience(ask), "spiffe://example.test/ns/prod/sa/payroll", SOON, iss=name))
    with pytest.raises(Unavailable):
        method.check(ask, answer, SOON)
    file.write_text(json.dumps(issuer.published()))
    method.check(ask, answer, SOON + timedelta(seconds=31))
    assert issuer.asked == []


@pytest.mark.parametrize("name", ["http://id.example.test", "ftp://127.0.0.1", "id", "https://u@x.test", "http://[::1"])
def test_an_issuer_that_is_not_https(name: str) -> None:
    """Keys are fetched over https, or from this machine."""
    with pytest.raises(Invalid):
        Issuer(IssuerSettings(issuer=name))
