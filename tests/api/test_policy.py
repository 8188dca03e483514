"""A policy proposed and confirmed over the API, by two people at two browsers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.organisation import Organisation, Staff
from watchword.cli.demo.authenticator import SoftAuthenticator
from watchword.core.person import Credential
from watchword.policy.procedures import DEFAULT


@pytest.fixture
def desk(founded: Path, tmp_path: Path) -> Iterator[Organisation]:
    """An organisation whose policy lies in a folder that can be edited."""
    home = tmp_path / "home"
    shutil.copytree(founded, home)
    shutil.copytree(DEFAULT, home / "policy")  # type: ignore[arg-type]  # a folder on disk, as installed
    config = home / "watchword.toml"
    config.write_text(f'policy = "policy"\n{config.read_text()}')
    made = Organisation(home)
    with made.open:
        yield made


def edit(desk: Organisation) -> None:
    """Edit the policy under the running console."""
    with (desk.home / "policy" / "procedures.yaml").open("a") as table:
        table.write("# reviewed\n")


def passkey(desk: Organisation, login: str) -> SoftAuthenticator:
    """Enrol a passkey for somebody on the day they became known."""
    app, made = desk.app, SoftAuthenticator(desk.app.settings.console.public_url, counts=False)
    person, root = app.names.person(login), app.names.person("root")
    options = app.passkey.enrolment_options(challenge="e-1", person=person, login=login)
    public = app.passkey.enrol(challenge="e-1", person=person, answer=made.create(options))
    credential = Credential(id="k-1", method="passkey", enrolled_at=desk.at, public=public)
    app.people.enrol(root, person, credential, None, desk.at)
    return made


def said(answer: Any, status: int, *words: str) -> bool:
    """Whether a problem has this status, a way on, and each of *words* in it."""
    return answer.status_code == status and bool(answer.json()["remedy"]) and all(w in answer.text for w in words)


def test_a_policy_is_proposed_and_confirmed_while_the_console_runs(desk: Organisation) -> None:
    """Everybody sees that the file differs and what waits; the first author can not confirm; the second one does."""
    root, paula, ilse = (Staff(desk.client(), login) for login in ("root", "paula", "ilse"))
    before = ilse.get("/api/policy").json()
    assert (before["drift"], before["proposal"]) == (False, None)
    assert before["active"] == before["running"] == before["on_disk"]
    edit(desk)
    edited = ilse.get("/api/policy").json()
    assert (edited["drift"], edited["running"]) == (True, before["active"])
    assert "watchword policy propose" in edited["told"]
    proposed = root.post("/api/policy/proposal", {"hours": 2})
    assert (proposed.status_code, proposed.json()["digest"]) == (201, edited["on_disk"])
    waits = ilse.get("/api/policy").json()["proposal"]
    assert (waits["by"], waits["signed"], waits["not_after"]) == ("root", False, "2026-11-21T11:00:00Z")
    assert waits["spoken"] == proposed.json()["spoken"]
    asked = {"digest": edited["on_disk"]}
    assert said(root.post("/api/policy/activation", asked), 403, "proposer-never-confirms")
    assert said(ilse.post("/api/policy/activation", asked), 403, "not_policy_author")
    assert said(paula.post("/api/policy/activation", {"digest": before["active"]}), 409, "not what is proposed")
    assert paula.post("/api/policy/activation", asked).json() == {"active": edited["on_disk"]}
    after = ilse.get("/api/policy").json()
    assert (after["active"], after["running"], after["drift"]) == (edited["on_disk"], before["active"], True)
    assert "Start this process again" in after["told"]


def test_an_author_signs_over_the_api(desk: Organisation) -> None:
    """Whoever has a passkey is given the bytes and the browser's options, for proposing and for confirming."""
    root, paula = (Staff(desk.client(), login) for login in ("root", "paula"))
    hers = passkey(desk, "paula")
    edit(desk)
    assert said(paula.post("/api/policy/proposal", {}), 403, "unsigned")
    asked = paula.get("/api/policy/proposal/statement?hours=3").json()
    assert asked["namespace"] == "policy-activation@example.test/desk"
    body = {"statement": asked["statement"], "assertion": hers.get(asked["options"])}
    assert paula.post("/api/policy/proposal", body).json()["signed"] is True
    confirming = root.get("/api/policy/activation/statement").json()
    assert (confirming["statement"], confirming["options"]) == (asked["statement"], None)
    digest = root.get("/api/policy").json()["proposal"]["digest"]
    assert root.post("/api/policy/activation", {"digest": digest}).status_code == 200


