"""Every language says the same things: the same keys, the same placeholders, and nothing left in another language."""

from __future__ import annotations

import re
import string
from datetime import UTC, datetime

import pytest

from watchword.core.action import Action
from watchword.desk.vouching import PORTAL
from watchword.languages.catalogue import NAMES, accepted, known, preferred, words
from watchword.reception.wording import METHODS

ENGLISH = words("en")
OTHERS = tuple(tag for tag in NAMES if tag != "en")
ALIKE = frozenset(
    {"method.passkey", "say.left", "action.unlock", "page.code", "enrolled.okta_factor", "enrolled.duo_device"}
)
"""Keys whose text may be the same word in two languages."""

ENROLLED_ONLY = frozenset({"identity_record", "okta_factor", "duo_device", "prompt_key", "ssh_key"})
"""What people hold that is no way to prove somebody."""

ATTESTED = frozenset({"in_person", "video"})
"""Methods of which the person reads nothing: they are asked face to face."""


def placeholders(text: str) -> set[str]:
    """The names between braces."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("tag", OTHERS)
def test_every_language_has_every_key_and_placeholder(tag: str) -> None:
    """A key or a placeholder that one file lacks fails here, and not in front of somebody who reads that language."""
    said = words(tag)
    assert said.keys() == ENGLISH.keys()
    assert not [k for k in said.keys() if placeholders(said(k)) != placeholders(ENGLISH(k))]  # noqa: SIM118


@pytest.mark.parametrize("tag", OTHERS)
def test_nothing_is_left_in_english(tag: str) -> None:
    """No text stands in two files alike, but for the few words that the languages share."""
    said = words(tag)
    assert not {k for k in said.keys() if said(k) == ENGLISH(k)} - ALIKE  # noqa: SIM118


def test_every_action_and_method_is_said() -> None:
    """Whatever may be asked for, and whatever proves somebody, has its words; so has each that asks the person."""
    assert {f"{room}.{action}" for room in ("action", "deed") for action in Action} <= ENGLISH.keys()
    methods = METHODS.keys() - ENROLLED_ONLY
    assert {f"method.{name}" for name in methods} <= ENGLISH.keys()
    assert {f"ask.{name}" for name in methods - PORTAL - ATTESTED} <= ENGLISH.keys()


def test_a_moment_is_written_as_the_language_does() -> None:
    """The day and time of a notice read as one writes them, and say that they are UTC."""
    at = datetime(2026, 3, 9, 15, 4, tzinfo=UTC)
    assert {tag: words(tag).moment(at) for tag in NAMES} == {
        "en": "9 March 2026, 15:04 UTC",
        "de": "9. März 2026, 15:04 UTC",
        "fr": "9 mars 2026, 15:04 UTC",
        "es": "9 de marzo de 2026, 15:04 UTC",
    }


@pytest.mark.parametrize(
    ("header", "tags"),
    [
        ("de-AT, fr;q=0.8, en;q=0.9", ("de-AT", "en", "fr")),
        ("es;q=0, de", ("de",)),
        ("", ()),
        ("*;q=oops, fr", ("fr",)),
        (";;,,", ()),
    ],
)
def test_what_a_browser_accepts(header: str, tags: tuple[str, ...]) -> None:
    """The most wanted comes first; what is refused or no tag is left out."""
    assert accepted(header) == tags


def test_the_choice_comes_before_the_record_and_the_record_before_the_browser() -> None:
    """Each is asked in turn; a language nobody wrote texts in is passed over, and English is what remains."""
    assert preferred("fr", ("de",), chosen="es") == "es"
    assert preferred("fr", ("de",), chosen="xx") == "de"
    assert preferred("fr", (None,)) == "fr"
    assert preferred("ja, pt-BR", ("nl",)) == "en"
    assert known("DE_ch") == "de"


def test_no_line_of_french_begins_with_a_sign() -> None:
    """What a space stands before in French keeps to its word; text messages stay in the alphabet they are sent in."""
    say = words("fr")
    assert say("page.check").endswith("assistance\N{NO-BREAK SPACE}?")
    broken = {key for key in say.keys() if re.search(r" [:;?!»]|« ", say(key))}  # noqa: SIM118  (no mapping)
    assert {key.split(".")[0] for key in broken} <= {"sms_code"}
    assert not [key for key in say.keys() if key.startswith("sms_") and "\N{NO-BREAK SPACE}" in say(key)]  # noqa: SIM118
