"""Signing in leads back to the page that asked for it, and to no other place whatever the address says."""

from __future__ import annotations

import re

import httpx2
import pytest

from tests.api.organisation import PASSWORD, Organisation
from watchword.reception.landing import LONGEST, landing

OURS = (
    "/cases",
    "/cases/c-7k2m",
    "/cases?tab=mine&q=m.lindqvist%40example.test",
    "/people/j%C3%BCrgen",
    "/findings/f-1?tab=open",
)
ELSEWHERE = (
    "https://evil.example.test/cases",
    "//evil.example.test/cases",
    "/\\evil.example.test",
    "\\/evil.example.test",
    "/cases\\@evil.example.test",
    "/\t/evil.example.test",
    "/cases\r\nSet-Cookie: a=b",
    "/cases\n",
    " /cases",
    "javascript:alert(1)",
    "/cases//evil.example.test",
    "/cases/../session/end",
    "/cases/./new",
    "/casesevil",
    "/sign-in?to=/cases",
    "/session/end",
    "/api/cases",
    "/c/c-1/token",
    "/cases#x",
    "/cases?to=https://evil.example.test/",
    "cases",
    "",
    f"/cases/{'a' * LONGEST}",
)


@pytest.mark.parametrize("asked", OURS)
def test_a_page_of_the_console(asked: str) -> None:
    """A page that staff look at is gone back to as it was asked for."""
    assert landing(asked) == asked


@pytest.mark.parametrize("asked", ELSEWHERE)
def test_anywhere_else(asked: str) -> None:
    """What a browser could read as another site, or as a step, leads to the start."""
    assert landing(asked) == "/"


def signs_in(client: httpx2.Client, door: str, password: str = PASSWORD) -> httpx2.Response:
    """Fill the form of the page at *door* in, as a browser does."""
    page = client.get(door).text
    given = {"login": "ilse", "password": password}
    for name in ("_csrf_token", "to"):
        found = re.search(rf'name="{name}" value="([^"]*)"', page)
        given[name] = found[1].replace("&amp;", "&") if found else ""
    return client.post("/session", data=given, follow_redirects=False)


def test_back_to_the_page_one_came_from(organisation: Organisation) -> None:
    """Whoever opens an address without a session is there once they signed in, a wrong password in between included."""
    client = organisation.client()
    met = client.get("/cases?tab=closed&q=mara", follow_redirects=False)
    door = met.headers["location"]
    assert door == "/sign-in?to=/cases%3Ftab%3Dclosed%26q%3Dmara"
    missed = signs_in(client, door, "not the password").headers["location"]
    assert missed == "/sign-in?problem=wrong&to=/cases%3Ftab%3Dclosed%26q%3Dmara"
    let_in = signs_in(client, missed)
    assert (let_in.status_code, let_in.headers["location"]) == (303, "/cases?tab=closed&q=mara")
    assert client.get(let_in.headers["location"]).status_code == 200


def test_back_from_a_form_whose_session_was_over(organisation: Organisation) -> None:
    """A step is not taken again by signing in: the page its form stood on is shown."""
    client = organisation.client()
    token = re.search(r'name="_csrf_token" value="([^"]*)"', client.get("/sign-in").text)
    assert token
    met = client.post("/cases/c-1/approve", data={"_csrf_token": token[1]}, follow_redirects=False)
    assert met.headers["location"] == "/sign-in?to=/cases/c-1"


@pytest.mark.parametrize(
    "asked", ["https%3A%2F%2Fevil.example.test", "%2F%2Fevil.example.test", "%2F%5Cevil.example.test"]
)
def test_a_door_that_somebody_made_up(organisation: Organisation, asked: str) -> None:
    """An address that was sent to somebody leads them to the start of the console, and to nobody's copy of it."""
    let_in = signs_in(organisation.client(), f"/sign-in?to={asked}")
    assert (let_in.status_code, let_in.headers["location"]) == (303, "/")
    forged = organisation.client()
    page = forged.get("/sign-in").text
    token = re.search(r'name="_csrf_token" value="([^"]*)"', page)
    assert token
    said = {"login": "ilse", "password": PASSWORD, "to": "//evil.example.test", "_csrf_token": token[1]}
    assert forged.post("/session", data=said, follow_redirects=False).headers["location"] == "/"
