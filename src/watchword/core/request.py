"""The exact bytes an approver signs, and the only thing an executor derives a change from (invariant 2).

Canonical JSON (RFC 8785: sorted keys, no spaces; only strings, booleans, small integers, arrays and objects stand in
it). The bytes are made once and stored; verification parses those bytes and never makes them again.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.core.change import Change
from watchword.core.errors import Corrupt
from watchword.core.ids import AccountId, CaseId, LeafHash
from watchword.core.requirement import Context


class NotBefore(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The ledger's checkpoint when the request was made, its *root* in hexadecimal: these bytes can not be older."""

    size: int
    root: str


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked for: account, action and parameters, context, evidence, policy, from and until when, how often.

    Only a yes is ever signed, so that no answer to another question can pass for one.
    """

    v: int = 1
    log: str
    decision: Literal["approve"] = "approve"
    case: CaseId
    account: AccountId
    account_class: AccountClass
    action: Action
    changes: tuple[Change, ...]
    context: Context
    ticket: LeafHash | None
    evidence: tuple[LeafHash, ...]
    policy: str
    nonce: str
    checkpoint: NotBefore
    not_after: Annotated[datetime, msgspec.Meta(tz=True)]
    uses: int = 1

    def encode(self) -> str:
        """Canonical text; UTF-8 of it is what is signed."""
        return msgspec.json.encode(self, order="sorted").decode()


def parse(text: str) -> Request:
    """Read approved bytes; raise `Corrupt` for anything that is not exactly a request of ours."""
    try:
        request = msgspec.json.decode(text.encode(), type=Request)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise Corrupt(f"Approved bytes can not be read: {error}.", "Stop and run `watchword ledger fsck`.") from error
    if request.v != 1 or request.uses != 1:
        raise Corrupt("Approved bytes ask for something this version does not know.", "Upgrade, or open a new case.")
    if request.encode() != text:
        raise Corrupt("Approved bytes are not canonical.", "Stop and run `watchword ledger fsck`.")
    return request
