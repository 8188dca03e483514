"""The number that the desk says on the telephone: to whose page it leads, for how long, and that nobody guesses one."""

from __future__ import annotations

import re

import httpx2
import pytest

from tests.api.organisation import Organisation
from watchword.console import MOST_RECOVERIES
from watchword.core.ids import CaseId
from watchword.languages.catalogue import words

WISH = {"directory": "sandbox", "account": "m.lindqvist", "action": "unlock"}


def opened(organisation: Organisation) -> CaseId:
    """A case that an agent opened."""
    return CaseId(organisation.sign_in("ilse").post("/api/cases", WISH).json()["case"])


def types(client: httpx2.Client, number: str, lang: str = "") -> httpx2.Response:
    """Type *number* at the short address."""
    address = f"/go?lang={lang}" if lang else "/go"
    token = re.search(r'name="_csrf_token" value="([^"]*)"', client.get(address).text)
    assert token
    return client.post(address, data={"number": number, "_csrf_token": token[1]}, follow_redirects=False)


def test_the_number_on_the_screen_leads_to_the_page(organisation: Organisation) -> None:
    """What the agent's page says is typed as it was heard, with any spaces, and opens the page of that case."""
    case = opened(organisation)
    said = re.search(r"\b(\d{4}) (\d{4}) (\d{4})\b", organisation.sign_in("dario").get(f"/cases/{case}").text)
    assert said
    page = f"/c/{case}/{organisation.app.desk.hand_over.page_token(case)}"
    client = organisation.client()
    for typed in (said[0], "".join(said.groups()), f" {'-'.join(said.groups())} "):
        assert types(client, typed).headers["location"] == page
    assert types(client, said[0], "de").headers["location"] == f"{page}?lang=de"
    assert client.get(page).status_code == 200


def test_a_number_that_leads_nowhere_can_be_mended(organisation: Organisation) -> None:
    """What was typed stands in the field again, which says what is wrong with it."""
    told = types(organisation.client(), '1234 5678 901"')
    assert told.status_code == 403
    assert 'value="1234 5678 901&#34;" aria-invalid="true" aria-describedby="problem"' in told.text
    assert '<p id="problem" class="problem" role="alert">' in told.text


def test_who_does_not_verify_is_shown_no_number(organisation: Organisation) -> None:
    """Whoever is not shown the address is not shown the number that leads there."""
    case = opened(organisation)
    page = organisation.sign_in("rafael").get(f"/cases/{case}").text
    assert "with the verifier" in page
    assert organisation.app.desk.short_address.number(case, organisation.at) not in page


def test_a_number_ends(organisation: Organisation) -> None:
    """It changes every half hour, the one before still works, and with the case every number ends."""
    short, case, client = organisation.app.desk.short_address, opened(organisation), organisation.client()
    first = short.number(case, organisation.at)
    organisation.passes(minutes=30)
    second = short.number(case, organisation.at)
    assert first != second
    assert [types(client, number).status_code for number in (first, second)] == [303, 303]
    organisation.passes(minutes=30)
    assert [types(client, number).status_code for number in (first, second)] == [403, 303]
    organisation.sign_in("ilse").post(f"/api/cases/{case}/withdraw", {"why": "they found it"}).raise_for_status()
    assert types(client, short.number(case, organisation.at)).status_code == 403


@pytest.mark.parametrize("typed", ["", "0", "000000000000", "١٢٣٤٥٦٧٨٩٠١٢", "x" * 20])
def test_a_number_of_nobody(organisation: Organisation, typed: str) -> None:
    """Whatever is typed is refused in the same words, in the language of the page, and names no case."""
    case = opened(organisation)
    met = types(organisation.client(), typed, "fr")
    say = words("fr")
    assert met.status_code == 403
    assert say("refused.no_such_number.what").replace("'", "&#39;") in met.text
    assert case not in met.text
    assert "location" not in met.headers


def test_who_guesses_is_slowed(organisation: Organisation) -> None:
    """An address has thirty tries in ten minutes, right ones included, and is told so on the page."""
    case, client = opened(organisation), organisation.client()
    for _ in range(MOST_RECOVERIES):
        assert types(client, "000000000000").status_code == 403
    right = organisation.app.desk.short_address.number(case, organisation.at)
    met = types(client, right)
    assert met.status_code == 429
    assert "Wait ten minutes" in met.text
    organisation.passes(minutes=10)
    again = organisation.app.desk.short_address.number(case, organisation.at)
    assert types(client, again).status_code == 303


def test_numbers_of_cases_are_their_own(organisation: Organisation) -> None:
    """Two cases have two numbers, and each leads to its own page."""
    short, at = organisation.app.desk.short_address, organisation.at
    one = opened(organisation)
    other = CaseId(organisation.sign_in("ilse").post("/api/cases", WISH | {"account": "t.adeyemi"}).json()["case"])
    assert short.number(one, at) != short.number(other, at)
    assert [short.find(short.number(case, at), at) for case in (one, other)] == [one, other]
