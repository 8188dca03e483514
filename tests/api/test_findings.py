"""Findings over the API: security on duty works on them, readers look, and whoever one is about leaves it alone."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from tests.api.organisation import BEGINNING, Organisation
from watchword.core.errors import Refused
from watchword.core.finding import Finding
from watchword.core.identity_event import Canonical, Verdict
from watchword.reception.findings import about, demand_not_self, is_about
from watchword.watch.campaigns import Item
from watchword.watch.finding_log import Shown
from watchword.watch.verdicts import VerdictRow
from watchword.watch.whose import Whose


def row(id_: str, *, actor: str = "it.admin", target: str = "m.lindqvist") -> VerdictRow:
    return VerdictRow(
        id=id_, provider="okta", directory="sandbox", action=Canonical.PASSWORD_RESET, native_action="x", actor=actor,
        target=target, at=BEGINNING, outcome="SUCCESS", address=None, socket=None, correlation=None, folded=1,
        verdict=Verdict.UNVERIFIED, reasons=("no_case",), case=None, ticket=None, leaves=(),
    )  # fmt: skip


@pytest.fixture
def finding(organisation: Organisation) -> str:
    """One finding, about a reset that nobody has a case for."""
    (made,) = organisation.app.findings.take((row("e1"),), (), BEGINNING)
    return made


def test_worked_on_from_new_to_closed(organisation: Organisation, finding: str) -> None:
    """Triaged, noted, given away, confirmed and closed; each answer says where it is, and the list follows."""
    noor = organisation.sign_in("noor")
    (listed,) = noor.get("/api/findings").json()
    assert (listed["finding"], listed["status"], listed["name"], listed["events"]) == (finding, "new", "it.admin", 1)

    at = f"/api/findings/{finding}"
    assert noor.post(f"{at}/triage").json()["owner"] == "noor"
    assert noor.post(f"{at}/note", {"words": "asked the lead"}).json()["notes"][0]["by"] == "noor"
    assert noor.post(f"{at}/own", {"owner": "wen"}).json()["owner"] == "wen"
    assert noor.post(f"{at}/confirm").json()["status"] == "confirmed"
    assert noor.post(f"{at}/triage").status_code == 409
    assert noor.post(f"{at}/close").json()["status"] == "closed"
    assert noor.get("/api/findings?status=new").json() == []
    (risk, *_) = noor.get("/api/risks").json()
    assert (risk["kind"], risk["score"]) == ("account", 30.0)


def test_dismissed_with_a_reason(organisation: Organisation, finding: str) -> None:
    """A dismissal needs a code that there is, and words."""
    noor = organisation.sign_in("noor")
    at = f"/api/findings/{finding}/dismiss"

    assert noor.post(at, {"reason": "bored", "words": "x"}).status_code == 400
    assert noor.post(at, {"reason": "expected", "words": " "}).status_code == 422
    seen = noor.get(f"/api/findings/{finding}").json()["joined"]
    assert noor.post(at, {"reason": "expected", "words": "migration", "seen": seen - 1}).status_code == 409
    told = noor.post(at, {"reason": "expected", "words": "migration", "seen": seen})
    assert told.json()["dismissal"] == "expected"


def test_closed_as_it_was_seen(organisation: Organisation, finding: str) -> None:
    """What joined after `seen` is not closed with the rest; what was seen is."""
    noor = organisation.sign_in("noor")
    at = f"/api/findings/{finding}"
    seen = noor.post(f"{at}/confirm").json()["joined"]
    assert noor.post(f"{at}/close", {"seen": seen - 1}).status_code == 409
    assert noor.post(f"{at}/close", {"seen": seen}).json()["status"] == "closed"


def test_told_as_an_output_tells_it(organisation: Organisation, finding: str) -> None:
    """Each step is a message with its tag, in the format asked for, from an entry on; nothing is told twice."""
    noor = organisation.sign_in("noor")
    noor.post(f"/api/findings/{finding}/confirm")
    told = noor.get("/api/findings/messages?format=jsonl").json()
    tags = [json.loads(message)["tag"] for message in told["messages"]]

    assert (tags, told["left"]) == ([f"{finding}/1", f"{finding}/2"], 0)
    assert noor.get(f"/api/findings/messages?after={told['after']}").json()["messages"] == []
    assert noor.get("/api/findings/messages?format=leef").status_code == 422


def test_told_a_part_at_a_time(organisation: Organisation, finding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more than one answer has each comes once, in order."""
    monkeypatch.setattr("watchword.reception.findings.TOLD", 1)
    noor = organisation.sign_in("noor")
    noor.post(f"/api/findings/{finding}/triage")
    noor.post(f"/api/findings/{finding}/confirm")
    tags, after, left = [], 0, 1
    while left:
        told = noor.get(f"/api/findings/messages?format=jsonl&after={after}").json()
        tags += [json.loads(message)["tag"] for message in told["messages"]]
        after, left = told["after"], told["left"]

    assert tags == [f"{finding}/{version}" for version in (1, 2, 3)]


