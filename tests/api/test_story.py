"""Recoveries played through the API, as the demo and any other program plays them."""

from __future__ import annotations

import json
from typing import Any

import pyotp
import pytest
from joserfc import jwe
from joserfc.jwk import ECKey

from watchword.cli.demo.authenticator import SoftAuthenticator, b64
from watchword.core.ids import PersonId
from watchword.core.person import Credential
from watchword.directories.sandbox import SignIn

RESET = {"directory": "sandbox", "account": "m.lindqvist", "action": "password_reset", "reason": "I forgot it."}


class Recovery:
    """One case with its caller's page, and the caller's authenticator app."""

    def __init__(self, organisation: Any, **asked: Any) -> None:
        self.organisation = organisation
        enrolled = organisation.sign_in("root").post("/api/people/mara/credentials", {"method": "totp"})
        app = pyotp.parse_uri(enrolled.json()["uri"])
        assert isinstance(app, pyotp.TOTP)
        self.app = app
        self.agent = organisation.sign_in("ilse")
        opened = self.agent.post("/api/cases", RESET | asked)
        assert opened.status_code == 201, opened.text
        self.case = opened.json()["case"]
        self.page = "/" + opened.json()["page"].partition("/c/")[2]
        self.caller = organisation.listener(self.case)

    def step(self, who: Any, step: str, body: Any = None) -> Any:
        """One step, by somebody signed in."""
        return who.post(f"/api/cases/{self.case}/{step}", body if body is not None else {})

    def shown(self) -> Any:
        """What the caller's page shows."""
        return self.caller.get(f"/api/caller{self.page}").json()

    def says(self, path: str, body: Any = None) -> Any:
        """What the caller's page answers to what they do."""
        return self.caller.post(f"/api/caller{self.page}/{path}", json=body)

    def proves(self) -> Any:
        """The caller types what their app shows."""
        challenge = self.shown()["waiting"][0]["challenge"]
        return self.says(f"answers/{challenge}", {"answer": self.app.at(self.organisation.at)})

    def hears(self) -> None:
        """The caller types what an automated call to their number of record says."""
        assert self.step(self.agent, "methods", {"method": "call_code"}).status_code == 201
        self.organisation.works()
        challenge = self.shown()["waiting"][0]["challenge"]
        assert self.says(f"answers/{challenge}", {"answer": self.organisation.code("call")}).status_code == 200

    def read(self) -> Any:
        """The case as its agent reads it."""
        return self.agent.get(f"/api/cases/{self.case}").json()

    def verified(self) -> None:
        """As far as everything being proved."""
        assert self.step(self.agent, "ticket", {"ticket": "INC-20418"}).status_code == 200
        assert self.step(self.agent, "methods", {"method": "totp"}).status_code == 201
        assert self.proves().status_code == 200
        self.hears()


@pytest.fixture
def recovery(organisation: Any) -> Recovery:
    """A password reset of a standard account, just opened."""
    return Recovery(organisation)


def test_a_reset_goes_from_intake_to_close(recovery: Recovery) -> None:
    """Each person takes their own step, and the new password is read by the caller's browser alone and works."""
    organisation = recovery.organisation
    recovery.verified()
    assert recovery.read()["state"] == "releasable"
    assert recovery.step(organisation.sign_in("hanne"), "release").json()["state"] == "released"
    key = ECKey.generate_key("P-256")
    public = {k: v for k, v in key.as_dict(private=False).items() if k in {"kty", "crv", "x", "y"}}
    assert recovery.shown()["hand_over"]["step"] == "key"
    assert recovery.says("hand-over", {"jwk": public}).json()["hand_over"]["step"] == "working"
    organisation.works()
    organisation.passes(minutes=2)
    assert recovery.shown()["hand_over"]["step"] == "ready"
    assert recovery.says("hand-over/take").status_code == 403
    assert recovery.says("hand-over/methods", {"method": "totp"}).status_code == 201
    assert recovery.proves().json()["hand_over"]["reproved"]
    (sealed,) = recovery.says("hand-over/take").json()["envelopes"]
    assert recovery.says("hand-over/take").status_code == 403
    opened = jwe.decrypt_compact(sealed, key).plaintext
    assert opened is not None
    assert organisation.sandbox.sign_in("m.lindqvist", opened.decode()) is SignIn.MUST_CHANGE
    closed = recovery.step(recovery.agent, "close").json()
    assert closed["state"] == "closed"
    assert [c["outcome"] for c in closed["changes"]] == ["done", "done"]
    assert [e["type"] for e in closed["entries"]][:3] == ["case.opened", "ticket.linked", "challenge.begun"]


