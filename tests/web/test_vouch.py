"""Vouching in a real browser: the manager signs in, sees whom it is about, and signs with a passkey, or says no."""

from __future__ import annotations

import os

from playwright.sync_api import Page, expect

from tests.api.organisation import BEGINNING, Organisation
from tests.web.test_people import _sign_in, page, place

__all__ = ["page", "place"]


def _picture(page: Page, name: str) -> None:
    """A picture at both widths, where somebody wants to look at them."""
    if folder := os.environ.get("WATCHWORD_PICTURES"):
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 900})
            page.screenshot(path=f"{folder}/{name}-{width}.png", full_page=True)
        page.set_viewport_size({"width": 1280, "height": 900})


def _asked(place: Organisation, ticket: str) -> str:
    """A case of Mara's in which her manager, Tomas, is asked to vouch."""
    ilse = place.sign_in("ilse")
    case = ilse.post("/api/cases", {"directory": "sandbox", "account": "m.lindqvist", "action": "unlock"}).json()[
        "case"
    ]
    ilse.post(f"/api/cases/{case}/ticket", {"ticket": ticket})
    begun = ilse.post(f"/api/cases/{case}/methods", {"method": "manager_of_record"})
    assert begun.status_code == 201, begun.text
    return str(case)


def _types(place: Organisation, case: str) -> list[str]:
    return [e.entry.type for e in place.app.ledger.read(f"case/{case}")]


def test_a_manager_signs_and_says_no(page: Page, place: Organisation) -> None:
    """Nothing is asked at first; then the case stands there in words; a signature proves, and a no fails the method."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    authenticator = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True}
    authenticator |= {"hasUserVerification": True, "isUserVerified": True}
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": authenticator})
    _sign_in(page, "root")
    page.goto("/people/tomas")
    page.get_by_role("button", name="Make a passkey").click()
    expect(page.locator(".held li", has_text="Passkey")).to_contain_text("enrolled 0 s ago")
    page.get_by_role("button", name="Sign out").click()

    _sign_in(page, "tomas")
    page.goto("/vouch")
    expect(page.get_by_text("Nobody asks you to vouch")).to_be_visible()
    case = _asked(place, "INC-1")
    page.goto("/cases")
    page.get_by_role("link", name="Vouch").click()
    expect(page.get_by_role("heading", name="Is it Mara Lindqvist?")).to_be_visible()
    expect(page.locator(".vouch")).to_contain_text("Unlock")
    expect(page.locator(".vouch")).to_contain_text(case)
    _picture(page, "vouch")
    page.get_by_role("button", name="Yes, sign with my passkey").click()
    expect(page.get_by_text("Nobody asks you to vouch")).to_be_visible()
    assert "method.proved" in _types(place, case)

    other = _asked(place, "INC-2")
    page.goto("/vouch")
    page.get_by_role("button", name="No", exact=True).click()
    expect(page.get_by_text("Nobody asks you to vouch")).to_be_visible()
    assert _types(place, other)[-1] == "method.failed"


def test_an_administrator_names_a_contact(page: Page, place: Organisation) -> None:
    """A colleague is named on the person's page, and stands among their credentials; one of a vendor is refused."""
    _sign_in(page, "root")
    page.goto("/people/petra")
    page.get_by_text("Name a recovery contact").click()
    page.get_by_label("Colleague").fill("finn")
    page.get_by_role("button", name="Name them").click()
    expect(page.locator(".held li", has_text="Word of the recovery contact")).to_have_count(1)
    assert place.app.registry.person(place.app.names.person("petra")).credentials_of("recovery_contact")
    assert place.at == BEGINNING
