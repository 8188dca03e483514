"""Logins that look alike are not taken for one another: letters of one alphabet, in their plain form."""

from __future__ import annotations

import pytest

from watchword.core.login import is_plain


@pytest.mark.parametrize(
    "login",
    ["", "mara.lind", "svc-1@example.test", "jürgen", "ÅSA", "мария", "田中さくら", "たなかサクラ", "김민수金", "ㄅ王"],
)
def test_a_login_of_one_alphabet_is_plain(login: str) -> None:
    """Digits and signs belong to every alphabet; those that East Asia writes in one word count as one."""
    assert is_plain(login)


@pytest.mark.parametrize(
    ("login", "why"),
    [
        ("mаra", "a Cyrillic letter among Latin ones"),
        ("мaрия", "a Latin letter among Cyrillic ones"),
        ("ｍａｒａ", "wide letters"),
        ("ﬁona", "two letters in one"),
        ("ju\u0308rgen", "an accent that stands apart"),
        ("mara田", "Latin among Chinese"),
        ("김\u3164", "a letter that shows nothing"),
        ("é\u2800", "a sign that shows nothing"),
        ("mara\ufe0f", "a variation of a letter that has none"),
        ("\u7530\U000e0100\u4e2d", "a variation of an ideograph that most fonts draw alike"),
        ("mara\u2602\ufe0f", "a variation of a sign"),
        ("\u0639\u0644\u06cc\u200c\u0631\u0636\u0627", "a joiner, even where a name is spelt with it"),
    ],
)
def test_what_passes_for_another_is_not(login: str, why: str) -> None:
    """Whatever a reader would take for other letters than those that stand there."""
    assert not is_plain(login), why
