"""Which lent seats count in one case: those their lenders could take in it themselves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from watchword.core.action import Step
from watchword.core.approval import SignedProof, approving_key, proof_of
from watchword.core.case import Case, verifiers
from watchword.core.errors import Invalid
from watchword.core.facts import facts_of
from watchword.core.ids import PersonId
from watchword.core.loan import suffices
from watchword.core.passkey import RelyingParty
from watchword.core.person import Kind, LentSeat, Person
from watchword.core.quorum import Rule as Approval
from watchword.core.ruling import CaseFacts, Ruling
from watchword.core.standing import Account
from watchword.desk.registry import Registry
from watchword.ledger.approval import is_of

Rule = Callable[[Person, Step, CaseFacts, datetime], Ruling]
"""Policy's answer to one person, on their own roles and relations alone."""


class Counting(msgspec.Struct, frozen=True, kw_only=True):
    """The *seats* of others that count, and *by* whom they were lent."""

    seats: tuple[str, ...] = ()
    by: tuple[PersonId, ...] = ()


def counting(
    registry: Registry,
    rule: Rule,
    person: Person,
    case: Case,
    account: Account,
    at: datetime,
    *,
    party: RelyingParty | None = None,
    to_approve: bool = True,
) -> Counting:
    """What *person* may sit as in *case* in the place of others at *at*.

    Never for somebody of a vendor, the subject, whoever verified, or somebody recovered lately; and of lenders, only
    those whom policy would let approve this case by what they hold themselves. Where approvals are signed, so is the
    loan, on a page of *party*: whoever has a lender's session could otherwise have a friend sign in their place. A look
    and a no need no signature, of either of them (not *to_approve*).
    """
    lent = person.lent_at(at)
    if not lent or person.kind is not Kind.EMPLOYEE or person.id in (case.subject, *verifiers(case)):
        return Counting()
    if registry.recently_recovered(person, at):
        return Counting()
    asked = case.requirement.approve if to_approve else None
    found = tuple(
        one
        for one in lent
        if _could(registry, rule, one, case, account, at) and holds(one, registry.person(one.by), asked, at, party)
    )
    return Counting(
        seats=tuple(dict.fromkeys(one.seat for one in found)), by=tuple(dict.fromkeys(one.by for one in found))
    )


def holds(lent: LentSeat, lender: Person, asked: Approval | None, at: datetime, party: RelyingParty | None) -> bool:
    """Whether a loan is what *asked* asks, signed on a page of *party*: where that moved, it is signed again."""
    if not suffices(lent, lender, asked, at):
        return False
    proof = proof_of(lent.proof)
    if party is None or asked is None or not asked.signed or not isinstance(proof, SignedProof):
        return True
    return is_of(party, proof, approving_key(lender, proof.credential, at, asked)[1])


def _could(registry: Registry, rule: Rule, one: LentSeat, case: Case, account: Account, at: datetime) -> bool:
    try:
        lender = registry.person(one.by)
    except Invalid:
        return False
    relations = account.relations(lender.id, at)
    if one.seat not in {*lender.roles_at(at, case.unit), *relations} or lender.id in verifiers(case):
        return False
    if lender.kind is not Kind.EMPLOYEE:
        return False
    facts = facts_of(case, account, lender.id, at, recovered=registry.recently_recovered(lender, at))
    ruling = rule(lender, Step.APPROVE, facts, at)
    return ruling.allowed and not ruling.errors
