"""The exact bytes by which a policy becomes the active one, the same for the author who proposes and who confirms.

Canonical JSON, made once when the policy is proposed and stored; whoever checks it parses those bytes.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from watchword.core.errors import Invalid
from watchword.core.request import NotBefore


class Statement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """That the policy with digest *policy* shall be active in the place of *replaces*, if it is confirmed in time.

    *checkpoint* and *nonce* say that it is no older than it claims and none of another day.
    """

    v: int = 1
    log: str
    decision: Literal["activate"] = "activate"
    policy: str
    replaces: str | None
    nonce: str
    checkpoint: NotBefore
    not_after: Annotated[datetime, msgspec.Meta(tz=True)]

    def encode(self) -> str:
        """Canonical text; UTF-8 of it is what is signed."""
        return msgspec.json.encode(self, order="sorted").decode()


def parse(text: str) -> Statement:
    """Read a statement; raise `Invalid` for anything that is not exactly one of ours."""
    try:
        statement = msgspec.json.decode(text.encode(), type=Statement)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise _unread() from error
    if statement.v != 1 or statement.encode() != text:
        raise _unread()
    return statement


def _unread() -> Invalid:
    return Invalid(
        "This is no statement that a policy author signs.", "Ask for it again, and leave it as it is.", "statement"
    )
