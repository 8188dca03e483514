"""A real browser enrols a passkey and proves with it: nothing of the exchange was written here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from msgspec.structs import replace
from playwright.sync_api import Page

from tests.methods.browser import CREATE, GET, page_with_authenticator, with_chromium
from watchword.core.errors import Refused
from watchword.core.ids import AccountId, CaseId, PersonId
from watchword.core.passkey import RelyingParty
from watchword.core.person import Credential
from watchword.methods.contract import AT, SOON
from watchword.methods.passkey import Passkey
from watchword.methods.port import Ask

PERSON = PersonId("p-5d8e")

pytestmark = with_chromium


@pytest.fixture
def page() -> Iterator[Page]:
    """A page on localhost in a browser with a virtual authenticator that has a PIN."""
    with page_with_authenticator("http://localhost:8787/") as page:
        yield page


def test_chromium(page: Page) -> None:
    """Chromium's registration enrols, its assertions prove one after the other, and only for their own challenge."""
    origin = page.evaluate("location.origin")
    method = Passkey(RelyingParty(id="localhost", name="Recovery", origins=(origin,)))
    asked = method.enrolment_options(challenge="ch-enrol", person=PERSON, login="mara.vogt")
    public = method.enrol(challenge="ch-enrol", person=PERSON, answer=page.evaluate(CREATE, asked))
    ask = Ask(
        challenge="ch-0123456789abcdefghij",
        case=CaseId("c-k3m7q2x5w8z4n6p9r2t5"),
        account=AccountId("a-7f3k"),
        purpose="verify",
        at=AT,
        credential=Credential(id="k-1", method="passkey", enrolled_at=AT - timedelta(days=90), public=public),
    )
    answer = page.evaluate(GET, method.begin(ask).show_caller)
    first = method.check(ask, answer, SOON)
    method.recheck(ask, first)
    assert ask.credential is not None
    assert first.counter is not None
    used = replace(ask, challenge="ch-second", credential=replace(ask.credential, counter=first.counter))
    second = method.check(used, page.evaluate(GET, method.begin(used).show_caller), SOON)
    assert second.counter is not None
    assert second.counter > first.counter
    with pytest.raises(Refused):
        method.check(used, answer, SOON)