def test_others_do_not_work_on_it(organisation: Organisation, finding: str) -> None:
    """Somebody without a role sees nothing, an agent does nothing, and what is not there is not there."""
    nobody, ilse = organisation.sign_in("nobody"), organisation.sign_in("ilse")
    for path in (
        "/api/findings",
        "/api/findings/messages",
        f"/api/findings/{finding}",
        "/api/suppressions",
        "/api/risks",
    ):
        assert nobody.get(path).status_code == 404
    for step in ("triage", "confirm", "close"):
        assert ilse.post(f"/api/findings/{finding}/{step}").status_code == 403
    noor = organisation.sign_in("noor")
    assert noor.get("/api/findings/f-none").status_code == 404
    assert noor.post("/api/findings/f-none/triage").status_code == 404


def test_suppressed_for_a_time(organisation: Organisation) -> None:
    """A suppression counts what it keeps quiet, ends when it says, and can be lifted once."""
    noor = organisation.sign_in("noor")
    body = {"rule": "*", "party": "actor", "name": "sync", "until": "30d", "why": "the sync account"}
    made = noor.post("/api/suppressions", body)
    assert made.status_code == 201, made.text
    assert (made.json()["holds"], made.json()["waits"], made.json()["allowed_by"]) == (False, True, None)
    allow = f"/api/suppressions/{made.json()['suppression']}/allow"
    assert noor.post(allow).status_code == 403
    second = organisation.sign_in("wen")
    assert second.post(allow).status_code == 204
    assert second.post(allow).status_code == 409
    assert organisation.app.findings.take((row("e2", actor="sync"),), (), BEGINNING) == ()

    (shown,) = noor.get("/api/suppressions").json()
    assert shown["allowed_by"] is not None
    assert (shown["about"], shown["kept"], shown["holds"], shown["by"]) == ("actor sync", 1, True, "noor")
    at = f"/api/suppressions/{shown['suppression']}/lift"
    assert noor.post(at).status_code == 204
    assert noor.post(at).status_code == 409
    assert noor.post("/api/suppressions", body | {"until": "400d"}).status_code == 422
    assert noor.post("/api/suppressions", body | {"party": "anybody"}).status_code == 422


def test_whoever_it_is_about_leaves_it(organisation: Organisation) -> None:
    """An account's owner neither dismisses nor closes a finding about it, and is told so before they try."""
    app = organisation.app
    native = organisation.sandbox.find("m.lindqvist")[0].native_id
    noor = app.names.person("noor")
    account = app.registry.observe(organisation.sandbox.find("m.lindqvist")[0], app.names.person("root"), BEGINNING)
    if app.names.owner(account.id) is None:
        pytest.fail("the sample's account belongs to nobody")
    owner = app.names.owner(account.id)
    (made,) = app.findings.take((row("e9", target=native),), (), BEGINNING + timedelta(hours=1))

    assert owner is not None
    assert about(app, app.findings.one(made), owner, noor) == {owner}
    assert owner != noor


def test_a_finding_is_about_whom_any_of_its_names_is() -> None:
    """Who did it, the account as the log calls it, and as the desk does; what it is grouped by names nobody."""
    item = Item(
        rule="x", event="e1", about="e1", severity="low", at=BEGINNING, target="00uTarget", actor="00uActor",
        account="a-account", caller="o-caller", case="c-case", ticket="INC-1", why="because",
    )  # fmt: skip
    raised = Finding(id="f-1", key="k", by="actor", raised_at=BEGINNING)
    shown = Shown(finding=raised, name="somebody", live=1, items=(item,), notes=(), version=0, at=BEGINNING)
    for name in ("00utarget", "00uactor", "a-account"):
        assert is_about(shown, frozenset({name}))
    for other in ("somebody", "e1", "o-caller", "c-case", "inc-1", "because", "", "another"):
        assert not is_about(shown, frozenset({other}))


def test_the_list_of_accounts_says_whose_it_is(organisation: Organisation, tmp_path: Path) -> None:
    """A name that only the list has is its owner's too: they end nothing under it, and it is one risk in their name."""
    app = organisation.app
    seen = organisation.sandbox.find("m.lindqvist")[0]
    account = app.registry.observe(seen, app.names.person("root"), BEGINNING)
    owner = app.names.owner(account.id)
    assert owner is not None
    listed = tmp_path / "accounts.csv"
    listed.write_text(f"keys,class\n{seen.native_id}|S-1-5-21-9-1104,standard\n")
    app.whose = app.findings.whose = Whose(app.names, tuple(app.directories), listed)
    (made,) = app.findings.take((row("e1", actor="x", target="S-1-5-21-9-1104"),), (), BEGINNING)
    app.findings.take((row("e2", actor="y", target=seen.native_id),), (), BEGINNING)

    assert about(app, app.findings.one(made), owner) == {owner}
    with pytest.raises(Refused, match="about you"):
        demand_not_self(app, owner, "s-1-5-21-9-1104")
    (told,) = [one for one in organisation.sign_in("noor").get("/api/risks").json() if one["kind"] == "account"]
    assert (told["said"], told["events"]) == (app.names.said(owner)[1], 2)
    with pytest.raises(Refused, match="about you"):
        demand_not_self(app, owner, f"CORP\\{seen.login.upper()}")
    (also,) = app.findings.take((row("e3", actor="z", target=f"CORP\\{seen.login}"),), (), BEGINNING)
    assert about(app, app.findings.one(also), owner) == {owner}
