"""Whose step it is: whoever can not take the one a case waits for is told why, and who can."""

from __future__ import annotations

from datetime import timedelta

from tests.api.organisation import Organisation
from watchword.core.action import Step
from watchword.core.ids import CaseId
from watchword.core.person import Kind, Role, RoleGrant
from watchword.directories.sandbox import Seed
from watchword.web.case_page import case_page
from watchword.web.whose import TAKES

WISH = {"directory": "sandbox", "account": "m.lindqvist", "action": "unlock"}


def said(place: Organisation, login: str, case: str) -> str:
    app = place.app
    return case_page(app, app.steps.load(CaseId(case)), app.names.person(login), "", place.at).whose


def test_who_takes_a_step_is_said_to_those_who_can_not(organisation: Organisation) -> None:
    """An agent verifies and hears nothing; duty hears who does; after “not me” it is the other way round."""
    case = organisation.sign_in("ilse").post("/api/cases", WISH).json()["case"]
    assert said(organisation, "ilse", case) == ""
    told = "Not yours to take: somebody else verifies the person (agent or verifier)."
    assert said(organisation, "noor", case) == told
    assert told in organisation.sign_in("noor").get(f"/cases/{case}").text

    organisation.sign_in("ilse").post(f"/api/cases/{case}/object", {"said": "it was not me"})
    told = "Not yours to take: somebody else lets it go on (IAM duty or security duty)."
    assert said(organisation, "ilse", case) == told
    assert said(organisation, "noor", case) == ""


def test_what_keeps_somebody_from_it_is_said(organisation: Organisation) -> None:
    """A rule of separation, the subject's own case, and any other rule by its name."""
    app, at = organisation.app, organisation.at
    root = app.names.person("root")
    vendor = app.people.register(root, login="vito", name="Vito Sandoval", kind=Kind.VENDOR, unit="", at=at)
    for person in (vendor, app.names.person("mara")):
        app.people.grant(root, person, RoleGrant(role=Role.AGENT), at)
    wish = WISH | {"action": "total_loss"}
    case = organisation.sign_in("ilse").post("/api/cases", wish).json()["case"]

    takes = "somebody else verifies the person (agent or verifier)."
    assert said(organisation, "ilse", case) == f"You took the request in, so {takes}"
    assert said(organisation, "mara", case) == f"It is about you, so {takes}"
    assert said(organisation, "vito", case) == "Not yours to take: vendor works standard only."
    assert said(organisation, "dario", case) == ""


def test_a_case_that_is_over_gives_no_address(organisation: Organisation) -> None:
    """While it runs the agent has the person's page to pass on; afterwards there is none to open."""
    agent = organisation.sign_in("ilse")
    case = agent.post("/api/cases", WISH).json()["case"]
    assert "The caller&#39;s own page" in agent.get(f"/cases/{case}").text
    agent.post(f"/api/cases/{case}/withdraw", {"why": "they remembered it"})
    told = agent.get(f"/cases/{case}").text
    assert "Withdrawn" in told
    assert "The caller&#39;s own page" not in told


def test_a_role_that_is_missing_is_said_without_a_case(organisation: Organisation) -> None:
    """Who may not administer people is sent to somebody who may, and no case is spoken of."""
    told = organisation.sign_in("ilse").get("/people").text
    assert "Ask somebody whose role allows it; " in told
    assert "on this case" not in told


def test_every_step_that_can_be_due_has_words() -> None:
    """Nobody is told less for a step that somebody forgot."""
    assert set(TAKES) == {Step.VERIFY, Step.APPROVE, Step.RELEASE, Step.LIFT_PAUSE, Step.CLOSE, Step.REVIEW}


def test_what_can_not_be_enough_is_said_before_anybody_begins(organisation: Organisation) -> None:
    """Nothing enrolled, so a password can not be proved: the page says so at once, and where to go on."""
    agent = organisation.sign_in("ilse")
    wish = WISH | {"action": "password_reset"}
    case = agent.post("/api/cases", wish).json()["case"]
    shown = agent.get(f"/cases/{case}").text
    assert "What this person can prove is not enough" in shown
    assert "withdraw this case and open one of total loss" in shown
    assert agent.get(f"/api/cases/{case}").json()["within_reach"] is False

    root = organisation.sign_in("root")
    root.post("/api/people/mara/credentials", {"method": "totp"})
    made = root.get("/api/people/mara").json()["credentials"][-1]["credential"]
    organisation.at += timedelta(days=2)
    root = organisation.sign_in("root")
    root.post("/api/people/mara/credentials", {"method": "totp"})
    root.post(f"/api/people/mara/credentials/{made}/revocation", {"why": "lost"})
    agent = organisation.sign_in("ilse")
    case = agent.post("/api/cases", wish).json()["case"]
    assert "Authenticator code counts from 2026-12-23" in agent.get(f"/cases/{case}").text
    organisation.at += timedelta(days=31)
    agent = organisation.sign_in("ilse")
    case = agent.post("/api/cases", wish).json()["case"]
    assert "What this person can prove is not enough" not in agent.get(f"/cases/{case}").text
    assert agent.get(f"/api/cases/{case}").json()["within_reach"] is True


def test_nobody_is_sent_to_a_case_that_leads_nowhere_either(organisation: Organisation) -> None:
    """What total loss takes of a service account is the same owner's key: without one it is no way on."""
    organisation.sandbox.seed((Seed(login="svc.print", display_name="Print queue", groups=("Service Accounts",)),))
    agent = organisation.sign_in("ilse")
    asked = WISH | {"account": "svc.print", "action": "secret_reissue"}
    shown = agent.get(f"/cases/{agent.post('/api/cases', asked).json()['case']}").text
    assert "What this person can prove is not enough" in shown
    assert "open one of total loss" not in shown
    assert "IAM on duty has to know of it" in shown


def test_a_freeze_says_whether_what_it_leaves_is_enough(organisation: Organisation) -> None:
    """Three failures close the code and the call: a password waits for two people on duty, and says so."""
    organisation.sign_in("root").post("/api/people/mara/credentials", {"method": "totp"})
    organisation.at += timedelta(days=31)
    agent = organisation.sign_in("ilse")
    for _ in range(3):
        opened = agent.post("/api/cases", WISH | {"action": "password_reset"}).json()
        case, token = opened["case"], opened["page"].rsplit("/", 1)[-1]
        begun = agent.post(f"/api/cases/{case}/methods", {"method": "totp"}).json()["challenge"]
        for _ in range(3):
            organisation.listener(case).post(f"/api/caller/{case}/{token}/answers/{begun}", json={"answer": "000000"})
    shown = agent.get(f"/cases/{case}").text
    assert "What stands below is not enough: two people on duty" in shown
    assert "What stands below can still be begun" not in shown
