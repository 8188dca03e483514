"""What people write of themselves: names stay names in every script, and nothing hides in them."""

from __future__ import annotations

import pytest

from watchword.core.visible import visible


@pytest.mark.parametrize(
    "name",
    [
        "Zoë Ångström",
        "Zoe\u0308 O\u2019Brien",
        "Nguyễn Thị Ánh",
        "דָּוִד",
        "عليّ",
        "\u0639\u0644\u06cc\u200c\u0631\u0636\u0627",  # Persian parts such a name without a space
        "\u0639\u0644\u064a\u0651\u200c\u0631\u0636\u0627",  # the letter before it has a mark
        "\u0dc1\u0dca\u200d\u0dbb\u0dd3\u0db8\u0dcf\u0dbd\u0dd2",  # Sinhala joins letters by a virama and a joiner
        "\u09b0\u200d\u09cd\u09af\u09be\u09ac",  # Bengali, with the joiner before the virama
        "山田\u3000太郎",
        "Zoe ☺\ufe0f",
    ],
)
def test_a_name_is_shown_as_it_is_spelt(name: str) -> None:
    """In every script, with its marks and the joiners that are part of the spelling."""
    assert visible(name) == name


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Nell\u202e Wren", "Nell\\u202e Wren"),
        ("ad\u200cmin", "ad\\u200cmin"),
        ("ad\u200d", "ad\\u200d"),
        ("\u200d\u0dbb", "\\u200d\u0dbb"),
        ("\u0639\u200c\u200c\u0631", "\u0639\\u200c\\u200c\u0631"),
        ("\u0639\u200cr", "\u0639\\u200cr"),
        ("\u0639\u200b\u0631", "\u0639\\u200b\u0631"),
        ("\u3164", "\\u3164"),
        ("a\u034fb\u2800", "a\\u034fb\\u2800"),
        ("a\x1b[2J\n", "a\\x1b[2J\\x0a"),
        ("a\u2028b", "a\\u2028b"),
        ("a\u00adb\uffff", "a\\xadb\\uffff"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_what_hides_is_written_out(text: str, shown: str) -> None:
    """What turns text round, is not seen, or is not how anybody spells."""
    assert visible(text) == shown
