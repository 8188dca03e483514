"""Two-way verification and “not me” on the person's page, in a real browser over a real desk."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.api.organisation import Organisation
from watchword.core.ids import CaseId
from watchword.languages.catalogue import words
from watchword.reception import countersign

SAY = words("en")


@pytest.fixture
def caller(browser: Browser, organisation: Organisation) -> Iterator[Page]:
    """The locked-out person's browser."""
    context = browser.new_context(base_url=organisation.url)
    page = context.new_page()
    page.set_default_timeout(10_000)
    complaints: list[str] = []
    page.on("pageerror", lambda e: complaints.append(str(e)))
    yield page
    context.close()
    assert not complaints


def opened(organisation: Organisation, **how: str) -> tuple[CaseId, str]:
    """A new case with a code under way, and the path of the person's page."""
    agent = organisation.sign_in("ilse")
    wish = {"directory": "sandbox", "account": "m.lindqvist", "action": "password_reset", **how}
    said = agent.post("/api/cases", wish).json()
    agent.post(f"/api/cases/{said['case']}/methods", {"method": "mail_code"})
    return CaseId(said["case"]), said["page"].split(":8787")[1]


def test_the_desk_speaks_first(caller: Page, organisation: Organisation) -> None:
    """Nothing is asked of the person until they heard a word that only the desk has; then they learn their own."""
    case, path = opened(organisation)
    shown = organisation.sign_in("ilse").get(f"/api/cases/{case}").json()["words"]
    caller.goto(path)
    expect(caller.get_by_role("heading", name=SAY("page.check"))).to_be_visible()
    expect(caller.get_by_label("Code")).to_be_hidden()
    assert shown["second"] not in caller.content()
    assert caller.locator("#heard button").count() == countersign.OFFERED
    wrong = next(b for b in caller.locator("#heard button").all() if b.inner_text() != shown["first"])
    wrong.click()
    expect(caller.get_by_role("alert")).to_contain_text(SAY("refused.not_the_word.what"))
    expect(caller.get_by_label("Code")).to_be_hidden()
    caller.get_by_role("button", name=shown["first"]).click()
    expect(caller.locator("#second")).to_have_text(shown["second"])
    expect(caller.get_by_label("Code")).to_be_visible()
    caller.reload()
    expect(caller.locator("#second")).to_have_text(shown["second"])


def test_no_word_was_right_stops_the_case(caller: Page, organisation: Organisation) -> None:
    """Whoever rings without a case before them is given away by one tap, and the desk sees it at once."""
    case, path = opened(organisation)
    caller.goto(path)
    caller.get_by_role("button", name=SAY("page.check_none")).click()
    expect(caller.locator("#quiet")).to_have_text(SAY("say.paused"))
    told = organisation.sign_in("ilse").get(f"/api/cases/{case}").json()
    assert (told["state"], told["paused"]) == ("paused", True)


def test_not_me_stops_the_case_from_the_page(caller: Page, organisation: Organisation) -> None:
    """It takes two taps and no proof, and nothing can be answered afterwards."""
    _, path = opened(organisation, channel="walk_in")
    caller.goto(path)
    expect(caller.get_by_label("Code")).to_be_visible()
    caller.get_by_text(SAY("page.not_me"), exact=True).click()
    caller.get_by_role("button", name=SAY("page.not_me_stop")).click()
    expect(caller.locator("#quiet")).to_have_text(SAY("say.paused"))
    expect(caller.get_by_label("Code")).to_be_hidden()
    expect(caller.get_by_role("button", name=SAY("page.not_me_stop"))).to_be_hidden()


def test_the_desk_stops_it_and_duty_lets_it_go_on(browser: Browser, organisation: Organisation) -> None:
    """The buttons of the case page do what the API does, and only somebody on duty has the second one."""
    case, _ = opened(organisation)
    agent, duty = organisation.sign_in("ilse"), organisation.sign_in("noor")
    assert agent.form(f"/cases/{case}/object", said="she called: not me").status_code == 303
    assert "Lift the pause" not in agent.get(f"/cases/{case}").text
    assert "Lift the pause" in duty.get(f"/cases/{case}").text
    assert duty.form(f"/cases/{case}/lift", why="called her back").status_code == 303
    assert duty.get(f"/api/cases/{case}").json()["state"] == "verifying"


@pytest.mark.parametrize(("channel", "asked"), [("phone", True), ("chat", True), ("walk_in", False), ("portal", False)])
def test_words_are_asked_where_somebody_claims_to_be_the_desk(
    organisation: Organisation, channel: str, asked: bool
) -> None:
    """At a counter and in the portal nobody rings up, so nothing stands in the way."""
    case, _ = opened(organisation, channel=channel)
    assert bool(countersign.offered(organisation.app, organisation.app.desk.steps.load(case).case)) is asked


def test_the_words_are_of_one_case_and_shown_to_who_verifies(organisation: Organisation) -> None:
    """Two cases have different pairs; an auditor or reviewer reads neither word."""
    (one, _), (other, _) = opened(organisation), opened(organisation)
    assert countersign.pair(organisation.app, one) != countersign.pair(organisation.app, other)
    assert organisation.sign_in("rafael").get(f"/api/cases/{one}").json()["words"] is None
