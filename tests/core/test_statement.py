"""What policy authors sign: read back only as it was written."""

from __future__ import annotations

import msgspec
import pytest

from tests.core.sample import BEGINNING, NOON
from watchword.core.errors import Invalid
from watchword.core.statement import Statement

SAID = Statement(
    log="sandbox.example.test", policy="5f" * 32, replaces=None, nonce="n-1", checkpoint=BEGINNING, not_after=NOON
)


def test_a_statement_is_read_back_as_it_was_written() -> None:
    """Its text has sorted keys and no spaces, and says which version and which decision it is."""
    text = SAID.encode()
    assert Statement.parse(text) == SAID
    assert text.startswith('{"checkpoint":{"root":"00')
    assert '"decision":"activate"' in text
    assert text.endswith(',"v":1}')
    assert " " not in text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[" * 100_000,
        "\ud800",
        SAID.encode() + " ",
        SAID.encode().replace('"v":1', '"v":2'),
        SAID.encode().replace('"v":1', '"v":0'),
        SAID.encode().replace("activate", "approve"),
        SAID.encode()[:-1] + ',"why":"because"}',
        SAID.encode().replace('"log":', '"log": '),
        msgspec.json.encode(SAID).decode(),
    ],
)
def test_anything_else_is_none(text: str) -> None:
    """Other versions, decisions, members, spaces and orders are no statement, and none breaks the reader."""
    with pytest.raises(Invalid) as caught:
        Statement.parse(text)
    assert caught.value.where == "statement"
