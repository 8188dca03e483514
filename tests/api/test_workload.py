"""A workload proves itself over HTTP, without a session, to a real console and with a real issuer's token."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.api.organisation import BEGINNING, Organisation
from tests.methods.issuer import Provider, provider
from watchword.directories.sandbox import Seed

SUBJECT = "repo:example/payroll:ref:refs/heads/main"


@pytest.fixture
def issuer() -> Iterator[Provider]:
    """A platform that runs jobs."""
    with provider() as made:
        yield made


@pytest.fixture
def place(founded: Path, tmp_path: Path, issuer: Provider) -> Iterator[Organisation]:
    """An organisation that trusts the platform, with two service accounts and an owner of both."""
    home = tmp_path / "home"
    shutil.copytree(founded, home)
    config = home / "watchword.toml"
    config.write_text(f'{config.read_text()}\n[[issuers]]\nissuer = "{issuer.issuer}"\n')
    made = Organisation(home)
    with made.open:
        made.sandbox.seed(
            tuple(
                Seed(login=login, display_name=login, groups=("Service Accounts",), owner="t.adeyemi")
                for login in ("svc.payroll", "svc.backup")
            )
        )
        yield made


def enrol(place: Organisation, platform: Provider, account: str = "svc.payroll", **other: str) -> Any:
    """Have an administrator enrol the workload of *account* on its owner."""
    body = {"directory": "sandbox", "account": account, "issuer": platform.issuer, "subject": SUBJECT} | other
    return place.sign_in("root").post("/api/people/tomas/workloads", body)


def begun(place: Organisation, account: str = "svc.payroll") -> tuple[str, str, str]:
    """A case for *account* with the method under way: the page's address below the API, challenge and audience."""
    agent, verifier = place.sign_in("ilse"), place.sign_in("dario")
    opened = agent.post("/api/cases", {"directory": "sandbox", "account": account, "action": "secret_reissue"})
    assert opened.status_code == 201, opened.text
    case = opened.json()["case"]
    started = verifier.post(f"/api/cases/{case}/methods", {"method": "workload"})
    assert started.status_code == 201, started.text
    page = place.app.desk.hand_over.page_token(case)
    address = f"/api/caller/{case}/{page}"
    (waiting,) = place.client().get(address).json()["waiting"]
    assert waiting["kind"] == "token"
    assert waiting["options"] in waiting["say"]
    return address, waiting["challenge"], waiting["options"]


def post(place: Organisation, address: str, challenge: str, token: str) -> Any:
    """What the page's API answers to a token, from a client with no session and no cookie."""
    return place.client().post(f"{address}/answers/{challenge}", json={"answer": token})


def test_a_token_of_the_platform_proves_beside_the_owner(place: Organisation, issuer: Provider) -> None:
    """The enrolled workload posts its token and is proved; the owner's passkey is still asked for."""
    assert enrol(place, issuer).status_code == 201
    address, challenge, audience = begun(place)
    answer = post(place, address, challenge, issuer.sign(issuer.claims(audience, SUBJECT, place.at)))
    assert answer.status_code == 200, answer.text
    case = place.app.desk.steps.load(address.split("/")[3]).case  # type: ignore[arg-type]
    assert [e.method for e in case.evidence] == ["workload"]
    (lacks,) = place.app.desk.verification.missing(case, place.at)
    assert "one of owner_passkey" in lacks.missing
    entries = b"".join(e.raw for e in place.app.ledger.entries(0))
    assert SUBJECT.encode() not in entries
    assert issuer.issuer.encode() not in entries


