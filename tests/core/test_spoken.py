"""Digests in words: the ones that the words' own author gives, and as many as are asked for."""

from __future__ import annotations

import pytest

from watchword.core.spoken import spoken


@pytest.mark.parametrize(
    ("digest", "words"),
    [
        ("7f000001", "lusab babad"),  # the examples of arXiv:0901.4016: addresses in the form of proquints
        ("3f54dcc1", "gutih tugad"),
        ("3f760723", "gutuk bisog"),
        ("8c62c18d", "mudof sakat"),
        ("40ff06c8", "haguz biram"),
        ("801e342d", "mabiv gibot"),
        ("93437702", "natag lisaf"),
        ("d43afd44", "tibup zujah"),
        ("d82344d7", "tobog higil"),
        ("d844e815", "todah vobij"),
        ("c6518188", "sinid makam"),
        ("0c6e6ecc", "budov kuras"),
    ],
)
def test_it_is_said_as_its_author_says_it(digest: str, words: str) -> None:
    """Each 16 bits are one word, by the published examples."""
    assert spoken(digest, 2) == words


def test_four_words_of_a_digest_are_said() -> None:
    """The first 64 bits, and none of those behind them."""
    digest = "7f0000013f54dcc1"
    assert spoken(digest + "ff" * 24) == spoken(digest + "00" * 24) == "lusab babad gutih tugad"
