"""The page of the policy in a real browser: an author signs a proposal with their own passkey."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.api.organisation import Organisation
from tests.web.test_people import _sign_in, page, place
from watchword.core.approval import is_signed
from watchword.web.policy_page import OF_PICTURE

__all__ = ["page", "place"]


def test_who_could_still_get_in(page: Page, place: Organisation) -> None:
    """An author sees the cheapest attacks as a picture; of another policy on disk a second one; an agent sees none."""
    _sign_in(page, "paula")
    page.goto("/policy")
    maps = page.locator(".maps img")
    expect(maps).to_have_count(1)
    maps.scroll_into_view_if_needed()
    expect(maps).to_have_js_property("complete", True, timeout=30_000)
    assert maps.evaluate("image => image.naturalWidth > 0")
    table = place.home / "policy" / "procedures.yaml"
    table.write_text((written := table.read_text()) + "# reviewed\n")
    page.reload()
    expect(page.locator(".maps figcaption")).to_have_text(["Under the policy that runs", "Under the policy on disk"])
    running, disk = (page.request.get(f"/policy/attacks?of={which}").text() for which in ("running", "disk"))
    assert place.app.steps.policy.digest[:19] in running
    assert place.app.activation.on_disk.digest()[:19] in disk
    assert page.request.get("/policy/attacks?of=neither").status == 404
    assert page.request.get("/policy/attacks").headers["content-security-policy"] == OF_PICTURE
    table.write_text("no table")
    page.reload()
    expect(maps).to_have_count(1)
    table.write_text(written)
    page.get_by_role("button", name="Sign out").click()
    _sign_in(page, "noor")
    page.goto("/policy")
    expect(maps).to_have_count(1)
    page.get_by_role("button", name="Sign out").click()
    _sign_in(page, "ilse")
    page.goto("/policy")
    expect(page.get_by_role("heading", name="Policy")).to_be_visible()
    expect(page.locator(".attacks")).to_have_count(0)
    assert page.request.get("/policy/attacks").status == 404


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
