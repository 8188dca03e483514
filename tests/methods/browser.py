"""Chromium with a virtual authenticator that has a PIN: nothing of what it does with passkeys was written here."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, sync_playwright

CHROMIUM = shutil.which("chromium")
CREATE = """async o => JSON.stringify(await navigator.credentials.create(
    {publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(JSON.parse(o))}))"""
GET = """async o => JSON.stringify(await navigator.credentials.get(
    {publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(JSON.parse(o))}))"""

with_chromium = pytest.mark.skipif(
    CHROMIUM is None and os.environ.get("CI") != "true",
    reason="Chromium is not installed (Debian: apt-get install chromium)",
)


@contextmanager
def page_with_authenticator(address: str) -> Iterator[Page]:
    """An empty page that the browser believes to be at *address*; nothing listens there."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.route("**/*", lambda route: route.fulfill(content_type="text/html", body="<title>empty</title>"))
        page.goto(address)
        session = page.context.new_cdp_session(page)
        session.send("WebAuthn.enable")
        traits = ("hasResidentKey", "hasUserVerification", "isUserVerified", "automaticPresenceSimulation")
        authenticator = {"protocol": "ctap2", "transport": "internal"} | dict.fromkeys(traits, True)
        session.send("WebAuthn.addVirtualAuthenticator", {"options": authenticator})
        yield page
        browser.close()
