"""The page of the policy in a real browser: an author signs a proposal with their own passkey."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.api.organisation import Organisation
from tests.web.test_people import _sign_in, page, place
from watchword.core.approval import is_signed

__all__ = ["page", "place"]


def test_an_author_signs_with_their_passkey(page: Page, place: Organisation) -> None:
    """The browser signs exactly what the console gave, the entry holds the signature, and a second author confirms."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
    }
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    _sign_in(page, "root")
    page.goto("/people/paula")
    page.get_by_role("button", name="Make a passkey").click()
    expect(page.locator(".held li", has_text="Passkey")).to_contain_text("enrolled 0 s ago")
    page.get_by_role("button", name="Sign out").click()
    _sign_in(page, "paula")
    page.get_by_role("link", name="Policy").click()
    page.get_by_role("button", name="Propose the policy on disk, with your passkey").click()
    expect(page.get_by_text("signed with their passkey")).to_be_visible()
    waits = place.app.registry.posture().waiting(place.at)
    assert waits is not None
    assert is_signed(waits.proof)
    page.get_by_role("button", name="Sign out").click()
    _sign_in(page, "root")
    page.goto("/policy")
    page.get_by_role("button", name="Make it the active one").click()
    expect(page.get_by_text("proposed by Paula Ekström, confirmed by root")).to_be_visible()