def test_an_approver_says_yes_to_exactly_one_request(organisation: Any) -> None:
    """A digest that is not the one shown is a conflict; the right one of the right person approves."""
    recovery = Recovery(organisation, action="bypass_code")
    recovery.step(recovery.agent, "ticket", {"ticket": "INC-1"})
    recovery.step(recovery.agent, "methods", {"method": "totp"})
    recovery.proves()
    person = recovery.step(recovery.agent, "methods", {"method": "in_person"})
    said = {"answer": "passport, front desk Hamburg"}
    attested = recovery.step(recovery.agent, f"methods/{person.json()['challenge']}", said)
    assert attested.json() == {"state": "awaiting approval"}
    request = recovery.read()["request"]
    tomas = organisation.sign_in("tomas")
    assert recovery.step(tomas, "approval", {"digest": "0" * 64, "approve": True}).status_code == 409
    mine = recovery.step(recovery.agent, "approval", {"digest": request["digest"], "approve": True})
    assert mine.status_code == 403
    approved = recovery.step(tomas, "approval", {"digest": request["digest"], "approve": True}).json()
    assert (approved["state"], approved["approvals"]) == ("releasable", ["tomas"])


def test_an_approver_signs_with_their_passkey(organisation: Any) -> None:
    """The approval's address says what to sign; the browser's answer is the yes, stored whole, and nobody else's is."""
    tomas = organisation.app.names.person("tomas")
    own, other = SoftAuthenticator("http://localhost:8787"), SoftAuthenticator("http://localhost:8787")
    enrol(organisation, tomas, own)
    recovery = Recovery(organisation, action="factor_reset", factors=["otp-8841"])
    recovery.step(recovery.agent, "ticket", {"ticket": "INC-1"})
    approver = organisation.sign_in("tomas")
    address = f"/api/cases/{recovery.case}/approval"
    assert approver.get(address).status_code == 403
    recovery.step(recovery.agent, "methods", {"method": "totp"})
    recovery.proves()
    recovery.hears()
    shown = approver.get(address).json()
    assert shown["request"] == recovery.read()["request"]
    assert (shown["namespace"], shown["needed"]) == ("reset-approval@example.test/desk", False)
    asked = json.loads(shown["options"])
    assert asked["userVerification"] == "required"
    assert [c["id"] for c in asked["allowCredentials"]] == [b64(own.credential_id)]
    assert recovery.agent.get(address).status_code == 403
    digest = shown["request"]["digest"]
    for answer in (other.get(shown["options"]), own.get(shown["options"], user_verified=False), "{}"):
        wrong = recovery.step(approver, "approval", {"digest": digest, "approve": True, "assertion": answer})
        assert wrong.status_code == 403, wrong.text
    right = {"digest": digest, "approve": True, "assertion": own.get(shown["options"])}
    approved = recovery.step(approver, "approval", right).json()
    assert (approved["state"], approved["approvals"]) == ("releasable", ["tomas"])
    assert recovery.step(approver, "approval", right).status_code == 409


def enrol(organisation: Any, person: PersonId, own: SoftAuthenticator) -> None:
    """Enrol *own* for *person*, as an administrator does."""
    app, at = organisation.app, organisation.at
    options = app.passkey.enrolment_options(challenge="ch-enrol", person=person, login="tomas")
    public = app.passkey.enrol(challenge="ch-enrol", person=person, answer=own.create(options))
    credential = Credential(id=app.ledger.pseudonym("k"), method="passkey", enrolled_at=at, public=public)
    app.people.enrol(app.names.person("root"), person, credential, None, at)


def test_a_wider_release_is_refused(recovery: Recovery) -> None:
    """A releaser who believes more was approved than was hears so, and nothing is released."""
    recovery.verified()
    hanne = recovery.organisation.sign_in("hanne")
    account = recovery.read()["account"]
    wider = {"changes": [{"kind": "reset_password", "account": account}, {"kind": "reset_factors", "account": account}]}
    refused = recovery.step(hanne, "release", wider)
    assert refused.status_code == 403
    assert refused.json()["reasons"] == ["wider_than_approved"]
    assert recovery.read()["state"] == "releasable"


