"""The person's own page in each language, in a real browser over a real desk."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

import pytest
from joserfc.jwk import ECKey
from playwright.sync_api import Browser, Page, expect

from tests.api.organisation import Organisation
from tests.web.conftest import AT
from watchword.core.change import ContactKind
from watchword.core.ids import CaseId
from watchword.languages.catalogue import NAMES, words
from watchword.reception import countersign
from watchword.web import view
from watchword.web.render import STATIC, render

OTHERS = tuple(tag for tag in NAMES if tag != "en")


def opened(organisation: Organisation, action: str = "password_reset", **wish: str) -> tuple[str, str]:
    """A new case and the path of the person's page."""
    agent = organisation.sign_in("ilse")
    said = agent.post("/api/cases", {"directory": "sandbox", "account": "m.lindqvist", "action": action, **wish}).json()
    return said["case"], said["page"].split(":8787")[1]


def _caller(contact: ContactKind | None) -> Callable[[view.Chrome, str], view.Page]:
    def page(chrome: view.Chrome, language: str) -> view.Page:
        action = words(language)("action.password_reset")
        return view.CallerPage(
            chrome=chrome, case="c-1", action=action, what="password", api="/a", contact=contact, language=language
        )

    return page


THEIRS: dict[str, Callable[[view.Chrome, str], view.Page]] = {
    **{f"caller-{contact or 'no contact'}": _caller(contact) for contact in (None, *ContactKind)},
    "codes": lambda chrome, language: view.CodesPage(chrome=chrome, api="/a", language=language),
    "enrol": lambda chrome, language: view.EnrolPage(chrome=chrome, api="/a", name="Mara", language=language),
    "go": lambda chrome, language: view.GoPage(chrome=chrome, language=language),
    "prompts": lambda chrome, language: view.PromptsPage(chrome=chrome, language=language),
}
"""Every page that somebody outside the desk reads, in a language."""


@pytest.mark.parametrize("tag", OTHERS)
@pytest.mark.parametrize("name", THEIRS)
def test_no_english_sentence_is_left_on_the_page(tag: str, name: str) -> None:
    """Rendered in another language the page holds no text of the English one, its script's words included."""

    def page(language: str) -> str:
        simulated = words(language)("page.directory", names="corp")
        return render(THEIRS[name](view.Chrome(at=AT, csrf="", sandbox=simulated), language))

    english, other = page("en"), page(tag)
    assert f'<html lang="{tag}">' in other
    sentences = {t.strip() for t in re.findall(r">([^<>]{4,})<", english) if len(t.split()) > 1}
    said = {t for data in re.findall(r"data-say='([^']*)'", english) for t in json.loads(unescape(data)).values()}
    assert len(sentences) > 6
    assert len(said) > 4 or name == "go"  # which runs no script of its own
    assert not {s for s in sentences if s in other}
    held = [json.loads(unescape(data)) for data in re.findall(r"data-say='([^']*)'", other)]
    assert not said & {text for each in held for text in each.values()}


@pytest.mark.parametrize("script", ["caller.js", "codes.js", "enrol.js", "prompts.js"])
def test_the_scripts_of_these_pages_say_nothing_of_their_own(script: str) -> None:
    """No sentence stands in a script: what it says comes with the page, from the catalogue."""
    text = re.sub(r"(?m)(^|\s)//.*$", "", (STATIC / script).read_text(encoding="utf-8"))
    literals = [a or b or c for a, b, c in re.findall(r'"([^"\n]*)"|`([^`]*)`|\'([^\'\n]*)\'', text)]
    assert literals
    assert not [one for one in literals if re.match(r"[A-Z][a-z]+ [a-z]", one)]


def test_the_page_speaks_the_language_that_was_chosen(browser: Browser, organisation: Organisation) -> None:
    """The browser's language comes first, the link changes it, and what goes wrong is said in the same one."""
    _, path = opened(organisation, "recovery_info_change", contact="phone", channel="walk_in")
    context = browser.new_context(base_url=organisation.url, locale="fr-FR")
    page = context.new_page()
    page.goto(path)
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    expect(page.get_by_role("textbox", name=words("fr")("contact.phone.label"))).to_be_visible()
    page.get_by_role("link", name="Deutsch").click()
    expect(page.locator("html")).to_have_attribute("lang", "de")
    page.get_by_role("textbox", name="Ihre neue Telefonnummer").fill("030 55500199")
    page.get_by_role("button", name="Diese Nummer verwenden").click()
    expect(page.get_by_role("alert")).to_contain_text("Das ist keine vollständige Telefonnummer.")
    page.goto(path + "x")
    expect(page.get_by_role("heading", level=1)).to_have_text(words("fr")("refused.title"))
    assert context.cookies() == [] or {c["name"] for c in context.cookies()} <= {"csrftoken", "watchword_browser"}
    context.close()


@pytest.mark.parametrize("tag", NAMES)
def test_a_challenge_and_its_refusal_are_in_the_language_of_the_page(organisation: Organisation, tag: str) -> None:
    """The title, what to do and why an answer was wrong come in the language the page asks for."""
    case, path = opened(organisation)
    agent = organisation.sign_in("ilse")
    begun = agent.post(f"/api/cases/{case}/methods", {"method": "mail_code"}).json()["challenge"]
    _, _, _, token = path.split("/")
    caller, headers = organisation.listener(case), {"accept-language": tag}
    (waiting,) = caller.get(f"/api/caller/{case}/{token}", headers=headers).json()["waiting"]
    say = words(tag)
    assert waiting["title"] == say("method.mail_code")
    assert waiting["say"] == say("ask.mail_code")
    answer = f"/api/caller/{case}/{token}/answers/{begun}"
    problem = caller.post(answer, json={"answer": "00000000"}, headers=headers).json()
    assert problem["detail"] == say("refused.wrong_answer.what")
    assert problem["remedy"] == say("refused.wrong_answer.remedy")


