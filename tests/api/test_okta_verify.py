"""Okta Verify over HTTP and on a person's page: who enrols it, and what the agent and the caller are shown."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.organisation import Organisation
from tests.methods.okta import FACTOR, TOKEN, USER, Okta, okta
from watchword.core.ids import CaseId

CONFIG = """
[okta_verify]
url = "{url}"
token_file = "okta.token"
"""
IDS = {"user": USER, "factor": FACTOR}


@pytest.fixture
def org() -> Iterator[Okta]:
    """An organisation at Okta."""
    with okta() as running:
        yield running


@pytest.fixture
def place(founded: Path, tmp_path: Path, org: Okta) -> Iterator[Organisation]:
    """An organisation that knows it."""
    home = tmp_path / "home"
    shutil.copytree(founded, home)
    config = home / "watchword.toml"
    config.write_text(config.read_text() + CONFIG.format(url=org.url))
    (home / "okta.token").write_text(TOKEN)
    (home / "okta.token").chmod(0o600)
    made = Organisation(home)
    with made.open:
        yield made


def test_enrolled_prompted_and_picked(place: Organisation, org: Okta) -> None:
    """The number is on the agent's screen, never in what the caller's page is told, and the pick proves."""
    taken = place.sign_in("root").post("/api/people/mara/okta-verify", IDS)
    assert (taken.status_code, taken.json()["method"]) == (201, "okta_factor")
    opened = place.sign_in("ilse").post(
        "/api/cases", {"directory": "sandbox", "account": "m.lindqvist", "action": "unlock"}
    )
    case = opened.json()["case"]
    dario = place.sign_in("dario")
    assert dario.post(f"/api/cases/{case}/methods", {"method": "okta_push"}).status_code == 201
    place.app.runner.drain(place.at)
    (number,) = org.numbers.values()
    assert f"number: {number}." in dario.get(f"/cases/{case}").text
    token = place.app.desk.hand_over.page_token(CaseId(case))
    (waiting,) = place.client().get(f"/api/caller/{case}/{token}").json()["waiting"]
    assert (waiting["kind"], waiting["title"]) == ("elsewhere", "Number in Okta Verify")
    assert str(number) not in waiting["say"]
    org.picks(number)
    answered = place.listener(case).post(
        f"/api/caller/{case}/{token}/answers/{waiting['challenge']}", json={"answer": "now"}
    )
    assert answered.status_code < 300, answered.text
    assert [e.method for e in place.app.desk.steps.load(CaseId(case)).case.evidence] == ["okta_push"]


def test_ids_that_lead_elsewhere_are_refused(place: Organisation) -> None:
    """What is no id of Okta's is the caller's mistake, named by its field; an agent may enrol nothing."""
    wrong = place.sign_in("root").post("/api/people/mara/okta-verify", IDS | {"factor": "../x"})
    assert wrong.status_code == 422
    assert "factor" in wrong.text
    assert place.sign_in("dario").post("/api/people/mara/okta-verify", IDS).status_code == 403
