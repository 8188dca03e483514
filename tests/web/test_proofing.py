"""A real browser goes to an identity provider at another site and comes back proved."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.api.organisation import Organisation
from tests.api.test_proofing import CONFIG, begun, folded
from tests.cli.desk import free_port
from tests.methods.issuer import CLIENT, CLIENT_SECRET, MARA, Provider, provider
from tests.methods.test_proofing import SECRET
from watchword.core.ids import CaseId
from watchword.languages.catalogue import words
from watchword.reception import countersign


@pytest.fixture
def identity() -> Iterator[Provider]:
    """An identity provider, at 127.0.0.1: another site than localhost."""
    with provider() as made:
        yield made


@pytest.fixture
def place(founded: Path, tmp_path: Path, identity: Provider) -> Iterator[Organisation]:
    """An organisation at its own public address, with Mara's documents on record."""
    home, port = tmp_path / "home", free_port()
    shutil.copytree(founded, home)
    config = home / "watchword.toml"
    config.write_text(
        config.read_text().replace("8787", str(port)) + CONFIG.format(issuer=identity.issuer, client=CLIENT)
    )
    for name, secret in (("id.secret", CLIENT_SECRET), ("wallet.secret", SECRET.decode())):
        (home / name).write_text(secret)
        (home / name).chmod(0o600)
    made = Organisation(home, port=port)
    with made.open:
        identity.now = made.at
        assert made.sign_in("root").post("/api/people/mara/identity", MARA).status_code == 201
        yield made


@pytest.mark.parametrize(("chosen", "tag"), [("", "en"), ("?lang=de", "de")])
def test_to_the_provider_and_back(
    browser: Browser, place: Organisation, identity: Provider, chosen: str, tag: str
) -> None:
    """One press sends them, the provider leads back, the page posts the code, and the address bar keeps no code.

    A language that was chosen is still the page's when they come back.
    """
    say = words(tag)
    case, token, _ = begun(place, "id_proofing")
    context = browser.new_context(base_url=place.url)
    tab = context.new_page()
    tab.set_default_timeout(15_000)
    tab.goto(f"/c/{case}/{token}{chosen}")
    tab.get_by_role("button", name=countersign.pair(place.app, CaseId(case))[0]).click()
    expect(tab.get_by_role("heading", name=say("method.id_proofing"))).to_be_visible()
    expect(tab.get_by_label(say("page.code"), exact=True)).to_be_hidden()
    with tab.expect_response(lambda r: "/answers/" in r.url) as answered:
        tab.get_by_role("button", name=say("page.continue")).click()
    assert answered.value.ok
    expect(tab.get_by_text(say("say.waiting"))).to_be_visible()
    assert tab.url == f"{place.url}/c/{case}/{token}{chosen}"
    assert [e.method for e in folded(place, case).evidence] == ["id_proofing"]
    context.close()