def test_a_lender_signs_over_the_api(desk: Organisation) -> None:
    """Whoever has a passkey signs for the seat they lend; a loan without says so, and gets its signature later."""
    wen, hers = Staff(desk.client(), "wen"), passkey(desk, "wen")
    desk.confirm_key("wen")
    seat = {"to": "paula", "seat": "iam_duty", "until": "2026-12-01T00:00:00Z"}
    assert [one["signed"] for one in wen.post("/api/seats", seat).json()] == [False]
    asked = wen.post("/api/seats/statement", seat).json()
    assert asked["namespace"] == "seat-loan@example.test/desk"
    body = {"statement": asked["statement"], "assertion": hers.get(asked["options"])}
    assert said(wen.post("/api/seats/signed", {**body, "statement": "{}"}), 422, "no statement")
    assert [one["signed"] for one in wen.post("/api/seats/signed", body).json()] == [True]
    assert said(wen.post("/api/seats/signed", body), 409, "already")


def test_what_can_not_be_proposed_is_told(desk: Organisation) -> None:
    """A file with mistakes, a finding, and a time that is none are problems with a way on; nothing waits then."""
    root, table = Staff(desk.client(), "root"), desk.home / "policy" / "procedures.yaml"
    assert said(root.post("/api/policy/proposal", {"hours": 0}), 403, "within")
    assert said(root.post("/api/policy/proposal", {"hours": 999}), 403, "within")
    whole = table.read_text()
    table.write_text(whole.replace("strongest_only: 5", "strongest_only: 3"))
    assert said(root.post("/api/policy/proposal", {}), 403, "unsound_policy", "freeze.strongest_only")
    table.write_text("tiers: [")
    assert said(root.post("/api/policy/proposal", {}), 422, "not YAML")
    table.unlink()
    gone = root.get("/api/policy").json()
    assert (gone["on_disk"], gone["drift"]) == (None, True)
    assert "procedures.yaml" in gone["told"] or "can not be read" in gone["told"]
    assert gone["proposal"] is None


def test_the_page_shows_the_policy_and_takes_both_steps(desk: Organisation) -> None:
    """An author proposes and another one confirms from its forms; whoever is none sees no form, and the banner."""
    root, paula, ilse = (Staff(desk.client(), login) for login in ("root", "paula", "ilse"))
    assert "The policy on disk is active" in ilse.get("/policy").text
    assert "chosen when the ledger was founded" in ilse.get("/policy").text
    assert "Propose the policy on disk" not in ilse.get("/policy").text
    edit(desk)
    assert "was edited and is not active" in ilse.get("/cases").text
    assert "Propose the policy on disk" in root.get("/policy").text
    assert root.form("/policy/proposal").status_code == 303
    assert "Make it the active one" not in root.get("/policy").text
    page = paula.get("/policy").text
    assert "Make it the active one" in page
    digest = paula.get("/api/policy").json()["proposal"]["digest"]
    assert digest in page
    assert ilse.form("/policy/activation", digest=digest).status_code == 403
    assert paula.form("/policy/activation", digest=digest).status_code == 303
    assert "proposed by root, confirmed by Paula Ekström" in ilse.get("/policy").text


def test_the_page_asks_an_author_with_a_passkey_to_sign(desk: Organisation) -> None:
    """Where a signature is needed the page has no form that would be refused, but a button that signs."""
    passkey(desk, "paula")
    edit(desk)
    paula, root = Staff(desk.client(), "paula"), Staff(desk.client(), "root")
    assert 'data-api="/api/policy/proposal" data-digest=""' in paula.get("/policy").text
    digest = root.post("/api/policy/proposal", {}).json()["digest"]
    page = paula.get("/policy").text
    assert f'data-api="/api/policy/activation" data-digest="{digest}"' in page
    assert 'action="/policy/activation"' not in page
    assert "/static/policy.js" in page