def test_wrong_answers_count_and_the_third_ends_the_method(recovery: Recovery) -> None:
    """The caller hears that it was wrong; after the third the challenge is gone and the failure sticks."""
    recovery.step(recovery.agent, "methods", {"method": "totp"})
    challenge = recovery.shown()["waiting"][0]["challenge"]
    for left in (2, 1):
        assert recovery.says(f"answers/{challenge}", {"answer": "000000"}).status_code == 403
        assert recovery.shown()["waiting"][0]["tries_left"] == left
    assert recovery.says(f"answers/{challenge}", {"answer": "000000"}).status_code == 403
    assert recovery.shown()["waiting"] == []


def test_an_agent_can_not_answer_for_the_person(recovery: Recovery) -> None:
    """What software checks is answered on the person's own page and nowhere else."""
    begun = recovery.step(recovery.agent, "methods", {"method": "totp"}).json()
    code = recovery.app.at(recovery.organisation.at)
    refused = recovery.step(recovery.agent, f"methods/{begun['challenge']}", {"answer": code})
    assert refused.status_code == 403
    assert refused.json()["reasons"] == ["wrong_hands"]


def test_a_proof_before_the_ticket_waits_for_it(recovery: Recovery) -> None:
    """An answer proves whatever else is missing; asking on is then a step of its own."""
    recovery.step(recovery.agent, "methods", {"method": "totp"})
    assert recovery.proves().status_code == 200
    recovery.hears()
    assert recovery.read()["state"] == "verifying"
    recovery.step(recovery.agent, "ticket", {"ticket": "INC-2"})
    assert recovery.step(recovery.agent, "ask").json()["state"] == "releasable"


def test_a_case_can_be_withdrawn_escalated_and_contained(organisation: Any) -> None:
    """The other ways a case goes are there too."""
    withdrawn = Recovery(organisation)
    assert withdrawn.step(withdrawn.agent, "withdraw", {"why": "He remembered it."}).json()["state"] == "withdrawn"
    escalated = Recovery(organisation)
    raised = escalated.step(escalated.agent, "escalate").json()
    assert raised["raised"]
    contained = Recovery(organisation)
    contained.verified()
    contained.step(organisation.sign_in("hanne"), "release")
    noor = organisation.sign_in("noor")
    assert "enabled" in contained.step(noor, "contain", {"why": "It was not him."}).json()
    assert contained.read()["state"] == "contained"
    assert escalated.read()["state"] == "frozen"


def test_the_code_page_asks_for_what_the_call_said(organisation: Any) -> None:
    """An automated call goes out as an effect; what it says, typed on the caller's page, proves."""
    recovery = Recovery(organisation)
    recovery.step(recovery.agent, "methods", {"method": "call_code"})
    organisation.works()
    challenge = recovery.shown()["waiting"][0]["challenge"]
    answer = recovery.says(f"answers/{challenge}", {"answer": organisation.code("call")})
    assert answer.status_code == 200, answer.text
    assert recovery.read()["challenges"][0]["ended"]


