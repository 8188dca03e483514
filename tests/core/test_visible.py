"""What people write of themselves: names stay names in every script, and nothing hides in them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from watchword.core.visible import legible, visible

PERSIAN = "\u0639\u0644\u06cc\u200c\u0631\u0636\u0627"
"""Such a name is parted without a space."""

SPELT = (
    "Zoë Ångström",
    "Zoe\u0308 O\u2019Brien",
    "Nguyễn Thị Ánh",
    "דָּוִד",
    "عليّ",
    PERSIAN,
    "\u0646\u08bf\u200c\u0883\u0631",
    "\u0639\u0644\u064a\u0651\u200c\u0631\u0636\u0627",  # the letter before it has a mark
    "\u0dc1\u0dca\u200d\u0dbb\u0dd3\u0db8\u0dcf\u0dbd\u0dd2",  # Sinhala joins letters by a virama and a joiner
    "\u0dba\u0d9a\u0dca\u200d\u0dc2",
    "\u0d9a\u200d\u0dca\u0dc2",  # letters of Sinhala that touch
    "\u09b0\u200d\u09cd\u09af\u09be\u09ac",  # Bengali, with the joiner before the virama
    "\u0915\u094d\u200d\u0937 \u0915\u094d\u200c\u0937",  # Devanagari, by halves, and with the virama shown
    "\u0d2e\u0d4b\u0d39\u0d28\u0d4d\u200d",  # Malayalam ends a word in a chillu, as it was spelt before
    "\u0d30\u0d2e\u0d47\u0d36\u0d28\u0d4d\u200d \u0d28\u0d3e\u0d2f\u0d30\u0d4d\u200d",
    "Zoe ☺\ufe0f",
    "x ⊕\ufe00",
    "\u845b\U000e0100\u57ce",  # a name of Japan that is drawn in one way of several
    "\u1820\u180b",
)
"""As their owners spell them."""

HIDDEN = (
    ("Nell\u202e Wren", "Nell\\u202e Wren"),
    ("Nell\u2066Wren", "Nell\\u2066Wren"),
    ("ad\u200cmin", "ad\\u200cmin"),
    ("ad\u200d", "ad\\u200d"),
    ("\u200d\u0dbb", "\\u200d\u0dbb"),
    ("\u200c", "\\u200c"),
    ("\u0639\u200c", "\u0639\\u200c"),
    ("\u0639\u200c 1", "\u0639\\u200c 1"),
    ("\u0639\u200c\u200c\u0631", "\u0639\\u200c\\u200c\u0631"),
    ("\u0639\u200cr", "\u0639\\u200cr"),
    ("r\u200c\u0639", "r\\u200c\u0639"),
    ("\u064b\u200c\u0639", "\u064b\\u200c\u0639"),
    ("\u064b\u200c\u0639\u064b", "\u064b\\u200c\u0639\u064b"),
    ("\u0639\u200d\u0631", "\u0639\\u200d\u0631"),
    ("\ufe8d\u200c\ufe8e", "\ufe8d\\u200c\ufe8e"),
    ("\u0639\u200c\ufb50", "\u0639\\u200c\ufb50"),
    ("\u0639\u200b\u0631", "\u0639\\u200b\u0631"),
    ("\u05d0\u200c\u05d1", "\u05d0\\u200c\u05d1"),
    ("\u0915\u094d\u200c", "\u0915\u094d\\u200c"),
    ("\u0915\u094d\u200d\u200d\u0937", "\u0915\u094d\\u200d\\u200d\u0937"),
    ("\u0915\u094d\u200da", "\u0915\u094d\\u200da"),
    ("\u0915\u094d\u200d1", "\u0915\u094d\\u200d1"),
    ("\u0915\u200d\u0937", "\u0915\\u200d\u0937"),
    ("a\u200d\u094d\u0937", "a\\u200d\u094d\u0937"),
    ("\u0915\u200d\u094da", "\u0915\\u200d\u094da"),
    ("\u0915\u200d\u094d", "\u0915\\u200d\u094d"),
    ("\u0d2e\u0d4d\u200d", "\u0d2e\u0d4d\\u200d"),
    ("\u0d28\u0d4d\u200c", "\u0d28\u0d4d\\u200c"),
    ("\u0d4d\u200d", "\u0d4d\\u200d"),
    ("\u3164", "\\u3164"),
    ("\u1780\u17b4", "\u1780\\u17b4"),
    ("a\u034fb\u2800", "a\\u034fb\\u2800"),
    ("Mara\ufe0f", "Mara\\ufe0f"),
    ("\ufe0fMara", "\\ufe0fMara"),
    ("Mara\U000e0100", "Mara\\U000e0100"),
    ("a\x1b[2J\n", "a\\x1b[2J\\x0a"),
    ("a\x7f", "a\\x7f"),
    ("a\u2028b", "a\\u2028b"),
    ("a\u00adb\uffff", "a\\xadb\\uffff"),
    ("\U000e0041", "\\U000e0041"),
)
"""What hides, and how it is written out."""

SAME_SIGHT = (
    "\u0627\u0645\u06cc\u0631\u200c\u062d\u0633\u06cc\u0646",
    "\u062f\u064f\u200c\u0639",
    "\u0621\u200c\u0639",
    "\u0779\u200c\u0639",
    "\u08aa\u200c\u0639",
    "\u08b9\u200c\u0639",
    "\u0870\u200c\u0639",
    "\u0882\u200c\u0639",
    "\u088e\u200c\u0639",
    "\u0634\u064a\u200c\u0621",
    "\u0634\u064a\u200c\u0621\u0627",
    "\u0639\u200c\u0674",
    "\u0639\u200c\u08ad",
)
"""A joiner beside a letter of Arabic that is joined to nothing there anyhow: it is drawn by nobody."""


@pytest.mark.parametrize("name", SPELT)
def test_a_name_is_shown_as_it_is_spelt(name: str) -> None:
    """In every script, with its marks and the joiners that are part of the spelling; and it can be typed so."""
    assert visible(name) == name
    assert legible(name)


@pytest.mark.parametrize(("text", "shown"), HIDDEN)
def test_what_hides_is_written_out(text: str, shown: str) -> None:
    """What turns text round, is not seen, or is not how anybody spells: nobody types it either."""
    assert visible(text) == shown
    assert not legible(text)


@pytest.mark.parametrize("name", SAME_SIGHT)
def test_a_joiner_that_parts_nothing_is_shown_and_not_typed(name: str) -> None:
    """A directory may spell so; whoever is entered with it and without would be two of one sight."""
    assert visible(name) == name
    assert not legible(name)
    assert legible(name.replace("\u200c", ""))


@pytest.mark.parametrize("space", ["\u00a0", "\u3000", "\u2003"])
def test_spaces_that_are_typed_are_plain(space: str) -> None:
    """They are shown, but one line has one kind of them."""
    assert visible(f"a{space}b") == f"a{space}b"
    assert not legible(f"a{space}b")
    assert legible("a b")
    assert legible("")


PARTS = st.text(
    st.one_of(
        st.sampled_from("\u200c\u200d\u094d\u0dca\u0d4d\u0d28\u0915\u0639\u0631\u0dbb\u064ba \ufe0f\u845b☺\u202e\n"),
        st.characters(),
    ),
    max_size=12,
)


@given(PARTS)
@example(PERSIAN)
def test_what_can_be_typed_is_shown_as_it_is(text: str) -> None:
    """Nothing that is taken is written out afterwards; and what is written out could have been typed."""
    if legible(text):
        assert visible(text) == text
    if not any(unicodedata.category(c) == "Zs" for c in text):
        assert legible(visible(text).replace("\u200c", ""))
    assert visible(visible(text)) == visible(text)


@given(PARTS)
def test_a_joiner_is_nowhere_but_in_a_word(text: str) -> None:
    """Not first, not beside a space or a Latin letter, and no two in a row."""
    if not legible(text):
        return
    for place, c in enumerate(text):
        if c in "\u200c\u200d":
            beside = text[max(place - 1, 0) : place] + text[place + 1 : place + 2]
            assert place > 0
            assert not any(one.isascii() or one in "\u200c\u200d" for one in beside.strip())
            assert text[place - 1] != " "
