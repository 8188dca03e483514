"""Why a case needs what it needs, and why somebody may or may not, in words."""

from __future__ import annotations

import pytest

from tests.policy.sample import ANN, CALM, METHODS, NOON, facts, person, spoiled
from watchword.core.account import AccountClass
from watchword.core.action import Action, Step
from watchword.core.errors import Invalid
from watchword.core.person import Role
from watchword.core.requirement import Context
from watchword.policy import Policy, Procedures
from watchword.policy.explain import explain, words

POLICY = Policy.default()


def test_a_cell_in_words() -> None:
    """Proof, approval, hold, alert and after-care are said in sentences a caller can be told."""
    said = explain(POLICY, AccountClass.EXECUTIVE, Action.FACTOR_RESET, CALM)

    assert said.words == (
        (
            "Prove: two independent methods of weight 5 together, one of them passkey or in person, "
            "never video or manager of record or managed device or okta push or duo push or sms code (V3)."
        ),
        "Approve: manager of record and iam duty or security duty, each another person, within 4 hours of being asked.",
        "Hold: 1 hour, waived by passkey.",
        "Alert L2: it goes to the security queue.",
        (
            "After: tell the contacts of record, end every session where the directory can, "
            "recorded as on probation for 7 days, suspended unless the person confirms on their page within 1 day, "
            "reviewed within 3 days."
        ),
    )
    assert said.words == said.plain
    assert ("passkey", "mail_code") in said.sufficient
    assert said.policy == POLICY.digest


def test_one_seat_is_one_person_in_words() -> None:
    """Of a single approver nothing is said about others."""
    asked = POLICY.procedures.require(AccountClass.STANDARD, Action.TOTAL_LOSS, CALM)
    assert words(asked)[1] == "Approve: manager of record, within 4 hours of being asked."
    table = spoiled("A1:  {separate", "A1:  {signed: true, separate")
    signed = words(Procedures.load(table, METHODS).require(AccountClass.STANDARD, Action.TOTAL_LOSS, CALM))
    assert signed[1] == (
        "Approve: manager of record, with a signature of their own passkey, within 4 hours of being asked."
    )


def test_a_signature_in_words() -> None:
    """Where approvers have to sign, the sentence says so; so does what is raised to it."""
    table = spoiled("A2:  {separate", "A2:  {signed: true, separate")
    procedures = Procedures.load(table, METHODS)
    said = words(procedures.require(AccountClass.EXECUTIVE, Action.FACTOR_RESET, CALM))
    raised = procedures.require(AccountClass.STANDARD, Action.FACTOR_RESET, Context(channel="vendor_desk"))

    assert said[1] == (
        "Approve: manager of record and iam duty or security duty, each another person, each with a signature of their "
        "own passkey, within 4 hours of being asked."
    )
    assert raised.approve is not None
    assert raised.approve.signed


@pytest.mark.parametrize(
    ("row", "apart", "signed"),
    [
        ("distinct: [units], ", " and of another unit", ""),
        ("distinct: [roles, units], ", " and of another unit and in another role", ""),
        ("signed: true, device_bound: true, ", "", " on a key that can not be copied to another device"),
        ("signed: true, outside: true, ", "", ", one of the signatures made outside any browser"),
        (
            "signed: true, device_bound: true, outside: true, distinct: [units], ",
            " and of another unit",
            " on a key that can not be copied to another device, one of the signatures made outside any browser",
        ),
    ],
)
def test_who_may_sign_and_how_in_words(row: str, apart: str, signed: str) -> None:
    """What a rung asks of the approvers and of their keys is said, each part in its place and no other."""
    seats = "A2:  {separate: everyone_apart, seats: [[manager_of_record], [iam_duty"
    table = spoiled(seats, f"A2:  {{{row}separate: everyone_apart, seats: [[manager_of_record], [iam_duty")
    said = words(Procedures.load(table, METHODS).require(AccountClass.EXECUTIVE, Action.FACTOR_RESET, CALM))
    how = ", each with a signature of their own passkey" if "signed" in row else ""
    assert said[1] == (
        f"Approve: manager of record and iam duty or security duty, each another person{apart}{how}{signed}, "
        "within 4 hours of being asked."
    )


