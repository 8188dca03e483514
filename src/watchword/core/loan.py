"""The exact bytes by which a seat in approvals is lent, signed by whoever lends it.

Canonical JSON, made once when somebody is asked to sign and stored with the loan; whoever checks it parses those bytes.
A loan that is not signed counts where being signed in does, and nowhere else.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from watchword.core.approval import SignedProof, approving_key, proof_of
from watchword.core.errors import Refused
from watchword.core.ids import PersonId
from watchword.core.person import LentSeat, Person
from watchword.core.quorum import Rule
from watchword.core.statement import Exact


class Loan(Exact, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """That *to* may sit in the *seat* of *by* until an end date, if it is signed by *not_after*."""

    decision: Literal["lend"] = "lend"
    by: PersonId
    to: PersonId
    seat: str
    until: Annotated[datetime, msgspec.Meta(tz=True)]


def suffices(lent: LentSeat, lender: Person, rule: Rule | None, at: datetime) -> bool:
    """Whether a loan is what *rule* asks of an approval: signed, where it is, by a key of *lender*'s that would do.

    The signature itself is checked when it is given and by the executor (`desk.lending`).
    """
    if rule is None or not rule.signed:
        return True
    proof = proof_of(lent.proof)
    if not isinstance(proof, SignedProof):
        return False
    try:
        approving_key(lender, proof.credential, at, rule)
    except Refused:
        return False
    return True
