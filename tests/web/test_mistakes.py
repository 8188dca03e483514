"""What somebody sees who errs on a page of theirs, in a real browser: how often they may still try, and what comes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.api.organisation import Organisation
from tests.web.test_languages import opened
from tests.web.test_recover import place
from watchword.languages.catalogue import NAMES, words

__all__ = ["place"]


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    """A phone of somebody who reads English."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="en-GB")
    page = context.new_page()
    page.set_default_timeout(15_000)
    yield page
    context.close()


def test_a_wrong_answer_says_how_many_tries_are_left_and_the_last_that_it_is_over(
    tab: Page, organisation: Organisation
) -> None:
    """Nobody is told to try again what can not be tried again; at once, and not only when the page asks next."""
    tab.add_init_script("window.setInterval = () => 0")  # it asks no next time
    case, path = opened(organisation, channel="walk_in")
    organisation.sign_in("ilse").post(f"/api/cases/{case}/methods", {"method": "mail_code"})
    tab.goto(organisation.url + path)
    for wrong, left in (("00000001", "2 tries left."), ("00000002", "One try left.")):
        tab.get_by_label("Code").fill(wrong)
        tab.get_by_role("button", name="Continue").click()
        expect(tab.locator("#tries")).to_have_text(left)
        expect(tab.get_by_role("alert")).to_contain_text("Try again with a fresh answer")
        expect(tab.get_by_label("Code")).to_be_focused()
        expect(tab.get_by_label("Code")).to_have_attribute("aria-invalid", "true")
    tab.get_by_label("Code").fill("00000003")
    tab.get_by_role("button", name="Continue").click()
    expect(tab.get_by_role("alert")).to_have_text(
        f"{words('en')('refused.exhausted.what')} {words('en')('refused.exhausted.remedy')}"
    )
    expect(tab.get_by_label("Code")).to_be_hidden()


def test_alone_one_button_is_the_one_to_press(tab: Page, place: Organisation) -> None:
    """Once a code is asked for, going on is what stands out; a wrong code is marked, to be typed over."""
    tab.goto(f"{place.url}/recover?lang=en")
    tab.get_by_label("Login or mail address").fill("no.such.person")
    tab.get_by_role("button", name="Continue").click()
    tab.get_by_label("How").select_option("totp")
    expect(tab.locator("button.main:visible")).to_have_text(["Begin"])
    tab.get_by_role("button", name="Begin").click()
    expect(tab.locator("#answer button")).to_be_visible()
    expect(tab.get_by_role("button", name="Begin")).to_have_class("quiet")
    tab.get_by_label("Code").fill("123456")
    tab.get_by_role("button", name="Continue").click()
    expect(tab.get_by_role("alert")).to_contain_text("Nothing was proved", timeout=20_000)
    expect(tab.get_by_label("Code")).to_have_attribute("aria-invalid", "true")
    expect(tab.get_by_label("Code")).to_be_focused()


@pytest.mark.parametrize("tag", NAMES)
@pytest.mark.parametrize("how", [{"lane": "text", "channel": "chat"}, {"lane": "text"}, {"channel": "chat"}])
def test_who_writes_is_not_told_to_speak_or_to_hang_up(
    organisation: Organisation, tag: str, how: dict[str, str]
) -> None:
    """In the text lane and in a chat the page speaks of writing; on a call it speaks of a call."""
    say = words(tag)
    _, path = opened(organisation, **how)
    told = organisation.client().get(f"{path}?lang={tag}").text
    _, called = opened(organisation)
    other = organisation.client().get(f"{called}?lang={tag}").text
    written = say.below("page.written")
    assert len(written) == 6
    for key, text in written.items():
        if key == "foot_contact":  # of a page that takes a new contact point
            continue
        shown = text.replace("'", "&#39;")
        assert shown in told
        assert shown not in other
        assert say(f"page.{key}").replace("'", "&#39;") in other
