"""What one policy decision costs, and where the time goes: `python -m bench.policy`.

A decision is one ruling on one person's step (`People.rule`). The split times the same calls it makes, one after the
other: building the entities, having Cedar parse them, having Cedar decide. `require` and `assess` stand beside it: a
case asks for the former once and for the latter a few times. Rounds are interleaved and the best of each counts, so
that a busy machine is unfair to nobody. The last line has two threads rule at once; Cedar decides under the GIL.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import count

import msgspec
from cedarpy import Entities, PolicySet, Schema, is_authorized
from rich.console import Console
from rich.progress import track
from rich.table import Table

from watchword.core.account import AccountClass
from watchword.core.action import Action, Step
from watchword.core.ids import CaseId, LeafHash, PersonId
from watchword.core.person import Kind, Person, Role, RoleGrant
from watchword.core.requirement import Context, Evidence, assess
from watchword.core.ruling import CaseFacts
from watchword.policy import Policy
from watchword.policy.people import question_of
from watchword.policy.procedures import DEFAULT

AT = datetime(2030, 5, 6, 12, tzinfo=UTC)
CALLS = 400
ROUNDS = 15
WHOLE = "People.rule: the whole decision"


def main() -> None:
    """Measure and print."""
    policy = Policy.default()
    procedures, people = policy.procedures, policy.people
    calm, hostile = Context(location="home", device="known"), Context(channel="chat", risk="high")
    cell = (AccountClass.FINANCE, Action.FACTOR_RESET)
    needed = procedures.require(*cell, calm)
    agent = Person(id=PersonId("p-agent"), kind=Kind.EMPLOYEE, unit="north", grants=(RoleGrant(role=Role.IAM_DUTY),))
    facts = CaseFacts(
        case=CaseId("c-bench"),
        unit="north",
        account_class=cell[0],
        action=cell[1],
        subject=PersonId("p-subject"),
        opener=PersonId("p-opener"),
        verifiers=(PersonId("p-verifier"),),
        separate=needed.separate,
    )
    evidence = tuple(_proved(m) for m in ("passkey", "mail_code", "call_code"))
    roles = agent.roles_at(AT, facts.unit)
    rules = PolicySet.from_str((DEFAULT / "people.cedar").read_text(encoding="utf-8"))
    schema = Schema.from_str((DEFAULT / "people.cedarschema").read_text(encoding="utf-8"))
    question = question_of(agent.id, agent.kind, roles, Step.APPROVE, facts)
    entities = Entities.from_json_str(question.entities, schema)
    request = {
        "principal": {"type": "Person", "id": question.principal},
        "action": {"type": "Action", "id": question.step},
        "resource": {"type": "Case", "id": question.case},
        "context": question.context,
    }
    number = count()

    def anew() -> CaseFacts:
        """The facts of a case nobody asked about: kept answers do not help."""
        return msgspec.structs.replace(facts, relations=(f"number {next(number)}",))

    assert people.rule(agent, Step.APPROVE, facts, AT).allowed
    parts: dict[str, Callable[[], object]] = {
        WHOLE: lambda: people.rule(agent, Step.APPROVE, anew(), AT),
        "  the question, as JSON": lambda: question_of(agent.id, agent.kind, roles, Step.APPROVE, facts),
        "  entities parsed and held to the schema": lambda: Entities.from_json_str(question.entities, schema),
        f"  Cedar: {len(people.statements)} rules, request held to the schema": lambda: is_authorized(
            request, rules, entities, schema
        ),
        "People.rule, refused by a forbid": lambda: people.rule(
            agent, Step.APPROVE, msgspec.structs.replace(anew(), recovered=True), AT
        ),
        "People.rule, a question that came before": lambda: people.rule(agent, Step.APPROVE, facts, AT),
        "require: a plain cell": lambda: procedures.require(*cell, calm),
        "require: raised by context and a repeat": lambda: procedures.require(
            *cell, hostile, completed_recoveries_7d=1
        ),
        "assess: three methods": lambda: assess(needed, evidence, AT),
    }
    best = dict.fromkeys(parts, float("inf"))
    for _ in track(range(ROUNDS), description="measuring", transient=True):
        for name, call in parts.items():
            best[name] = min(best[name], _seconds(call) / CALLS)
    _show(best, _two_threads(parts[WHOLE]))


def _proved(method: str) -> Evidence:
    return Evidence(
        method=method,
        prover=PersonId("p-subject"),
        agent=PersonId("p-verifier"),
        at=AT,
        challenge=method,
        leaf=LeafHash(method),
    )


def _seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    for _ in range(CALLS):
        call()
    return time.perf_counter() - started


def _two_threads(call: Callable[[], object]) -> float:
    """Seconds for one decision when two threads take them at once, the best of the rounds."""
    with ThreadPoolExecutor(2) as pool:
        best = float("inf")
        for _ in range(ROUNDS):
            started = time.perf_counter()
            for done in [pool.submit(_seconds, call) for _ in range(2)]:
                done.result()
            best = min(best, (time.perf_counter() - started) / (2 * CALLS))
    return best


def _show(best: dict[str, float], threaded: float) -> None:
    table = Table(title="Policy decisions, one thread, best of the rounds")
    table.add_column("what")
    table.add_column("µs", justify="right")
    table.add_column("a second", justify="right")
    table.add_column("of a decision", justify="right")
    for name, seconds in best.items():
        table.add_row(name, f"{seconds * 1e6:,.1f}", f"{1 / seconds:,.0f}", f"{seconds / best[WHOLE]:.2f} ×")
    table.add_section()
    table.add_row(
        "People.rule, two threads", f"{threaded * 1e6:,.1f}", f"{1 / threaded:,.0f}", f"{threaded / best[WHOLE]:.2f} ×"
    )
    Console().print(table)


if __name__ == "__main__":
    main()
