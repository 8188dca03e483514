"""A digest that two people can say to each other: proquints (Wilkerson, arXiv:0901.4016)."""

from __future__ import annotations

_CONSONANTS = "bdfghjklmnprstvz"
_VOWELS = "aiou"


def spoken(digest: str, words: int = 4) -> str:
    """The first 16 bits a word of a hexadecimal *digest*, each as consonant-vowel-consonant-vowel-consonant.

    Enough to notice that two screens show different requests; the whole digest stands beside it.
    """
    return " ".join(_quint(int(digest[4 * i : 4 * i + 4], 16)) for i in range(words))


def _quint(bits: int) -> str:
    return (
        _CONSONANTS[bits >> 12 & 15]
        + _VOWELS[bits >> 10 & 3]
        + _CONSONANTS[bits >> 6 & 15]
        + _VOWELS[bits >> 4 & 3]
        + _CONSONANTS[bits & 15]
    )
