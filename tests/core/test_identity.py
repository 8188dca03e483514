"""A person's name and birth date, compared as documents differ in writing them."""

from __future__ import annotations

import pytest

from watchword.core.identity import canonical

SAID = canonical("Zoë", "O'Neill-Åberg", "1990-02-28")


@pytest.mark.parametrize(
    ("given_name", "family_name"),
    [
        ("ZOE", "ONEILL ABERG"),
        ("zoe", "o\u2019neill åberg"),
        ("Z o ë", "O'NEILL-ABERG"),
        ("Zoe\u0308", "O'Neill-A\u030aberg"),
    ],
)
def test_a_name_is_one_whatever_case_accents_and_separators(given_name: str, family_name: str) -> None:
    """A machine-readable zone prints neither accents nor small letters."""
    assert canonical(given_name, family_name, "1990-02-28") == SAID


@pytest.mark.parametrize(
    ("given_name", "family_name", "birthdate"),
    [
        ("Zoa", "O'Neill-Åberg", "1990-02-28"),
        ("Zoë", "O'Neill", "1990-02-28"),
        ("Zoë", "O'Neill-Åberg", "1990-02-27"),
        ("Zoë O'Neill", "Åberg", "1990-02-28"),
        ("O'Neill-Åberg", "Zoë", "1990-02-28"),
    ],
)
def test_whoever_has_another_name_or_birthday_is_another(given_name: str, family_name: str, birthdate: str) -> None:
    """Each part counts, in its own place."""
    assert canonical(given_name, family_name, birthdate) != SAID


@pytest.mark.parametrize("birthdate", ["", "1990-02-30", "19900228", "1990-W09-3", "28.02.1990", "1990-02-28T00:00"])
def test_a_date_is_written_in_full(birthdate: str) -> None:
    """As ISO 8601 writes a calendar day with its hyphens, and a day that there was."""
    with pytest.raises(ValueError, match=r".*"):
        canonical("Zoë", "Åberg", birthdate)


@pytest.mark.parametrize(("given_name", "family_name"), [("", "Åberg"), ("Zoë", "-"), ("1", "2"), (" ", "'")])
def test_a_name_has_a_letter(given_name: str, family_name: str) -> None:
    """What has none would be equal to everything else that has none."""
    with pytest.raises(ValueError, match="letter"):
        canonical(given_name, family_name, "1990-02-28")
