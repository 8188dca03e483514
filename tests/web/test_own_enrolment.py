"""Enrolment by the person alone, in a real browser: an address from an administrator, a passkey or an app from them."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator

import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.api.organisation import Organisation
from tests.web.looks import fits
from tests.web.test_people import _sign_in, place
from watchword.languages.catalogue import words

__all__ = ["place"]

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
}
OpenTab = Callable[..., Page]


@pytest.fixture
def tab(browser: Browser, place: Organisation) -> Iterator[OpenTab]:
    """Opens a browser of its own; anything a page complains about fails the test."""
    contexts, complaints = [], []

    def opened(**wishes: str) -> Page:
        context = browser.new_context(base_url=place.url, permissions=["clipboard-read", "clipboard-write"], **wishes)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda e: complaints.append(str(e)))
        page.on("console", lambda m: complaints.append(m.text) if "Security Policy" in m.text else None)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not complaints


def _address(staff: Page, login: str) -> tuple[str, str]:
    """The address of a page, and the code that is said to its owner."""
    staff.goto(f"/people/{login}")
    staff.get_by_role("button", name="Make an enrolment address").click()
    shown = staff.locator("#enrolment-address")
    expect(shown).to_contain_text("/enrol/")
    return shown.inner_text(), staff.locator("#enrolment-code").inner_text()


def _with_authenticator(page: Page) -> None:
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})


def test_an_app_from_the_address_to_a_proof(tab: OpenTab, place: Organisation) -> None:
    """The person scans a picture, types a code, and is told from when it counts; staff never sees the seed."""
    staff, say = tab(), words("en")
    _sign_in(staff, "root")
    address, spoken = _address(staff, "mara")
    staff.get_by_role("button", name="Copy the address").first.click()
    assert staff.evaluate("navigator.clipboard.readText()") == address
    fits(staff, "person-enrolment")

    page = tab()
    page.goto(address)
    expect(page.get_by_text("This page is for Mara Lindqvist.")).to_be_visible()
    fits(page, "enrol")
    page.get_by_role("button", name=say("enrol.app_make")).click()
    expect(page.locator("#setup")).to_be_hidden()  # the browser asks for the code first
    page.get_by_label(say("own_page.spoken")).fill("000 001")
    page.get_by_role("button", name=say("enrol.app_make")).click()
    expect(page.get_by_role("alert")).to_contain_text(say("refused.wrong_page_code.what"))
    field = page.get_by_label(say("own_page.spoken"))
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    fits(page, "enrol-wrong")
    page.keyboard.type(spoken)  # over what was wrong, which is selected
    expect(field).to_have_value(spoken)
    expect(field).not_to_have_attribute("aria-invalid", "true")
    page.get_by_role("button", name=say("enrol.app_make")).click()
    expect(page.get_by_role("img", name=say("enrol.app_picture"))).to_be_visible()
    assert page.evaluate("document.getElementById('picture').naturalWidth") > 100
    key = page.locator("#key").inner_text()
    assert pyotp.parse_uri(page.locator("#open").get_attribute("href") or "").secret == key.replace(" ", "")
    fits(page, "enrol-app")
    page.get_by_label(say("enrol.app_code")).fill("000000")
    page.get_by_role("button", name=say("enrol.app_confirm")).click()
    expect(page.get_by_role("alert")).to_contain_text(say("refused.wrong_app_code.what"))
    expect(page.get_by_label(say("enrol.app_code"))).to_have_attribute("aria-invalid", "true")
    code = pyotp.TOTP(key.replace(" ", "")).at(place.at)
    page.get_by_label(say("enrol.app_code")).fill(f"{code[:3]} {code[3:]}")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_role("button", name=say("enrol.app_confirm")).click()
    expect(page.get_by_role("status")).to_have_text(say("enrol.say.now"))
    assert key not in page.content()
    seed = base64.b32decode(key.replace(" ", "")).hex()
    assert not [url for url in asked if seed in url.lower()]  # proxies write addresses down
    fits(page, "enrol-done")

    assert page.reload() is not None
    expect(page.get_by_text(say("refused.page_over.what"))).to_be_visible()
    staff.reload()
    held = staff.locator(".held li", has_text="on a page of their own")
    expect(held).to_contain_text("Authenticator code")
    assert key.replace(" ", "") not in staff.content()


def test_a_passkey_later_than_the_first_day(tab: OpenTab, place: Organisation) -> None:
    """The page says in the person's language from when it counts; a held one, and one cancelled, are told."""
    place.passes(days=40)
    staff, say = tab(), words("de")
    _sign_in(staff, "root")
    address, spoken = _address(staff, "mara")
    page = tab(locale="de-DE")
    _with_authenticator(page)
    page.goto(address)
    page.get_by_label(say("own_page.spoken")).fill(spoken)
    page.get_by_role("button", name=say("enrol.passkey_make")).click()
    expect(page.get_by_role("status")).to_contain_text(say("enrol.say.later").partition("{")[0])
    fits(page, "enrol-later")
    staff.reload()
    expect(staff.locator(".held li", has_text="on a page of their own")).to_contain_text("Passkey")

    address, spoken = _address(staff, "mara")
    page.goto(address)
    page.get_by_label(say("own_page.spoken")).fill(spoken)
    page.get_by_role("button", name=say("enrol.passkey_make")).click()
    expect(page.get_by_role("alert")).to_have_text(say("enrol.say.held"))