@pytest.mark.parametrize("tag", ["de", "en"])
def test_the_longest_words_fit_a_phone(browser: Browser, organisation: Organisation, tmp_path: Path, tag: str) -> None:
    """At 360 pixels nothing of the page is wider than the screen."""
    case, path = opened(organisation, "recovery_info_change", contact="phone")
    context = browser.new_context(base_url=organisation.url, viewport={"width": 360, "height": 740}, locale=tag)
    page = context.new_page()
    page.goto(path)
    expect(page.locator("#check")).to_be_visible()
    page.locator("#not-me summary").click()
    page.screenshot(path=str(tmp_path / f"check-{tag}.png"), full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_role("button", name=countersign.pair(organisation.app, CaseId(case))[0]).click()
    expect(page.locator("#enter")).to_be_visible()
    page.screenshot(path=str(tmp_path / f"enter-{tag}.png"), full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    context.close()


@pytest.mark.parametrize("tag", NAMES)
def test_saved_codes_in_the_language_of_the_page(browser: Browser, organisation: Organisation, tag: str) -> None:
    """The page of new codes and the challenge that asks for one are in one language, and fit a phone."""
    made = organisation.sign_in("root").post("/api/people/mara/recovery-codes").json()
    link, say = made["address"].split(":8787")[1], words(tag)
    context = browser.new_context(base_url=organisation.url, viewport={"width": 360, "height": 740}, locale=tag)
    page = context.new_page()
    page.goto(link)
    expect(page.get_by_role("heading", level=1)).to_have_text(say("codes.title"))
    page.get_by_label(say("own_page.spoken")).fill(made["code"])
    _fits(page, f"codes-before-{tag}")
    page.get_by_role("button", name=say("codes.show")).click()
    expect(page.locator("#set li")).to_have_count(10)
    expect(page.locator(".languages")).to_have_count(0)
    _fits(page, f"codes-{tag}")
    page.goto(link)
    expect(page.get_by_role("heading", level=1)).to_have_text(say("refused.title"))
    case, path = opened(organisation, "unlock", channel="walk_in")
    agent = organisation.sign_in("ilse")
    assert agent.post(f"/api/cases/{case}/methods", {"method": "recovery_code"}).status_code == 201
    page.goto(path)
    expect(page.get_by_role("heading", name=say("method.recovery_code"))).to_be_visible()
    expect(page.locator("#say")).to_have_text(say("ask.recovery_code"))
    _fits(page, f"caller-code-{tag}")
    page.locator("#code").fill("AAAA-AAAA-AAAA-AAAA-AAAA-AAAA")
    page.get_by_role("button", name=say("page.continue")).click()
    expect(page.get_by_role("alert")).to_contain_text(say("refused.wrong_answer.what"))
    context.close()


def test_prompts_in_the_language_that_was_chosen(browser: Browser, organisation: Organisation) -> None:
    """The browser's language comes first; another one keeps the address that enrols, and the enrolled page keeps it."""
    made = organisation.sign_in("root").post("/api/people/mara/prompts").json()
    say = words("de")
    context = browser.new_context(base_url=organisation.url, viewport={"width": 360, "height": 740}, locale="fr")
    page = context.new_page()
    page.goto(made["address"].split(":8787")[1])
    expect(page.get_by_role("button", name=words("fr")("prompts.enrol"))).to_be_visible()
    page.get_by_role("link", name="Deutsch").click()
    expect(page.get_by_role("button", name=say("prompts.enrol"))).to_be_visible()
    page.get_by_label(say("own_page.spoken")).fill(made["code"])
    _fits(page, "prompts-enrol-de")
    page.get_by_role("button", name=say("prompts.enrol")).click()
    expect(page.locator("#quiet")).to_have_text(say("prompts_say.idle"))
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "de")
    case, _ = opened(organisation, "unlock", channel="walk_in")
    agent = organisation.sign_in("ilse")
    assert agent.post(f"/api/cases/{case}/methods", {"method": "push_number"}).status_code == 201
    expect(page.locator("#what")).to_have_text(say("action.unlock"))
    _fits(page, "prompts-de")
    page.get_by_role("button", name=say("page.not_me")).click()
    expect(page.locator("#quiet")).to_have_text(say("prompts_say.not_me"))
    context.close()


def test_what_is_wrong_with_an_offer_is_said_in_the_language_of_the_page(organisation: Organisation) -> None:
    """Each fault of the pages beside the caller's has its own words, and none are the desk's."""
    anybody, headers = organisation.client(), {"accept-language": "es"}
    say = words("es")
    public = ECKey.generate_key("P-256").as_dict(private=False)
    body = {"offer": "none.such", "spoken": "123456", "x": public["x"], "y": public["y"]}
    for method, path, sent, key in (
        ("POST", "/api/prompts/browsers", body, "page_over"),
        ("POST", "/api/codes/none", {"spoken": "1"}, "page_over"),
        ("GET", "/api/proofing/return?state=x", None, "other_browser"),
    ):
        problem = anybody.request(method, path, json=sent, headers=headers).json()
        assert problem["detail"] == say(f"refused.{key}.what")
        assert problem["remedy"] == say(f"refused.{key}.remedy")


def _fits(page: Page, name: str) -> None:
    """Nothing is wider than the screen; a picture where somebody wants to look."""
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    if folder := os.environ.get("WATCHWORD_PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)
