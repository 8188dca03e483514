"""Saved recovery codes: the contract, and what is special to a set that ends with its first use."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest
from msgspec.structs import replace

from watchword.core.errors import Refused
from watchword.core.ids import AccountId, CaseId
from watchword.core.person import Credential
from watchword.methods.contract import AT, SOON, MethodContract
from watchword.methods.port import Ask, MethodPort
from watchword.methods.recovery_code import CODES, DIGEST, LENGTH, SALT, RecoveryCode

KEPT, SET = RecoveryCode().enrol()
ENROLLED = Credential(id="k-set", method="recovery_code", enrolled_at=AT - timedelta(days=90))
ASK = Ask(
    challenge="ch-0123456789abcdefghij",
    case=CaseId("c-k3m7q2x5w8z4n6p9r2t5"),
    account=AccountId("a-7f3k"),
    purpose="verify",
    at=AT,
    credential=ENROLLED,
    secret=KEPT,
)


class TestRecoveryCode(MethodContract):
    """A code names no challenge: that its set is used up binds it."""

    name = "recovery_code"
    bound = False

    def method(self) -> MethodPort:
        """The method keeps nothing."""
        return RecoveryCode()

    def ask(self) -> Ask:
        """Somebody with a set."""
        return ASK

    def right(self, method: MethodPort, ask: Ask, at: object) -> str:
        """The last of them, as it was printed."""
        return SET[-1]

    def wrong(self, method: MethodPort, ask: Ask, at: object) -> str:
        """One character off."""
        return SET[-1][:-1] + ("0" if SET[-1][-1] != "0" else "1")

    def secrets(self, method: MethodPort, ask: Ask) -> tuple[str, ...]:
        """Every code, with and without hyphens."""
        return (*SET, *(code.replace("-", "") for code in SET))


def test_a_set() -> None:
    """Ten different codes of more than 112 bits, of which a salt and digests are kept and nothing else."""
    kept, codes = RecoveryCode().enrol()
    assert len(set(codes)) == CODES
    assert LENGTH * math.log2(32) >= 112
    assert len(kept) == SALT + CODES * DIGEST
    assert not [code for code in codes if code.encode() in kept or code.replace("-", "").encode() in kept]


def test_two_sets_of_the_same_codes_look_different() -> None:
    """The salt is new in every set, so that equal codes of two people would not show."""
    assert RecoveryCode().enrol()[0][:SALT] != RecoveryCode().enrol()[0][:SALT]


@pytest.mark.parametrize("code", SET, ids=range(1, len(SET) + 1))
def test_each_code_proves(code: str) -> None:
    """Any code of the set proves, and the proof names its place, which the set is used up by."""
    proof = RecoveryCode().check(ASK, code, SOON)
    assert proof.counter == SET.index(code) + 1


@pytest.mark.parametrize("form", ["{}", "  {}", "{}\n"])
def test_how_it_is_typed(form: str) -> None:
    """Case, blanks and hyphens do not matter, nor the letters that look like digits."""
    typed = SET[0].lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert RecoveryCode().check(ASK, form.format(typed).rstrip("\n"), SOON).counter == 1


def test_the_others_end_with_one() -> None:
    """After one code was used no other of its set proves, in any challenge, and none can be begun."""
    used = replace(ASK, challenge="ch-another", credential=replace(ENROLLED, counter=1))
    with pytest.raises(Refused) as caught:
        RecoveryCode().check(used, SET[5], SOON)
    assert caught.value.reasons == ("replayed",)
    with pytest.raises(Refused) as caught:
        RecoveryCode().begin(used)
    assert caught.value.reasons == ("not_enrolled",)


def test_a_proof_is_checked_against_the_set() -> None:
    """A stored proof holds for the very code and place of the set, and for no other set."""
    proof = RecoveryCode().check(ASK, SET[2], SOON)
    RecoveryCode().recheck(ASK, proof)
    other, _ = RecoveryCode().enrol()
    for ask, changed in (
        (replace(ASK, secret=other), proof),
        (ASK, replace(proof, raw=SET[3].replace("-", ""))),
        (ASK, replace(proof, counter=2)),
        (replace(ASK, credential=replace(ENROLLED, id="k-newer")), proof),
    ):
        with pytest.raises(Refused):
            RecoveryCode().recheck(ask, changed)


@pytest.mark.parametrize("kept", [b"", b"short", KEPT[:-1], KEPT + b"x"])
def test_a_set_that_is_none(kept: bytes) -> None:
    """What the vault holds is taken whole or not at all."""
    with pytest.raises(Refused, match="can not be used here"):
        RecoveryCode().check(replace(ASK, secret=kept), SET[0], SOON)