def test_an_address_is_taken_back(tab: OpenTab, place: Organisation) -> None:
    """Whoever gave one out sees it on the person's page, takes it back there, and it leads nowhere."""
    staff, say = tab(), words("en")
    _sign_in(staff, "root")
    address, _ = _address(staff, "mara")
    staff.reload()
    given = staff.locator(".held li", has_text="Enrolment page")
    expect(given).to_contain_text("not used yet")
    fits(staff, "person-given-out")
    given.get_by_role("button", name="Take it back").click()
    expect(given).to_have_count(0)
    page = tab()
    page.goto(address)
    expect(page.get_by_text(say("refused.page_over.what"))).to_be_visible()


def test_wrong_codes_close_a_page(tab: OpenTab, place: Organisation) -> None:
    """The third wrong code closes it: the person is told so with nothing left to press, and so is whoever made it."""
    staff, say = tab(), words("en")
    _sign_in(staff, "root")
    address, spoken = _address(staff, "mara")
    page = tab()
    page.set_viewport_size({"width": 390, "height": 700})
    page.goto(address)
    page.get_by_label(say("own_page.spoken")).fill(f"{(int(spoken.replace(' ', '')) + 1) % 10**6:06d}")
    for _ in range(3):
        page.get_by_role("button", name=say("enrol.app_make")).click()
        expect(page.get_by_role("alert")).to_contain_text(say("refused.wrong_page_code.what"))
        expect(page.get_by_label(say("own_page.spoken"))).to_be_focused()
        expect(page.get_by_role("alert")).to_be_in_viewport()  # on a phone, far below what was typed
        page.evaluate("document.getElementById('problem').textContent = ''")
    page.get_by_label(say("own_page.spoken")).press("Enter")
    expect(page.get_by_role("alert")).to_contain_text(say("refused.page_over.what"))
    expect(page.locator("#ways")).to_be_hidden()
    fits(page, "enrol-closed")
    staff.reload()
    given = staff.locator(".held li", has_text="Enrolment page")
    expect(given).to_contain_text("typed three wrong codes")
    expect(given.get_by_role("button", name="Take it back")).to_have_count(0)


def test_a_wrong_address_is_not_there(place: Organisation) -> None:
    """An address that is none, or was used, answers 404 as any page that never was, and says nothing of anybody."""
    root = place.sign_in("root")
    made = root.post("/api/people/mara/enrolment-page").json()
    token, spoken = made["address"].rpartition("/")[2], {"spoken": made["code"]}
    anybody = place.client()
    assert anybody.post(f"/api/enrol/{token[:-1]}/apps", json=spoken).status_code == 404
    assert anybody.post(f"/api/enrol/{token}/apps", json={"spoken": "1"}).status_code == 422
    wrong = {"spoken": f"{(int(made['code']) + 1) % 10**6:06d}"}
    assert anybody.post(f"/api/enrol/{token}/apps", json=wrong).status_code == 403
    offer = anybody.post(f"/api/enrol/{token}/apps", json=spoken)
    assert offer.headers["cache-control"] == "no-store"
    code = pyotp.TOTP(offer.json()["key"]).at(place.at)
    given = {"challenge": offer.json()["challenge"], "code": code, **spoken}
    other = given | {"challenge": f"{given['challenge']}x"}
    assert anybody.post(f"/api/enrol/{token}/apps/code", json=other).status_code == 422
    assert anybody.post(f"/api/enrol/{token}/apps/code", json=given).status_code == 201
    for method, path in (
        ("POST", f"/api/enrol/{token}/apps"),
        ("POST", f"/api/enrol/{token}/passkeys"),
        ("GET", f"/enrol/{token}"),
        ("GET", "/enrol/x"),
    ):
        answer = anybody.request(method, path, json=spoken if method == "POST" else None)
        assert answer.status_code == 404
        assert "mara" not in answer.text.lower()


@pytest.mark.parametrize("login", ["ilse", "paula", "nobody"])
def test_who_may_not_make_one(place: Organisation, login: str) -> None:
    """Whoever administers nobody gets no address."""
    assert place.sign_in(login).post("/api/people/mara/enrolment-page").status_code in {403, 404}
