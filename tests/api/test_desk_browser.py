"""The person's page in a browser of the desk's: refused, noted, and of no use to whoever types what they are told."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.api.organisation import Organisation, Staff
from tests.api.test_story import Recovery, enrol
from watchword.cli.demo.authenticator import SoftAuthenticator
from watchword.desk.vouching import name_supervisor

REFUSED = (403, ["desk_browser"])


@pytest.fixture
def recovery(organisation: Organisation) -> Recovery:
    """A password reset with its ticket, and a code that the person is asked for."""
    begun = Recovery(organisation)
    begun.step(begun.agent, "ticket", {"ticket": "INC-1"})
    begun.step(begun.agent, "methods", {"method": "totp"})
    return begun


def answered(recovery: Recovery, browser: httpx2.Client) -> tuple[int, Any]:
    """What the right code gets in *browser*, where the word of the case was tapped."""
    (challenge,) = (c.id for c in recovery.organisation.app.desk.steps.load(recovery.case).case.challenges)
    code = recovery.app.at(recovery.organisation.at)
    said = browser.post(f"/api/caller{recovery.page}/answers/{challenge}", json={"answer": code})
    return said.status_code, said.json().get("reasons")


def noted(recovery: Recovery) -> list[str]:
    """Whose browsers the case says that its page was asked for in."""
    names, entries = recovery.organisation.app.names, recovery.organisation.app.ledger.read(f"case/{recovery.case}")
    mine = (e.entry.data["person"] for e in entries if e.entry.type == "desk_browser.refused")
    return [names.said(person)[0] for person in mine]


def test_an_agent_answers_for_nobody_in_their_own_browser(recovery: Recovery) -> None:
    """Neither who opened the case nor a colleague who is signed in sees the page, taps the word or types a code."""
    colleague = recovery.organisation.sign_in("dario")
    for staff in (recovery.agent, colleague):
        page = staff.get(f"/c{recovery.page}")
        assert (page.status_code, "one of the service desk" in page.text) == (403, True)
        assert staff.get(f"/api/caller{recovery.page}").json()["reasons"] == ["desk_browser"]
        assert staff.post(f"/api/caller{recovery.page}/check", {"word": "any"}).json()["reasons"] == ["desk_browser"]
        assert answered(recovery, staff.client) == REFUSED
    assert noted(recovery) == ["ilse", "dario"]
    told = (e["actor"] for e in recovery.read()["entries"] if e["type"] == "desk_browser.refused")
    assert list(told) == ["ilse", "dario"]
    assert "asked for in a browser of the desk" in recovery.agent.get(f"/cases/{recovery.case}").text
    assert recovery.read()["state"] == "verifying"
    assert answered(recovery, recovery.caller) == (200, None)


def test_signing_out_first_changes_nothing(recovery: Recovery) -> None:
    """The browser in which a method was begun is the desk's for that case, whoever is signed in there since."""
    recovery.agent.client.delete("/api/session", headers={"x-csrftoken": recovery.agent.token})
    assert recovery.agent.get("/api/session").status_code == 401
    assert answered(recovery, recovery.agent.client) == REFUSED
    assert noted(recovery) == ["ilse"]


def test_a_method_that_is_begun_on_the_console_marks_its_browser(organisation: Organisation) -> None:
    """As one that a program begins does."""
    begun = Recovery(organisation)
    begun.step(begun.agent, "ticket", {"ticket": "INC-1"})
    assert begun.agent.form(f"/cases/{begun.case}/begin", method="totp").status_code == 303
    begun.agent.client.delete("/api/session", headers={"x-csrftoken": begun.agent.token})
    assert answered(begun, begun.agent.client) == REFUSED


def test_who_is_signed_in_as_themself_has_their_own_page(recovery: Recovery) -> None:
    """The subject may be signed in to the console in the browser their page is open in."""
    Staff(recovery.caller, "mara")
    assert answered(recovery, recovery.caller) == (200, None)
    assert not noted(recovery)


def test_who_objects_is_heard_in_any_browser(recovery: Recovery) -> None:
    """“Not me” takes away, and is taken from wherever it comes."""
    assert recovery.agent.post(f"/api/caller{recovery.page}/not-me").status_code == 200
    assert recovery.read()["state"] == "paused"


def test_a_kiosk_stays_one(organisation: Organisation) -> None:
    """There a supervisor of the site may be signed in, and nobody else of the desk; signed out, it is anybody's."""
    tomas = organisation.app.names.person("tomas")
    enrol(organisation, tomas, SoftAuthenticator("http://localhost:8787"))
    name_supervisor(organisation.app.people, organisation.app.names.person("root"), tomas, "Hall 3", organisation.at)
    recovery = Recovery(organisation, lane="kiosk")
    kiosk = recovery.agent.client
    recovery.step(recovery.agent, "ticket", {"ticket": "INC-1"})
    recovery.step(recovery.agent, "methods", {"method": "totp"})
    assert answered(recovery, kiosk) == REFUSED
    recovery.agent.client.delete("/api/session", headers={"x-csrftoken": recovery.agent.token})
    Staff(kiosk, "tomas")
    assert answered(recovery, kiosk) == (200, None)


def test_a_counter_with_one_machine_is_a_kiosk(organisation: Organisation) -> None:
    """Whoever took the request in there signs out, and the person goes on where they sat."""
    recovery = Recovery(organisation, lane="kiosk")
    recovery.step(recovery.agent, "ticket", {"ticket": "INC-1"})
    recovery.step(recovery.agent, "methods", {"method": "totp"})
    machine = recovery.agent.client
    machine.delete("/api/session", headers={"x-csrftoken": recovery.agent.token})
    assert machine.get(f"/c{recovery.page}").status_code == 200
    assert answered(recovery, machine) == (200, None)
    assert not noted(recovery)


def test_whoever_approves_sees_that_a_kiosk_was_the_agents_own_browser(organisation: Organisation) -> None:
    """Nobody knows who typed it there: the case says so beside that proof and no other, and so does the approval."""
    recovery = Recovery(organisation, lane="kiosk", action="bypass_code")
    begin = "given in the browser in which Ilse Okonjo began a method"
    recovery.step(recovery.agent, "ticket", {"ticket": "INC-1"})
    recovery.step(recovery.agent, "methods", {"method": "totp"})
    machine = recovery.agent.client
    machine.delete("/api/session", headers={"x-csrftoken": recovery.agent.token})
    assert answered(recovery, machine) == (200, None)
    agent = Staff(machine, "ilse")
    assert agent.get(f"/cases/{recovery.case}").text.count(begin) == 1
    person = recovery.step(agent, "methods", {"method": "in_person"}).json()["challenge"]
    recovery.step(agent, f"methods/{person}", {"answer": "passport, front desk Hamburg"})
    shown = organisation.sign_in("tomas").get(f"/cases/{recovery.case}").text
    assert shown.count(f"Authenticator code, {begin}") == 1
    assert shown.count(begin) == 2
    other = Recovery(organisation, lane="kiosk")
    other.step(other.agent, "methods", {"method": "totp"})
    assert other.proves().status_code == 200
    assert begin not in other.agent.get(f"/cases/{other.case}").text
