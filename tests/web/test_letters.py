"""What somebody types is found in what is shown, whichever keys their keyboard has."""

from __future__ import annotations

import duckdb
import pytest

from watchword.watch.board import _FOLDED
from watchword.web.letters import folded


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("ekstrom", "Paula Ekström"),
        ("EKSTRÖM", "Paula Ekstro\N{COMBINING DIAERESIS}m"),
        ("strasse", "Straße"),
        ("STRAẞE", "strasse"),
        ("isik", "IŞIK"),
        ("ışık", "isik"),
        ("İnci", "inci"),
        ("κωσ", "Κωσταντίνος"),  # what is typed ends in the middle of the name, where its last letter is another
        ("Κως", "Κωσταντίνος"),
        ("παπαδοπουλος", "ΝΊΚΟΣ ΠΑΠΑΔΌΠΟΥΛΟΣ"),
        ("case 12", "Case 12"),
        ("\u0639\u0644\u06cc\u0631\u0636\u0627", "\u0639\u0644\u06cc\u200c\u0631\u0636\u0627"),
        ("\u0639\u0644\u06cc\u200c\u0631", "\u0639\u0644\u06cc\u0631\u0636\u0627"),
        ("\u0d9a\u0dc2", "\u0d9a\u0dca\u200d\u0dc2"),
    ],
)
def test_a_name_is_found_by_letters_without_marks(typed: str, shown: str) -> None:
    """In the lists and on the board, which has SQL do it: both come to the same letters."""
    assert folded(typed) in folded(shown)
    with duckdb.connect() as con:
        con.execute(_FOLDED)
        for text in (typed, shown):
            assert con.execute("SELECT folded($1)", [text]).fetchone() == (folded(text),)
