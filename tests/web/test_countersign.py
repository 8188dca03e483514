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


ACTS = (
    ("contact", {"value": "+49 30 555 00199"}),
    ("devices/{challenge}", None),
    ("hand-over", {"jwk": {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}}),
    ("hand-over/methods", {"method": "totp"}),
    ("hand-over/code", {"code": "123456"}),
    ("hand-over/take", None),
    ("answers/{challenge}", {"answer": "00000000"}),
)
"""All that a caller's page can do but to check the desk, and to stop."""


def test_the_server_takes_nothing_before_the_word_was_heard(organisation: Organisation) -> None:
    """Whatever a page sends of its own accord is refused with the way on, counts for nothing, and goes on later."""
    case, path = opened(organisation)
    challenge = organisation.sign_in("ilse").get(f"/api/cases/{case}").json()["challenges"][0]["challenge"]
    address, silent = f"/api/caller{path[2:]}", organisation.client()
    assert silent.post(f"{address}/check", json={"word": "zuzuz"}).status_code == 403
    sent = [(f"{address}/{to.format(challenge=challenge)}", body) for to, body in ACTS]
    sent.append((f"{address.replace('caller', 'proofing')}/{challenge}", None))
    for to, body in sent:
        refused = silent.post(to, json=body, headers={"accept-language": "de"})
        assert (refused.status_code, refused.json()["reasons"]) == (403, ["words_first"]), to
        assert refused.json()["remedy"] == words("de")("refused.words_first.remedy")
    assert organisation.app.desk.steps.load(case).case.challenges[0].misses == 0
    assert silent.get(address).json()["heard"] is False
    heard = organisation.listener(case, silent)
    assert heard.get(address).json()["heard"] is True
    assert heard.post(f"{address}/answers/{challenge}", json={"answer": "00000000"}).json()["reasons"] != [
        "words_first"
    ]
    assert organisation.app.desk.steps.load(case).case.challenges[0].misses == 1


def test_what_was_heard_is_of_one_case_and_one_browser(organisation: Organisation) -> None:
    """Neither another browser nor another case goes on by it, and a cookie that somebody makes up is none."""
    (one, here), (other, there) = opened(organisation), opened(organisation)
    heard = organisation.listener(one)
    assert heard.get(f"/api/caller{there[2:]}").json()["heard"] is False
    stranger = organisation.client()
    for value in ("", "yes", heard.cookies[countersign.cookie_of(one)]):
        stranger.cookies.set(countersign.cookie_of(other), value)
        assert stranger.get(f"/api/caller{there[2:]}").json()["heard"] is False
    assert organisation.client().get(f"/api/caller{here[2:]}").json()["heard"] is False


def test_a_page_that_forgot_asks_for_the_word_again(caller: Page, organisation: Organisation) -> None:
    """Where the cookie is gone the page does not show what the server would refuse, but the words once more."""
    case, path = opened(organisation)
    caller.goto(path)
    first, _ = countersign.pair(organisation.app, case)
    caller.get_by_role("button", name=first).click()
    expect(caller.get_by_label("Code")).to_be_visible()
    caller.context.clear_cookies()
    expect(caller.get_by_role("heading", name=SAY("page.check"))).to_be_visible()
    expect(caller.get_by_label("Code")).to_be_hidden()
    caller.get_by_role("button", name=first).click()
    expect(caller.get_by_label("Code")).to_be_visible()


@pytest.mark.parametrize(
    "how", [{"channel": "walk_in"}, {"channel": "portal"}, {"lane": "kiosk"}, {"lane": "kiosk", "channel": "chat"}]
)
def test_where_nobody_rings_up_no_word_stands_in_the_way(organisation: Organisation, how: dict[str, str]) -> None:
    """At a counter, in the portal and at a kiosk a page goes on at once."""
    case, path = opened(organisation, **how)
    address, silent = f"/api/caller{path[2:]}", organisation.client()
    shown = silent.get(address).json()
    assert (shown["check"], shown["heard"]) == ([], True)
    challenge = shown["waiting"][0]["challenge"]
    assert silent.post(f"{address}/answers/{challenge}", json={"answer": "00000000"}).json()["reasons"] != [
        "words_first"
    ]
    assert organisation.app.desk.steps.load(case).case.challenges[0].misses == 1


def test_the_text_lane_checks_the_desk_as_the_others_do(organisation: Organisation) -> None:
    """Who reads the word in a chat taps it as somebody does who hears it."""
    case, path = opened(organisation, lane="text", channel="chat")
    address = f"/api/caller{path[2:]}"
    assert organisation.client().get(address).json()["heard"] is False
    assert organisation.listener(case).get(address).json()["heard"] is True