def test_what_ships_says_that_keys_of_privileged_accounts_stay_where_they_are() -> None:
    """Where a signature is asked for an account that could undo everything, its key can not be copied."""
    table = spoiled("A3:  {separate", "A3:  {signed: true, separate")
    procedures = Procedures.load(table, METHODS)
    said = words(procedures.require(AccountClass.PRIVILEGED, Action.FACTOR_RESET, CALM))
    assert "passkey on a key that can not be copied to another device" in said[1]


def test_witnesses_in_words() -> None:
    """Where witnesses have to cosign, the sentence says when; nothing that ships asks for it, and nothing is said."""
    row = "  executive:\n    unlock:               {"
    procedures = Procedures.load(spoiled(row, f"{row}cosigned: true, "), METHODS)
    said = words(procedures.require(AccountClass.EXECUTIVE, Action.UNLOCK, CALM))

    assert "Cosign: a quorum of witnesses, after the release and before anything is changed." in said
    assert not any(cell.cosigned for _, _, cell in POLICY.procedures.answered())
    asked = POLICY.procedures.require(AccountClass.EXECUTIVE, Action.UNLOCK, CALM)
    assert not [one for one in words(asked) if "witness" in one]


def test_a_ceremony_in_words() -> None:
    """Two custodians are said to be two people, and a cell without approval says that nobody has to."""
    ceremony = POLICY.procedures.require(AccountClass.BREAK_GLASS, Action.UNLOCK, CALM)
    plain = POLICY.procedures.require(AccountClass.STANDARD, Action.UNLOCK, CALM)

    assert words(ceremony)[0] == "Prove: custodian passkey, by two people (V5)."
    assert words(plain)[:3] == (
        (
            "Prove: passkey or totp (V1) · or two independent methods of weight 4 together, "
            "never video or manager of record or managed device or okta push or duo push or kiosk (V2)."
        ),
        "Approve: nobody has to.",
        "Hold: none.",
    )


def test_what_raised_it_is_said() -> None:
    """A raised requirement says every reason, and what the cell was before."""
    context = Context(channel="chat", risk="high")
    said = explain(POLICY, AccountClass.STANDARD, Action.FACTOR_RESET, context, completed_recoveries_7d=1)

    assert said.raised[:2] == ("the request came in by chat", "the device is not known")
    assert said.raised[-1] == "it is a second recovery within 7 days"
    assert said.words != said.plain
    assert "Raised because the risk is high." in said.words


@pytest.mark.parametrize(
    ("action", "repeat", "why"),
    [(Action.PRIVILEGED_OVERRIDE, 0, "no privileged role to lend"), (Action.UNLOCK, 2, "recovered 2 times")],
)
def test_a_refused_cell_is_explained_too(action: Action, repeat: int, why: str) -> None:
    """A denied cell and a third recovery have no requirement, and say why and what to do."""
    said = explain(POLICY, AccountClass.STANDARD, action, CALM, completed_recoveries_7d=repeat)

    assert said.requirement is None
    assert why in said.refused[0]
    assert said.refused[1]
    assert said.words == ()


def test_a_ruling_is_explained_with_its_rule() -> None:
    """With a person and a step the explanation holds the ruling, on an untouched case or on the facts given."""
    agent = person(Role.AGENT)
    cell = (AccountClass.FINANCE, Action.FACTOR_RESET)

    fresh = explain(POLICY, *cell, CALM, person=agent, step=Step.VERIFY, at=NOON).ruling
    opened = explain(
        POLICY,
        *cell,
        CALM,
        person=agent,
        step=Step.VERIFY,
        facts=facts(AccountClass.FINANCE, opener=ANN, separate=(("open", "verify"),)),
        at=NOON,
    ).ruling

    assert fresh is not None
    assert fresh.reasons == ("agent-works-cases",)
    assert opened is not None
    assert opened.reasons == ("sod-opener-verifies",)


def test_half_a_question_is_refused() -> None:
    """A person without a step, a step without a person, or neither a time are no question."""
    for half in ({"person": person()}, {"step": Step.OPEN}, {"person": person(), "step": Step.OPEN}):
        with pytest.raises(Invalid, match="all three"):
            explain(POLICY, AccountClass.STANDARD, Action.UNLOCK, CALM, **half)