def test_the_person_enters_a_new_contact_point_and_nobody_else(organisation: Any) -> None:
    """The agent names the kind alone; the person's browser is bound, reads it back, and what it entered is set."""
    body = RESET | {"action": "recovery_info_change", "contact": "phone"}
    agent = organisation.sign_in("ilse")
    typed = agent.post("/api/cases", body | {"contact_value": "+447700900123"})
    assert (typed.status_code, agent.get("/api/cases").json()) == (400, [])
    recovery = Recovery(organisation, action="recovery_info_change", contact="phone")
    recovery.step(recovery.agent, "ticket", {"ticket": "INC-1"})
    assert recovery.shown()["contact"] == {"kind": "phone", "step": "enter", "mine": False, "value": None}
    early = recovery.step(recovery.agent, "methods", {"method": "totp"})
    assert (early.status_code, early.json()["reasons"]) == (403, ["contact_not_entered"])
    assert recovery.read()["waits_for_contact"]
    wrong = recovery.says("contact", {"value": "0304711"})
    assert (wrong.status_code, wrong.json()["where"]) == (422, ["value"])
    assert "set-cookie" not in wrong.headers
    entered = recovery.says("contact", {"value": "+49 30 555 00199"})
    cookie = entered.headers["set-cookie"].lower()
    assert all(word in cookie for word in ("httponly", "samesite=strict", f"path=/api/caller/{recovery.case}"))
    assert entered.json()["contact"] == {"kind": "phone", "step": "entered", "mine": True, "value": "+493055500199"}
    assert recovery.step(recovery.agent, "methods", {"method": "totp"}).status_code == 201
    mine, recovery.caller = recovery.caller, organisation.listener(recovery.case)
    stranger = recovery.shown()
    assert stranger["contact"] == {"kind": "phone", "step": "entered", "mine": False, "value": None}
    assert stranger["waiting"] == []
    challenge = recovery.read()["challenges"][0]["challenge"]
    for path, said in (("contact", {"value": "+447700900123"}), (f"answers/{challenge}", {"answer": "000000"})):
        refused = recovery.says(path, said)
        assert (refused.status_code, refused.json()["reasons"]) == (403, ["other_browser"])
    recovery.caller = mine
    assert recovery.proves().status_code == 200
    person = recovery.step(recovery.agent, "methods", {"method": "in_person"}).json()["challenge"]
    recovery.step(recovery.agent, f"methods/{person}", {"answer": "passport, front desk Hamburg"})
    read = recovery.read()
    assert read["state"] == "holding"
    assert read["changes"][0]["words"].startswith("Replace the phone number of record with +49 ••• •• 99 (commitment ")
    assert "493055500199" not in recovery.agent.get(f"/api/cases/{recovery.case}").text
    assert "493055500199" not in recovery.agent.get(f"/cases/{recovery.case}").text
    assert recovery.says("contact", {"value": "+447700900123"}).status_code == 403
    organisation.works()
    organisation.passes(hours=24)
    recovery.step(organisation.sign_in("hanne"), "release")
    organisation.works()
    organisation.works()
    assert recovery.read()["state"] == "delivered"
    assert recovery.shown()["contact"]["step"] == "over"
    assert organisation.client().get(f"/api/caller{recovery.page}").json()["confirm"] == ""
    assert recovery.shown()["confirm"].endswith("UTC")
    assert recovery.step(organisation.sign_in("dario"), "object", {"said": "she rang: not me"}).status_code == 200
    shown = recovery.shown()
    assert (shown["confirm"], shown["stopped"][-3:]) == ("", "UTC")
    waits = recovery.says("confirmation", {})
    assert (waits.status_code, waits.json()["reasons"]) == (403, ["care_stopped"])
    wen, page = organisation.sign_in("wen"), f"/cases/{recovery.case}"
    assert "the person&#39;s own word waits" in wen.get(page).text
    assert wen.form(f"{page}/lift", why="she had read the mail of another case").status_code == 303
    assert "the person&#39;s own word waits" not in wen.get(page).text
    assert recovery.shown()["stopped"] == ""
    assert recovery.says("confirmation", {}).json()["confirm"] == ""
    assert "care.confirmed" in [e.entry.type for e in organisation.app.ledger.read(f"case/{recovery.case}")]
    phones = {
        c.value for c in organisation.app.desk.intake.find("sandbox", "m.lindqvist").contacts if c.kind == "phone"
    }
    assert phones == {"+493055500199"}


def test_people_are_administered_by_administrators(organisation: Any) -> None:
    """An administrator makes somebody known and gives a role; anybody else is refused."""
    root, ilse = organisation.sign_in("root"), organisation.sign_in("ilse")
    somebody = {"login": "petra", "name": "Petra Holloway", "unit": "Sales"}
    assert ilse.post("/api/people", somebody).status_code == 403
    assert root.post("/api/people", somebody).status_code == 201
    assert root.post("/api/people", somebody).status_code == 409
    assert root.post("/api/people/petra/roles", {"role": "agent", "unit": "Sales"}).status_code == 201
    linked = root.post("/api/people/petra/accounts", {"directory": "sandbox", "account": "t.adeyemi"})
    assert linked.status_code == 409
    assert root.post("/api/people/petra/credentials", {"method": "password", "password": "short"}).status_code == 422


def test_where_the_evidence_stands(organisation: Any) -> None:
    """The ledger's checkpoint, the board and the health are answered to whoever may see them."""
    noor = organisation.sign_in("noor")
    ledger = noor.get("/api/ledger").json()
    assert ledger["origin"] == "example.test/desk"
    assert ledger["checkpoint"].startswith(f"example.test/desk\n{ledger['size']}\n")
    assert noor.get("/api/board").json() == []
    assert organisation.sign_in("nobody").get("/api/board").status_code == 404
    assert organisation.client().get("/healthz").json() == {"entries": organisation.app.ledger.size}
