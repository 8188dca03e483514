"""The person's own page in each language, in a real browser over a real desk."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.api.organisation import Organisation
from watchword.core.change import ContactKind
from watchword.core.ids import CaseId
from watchword.languages.catalogue import NAMES, words
from watchword.reception import countersign
from watchword.web import view
from watchword.web.render import render

OTHERS = tuple(tag for tag in NAMES if tag != "en")


def opened(organisation: Organisation, action: str = "password_reset", **wish: str) -> tuple[str, str]:
    """A new case and the path of the person's page."""
    agent = organisation.sign_in("ilse")
    said = agent.post("/api/cases", {"directory": "sandbox", "account": "m.lindqvist", "action": action, **wish}).json()
    return said["case"], said["page"].split(":8787")[1]


@pytest.mark.parametrize("tag", OTHERS)
@pytest.mark.parametrize("contact", [None, *ContactKind])
def test_no_english_sentence_is_left_on_the_page(
    pages: dict[str, view.Page], tag: str, contact: ContactKind | None
) -> None:
    """Rendered in another language the page holds no text of the English one, its script's words included."""
    chrome = pages["CallerPage"].chrome
    say = words(tag)

    def page(language: str) -> str:
        return render(
            view.CallerPage(
                chrome=view.Chrome(at=chrome.at, csrf="", sandbox=words(language)("page.directory", names="corp")),
                case="c-1",
                action=words(language)("action.password_reset"),
                what="password",
                api="/api/caller/c-1/t",
                contact=contact,
                language=language,
            )
        )

    english, other = page("en"), page(tag)
    assert f'<html lang="{tag}">' in other
    assert say("page.begin") in other
    sentences = {t.strip() for t in re.findall(r">([^<>]{4,})<", english) if len(t.split()) > 1}
    assert len(sentences) > 8
    assert not {s for s in sentences if s in other}
    assert words("en")("say.waiting") not in other


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
    assert context.cookies() == [] or {c["name"] for c in context.cookies()} <= {"csrftoken"}
    context.close()


@pytest.mark.parametrize("tag", NAMES)
def test_a_challenge_and_its_refusal_are_in_the_language_of_the_page(organisation: Organisation, tag: str) -> None:
    """The title, what to do and why an answer was wrong come in the language the page asks for."""
    case, path = opened(organisation)
    agent = organisation.sign_in("ilse")
    begun = agent.post(f"/api/cases/{case}/methods", {"method": "mail_code"}).json()["challenge"]
    _, _, _, token = path.split("/")
    caller, headers = organisation.client(), {"accept-language": tag}
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
