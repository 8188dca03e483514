"""Recovery codes in a real browser: an administrator makes an address, the person sees codes there, once."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.api.organisation import PASSWORD, Organisation
from tests.cli.desk import free_port
from watchword.core.ids import CaseId
from watchword.languages.catalogue import words
from watchword.reception import countersign

CODE = re.compile(r"([0-9A-HJKMNP-TV-Z]{4}-){5}[0-9A-HJKMNP-TV-Z]{4}")


@pytest.fixture
def place(founded: Path, tmp_path: Path) -> Iterator[Organisation]:
    """An organisation that is served at its own public address."""
    home, port = tmp_path / "home", free_port()
    shutil.copytree(founded, home)
    config = home / "watchword.toml"
    config.write_text(config.read_text().replace("8787", str(port)))
    made = Organisation(home, port=port)
    with made.open:
        yield made


def _tab(browser: Browser, place: Organisation) -> tuple[Page, list[str]]:
    context = browser.new_context(base_url=place.url, permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.set_default_timeout(15_000)
    complaints: list[str] = []
    page.on("pageerror", lambda e: complaints.append(str(e)))
    page.on("console", lambda m: complaints.append(m.text) if "Security Policy" in m.text else None)
    return page, complaints


def _picture(page: Page, name: str) -> None:
    """A picture at both widths, where somebody wants to look at them."""
    if folder := os.environ.get("WATCHWORD_PICTURES"):
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 900})
            page.screenshot(path=f"{folder}/{name}-{width}.png", full_page=True)


def test_from_the_address_to_the_codes(browser: Browser, place: Organisation) -> None:
    """The administrator sees an address and no code; the person sees ten codes, once, and one of them proves."""
    staff, complaints = _tab(browser, place)
    staff.goto("/sign-in")
    staff.get_by_label("Login").fill("root")
    staff.get_by_label("Password").fill(PASSWORD)
    staff.get_by_role("button", name="Sign in").click()
    staff.goto("/people/mara")
    staff.get_by_role("button", name="Make the address").click()
    address = staff.locator("#codes-address")
    expect(address).to_contain_text("/codes/")
    _picture(staff, "person")

    page, others = _tab(browser, place)
    page.goto(address.inner_text())
    expect(page.get_by_role("button", name="Show my codes")).to_be_visible()
    field = page.get_by_label(words("en")("own_page.spoken"))
    field.fill("no code")
    page.get_by_role("button", name="Show my codes").click()
    expect(field).to_have_attribute("aria-invalid", "true")
    field.fill(staff.locator("#codes-code").inner_text())
    expect(field).not_to_have_attribute("aria-invalid", "true")
    _picture(page, "codes-before")
    page.get_by_role("button", name="Show my codes").click()
    shown = page.locator("#set li")
    expect(shown).to_have_count(10)
    codes = shown.all_inner_texts()
    assert all(CODE.fullmatch(code) for code in codes)
    _picture(page, "codes")
    expect(page.locator("#made")).to_contain_text("Codes on paper from before are void.")
    page.emulate_media(media="print")
    expect(page.get_by_role("heading", name="Your recovery codes")).to_have_count(1)  # the sheet, and nothing beside it
    expect(page.get_by_role("button")).to_have_count(0)
    page.emulate_media(media="screen")
    page.get_by_role("button", name="Copy them").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()").split() == codes

    assert page.reload() is not None
    expect(page.get_by_text(words("en")("refused.page_over.what"))).to_be_visible()
    staff.reload()
    expect(staff.locator(".held li", has_text="Saved recovery code")).to_have_count(1)
    assert not [code for code in codes if code in staff.content()]

    ilse = place.sign_in("ilse")
    opened = ilse.post("/api/cases", {"directory": "sandbox", "account": "m.lindqvist", "action": "unlock"}).json()
    ilse.post(f"/api/cases/{opened['case']}/ticket", {"ticket": "INC-1"})
    assert ilse.post(f"/api/cases/{opened['case']}/methods", {"method": "recovery_code"}).status_code == 201
    page.goto(opened["page"])
    page.get_by_role("button", name=countersign.pair(place.app, CaseId(opened["case"]))[0]).click()
    expect(page.get_by_role("heading", name="Saved recovery code")).to_be_visible()
    page.get_by_label("Code").fill(codes[4].lower())
    _picture(page, "caller-code")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Saved recovery code")).to_be_hidden()
    place.works()
    types = [e.entry.type for e in place.app.ledger.read(f"case/{opened['case']}")]
    assert "method.proved" in types
    for tab in (staff, page):
        tab.context.close()
    assert not complaints + others


def test_a_wrong_address_is_not_there(place: Organisation) -> None:
    """An address that is none, or was opened, answers 404 as any page that never was, and says nothing of anybody."""
    root = place.sign_in("root")
    made = root.post("/api/people/mara/recovery-codes").json()
    token, spoken = made["address"].rpartition("/")[2], {"spoken": made["code"]}
    anybody = place.client()

    assert anybody.post(f"/api/codes/{token[:-1]}", json=spoken).status_code == 404
    assert anybody.post(f"/api/codes/{token}", json=spoken).status_code == 200
    for method, path in (("POST", f"/api/codes/{token}"), ("GET", f"/codes/{token}"), ("GET", "/codes/x")):
        answer = anybody.request(method, path, json=spoken if method == "POST" else None)
        assert answer.status_code == 404
        assert "mara" not in answer.text.lower()


@pytest.mark.parametrize("login", ["ilse", "paula", "nobody"])
def test_who_may_not_make_one(place: Organisation, login: str) -> None:
    """Whoever administers nobody gets no address."""
    assert place.sign_in(login).post("/api/people/mara/recovery-codes").status_code in {403, 404}
