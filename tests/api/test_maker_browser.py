"""A page of somebody's own in a browser of the desk's: refused, noted, and nothing of another's is made there."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pyarrow.parquet as pq
import pytest

from tests.api.organisation import Organisation, Staff
from tests.methods.test_push_number import PromptBrowser
from watchword.core.errors import Refused
from watchword.core.ids import PersonId
from watchword.desk.browsers import Visitor

REFUSED = (403, ["maker_browser"])
PLACES = {"enrol": "enrolment-page", "codes": "recovery-codes", "prompts": "prompts"}
"""Where each kind of page is, and where its address is made."""


class Given:
    """The address of a page for *login*, made by *maker* in their own browser."""

    def __init__(self, organisation: Organisation, kind: str, maker: Staff, login: str = "mara") -> None:
        self.organisation, self.kind, self.maker, self.login = organisation, kind, maker, login
        made = maker.post(f"/api/people/{login}/{PLACES[kind]}").json()
        self.token = made["address"].rpartition("#" if kind == "prompts" else "/")[2]
        self.code = made["code"]

    def tried(self, browser: httpx2.Client) -> tuple[int, Any]:
        """What making something there gets in *browser*, with the right code."""
        spoken = {"spoken": self.code}
        if self.kind == "prompts":
            key = PromptBrowser()
            body = spoken | {"offer": self.token, "x": key.x, "y": key.y}
            answer = browser.post("/api/prompts/browsers", json=body)
        else:
            answer = browser.post(
                f"/api/{self.kind}/{self.token}{'/apps' if self.kind == 'enrol' else ''}", json=spoken
            )
        return answer.status_code, answer.json().get("reasons")

    def noted(self) -> list[str]:
        """Whose browsers the ledger says that it was asked for in."""
        names = self.organisation.app.names
        entries = self.organisation.app.ledger.read(f"person/{names.person(self.login)}")
        mine = (PersonId(str(e.entry.data["by"])) for e in entries if e.entry.type == "page.turned_away")
        return [names.said(person)[0] for person in mine]

    def has_nothing(self) -> bool:
        """Whether nothing was made for whoever it is."""
        app = self.organisation.app
        return not [c for c in app.registry.person(app.names.person(self.login)).credentials if c.method != "password"]


def signs_out(staff: Staff) -> httpx2.Client:
    """The browser of *staff*, with nobody signed in any more."""
    staff.client.delete("/api/session", headers={"x-csrftoken": staff.token})
    assert staff.get("/api/session").status_code == 401
    return staff.client


@pytest.mark.parametrize("kind", PLACES)
def test_whoever_made_the_address_makes_nothing_there(organisation: Organisation, kind: str) -> None:
    """Signed in or out, with the right code: they know it. Nor does a colleague who is signed in. The person does."""
    given = Given(organisation, kind, organisation.sign_in("root"))
    assert given.tried(organisation.sign_in("ilse").client) == REFUSED
    assert given.tried(given.maker.client) == REFUSED
    browser = signs_out(given.maker)
    assert given.tried(browser) == REFUSED
    Staff(browser, "mara")  # whose password they may have set themself
    assert given.tried(browser) == REFUSED
    assert given.noted() == ["ilse", "root"]
    assert given.has_nothing()
    status, reasons = given.tried(organisation.client())
    assert (status // 100, reasons) == (2, None)


@pytest.mark.parametrize("kind", ["enrol", "codes"])
def test_the_page_itself_says_so(organisation: Organisation, kind: str) -> None:
    """In the language of whoever reads it, with the way on; to look at it elsewhere is nothing to note."""
    given = Given(organisation, kind, organisation.sign_in("root"))
    address = f"/{kind}/{given.token}"
    page = given.maker.client.get(address, headers={"accept-language": "fr"})
    assert page.status_code == 403
    assert "sur un appareil à vous" in page.text
    assert given.noted() == ["root"]
    assert organisation.client().get(address).status_code == 200
    shown = organisation.sign_in("root").get("/people/mara").text
    assert "it was asked for in a browser of root" in shown


def test_every_step_asks_whose_browser_it_is(organisation: Organisation) -> None:
    """What was begun on the person's device is not ended at the desk."""
    given = Given(organisation, "enrol", organisation.sign_in("root"))
    own, spoken = organisation.client(), {"spoken": given.code}
    offer = own.post(f"/api/enrol/{given.token}/apps", json=spoken).json()
    key = own.post(f"/api/enrol/{given.token}/passkeys", json=spoken).json()
    for path, body in (
        ("passkeys", {}),
        (f"passkeys/{key['challenge']}", {"answer": "{}"}),
        ("apps/code", {"challenge": offer["challenge"], "code": "000000"}),
    ):
        said = given.maker.client.post(f"/api/enrol/{given.token}/{path}", json=spoken | body)
        assert (said.status_code, said.json()["reasons"]) == REFUSED, path
    assert given.noted() == ["root"]


@pytest.mark.parametrize("kind", PLACES)
def test_an_agent_enrols_for_themself_where_they_are_signed_in(organisation: Organisation, kind: str) -> None:
    """An address that another one made for them opens in their own browser."""
    given = Given(organisation, kind, organisation.sign_in("root"), "ilse")
    status, reasons = given.tried(organisation.sign_in("ilse").client)
    assert (status // 100, reasons) == (2, None)
    assert not given.noted()


def test_who_asks_from_many_tabs_at_once_is_noted_once(organisation: Organisation) -> None:
    """None of them is shown the page; the ledger and the watch hear of it once, and the person can still enrol."""
    given = Given(organisation, "enrol", organisation.sign_in("root"))
    links, tabs = organisation.app.own_enrolment.links, threading.Barrier(8)
    ilse = Visitor(signed_in=organisation.app.names.person("ilse"))

    def asks(_: int) -> str:
        tabs.wait()
        with pytest.raises(Refused) as refused:
            links.demand_theirs(given.token, ilse, organisation.at)
        return refused.value.what

    with ThreadPoolExecutor(8) as several:
        assert len(set(several.map(asks, range(8)))) == 1
    assert given.noted() == ["ilse"]
    assert given.tried(organisation.client())[0] == 200


def test_an_address_that_leads_nowhere_notes_nothing(organisation: Organisation) -> None:
    """What was used, or never was one, is answered as it is to everybody."""
    given = Given(organisation, "codes", organisation.sign_in("root"))
    assert given.tried(organisation.client())[0] == 200
    assert given.tried(given.maker.client)[0] == 404
    assert given.maker.client.get(f"/codes/{given.token}").status_code == 404
    assert not given.noted()


def test_the_watch_is_told_whose_browser_it_was(organisation: Organisation) -> None:
    """A row of activity beside those of cases: who, and whose page."""
    given = Given(organisation, "enrol", organisation.sign_in("root"))
    given.tried(given.maker.client)
    organisation.app.follow()
    rows = [r for file in organisation.app.activity.folder.glob("*.parquet") for r in pq.read_table(file).to_pylist()]
    (row,) = (r for r in rows if r["did"] == "turned_away")
    names = organisation.app.names
    assert (row["person"], row["other"], row["case"]) == (names.person("root"), names.person("mara"), None)
