"""The exact bytes that somebody signs who makes a policy the active one, or lends a seat (`core.loan`).

Canonical JSON, made once and stored, the same for the author who proposes a policy and the one who confirms it; whoever
checks it parses those bytes.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self

import msgspec

from watchword.core.errors import Invalid
from watchword.core.request import NotBefore


class Exact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is signed: of the ledger *log*, with *nonce* and *checkpoint* no older than it claims, good until a time."""

    v: int = 1
    log: str
    nonce: str
    checkpoint: NotBefore
    not_after: Annotated[datetime, msgspec.Meta(tz=True)]

    def encode(self) -> str:
        """Canonical text; UTF-8 of it is what is signed."""
        return msgspec.json.encode(self, order="sorted").decode()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a text; raise `Invalid` for anything that is not exactly one of ours."""
        try:
            said = msgspec.json.decode(text.encode(), type=cls)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            raise _unread() from error
        if said.v != 1 or said.encode() != text:
            raise _unread()
        return said


class Statement(Exact, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """That the policy with digest *policy* shall be active in the place of *replaces*, if it is confirmed in time."""

    decision: Literal["activate"] = "activate"
    policy: str
    replaces: str | None


def _unread() -> Invalid:
    return Invalid("This is no statement to be signed here.", "Ask for it again, and leave it as it is.", "statement")
