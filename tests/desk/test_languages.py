"""Messages go out in the language of record, and in the desk's own where there is none."""

from __future__ import annotations

import pytest

from tests.desk.office import LONG_AGO, Office
from watchword.core.action import Action
from watchword.core.spoken import spoken
from watchword.directories.sandbox import Seed
from watchword.languages.catalogue import words
from watchword.notices.telephony import Calls


def told(office: Office, address: str) -> list[tuple[str, str]]:
    """Subject and text of everything that went to *address*."""
    assert office.app.outbox is not None
    return [(sent.subject, sent.text) for sent in office.app.outbox.sent(address)]


MAIL, PHONE = "lena.tongue@example.test", "+493055500777"


def join(office: Office, tag: str | None) -> None:
    """Somebody new whose directory says the language *tag* of them."""
    office.directory.seed(
        (
            Seed(
                login="lena.tongue",
                display_name="Lena Tongue",
                mail=MAIL,
                phone=PHONE,
                contacts_changed_at=LONG_AGO,
                factors=("security_key",),
                manager="boss.one",
                language=tag,
            ),
        )
    )
    office.link("lena.tongue")


class Provider:
    """A telephone provider that notes what it was asked to say, and in which language."""

    simulated = True

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, str]] = []

    def call(self, to: str, say: str, id: str, language: str) -> str:  # noqa: A002
        """See `Telephony.call`."""
        self.calls.append((to, say, language))
        return id


@pytest.mark.parametrize(
    ("tag", "language"), [("de-CH", "de"), ("fr", "fr"), ("es-MX", "es"), ("nl", "en"), (None, "en")]
)
def test_a_code_is_in_the_language_of_record(office: Office, tag: str | None, language: str) -> None:
    """A code by mail is written as the person prefers; a language nobody wrote texts in costs nothing."""
    join(office, tag)
    case = office.open("lena.tongue", Action.UNLOCK)
    office.begin(case, "mail_code")
    office.run()
    say = words(language)
    ((subject, text),) = told(office, MAIL)
    assert subject == say("mail_code.subject", case=case[:8])
    assert say("mail_code.verify") in text
    assert say("mail_code.text", reason="", code="", case="", minutes=15).splitlines()[-1] in text


def test_a_text_is_in_the_language_of_record(office: Office) -> None:
    """A code by text message is written as the person prefers."""
    join(office, "fr")
    case = office.open("lena.tongue", Action.UNLOCK)
    office.begin(case, "sms_code")
    office.run()
    ((_, text),) = told(office, PHONE)
    assert text[9:] == words("fr")("sms_code.verify", code="", minutes=10, case=case[:8])


def test_a_call_is_spoken_in_the_language_of_record(office: Office) -> None:
    """The provider is told the language of what it speaks, or a French voice would read German."""
    join(office, "de-AT")
    provider = Provider()
    office.app.notices.notifiers = {**office.app.notices.notifiers, "call": Calls(provider)}
    case = office.open("lena.tongue", Action.UNLOCK)
    office.begin(case, "call_code")
    office.run()
    ((to, text, language),) = provider.calls
    assert (to, language) == (PHONE, "de")
    assert words("de")("call_code.verify") in text


def test_what_was_approved_is_said_to_each_in_their_own_language(office: Office) -> None:
    """The person reads it in theirs, and the approver in the desk's where the directory says none."""
    join(office, "fr")
    case = office.open("lena.tongue", Action.FACTOR_RESET, factors=("security_key",))
    for method in ("in_person", "mail_code"):
        office.prove(case, method)
    office.ask(case)
    digest, name = office.digest(case), case[2:10]
    office.approve(case, "boss.one")
    office.run()
    for address, language, own in ((MAIL, "fr", ""), ("boss.one@example.test", "en", "own_")):
        say = words(language)
        subject, text = told(office, address)[-1]
        assert subject == say(f"approved.{own}subject", action=say("action.factor_reset"), case=name)
        assert say(f"approved.{own}agreed", deed=say("deed.factor_reset"), case=name) in text
        assert say(f"approved.{own}seen", spoken=spoken(digest)) in text
        assert say(f"approved.{own}object", case=name) in text
