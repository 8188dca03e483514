"""Self-service in the people policy: what the portal may do to a case of its own, and that nobody else gains by it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from watchword.core.account import AccountClass
from watchword.core.action import Action, Step
from watchword.core.ids import CaseId, PersonId
from watchword.core.person import Kind, Person
from watchword.core.ruling import CaseFacts
from watchword.policy.bundle import Policy

AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
BOOKS = {Step.VALIDATE, Step.HAND_OVER, Step.CLOSE, Step.WITHDRAW, Step.PROTECT}
WALKS = {Step.OPEN, Step.LINK_TICKET, Step.VERIFY}


def allowed(kind: Kind, *relations: str, separate: tuple[tuple[str, str], ...] = ()) -> set[Step]:
    """The steps somebody of *kind* without any role may take on a case they are so related to, and opened."""
    me = PersonId("p-me")
    facts = CaseFacts(
        case=CaseId("c-one"),
        unit="",
        account_class=AccountClass.STANDARD,
        action=Action.PASSWORD_RESET,
        subject=PersonId("p-mara"),
        opener=me,
        verifiers=(me,),
        relations=relations,
        separate=separate,
    )
    rule = Policy.default().people.rule
    return {step for step in Step if rule(Person(id=me, kind=kind, unit=""), step, facts, AT).allowed}


def test_the_portal_walks_what_it_opened_and_releases_what_asks_for_nobody() -> None:
    """Opening, verifying and linking are its own; release only beside the fact that nobody else is asked."""
    assert allowed(Kind.SYSTEM) == BOOKS
    assert allowed(Kind.SYSTEM, "portal") == BOOKS | WALKS
    assert allowed(Kind.SYSTEM, "portal", "portal_alone") == BOOKS | WALKS | {Step.RELEASE}


@pytest.mark.parametrize("kind", [Kind.EMPLOYEE, Kind.VENDOR, Kind.AI])
def test_nobody_else_is_the_portal(kind: Kind) -> None:
    """The same facts say nothing of a person, of whatever kind."""
    assert not allowed(kind, "portal", "portal_alone") & (WALKS | {Step.RELEASE})


def test_what_a_procedure_keeps_apart_is_kept_from_the_portal_too() -> None:
    """Where opening and verifying, or verifying and releasing, are two people's, the portal is one of them."""
    apart = (("open", "verify"), ("verify", "release"))
    assert allowed(Kind.SYSTEM, "portal", "portal_alone", separate=apart) == BOOKS | {Step.OPEN, Step.LINK_TICKET}