def test_a_token_is_worth_nothing_elsewhere(place: Organisation, issuer: Provider) -> None:
    """One made for a case proves nothing in another, nothing for another account, and nothing a second time."""
    assert enrol(place, issuer).status_code == 201
    assert enrol(place, issuer, "svc.backup", subject=SUBJECT + ":backup").status_code == 201
    (one, first, audience), (two, second, _) = begun(place), begun(place, "svc.backup")
    token = issuer.sign(issuer.claims(audience, SUBJECT, place.at))
    for address, challenge in ((two, second), (two, first), (one, second)):
        answer = post(place, address, challenge, token)
        assert answer.status_code == 403, answer.text
    assert post(place, one, first, token).status_code == 200
    again = post(place, one, first, token)
    assert again.status_code == 403
    assert again.json()["reasons"] == ["replayed"]


def test_three_wrong_tokens_stick_to_the_account(place: Organisation, issuer: Provider) -> None:
    """Guessing counts for the account as it does with every method; an issuer that is silent counts for nothing."""
    assert enrol(place, issuer).status_code == 201
    address, challenge, audience = begun(place)
    good = issuer.sign(issuer.claims(audience, SUBJECT, place.at))
    issuer.trouble = "gone"
    assert post(place, address, challenge, good).status_code == 503
    for _ in range(3):
        assert post(place, address, challenge, good + "x").status_code in {403, 503}
    issuer.trouble = ""
    for _ in range(3):
        answer = post(place, address, challenge, issuer.sign(issuer.claims("watchword:other", SUBJECT, place.at)))
        assert answer.status_code == 403
    case = place.app.desk.steps.load(address.split("/")[3])  # type: ignore[arg-type]
    assert len(case.account.failures) == 1
    assert post(place, address, challenge, good).status_code == 403


@pytest.mark.parametrize(
    ("other", "status"),
    [
        ({"issuer": "https://elsewhere.example.test"}, 422),
        ({"subject": ""}, 422),
        ({"subject": " padded "}, 422),
        ({"subject": "x" * 1025}, 422),
        ({"subject": "a\u0000b"}, 422),
        ({"account": "m.lindqvist"}, 403),
        ({"account": "nobody.there"}, 422),
    ],
    ids=str,
)
def test_what_is_not_enrolled(place: Organisation, issuer: Provider, other: dict[str, str], status: int) -> None:
    """An issuer nobody named, a subject that is none, and an account that is a person's or not theirs."""
    assert enrol(place, issuer, **other).status_code == status
    tomas = place.app.registry.person(place.app.names.person("tomas"))
    assert tomas.credentials_of("workload") == ()


def test_one_workload_an_account_and_revoked(place: Organisation, issuer: Provider) -> None:
    """A second one is a conflict until the first is revoked; a revoked one can not be begun."""
    assert enrol(place, issuer).status_code == 201
    assert enrol(place, issuer).status_code == 409
    app = place.app
    root, tomas = app.names.person("root"), app.names.person("tomas")
    (credential,) = app.registry.person(tomas).credentials_of("workload")
    app.people.revoke_credential(root, tomas, credential.id, "decommissioned", place.at)
    agent, verifier = place.sign_in("ilse"), place.sign_in("dario")
    case = agent.post(
        "/api/cases", {"directory": "sandbox", "account": "svc.payroll", "action": "secret_reissue"}
    ).json()["case"]
    refused = verifier.post(f"/api/cases/{case}/methods", {"method": "workload"})
    assert refused.json()["reasons"] == ["not_enrolled"]


def test_one_enrolled_lately_is_worth_nothing_yet(place: Organisation, issuer: Provider) -> None:
    """A workload added to an owner known for longer waits thirty days, like any other change."""
    place.at = BEGINNING + timedelta(days=40)
    assert enrol(place, issuer).status_code == 201
    agent, verifier = place.sign_in("ilse"), place.sign_in("dario")
    case = agent.post(
        "/api/cases", {"directory": "sandbox", "account": "svc.payroll", "action": "secret_reissue"}
    ).json()["case"]
    refused = verifier.post(f"/api/cases/{case}/methods", {"method": "workload"})
    assert refused.json()["reasons"] == ["young_contact"]
