"""What a lender of a seat signs: read back only as it was written, and enough where a rung asks for as much."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from tests.core.sample import BEGINNING, IDA, MANAGER, MAX, NOON
from tests.core.test_approval_keys import BOUND, SIGNED, holder, passkey
from tests.core.test_statement import SAID
from watchword.core.approval import SessionProof, SignedProof, SshProof, encode_proof
from watchword.core.errors import Invalid
from watchword.core.loan import Loan, suffices
from watchword.core.person import LentSeat
from watchword.core.statement import Statement

LOAN = Loan(
    log="sandbox.example.test",
    by=MAX,
    to=IDA,
    seat="manager_of_record",
    until=NOON + timedelta(days=7),
    nonce="n-1",
    checkpoint=BEGINNING,
    not_after=NOON,
)
BY_KEY = encode_proof(SignedProof(credential="x", client_data="b", authenticator_data="c", signature="d"))


def lent(proof: str) -> LentSeat:
    """A seat that was lent with that proof."""
    return LentSeat(by=MAX, seat="manager_of_record", until=NOON + timedelta(days=7), proof=proof)


def test_a_loan_is_read_back_as_it_was_written() -> None:
    """Its text has sorted keys and no spaces, and says which version and which decision it is."""
    text = LOAN.encode()
    assert Loan.parse(text) == LOAN
    assert text.startswith('{"by":')
    assert '"decision":"lend"' in text
    assert text.endswith(',"v":1}')
    assert " " not in text


def test_a_loan_is_no_policy_and_a_policy_no_loan() -> None:
    """What was signed for the one is nothing to the other; how any is read is `test_statement`'s."""
    with pytest.raises(Invalid):
        Statement.parse(LOAN.encode())
    with pytest.raises(Invalid):
        Loan.parse(SAID.encode())


@pytest.mark.parametrize(
    "proof", ["", "{}", encode_proof(SessionProof(session="s")), encode_proof(SshProof(signature="s"))]
)
def test_what_is_not_signed_by_a_passkey_counts_where_a_session_does(proof: str) -> None:
    """Where approvals are signed, a loan without a passkey's signature is none."""
    for rule in (None, MANAGER):
        assert suffices(lent(proof), holder(passkey()), rule, NOON)
    assert not suffices(lent(proof), holder(passkey()), SIGNED, NOON)


def test_the_key_is_what_the_rung_asks_of_an_approver() -> None:
    """Confirmed, bound where it has to be, old enough, and held by the lender still."""
    assert suffices(lent(BY_KEY), holder(passkey()), SIGNED, NOON)
    assert suffices(lent(BY_KEY), holder(passkey(synced=True)), SIGNED, NOON)
    bound = msgspec.structs.replace(BOUND, signed=True)
    assert suffices(lent(BY_KEY), holder(passkey()), bound, NOON)
    for unfit in (holder(passkey(confirmed_by=None)), holder(passkey(days=3)), holder(), holder(passkey("y"))):
        assert not suffices(lent(BY_KEY), unfit, SIGNED, NOON)
    assert not suffices(lent(BY_KEY), holder(passkey(synced=True)), bound, NOON)
