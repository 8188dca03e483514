"""The whole of the shipped policy as two tables of text, read as a diff. `UPDATE_GOLDEN=1` writes them anew."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tests.policy.sample import ANN, CALM, delegated, facts, granted, person, rule
from watchword.core.account import AccountClass
from watchword.core.action import Action, Step
from watchword.core.errors import Refused
from watchword.core.person import Kind, Person, Role
from watchword.core.requirement import Requirement
from watchword.core.ruling import CaseFacts
from watchword.policy import Policy

GOLDEN = Path(__file__).parent / "golden"
CLASSES = tuple(AccountClass)
HEADS = ("sta", "con", "ext", "exe", "fin", "pri", "idc", "ser", "ai", "brk")


def golden(name: str, text: str) -> None:
    """Compare *text* with the golden file *name*, or write it where `UPDATE_GOLDEN` is set."""
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text, f"{name} changed: read the diff, then run with UPDATE_GOLDEN=1"


def test_matrix() -> None:
    """Every cell of the default matrix asks for what the reviewed table says."""
    golden("matrix.txt", "".join(f"{line}\n" for line in _matrix()))


def test_roles() -> None:
    """Every role, relation and kind may take exactly the steps the reviewed table says, for each account class."""
    golden("roles.txt", "".join(f"{line}\n" for line in _roles()))


def _matrix() -> Iterator[str]:
    yield "account class x action -> verify / approve / hold (waived by) / alert"
    for account_class in AccountClass:
        yield ""
        for action in Action:
            try:
                said = _cell(Policy.default().procedures.require(account_class, action, CALM))
            except Refused as error:
                said = f"deny: {error.reasons[0].partition(': ')[2]}"
            yield f"{account_class:<17}{action:<22}{said}"


def _cell(needed: Requirement) -> str:
    verify = " or ".join(w.tier for w in needed.verify)
    approve = needed.approve.name if needed.approve else "none"
    waived = f" ({', '.join(needed.hold_waived_by)})" if needed.hold_waived_by else ""
    cosigned = " / cosigned" if needed.cosigned else ""
    return f"{verify:<11}/ {approve:<5}/ {needed.hold_s // 3600}h{waived} / {needed.alert}{cosigned}"


def _roles() -> Iterator[str]:
    yield "who                        step               " + " ".join(f"{h:<3}" for h in HEADS) + "  deciding rules"
    yield "on a case of somebody else on which they took no step yet"
    for name, someone, known in _cast():
        yield ""
        for step in Step:
            rulings = [rule(someone, step, msgspec.structs.replace(known, account_class=c)) for c in CLASSES]
            marks = " ".join(f"{'✔' if r.allowed else '✘':<3}" for r in rulings)
            deciding = dict.fromkeys(reason for r in rulings for reason in r.reasons if "would" not in reason)
            yield f"{name:<27}{step:<19}{marks}  {', '.join(deciding)}"


def _cast() -> Iterator[tuple[str, Person, CaseFacts]]:
    """Yield everyone the policy tells apart: a name, the person, and what the case knows of them."""
    for role in Role:
        yield role, person(role), facts()
    for relation in ("manager_of_record", "owner_of_record", "second_owner", "sponsor"):
        yield f"({relation})", person(), facts(relations=(relation,))
    yield "nobody", person(), facts()
    yield "executor, with a grant", granted(person(Role.EXECUTOR)), facts()
    yield "administrator of the unit", delegated(person(), "north"), facts()
    yield "subject with every role", person(*Role), facts(subject=ANN)
    yield "vendor agent", person(Role.AGENT, kind=Kind.VENDOR), facts()
    yield "vendor with every role", granted(person(*Role, kind=Kind.VENDOR)), facts(relations=("sponsor",))
    yield "AI agent", person(Role.AGENT, kind=Kind.AI), facts()
    yield "AI with every role", granted(person(*Role, kind=Kind.AI)), facts(relations=("second_owner",))
    yield "system", person(kind=Kind.SYSTEM), facts()
    yield "system, with a grant", granted(person(kind=Kind.SYSTEM)), facts()
    yield "system with every role", granted(person(*Role, kind=Kind.SYSTEM)), facts()
