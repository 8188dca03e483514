"""In person: the contract, and what a statement may say."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from watchword.core.errors import Invalid, Refused
from watchword.core.ids import AccountId, CaseId
from watchword.methods.contract import AT, SOON, MethodContract
from watchword.methods.in_person import InPerson
from watchword.methods.port import Ask, MethodPort

ASK = Ask(
    challenge="ch-0123456789abcdefghij",
    case=CaseId("c-k3m7q2x5w8z4n6p9r2t5"),
    account=AccountId("a-7f3k"),
    purpose="verify",
    at=AT,
)


class TestInPerson(MethodContract):
    """Attested by somebody of ours; the same words are true for every challenge."""

    name = "in_person"
    bound = False

    def method(self) -> MethodPort:
        """The method."""
        return InPerson()

    def ask(self) -> Ask:
        """Somebody who stands there."""
        return ASK

    def right(self, method: MethodPort, ask: Ask, at: object) -> str:
        """A document was shown."""
        return "Passport, front desk Hamburg"

    def wrong(self, method: MethodPort, ask: Ask, at: object) -> str:
        """None was."""
        return "none, front desk Hamburg"


@pytest.mark.parametrize(
    ("said", "document"),
    [
        ("passport, Hamburg", "passport"),
        ("NATIONAL_ID , floor 3, Hamburg", "national id"),
        ("company  badge,gate 2", "company badge"),
    ],
)
def test_statement(said: str, document: str) -> None:
    """The kind of document goes into the leaf, the place stays in the payload."""
    proof = InPerson().check(ASK, said, SOON)
    assert proof.detail == {"document": document, "attested": True}
    assert proof.raw
    assert proof.raw.startswith(f"{document}, ")


@pytest.mark.parametrize("said", ["passport", "library card, Hamburg", "passport, ", ", Hamburg", "passport, a\nb"])
def test_no_statement(said: str) -> None:
    """Words that do not say what was shown and where are `Invalid`, which is no failure of the person."""
    with pytest.raises(Invalid, match="comma and the place"):
        InPerson().check(ASK, said, SOON)


@pytest.mark.parametrize("place", ["Hamburg C01X12345", "Hamburg 123 456", "no 12-34-5"])
def test_no_document_numbers(place: str) -> None:
    """A document number does not belong into evidence."""
    with pytest.raises(Invalid, match="Leave document numbers out"):
        InPerson().check(ASK, f"passport, {place}", SOON)


def test_tampered_statement() -> None:
    """A stored statement that no longer says what the leaf says does not hold."""
    proof = InPerson().check(ASK, "passport, Hamburg", SOON)
    for raw in ("company badge, Hamburg", "none, Hamburg", "", None):
        with pytest.raises(Refused):
            InPerson().recheck(ASK, replace(proof, raw=raw))


def test_nothing_shown_is_final() -> None:
    """Somebody who shows nothing has failed, and saying it again would not change that."""
    with pytest.raises(Refused) as caught:
        InPerson().check(ASK, "none, Hamburg", SOON)
    assert "final" in caught.value.reasons


def test_is_attested() -> None:
    """The method says of itself that no software checked it."""
    assert not InPerson().enforced
