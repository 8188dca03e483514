"""Where callers' pages are opened from, over HTTP: one browser or address for two people raises both."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.organisation import Organisation
from tests.api.test_story import RESET
from watchword.reception.browser import NAME as BROWSER


@pytest.fixture
def unshared(founded: Path, tmp_path: Path) -> Iterator[Organisation]:
    """An organisation to which no address is one that many people have."""
    home = tmp_path / "home"
    shutil.copytree(founded, home)
    config = home / "watchword.toml"
    config.write_text(config.read_text().replace("[console]\n", "[console]\nshared_networks = []\n"))
    made = Organisation(home)
    with made.open:
        yield made


def opened(place: Organisation, account: str) -> tuple[str, str]:
    """A case for *account*, and the path of its caller's page."""
    body = place.sign_in("ilse").post("/api/cases", RESET | {"account": account}).json()
    return body["case"], "/c" + body["page"].split("8787/c")[1]


def raised(place: Organisation, case: str) -> Any:
    """Why more is asked of a case than usual."""
    return place.sign_in("ilse").get(f"/api/cases/{case}").json()["raised"]


def test_one_browser_for_two_people_raises_both_cases(organisation: Organisation) -> None:
    """The addresses are of a shared network, so they say nothing; the browser's own cookie does."""
    (first, one), (second, other) = (opened(organisation, a) for a in ("m.lindqvist", "t.adeyemi"))
    thief = organisation.client()
    assert thief.get(one).status_code == 200
    cookie = thief.cookies[BROWSER]
    assert thief.get(other).status_code == 200
    assert thief.cookies[BROWSER] == cookie
    organisation.works()
    for case in (first, second):
        assert raised(organisation, case) == ["the same number, address or device asked for another account lately"]


def test_two_browsers_of_a_shared_network_raise_nothing(organisation: Organisation) -> None:
    """Two colleagues behind one gateway are no campaign."""
    (first, one), (second, other) = (opened(organisation, a) for a in ("m.lindqvist", "t.adeyemi"))
    organisation.client().get(one)
    organisation.client().get(other)
    organisation.works()
    assert raised(organisation, first) == raised(organisation, second) == []


def test_one_address_that_is_not_shared_raises_both(unshared: Organisation) -> None:
    """Two browsers at one address of its own are one caller."""
    (first, one), (second, other) = (opened(unshared, a) for a in ("m.lindqvist", "t.adeyemi"))
    unshared.client().get(one)
    unshared.client().get(other)
    unshared.works()
    assert raised(unshared, first)
    assert raised(unshared, second)


def test_a_page_shows_what_came_of_it(organisation: Organisation) -> None:
    """The timeline says that the page was opened from a browser, and never what it is called."""
    case, page = opened(organisation, "m.lindqvist")
    caller = organisation.client()
    caller.get(page)
    shown = organisation.sign_in("ilse").get(f"/cases/{case}").text
    assert "The caller&#39;s page was opened from a new device" in shown
    assert caller.cookies[BROWSER] not in shown
