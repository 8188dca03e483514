"""That nobody is alone, whoever holds which roles: asked of people.cedar itself, the way the desk asks it.

For every pair of steps that some procedure keeps apart, everybody who could take both is made to have taken one, and
has to be refused the other. The same where the glass is broken, by what is kept apart then, and for what no procedure
has to say: subjects, provers, vendors, AI agents, authors. Where a rule is missing the finding names the one that ships
with Watchword. Who broke the glass people.cedar is not told: `core.decision` itself refuses them every later step.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import product
from pathlib import Path

import msgspec

from watchword.core.account import AccountClass
from watchword.core.action import Action, Step
from watchword.core.ids import CaseId, PersonId
from watchword.core.person import Delegation, ExecutorGrant, Kind, Person, Role, RoleGrant
from watchword.core.ruling import CaseFacts
from watchword.policy.document import Mistake
from watchword.policy.people import People
from watchword.policy.procedures import Procedures
from watchword.policy.rows import broken_glass

_AT = datetime(2000, 1, 1, tzinfo=UTC)
_WHO, _OTHER, _CASE = PersonId("p-who"), PersonId("p-other"), CaseId("c-asked")
_RELATIONS = ("manager_of_record", "second_owner", "sponsor")
_ALL = frozenset(Role)

DONE: dict[str, dict[str, PersonId | tuple[PersonId, ...]]] = {
    "open": {"opener": _WHO},
    "verify": {"verifiers": (_WHO,)},
    "approve": {"approvers": (_WHO,)},
    "release": {"releaser": _WHO},
    "execute": {"executor": _WHO},
}
"""Steps that leave a name in the case, and where. A review is the last one, and opening the first."""

WANTED: dict[str, tuple[Step, ...]] = {
    "verify": (Step.VERIFY,),
    "approve": (Step.APPROVE, Step.REFUSE),
    "release": (Step.RELEASE,),
    "execute": (Step.EXECUTE,),
    "review": (Step.REVIEW,),
}
"""Steps that can come after another one; to refuse is a vote as well."""

MANNED = (
    Step.OPEN,
    Step.VERIFY,
    Step.RELEASE,
    Step.EXECUTE,
    Step.HAND_OVER,
    Step.CLOSE,
    Step.REVIEW,
    Step.BREAK_GLASS,
    Step.ACTIVATE_POLICY,
    Step.ADMINISTER_PEOPLE,
)
"""Steps that somebody has to be able to take, or the desk, or its policy, stands still."""


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who must be refused *step*: what they are, what the case knows of them, and what that means in words."""

    kind: Kind
    roles: frozenset[Role]
    step: Step
    facts: CaseFacts
    means: str
    granted: bool = True


def separation(procedures: Procedures, people: People, *, file: str = "people.cedar") -> tuple[Mistake, ...]:
    """Return what *people* lets somebody do alone, and what it lets nobody do; each missing rule once."""
    shipped, found = _shipped(), dict[str, Mistake]()
    lines = {s.name: s.line for s in people.statements}
    for probe in (*_kept_apart(procedures, people), *_always()):
        answer = people.rule(_person(probe), probe.step, probe.facts, _AT)
        if not answer.allowed:
            continue
        # What ships refuses it by name; a permit's line is where somebody who reads this has to look.
        missing = " and ".join(shipped.rule(_person(probe), probe.step, probe.facts, _AT).reasons)
        line = min((lines.get(reason, 1) for reason in answer.reasons), default=1)
        found.setdefault(
            missing,
            Mistake(
                file=file,
                line=line,
                path=missing,
                what=f"{probe.means}: {', '.join(answer.reasons)} permits it and no rule forbids it",
                remedy=f"write the rule {missing} again as Watchword ships it, or a stricter one",
            ),
        )
    return (*found.values(), *_unmanned(procedures, people, file))


