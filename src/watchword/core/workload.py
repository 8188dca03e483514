"""A workload: software with an identity of its own, which its platform vouches for with short-lived tokens.

Enrolled on the owner of record of the account it runs as, so that whoever takes the account over vouches anew.
"""

from __future__ import annotations

import msgspec

from watchword.core.ids import AccountId
from watchword.core.person import Credential

METHOD = "workload"
"""`Credential.method` of an enrolled workload, and the name of the method that proves it."""


class WorkloadMaterial(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`Credential.public` of a workload: the account it runs as. What its platform calls it is a payload."""

    account: AccountId


class WorkloadName(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The payload of an enrolment: the *issuer* that vouches for it, and the exact `sub` of its tokens."""

    issuer: str
    subject: str


def runs_as(credential: Credential) -> AccountId | None:
    """The account an enrolled workload runs as; None where it is none."""
    if credential.method != METHOD:
        return None
    try:
        return msgspec.json.decode(credential.public, type=WorkloadMaterial).account
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
