"""Somebody is sent to an identity provider and comes back, or the provider posts: over HTTP, with real results."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from tests.api.organisation import Organisation
from tests.methods.issuer import CLIENT, CLIENT_SECRET, MARA, Provider, provider
from tests.methods.test_proofing import SECRET, posted
from watchword.core.case import Case
from watchword.core.ids import CaseId
from watchword.methods.port import Proof

CONFIG = """
[[proofing]]
kind = "oidc"
method = "id_proofing"
issuer = "{issuer}"
client_id = "{client}"
client_secret_file = "id.secret"
trust_frameworks = ["eidas"]
[[proofing]]
kind = "webhook"
method = "verifiable_credential"
name = "wallet"
start = "https://wallet.example.test/present"
secret_file = "wallet.secret"
"""


@pytest.fixture
def identity() -> Iterator[Provider]:
    """An identity provider."""
    with provider() as made:
        yield made


@pytest.fixture
def place(founded: Path, tmp_path: Path, identity: Provider) -> Iterator[Organisation]:
    """An organisation that sends people to two providers, and has Mara's documents on record."""
    home = tmp_path / "home"
    shutil.copytree(founded, home)
    config = home / "watchword.toml"
    config.write_text(config.read_text() + CONFIG.format(issuer=identity.issuer, client=CLIENT))
    for name, secret in (("id.secret", CLIENT_SECRET), ("wallet.secret", SECRET.decode())):
        (home / name).write_text(secret)
        (home / name).chmod(0o600)
    made = Organisation(home)
    with made.open:
        identity.now = made.at
        assert made.sign_in("root").post("/api/people/mara/identity", MARA).status_code == 201
        yield made


def begun(place: Organisation, method: str, action: str = "unlock") -> tuple[str, str, str]:
    """A case of Mara's with *method* under way: case, token of its page, challenge."""
    opened = place.sign_in("ilse").post(
        "/api/cases", {"directory": "sandbox", "account": "m.lindqvist", "action": action}
    )
    case = opened.json()["case"]
    started = place.sign_in("dario").post(f"/api/cases/{case}/methods", {"method": method})
    assert started.status_code == 201, started.text
    token = place.app.desk.hand_over.page_token(CaseId(case))
    (waiting,) = place.client().get(f"/api/caller/{case}/{token}").json()["waiting"]
    assert (waiting["kind"], waiting["options"]) == ("provider", None)
    return case, token, waiting["challenge"]


def folded(place: Organisation, case: str) -> Case:
    """The case as its entries say."""
    return place.app.desk.steps.load(CaseId(case)).case


def sent(place: Organisation, client: httpx2.Client, case: str, token: str, challenge: str) -> str:
    """Send *client* to the provider; returns the address it is led back to."""
    address = client.post(f"/api/proofing/{case}/{token}/{challenge}").json()["address"]
    back = httpx2.get(address, trust_env=False, follow_redirects=False).headers["location"]
    return str(back).partition("8787")[2]


def test_there_and_back(place: Organisation, identity: Provider) -> None:
    """The browser that was sent comes back to its page with the code, posts it, and is proved; nothing is readable."""
    case, token, challenge = begun(place, "id_proofing")
    client = place.listener(case)
    back = client.get(sent(place, client, case, token, challenge), follow_redirects=False)
    assert back.status_code == 303
    page, _, code = back.headers["location"].partition(f"#proofing={challenge}.")
    assert page == f"/c/{case}/{token}"
    answer = client.post(f"/api/caller/{case}/{token}/answers/{challenge}", json={"answer": code})
    assert answer.status_code == 200, answer.text
    assert [e.method for e in folded(place, case).evidence] == ["id_proofing"]
    entries = b"".join(e.raw for e in place.app.ledger.entries(0))
    assert not [word for word in (b"Lindqvist", b"1990-05-17", b"T22000129", b"eyJ") if word in entries]
    verification = place.app.desk.verification
    identity.trouble = "gone"
    seen = [a for a in place.app.ledger.read(f"case/{case}") if a.entry.type == "method.proved"]
    proof = place.app.ledger.disclosures(seen[0])["proof"]
    verification.recheck(folded(place, case), challenge, msgspec.json.decode(proof, type=Proof), place.at)


def test_a_browser_of_the_desks_is_sent_nowhere(place: Organisation) -> None:
    """What the provider asks would be answered there as the caller dictates; the result would come behind the page."""
    for method in ("id_proofing", "verifiable_credential"):
        case, token, challenge = begun(place, method)
        for login in ("ilse", "dario"):
            refused = place.sign_in(login).client.post(f"/api/proofing/{case}/{token}/{challenge}")
            assert (refused.status_code, refused.json()["reasons"]) == (403, ["desk_browser"])
        noted = [e for e in place.app.ledger.read(f"case/{case}") if e.entry.type == "desk_browser.refused"]
        assert len(noted) == 2


def test_another_browser_does_not_come_back(place: Organisation) -> None:
    """Whoever was sent a link to the provider by somebody else can not finish what they did not begin."""
    case, token, challenge = begun(place, "id_proofing")
    client = place.listener(case)
    back = sent(place, client, case, token, challenge)
    for path in (back, "/api/proofing/return?code=x", "/api/proofing/return?code=x&state=a.b.c"):
        stranger = place.client()
        assert stranger.get(path, follow_redirects=False).status_code == 403
    odd = place.client().get(back, headers={b"cookie": b"proofing=\xe9"}, follow_redirects=False)
    assert odd.status_code == 403


