"""Whether a group lends power, by its name: for what is read before there is SQL over it."""

from __future__ import annotations

import re

_NO_LETTERS = re.compile(r"[\W\d_]+")
_PLAIN = re.compile(
    r"\b(badminton|administrative (assistant|secretar(y|ie))s?|business administration|grassroots|sudoku"
    r"|(co|machine|machinery|forklift|crane|tour|camera|switchboard|telephone) ?operators?"
    r"|(help|service) ?desk ?tops?)\b"
    r"|\b(root ?causes?|wheel ?chairs?)"
)
"""Words that are spelt like those of power, and have nothing of it."""
_POWER = re.compile(r"admin|operator|root|wheel|sudo|replicat|(help|service).?desk")


def lends_power(name: str) -> bool:
    """Whether members of a group of this *name* have power by it; as the macro in `sql/macros.sql`."""
    # A virtual machine is none that somebody stands at.
    words = _NO_LETTERS.sub(" ", name.lower()).replace("virtual machine", "virtualmachine")
    return _POWER.search(_PLAIN.sub(" ", words)) is not None
