"""A number at the hand-over: shown by the browser that opened it, typed on the phone, over HTTP as both do it."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

from joserfc.jwk import ECKey

from tests.api.test_story import Recovery
from tests.methods.test_push_number import PromptBrowser
from watchword.desk.prompts import to_greet
from watchword.methods.push_number import to_sign


class Phone:
    """Mara's phone, enrolled at an address that an administrator made."""

    def __init__(self, organisation: Any) -> None:
        self.browser, self.client = PromptBrowser(), organisation.client()
        offered = organisation.sign_in("root").post("/api/people/mara/prompts").json()
        offer = offered["address"].partition("/prompts#")[2]
        body = {"offer": offer, "spoken": offered["code"], "x": self.browser.x, "y": self.browser.y}
        held = self.client.post("/api/prompts/browsers", json=body).json()
        self.address = f"/api/prompts/{held['person']}/{held['credential']}"
        assert self.client.post("/api/prompts/browsers", json=body).status_code == 404

    def waiting(self) -> Any:
        """The one prompt it shows."""
        greeting = self.client.get("/api/prompts/greeting").json()["greeting"]
        signed = {"greeting": greeting, "signature": self.browser.sign(to_greet(greeting))}
        (prompt,) = self.client.post(f"{self.address}/waiting", json=signed).json()["prompts"]
        return prompt

    def types(self, number: str) -> Any:
        """What the API answers to a number."""
        prompt = self.waiting()
        statement = base64.urlsafe_b64decode(prompt["statement"] + "==")
        answer = json.dumps({"number": number, "signature": self.browser.sign(to_sign(statement, number))})
        return self.client.post(f"{self.address}/answers/{prompt['challenge']}", json={"answer": answer})


def test_the_number_of_a_hand_over_is_shown_where_it_was_opened(organisation: Any) -> None:
    """The browser with the key shows the number; another one at the same address shows nothing, and takes nothing."""
    phone, recovery = Phone(organisation), Recovery(organisation)
    assert recovery.step(recovery.agent, "ticket", {"ticket": "INC-1"}).status_code == 200
    begun = recovery.step(recovery.agent, "methods", {"method": "push_number"}).json()
    (shown,) = recovery.shown()["waiting"]
    assert shown["kind"] == "elsewhere"
    assert not re.search(r"\d\d", shown["say"])
    found = re.search(r"number: (\d\d)", json.dumps(begun))
    assert found
    assert phone.types(found[1]).status_code == 200
    recovery.hears()
    assert recovery.step(organisation.sign_in("hanne"), "release").json()["state"] == "released"
    key = ECKey.generate_key("P-256")
    public = {k: v for k, v in key.as_dict(private=False).items() if k in {"kty", "crv", "x", "y"}}
    recovery.says("hand-over", {"jwk": public})
    organisation.works()
    organisation.passes(minutes=2)
    assert recovery.says("hand-over/methods", {"method": "push_number"}).status_code == 201
    (again,) = recovery.shown()["waiting"]
    number = re.search(r"Type (\d\d) ", again["say"])
    assert number
    stranger = organisation.client().get(f"/api/caller{recovery.page}").json()
    assert stranger["waiting"] == []
    assert phone.types(number[1]).status_code == 200
    assert recovery.shown()["hand_over"]["reproved"]
    assert organisation.client().post(f"/api/caller{recovery.page}/hand-over/take").status_code == 403
    assert len(recovery.says("hand-over/take").json()["envelopes"]) == 1