def _kept_apart(procedures: Procedures, people: People) -> Iterator[Probe]:
    """Yield everybody who could take both steps of a pair, for each class of account whose procedure has it."""
    able = {step: _able(people, steps[0]) for step, steps in {"open": (Step.OPEN,), **WANTED}.items()}
    kept = [(account_class, pairs, "") for account_class, pairs in _pairs(procedures).items()]
    kept.extend((account_class, pairs, ", the glass broken") for account_class, pairs in _pairs_of_glass(procedures))
    for account_class, pairs, how in kept:
        for done, wanted in product(DONE, WANTED):
            if (done, wanted) not in pairs and (wanted, done) not in pairs:
                continue
            combinations = {one | other for one, other in product(able[done], able[wanted])} | {_ALL}
            for roles, kind, step in product(combinations, (Kind.EMPLOYEE, Kind.VENDOR), WANTED[wanted]):
                means = f"{_roles(roles)} may {step} a case of class {account_class} after the step {done} of it{how}"
                facts = _facts(account_class, relations=_RELATIONS, separate=tuple(pairs), **DONE[done])
                yield Probe(kind=kind, roles=roles, step=step, facts=facts, means=means)


def _pairs(procedures: Procedures) -> dict[AccountClass, frozenset[tuple[str, str]]]:
    """The pairs each class keeps apart under some action and on some rung of its ladder of approvals."""
    found: dict[AccountClass, frozenset[tuple[str, str]]] = {}
    for account_class, _, cell in procedures.answered():
        ladder = procedures.table.classes[account_class].approvals
        rungs = ladder[ladder.index(cell.approve) :]
        pairs = {pair for rung in rungs for pair in procedures.separated(rung)}
        found[account_class] = found.get(account_class, frozenset()) | pairs
    return found


def _pairs_of_glass(procedures: Procedures) -> Iterator[tuple[AccountClass, frozenset[tuple[str, str]]]]:
    """The pairs each class keeps apart once the glass is broken; the procedure's own no longer hold then."""
    glass = procedures.break_glass
    for account_class in glass.classes:
        answered = (plain for action in glass.actions if (plain := procedures.plain(account_class, action)) is not None)
        if pairs := frozenset(pair for plain in answered for pair in broken_glass(glass, plain).separate):
            yield account_class, pairs


def _able(people: People, step: Step) -> tuple[frozenset[Role], ...]:
    """The least sets of roles with which somebody may take *step* on a case nobody has touched; relations are given."""
    fresh = _facts(AccountClass.STANDARD, relations=_RELATIONS)
    sets = (frozenset[Role](), *(frozenset({role}) for role in Role))
    able = [
        roles
        for roles in sets
        if people.rule(
            _person(Probe(kind=Kind.EMPLOYEE, roles=roles, step=step, facts=fresh, means="")), step, fresh, _AT
        ).allowed
    ]
    return (frozenset[Role](),) if frozenset[Role]() in able else tuple(able)


