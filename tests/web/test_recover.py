"""Self-service in a real browser: a person with a passkey and a code gets back in, and nobody else is there."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import Page, expect

from tests.api.organisation import Organisation
from tests.cli.desk import free_port
from tests.web.test_people import _sign_in, page
from watchword.directories.sandbox import SignIn

__all__ = ["page"]


@pytest.fixture
def place(founded: Path, tmp_path: Path) -> Iterator[Organisation]:
    """An organisation with the page on, served at its own public address."""
    home, port = tmp_path / "home", free_port()
    shutil.copytree(founded, home)
    config = home / "watchword.toml"
    on = config.read_text().replace('rp_id = "localhost"', 'rp_id = "localhost"\nself_service = true')
    config.write_text(on.replace("8787", str(port)))
    made = Organisation(home, port=port)
    with made.open:
        yield made


def _asked(page: Page, account: str) -> None:
    page.goto("/recover?lang=en")
    page.get_by_label("Login or mail address").fill(account)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_label("How")).to_be_visible()


def test_a_person_gets_back_in_alone(page: Page, place: Organisation) -> None:
    """The app, a passkey, and a code by mail beside it: each time what is left; then their page shows the password."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    authenticator = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True}
    authenticator |= {"hasUserVerification": True, "isUserVerified": True}
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": authenticator})
    _sign_in(page, "root")
    page.goto("/people/mara")
    page.get_by_role("button", name="Make a passkey").click()
    expect(page.locator(".held li", has_text="Passkey")).to_contain_text("enrolled 0 s ago")
    page.get_by_role("button", name="Sign out").click()
    enrolled = place.sign_in("root").post("/api/people/mara/credentials", {"method": "totp"})
    app = pyotp.parse_uri(enrolled.json()["uri"])
    assert isinstance(app, pyotp.TOTP)

    _asked(page, "m.lindqvist")
    page.get_by_label("How").select_option("totp")
    page.get_by_role("button", name="Begin").click()
    page.get_by_label("Code").fill(app.at(place.at))
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("#told")).to_contain_text("One more way is asked")
    expect(page.locator("#desk")).to_contain_text("name case c-")
    expect(page.get_by_label("How").locator("option")).to_have_text(["Passkey", "Code by mail"])
    page.get_by_label("How").select_option("passkey")
    page.get_by_role("button", name="Begin").click()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_label("How").locator("option")).to_have_text(["Code by mail"])
    page.get_by_label("How").select_option("mail_code")
    page.get_by_role("button", name="Begin").click()
    expect(page.get_by_label("Code")).to_be_visible()
    place.afterwards.settle()
    place.works()
    page.get_by_label("Code").fill(place.code("mail"))
    page.get_by_role("button", name="Continue").click()

    expect(page).to_have_url(re.compile(r"/c/c-\w+/\w+\?lang=en$"))  # the language that was chosen goes along
    page.get_by_role("button", name="Make the key").click()
    expect(page.locator("#step-prove.now")).to_be_visible()
    place.works()
    place.passes(minutes=2)
    page.locator("#begin #method").select_option("passkey")
    page.get_by_role("button", name="Begin").click()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Show it now").click()
    expect(page.locator("#credential")).not_to_be_empty()
    password = page.locator("#credential").inner_text()
    assert place.sandbox.sign_in("m.lindqvist", password) is SignIn.MUST_CHANGE


def test_a_browser_that_says_no_language_gets_the_desk_s(place: Organisation) -> None:
    """As every other page does that somebody without a session reads."""
    object.__setattr__(place.app.settings.console, "language", "fr")
    said = place.client().get("/recover", headers={"accept-language": ""}).text
    assert '<html lang="fr">' in said


def test_a_name_nobody_has_is_asked_the_same(page: Page, place: Organisation) -> None:
    """The page of an unknown account asks for a code as every other does, and says only that nothing was proved."""
    _asked(page, "no.such.person")
    page.get_by_label("How").select_option("totp")
    page.get_by_role("button", name="Begin").click()
    expect(page.get_by_role("heading", name="Authenticator code")).to_be_visible()
    page.get_by_label("Code").fill("123456")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was proved", timeout=20_000)
    expect(page.locator("#desk")).to_be_hidden()
    place.app.follow()
    assert place.app.steps.cases.rows() == ()
