"""Plainly invented people and cases, and the shipped files as texts to spoil."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from watchword.core.account import AccountClass
from watchword.core.action import Action, Step
from watchword.core.ids import CaseId, PersonId
from watchword.core.person import Delegation, ExecutorGrant, Kind, Person, Role, RoleGrant
from watchword.core.requirement import Context
from watchword.core.ruling import CaseFacts, Ruling
from watchword.policy import Policy
from watchword.policy.procedures import DEFAULT

NOON = datetime(2030, 5, 6, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
CALM = Context(location="home", device="known")

CASE = CaseId("c-one")
SUE = PersonId("p-sue-subject")
ANN = PersonId("p-ann")

PROCEDURES = (DEFAULT / "procedures.yaml").read_text(encoding="utf-8")
METHODS = (DEFAULT / "methods.yaml").read_text(encoding="utf-8")
CEDAR = (DEFAULT / "people.cedar").read_text(encoding="utf-8")
SCHEMA = (DEFAULT / "people.cedarschema").read_text(encoding="utf-8")


def spoiled(old: str, new: str, text: str = PROCEDURES, count: int = 1) -> str:
    """Return *text* with *old* replaced; it has to stand there."""
    assert old in text, f"{old!r} is no longer in the shipped file"
    return text.replace(old, new, count)


def line_of(needle: str, text: str = PROCEDURES) -> int:
    """Return the line (from 1) *needle* first stands on."""
    return text[: text.index(needle)].count("\n") + 1


def person(*roles: Role, kind: Kind = Kind.EMPLOYEE, unit: str | None = None, until: datetime | None = None) -> Person:
    """Ann, with roles everywhere or in one unit."""
    grants = tuple(RoleGrant(role=r, unit=unit, until=until) for r in roles)
    return Person(id=ANN, kind=kind, unit="north", grants=grants)


def granted(someone: Person, case: CaseId = CASE, until: datetime = NOON + HOUR) -> Person:
    """Return *someone* with a just-in-time grant to execute *case*."""
    return msgspec.structs.replace(someone, executions=(ExecutorGrant(case=case, until=until),))


def delegated(someone: Person, unit: str, until: datetime = NOON + HOUR) -> Person:
    """Return *someone* who may administer *unit* until then."""
    return msgspec.structs.replace(someone, delegations=(Delegation(unit=unit, until=until),))


def facts(
    account_class: AccountClass = AccountClass.STANDARD, action: Action = Action.FACTOR_RESET, **known: Any
) -> CaseFacts:
    """A case of somebody else in Ann's unit, on which nobody has taken a step, but for what is *known*."""
    plain = CaseFacts(
        case=CASE, unit="north", account_class=account_class, action=action, subject=SUE, opener=PersonId("p-opener")
    )
    return msgspec.structs.replace(plain, **known)


def rule(someone: Person, step: Step, case: CaseFacts | None = None, at: datetime = NOON) -> Ruling:
    """Ask the shipped policy."""
    return Policy.default().people.rule(someone, step, case or facts(), at)
