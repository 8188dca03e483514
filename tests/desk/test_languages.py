"""Messages go out in the language of record, and in the desk's own where there is none."""

from __future__ import annotations

import pytest

from tests.desk.office import LONG_AGO, Office
from watchword.core.action import Action
from watchword.directories.sandbox import Seed
from watchword.languages.catalogue import words


def told(office: Office, address: str) -> list[tuple[str, str]]:
    """Subject and text of everything that went to *address*."""
    assert office.app.outbox is not None
    return [(sent.subject, sent.text) for sent in office.app.outbox.sent(address)]


@pytest.mark.parametrize(
    ("tag", "language"), [("de-CH", "de"), ("fr", "fr"), ("es-MX", "es"), ("nl", "en"), (None, "en")]
)
def test_a_code_is_in_the_language_of_record(office: Office, tag: str | None, language: str) -> None:
    """A code by mail is written as the person prefers; a language nobody wrote texts in costs nothing."""
    address = "lena.tongue@example.test"
    office.directory.seed(
        (
            Seed(
                login="lena.tongue",
                display_name="Lena Tongue",
                mail=address,
                contacts_changed_at=LONG_AGO,
                manager="boss.one",
                language=tag,
            ),
        )
    )
    office.link("lena.tongue")
    case = office.open("lena.tongue", Action.UNLOCK)
    office.begin(case, "mail_code")
    office.run()
    say = words(language)
    ((subject, text),) = told(office, address)
    assert subject == say("mail_code.subject", case=case[:8])
    assert say("mail_code.verify") in text
    assert say("mail_code.text", reason="", code="", case="", minutes=15).splitlines()[-1] in text
