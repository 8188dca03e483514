"""Destinations come from the record: no body, form or address of the desk takes one, and none is shown whole."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.api.test_story import RESET, Recovery

PLACES = re.compile(r"phone|mail|number|address|destination|contact|^to$|recipient")

KNOWN = {"OpenCase.contact", "OpenCase.origin", "EnterContact.value"}
"""Named by its kind alone; where the caller called from; and what the person enters on their own page."""


@pytest.fixture
def recovery(organisation: Any) -> Recovery:
    """A password reset of a standard account, just opened."""
    return Recovery(organisation)


def test_no_body_of_the_api_takes_a_destination(organisation: Any) -> None:
    """A field that could hold one is known here by name, so that a new one has to be looked at."""
    schemas = organisation.sign_in("ilse").get("/api/schema/openapi.json").json()["components"]["schemas"]
    asked = {ref for path in _bodies(organisation) for ref in path}
    fields = {f"{name}.{field}" for name in asked for field in schemas[name].get("properties", {})}
    assert fields
    assert {f for f in fields if PLACES.search(f.partition(".")[2])} <= KNOWN


def _bodies(organisation: Any) -> list[set[str]]:
    paths = organisation.sign_in("ilse").get("/api/schema/openapi.json").json()["paths"]
    under = [
        operation
        for path, operations in paths.items()
        if path.startswith(("/api/cases", "/api/caller", "/api/accounts"))
        for operation in operations.values()
    ]
    return [set(re.findall(r"schemas/(\w+)", str(o.get("requestBody", "")))) for o in under]


@pytest.mark.parametrize("extra", ["to", "destination", "contact", "phone"])
def test_a_challenge_with_a_destination_is_no_request(recovery: Recovery, extra: str) -> None:
    """The API names the unknown field and begins nothing."""
    recovery.step(recovery.agent, "ticket", {"ticket": "INC-1"})
    answer = recovery.step(recovery.agent, "methods", {"method": "mail_code", extra: "thief@example.test"})
    assert answer.status_code == 400, answer.text
    assert recovery.read()["challenges"] == []


def test_a_form_with_a_destination_sends_to_the_record(recovery: Recovery) -> None:
    """What is added to the console's own form is not looked at: the code goes to the address of record."""
    recovery.step(recovery.agent, "ticket", {"ticket": "INC-1"})
    recovery.agent.form(f"/cases/{recovery.case}/begin", method="mail_code", to="thief@example.test")
    recovery.organisation.works()
    outbox = recovery.organisation.app.outbox
    assert outbox is not None
    assert [sent.recipient for sent in outbox.sent() if "case" in sent.subject] == ["m.lindqvist@example.test"]


def test_the_page_shows_the_record_masked_and_with_its_age(recovery: Recovery) -> None:
    """Enough to recognise one's own, too little to use another's; a change of yesterday greys it out with the day."""
    recovery.step(recovery.agent, "ticket", {"ticket": "INC-1"})
    page = recovery.agent.get(f"/cases/{recovery.case}").text
    assert "m•••@e•••.test" in page
    assert "m.lindqvist@example.test" not in page
    assert "+4420794604417" not in page
    assert "20794" not in page


def test_what_is_missing_is_told_with_the_ways_there_are(recovery: Recovery) -> None:
    """The API says in words what is missing, and of each method whether it brings the case on or why not."""
    recovery.step(recovery.agent, "ticket", {"ticket": "INC-1"})
    shown = recovery.read()
    ways = {way["method"]: way for way in shown["ways"]}
    assert (ways["totp"]["state"], ways["totp"]["completes"]) == ("ready", False)
    assert shown["within_reach"] is True
    assert (ways["passkey"]["state"], ways["passkey"]["why"]) == ("absent", "Nothing is on record for it.")
    passkey, pair = (one["words"] for one in shown["missing"])
    assert passkey.startswith("one more method, weight 0 of 4, passkey required")
    assert pair.startswith("2 more independent methods, weight 0 of 4, one of passkey or authenticator code")
    recovery.step(recovery.agent, "methods", {"method": "totp"})
    assert recovery.proves().status_code == 200
    shown = recovery.read()
    ways = {way["method"]: way for way in shown["ways"]}
    assert (ways["call_code"]["state"], ways["call_code"]["completes"]) == ("ready", True)
    assert ways["mail_code"]["why"] == "It adds nothing to Authenticator code: the same false page or caller."
    _, pair = (one["words"] for one in shown["missing"])
    assert pair == "one more method, weight 2 of 4"


def test_opening_a_case_takes_no_new_contact_either(organisation: Any) -> None:
    """A case that changes a contact point is opened with its kind; a value is refused by name."""
    agent = organisation.sign_in("ilse")
    answer = agent.post("/api/cases", RESET | {"action": "recovery_info_change", "contact": "+4420794604400"})
    assert answer.status_code == 400
