"""Whether a group lends power, by its name: for what is read before there is SQL over it."""

from __future__ import annotations

import re

_PLAIN = re.compile(
    r"\b(badminton|administrative (assistant|secretar(y|ie))s?|business administration|grassroots|sudoku"
    r"|cooperators|(machine|machinery|forklift|crane|tour|camera|switchboard|telephone) ?operators?"
    r"|(help|service) ?desktops?)\b"
    r"|\b(root ?causes?|wheel ?chairs?)",
    re.ASCII,  # a word ends where it does for DuckDB
)
"""Words that are spelt like those of power, and have nothing of it."""
_MEANT = (("virtual machine", "virtualmachine"), ("rootcauser", "root ca user"))
"""What is no plain word: nobody stands at a virtual machine, and *RootCAUsers* are no cause."""
_POWER = re.compile(r"admin|operator|root|wheel|sudo|replicat|(help|service).?desk")


def lends_power(name: str) -> bool:
    """Whether members of a group of this *name* have power by it; as the macro in `sql/macros.sql`."""
    # The capital İ is two characters in lower case here, and one for DuckDB.
    letters = (c if c.isalpha() else " " for c in name.replace("İ", "i").lower())
    words = " ".join("".join(letters).split())
    for spelt, meant in _MEANT:
        words = words.replace(spelt, meant)
    return _POWER.search(_PLAIN.sub(" ", words)) is not None