def _always() -> Iterator[Probe]:
    """Yield what is refused whatever a procedure says, to somebody with every role there is."""

    def probe(means: str, step: Step, *, kind: Kind = Kind.EMPLOYEE, granted: bool = True, **known: object) -> Probe:
        facts = _facts(AccountClass.STANDARD, **known)
        return Probe(kind=kind, roles=_ALL, step=step, facts=facts, means=means, granted=granted)

    for step in Step:
        if step not in {Step.WITHDRAW, Step.OBJECT}:
            yield probe(f"somebody may {step} their own recovery", step, subject=_WHO)
        if step not in {Step.OPEN, Step.LINK_TICKET, Step.ESCALATE, Step.PROTECT}:
            yield probe(f"an AI agent may {step}", step, kind=Kind.AI)
    for step in (Step.VERIFY, Step.APPROVE, Step.REFUSE, Step.RELEASE, Step.REVIEW):
        yield probe(f"whose credential proved a case may {step} it", step, provers=(_WHO,))
    for step in (Step.APPROVE, Step.REFUSE):
        yield probe(f"somebody who was recovered lately may {step}", step, recovered=True)
        yield probe(f"somebody of a vendor may {step}", step, kind=Kind.VENDOR)
    for step in (Step.ACTIVATE_POLICY, Step.ADMINISTER_PEOPLE, Step.ENROL_CREDENTIAL, Step.REVIEW, Step.BREAK_GLASS):
        yield probe(f"somebody of a vendor may {step}", step, kind=Kind.VENDOR)
        yield probe(f"a part of Watchword may {step}", step, kind=Kind.SYSTEM)
    for step, verb in ((Step.REVIEW, "review it"), (Step.ERASE_EVIDENCE, "erase its evidence")):
        for done in DONE.values():
            hand = _facts(AccountClass.STANDARD, **done)
            means = f"somebody who took a step in a case may {verb}"
            yield Probe(kind=Kind.EMPLOYEE, roles=_ALL, step=step, facts=hand, means=means)
    yield probe("somebody may execute a case without a grant for it", Step.EXECUTE, granted=False)
    yield probe("who proposed a policy may confirm it", Step.ACTIVATE_POLICY, proposer=_WHO)
    yield probe("an author whose way in was changed lately may activate a policy", Step.ACTIVATE_POLICY, unsettled=True)


def _unmanned(procedures: Procedures, people: People, file: str) -> Iterator[Mistake]:
    """Tell of steps and of seats of an approval that no rule lets anybody take."""
    for step in MANNED:
        if not _able(people, step):
            remedy = "write a `permit` for the role that takes this step"
            yield Mistake(file=file, line=1, path=step, what=f"nobody may {step}, whatever their role", remedy=remedy)
    for account_class, row in procedures.table.classes.items():
        for rung in row.approvals:
            for i, seat in enumerate(procedures.table.approvals[rung].seats if rung != "none" else ()):
                if not any(_sits(people, account_class, name) for name in seat):
                    yield procedures.loaded.document.mistake(
                        ("approvals", rung, "seats", i),
                        f"people.cedar lets none of {', '.join(seat)} approve for the class {account_class}",
                        "let one of them approve there, or name another seat",
                    )


def _sits(people: People, account_class: AccountClass, seat: str) -> bool:
    """Whether somebody may approve by this role, or by this relation to the account."""
    is_relation = seat in _RELATIONS
    roles = frozenset[Role]() if is_relation else frozenset({Role(seat)})
    facts = _facts(account_class, relations=(seat,) if is_relation else ())
    who = _person(Probe(kind=Kind.EMPLOYEE, roles=roles, step=Step.APPROVE, facts=facts, means=""))
    return people.rule(who, Step.APPROVE, facts, _AT).allowed


def _facts(account_class: AccountClass, **known: object) -> CaseFacts:
    plain = CaseFacts(
        case=_CASE, unit="", account_class=account_class, action=Action.TOTAL_LOSS, subject=_OTHER, opener=_OTHER
    )
    return msgspec.structs.replace(plain, **known)


def _person(probe: Probe) -> Person:
    later = _AT + timedelta(hours=1)
    return Person(
        id=_WHO,
        kind=probe.kind,
        unit="",
        grants=tuple(RoleGrant(role=role) for role in sorted(probe.roles)),
        executions=(ExecutorGrant(case=_CASE, until=later),) if probe.granted else (),
        delegations=(Delegation(unit="", until=later),) if probe.roles == _ALL else (),
    )


def _roles(roles: frozenset[Role]) -> str:
    if roles == _ALL:
        return "somebody with every role"
    return f"somebody who is {' and '.join(sorted(roles))}" if roles else "a manager, second owner or sponsor"


@cache
def _shipped() -> People:
    folder = Path(__file__).parent / "default"
    return People.load(
        (folder / "people.cedar").read_text(encoding="utf-8"),
        (folder / "people.cedarschema").read_text(encoding="utf-8"),
    )