def test_turning_back_counts_for_nothing(place: Organisation, identity: Provider) -> None:
    """Somebody who does not go through with it is led back to their page, and may try again."""
    case, token, challenge = begun(place, "id_proofing")
    client = place.listener(case)
    identity.trouble = "cancelled"
    back = client.get(sent(place, client, case, token, challenge), follow_redirects=False)
    assert back.headers["location"] == f"/c/{case}/{token}"
    assert folded(place, case).challenges[0].misses == 0


def test_only_a_challenge_that_sends_sends(place: Organisation) -> None:
    """Neither another method, nor another case's challenge, nor a page that is none leads anywhere."""
    case, token, challenge = begun(place, "id_proofing")
    client = place.listener(case)
    assert client.post(f"/api/proofing/{case}/wrong/{challenge}").status_code == 404
    assert client.post(f"/api/proofing/{case}/{token}/h-none").status_code == 403
    place.sign_in("dario").post(f"/api/cases/{case}/methods", {"method": "mail_code"})
    other = folded(place, case).challenges[-1].id
    assert client.post(f"/api/proofing/{case}/{token}/{other}").status_code == 404


def reference(place: Organisation, case: str, challenge: str) -> str:
    """What the provider is told."""
    app = place.app
    port, ask = app.desk.verification.ask_of(folded(place, case), challenge, place.at)
    return app.proofings.reference_of(ask, port.name)


def deliver(place: Organisation, delivery: str, name: str = "wallet", **headers: str) -> Any:
    """What the provider is answered to its post."""
    said = json.loads(delivery)
    sent = {"x-watchword-timestamp": said["timestamp"], "x-watchword-signature": said["signature"]} | headers
    return place.client().post(f"/api/proofing/results/{name}", content=said["body"].encode(), headers=sent)


def test_a_posted_result_is_taken_once(place: Organisation) -> None:
    """A signed result proves; delivered again it is known, and changes nothing."""
    case, _, challenge = begun(place, "verifiable_credential")
    good = posted(reference(place, case, challenge), place.at, checks=["credential", "face"])
    assert deliver(place, good).json() == {"result": "taken"}
    size = place.app.ledger.size
    assert deliver(place, good).json() == {"result": "known"}
    assert place.app.ledger.size == size
    assert [e.method for e in folded(place, case).evidence] == ["verifiable_credential"]


def test_a_post_that_is_not_the_providers_counts_for_nothing(place: Organisation) -> None:
    """A bad signature, an old one, no signature, and a provider nobody named are refused before anything counts."""
    case, _, challenge = begun(place, "verifiable_credential")
    told, size = reference(place, case, challenge), place.app.ledger.size
    good = posted(told, place.at, checks=["credential", "face"])
    assert deliver(place, posted(told, place.at, b"t" * 32)).status_code == 403
    assert deliver(place, good, **{"x-watchword-signature": ""}).status_code == 403
    assert deliver(place, good, name="nobody").status_code == 404
    assert deliver(place, posted("c-x.h-y.z", place.at)).status_code == 404
    assert deliver(place, posted("nonsense", place.at)).status_code == 404
    place.at += place.app.desk.verification.methods["verifiable_credential"].life / 2
    assert deliver(place, good).status_code == 403
    assert place.app.ledger.size == size


def test_a_result_about_somebody_else_sticks(place: Organisation) -> None:
    """The provider's no, and somebody else's name, end the method; the provider is told that it was taken."""
    refusals: tuple[dict[str, Any], ...] = ({"status": "failed"}, {"family_name": "Other"})
    for said in refusals:
        case, _, challenge = begun(place, "verifiable_credential")
        bad = posted(reference(place, case, challenge), place.at, checks=["credential", "face"], **said)
        assert deliver(place, bad).json() == {"result": "refused"}
        assert deliver(place, bad).json() == {"result": "known"}
    assert len(place.app.desk.steps.load(CaseId(case)).account.failures) == 2


def test_a_post_does_not_speak_for_a_new_contact_point(place: Organisation) -> None:
    """Nothing says which browser it came from, so where one has to be bound it proves nothing."""
    opened = place.sign_in("ilse").post(
        "/api/cases",
        {"directory": "sandbox", "account": "m.lindqvist", "action": "recovery_info_change", "contact": "phone"},
    )
    case = opened.json()["case"]
    place.app.desk.new_contact.enter(CaseId(case), "+493055500199", "", place.at)
    started = place.sign_in("dario").post(f"/api/cases/{case}/methods", {"method": "verifiable_credential"})
    challenge = started.json()["challenge"]
    good = posted(reference(place, case, challenge), place.at, checks=["credential", "face"])
    answer = deliver(place, good)
    assert answer.status_code == 403
    assert folded(place, case).evidence == ()


@pytest.mark.parametrize(
    "other",
    [
        {"birthdate": "17.05.1990"},
        {"birthdate": "1990-02-30"},
        {"given_name": " "},
        {"family_name": "7"},
        {"given_name": "x" * 201, "family_name": "L"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_what_is_not_enrolled(place: Organisation, other: dict[str, str]) -> None:
    """A date that is none and a name without a letter."""
    answer = place.sign_in("root").post("/api/people/tomas/identity", MARA | other)
    assert answer.status_code == 422
    assert place.app.registry.person(place.app.names.person("tomas")).credentials_of("identity_record") == ()
