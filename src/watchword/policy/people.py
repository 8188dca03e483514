"""Who may take which step: `people.cedar`, parsed once, asked once per step.

Cedar answers only whether; what else a case needs is in `procedures`. Everything that is not a clear yes is a no: an
unknown step, a fact of the wrong type, an error in one rule of many.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from functools import cached_property, lru_cache
from typing import NamedTuple

import msgspec
from cedarpy import Decision, Entities, PolicySet, Schema, is_authorized, validate_policies

from watchword.core.account import AccountClass
from watchword.core.action import Action, Step
from watchword.core.errors import Invalid
from watchword.core.ids import PersonId
from watchword.core.person import Kind, Person, Role
from watchword.core.ruling import NO_RULE, CaseFacts, Ruling
from watchword.policy.document import Mistake, refuse

UNOPENED = "unopened"
"""What a case that has no id yet goes by."""

MOST = 4096
"""Answers that are kept, of about a kilobyte each."""

_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|;')
_SAID = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*')
_LITERAL = re.compile(r"\b(?:Person|Case)\s*::")
_ID = re.compile(r'@id\(\s*"((?:\\.|[^"\\])*)"\s*\)')


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """One rule as written: its *name* (`@id`, empty where it has none), its text, and the line it begins on."""

    name: str
    text: str
    line: int


class Question(NamedTuple):
    """What Cedar is asked; *entities* are the person with their roles and the case, in its JSON, as is *context*."""

    principal: str
    step: Step
    case: str
    entities: str
    context: str


class People:
    """The parsed rules. *statements* are in the order of the file; Cedar numbers its policies by it.

    Cedar is asked about people and cases under other names, the same ones for whoever stands in the same places: a rule
    can tell people apart, and can not tell who they are. So what it answers depends on nothing but the question, and a
    question that comes again is not asked again. Rules that name somebody are asked under the names there are.
    """

    def __init__(self, policies: PolicySet, schema: Schema, statements: tuple[Statement, ...]) -> None:
        self.statements = statements
        self._policies = policies
        self._schema = schema
        self._names_somebody = any(_LITERAL.search(_SAID.sub("", each.text)) for each in statements)
        self._said = lru_cache(MOST)(self._ask)

    @classmethod
    def load(
        cls, cedar: str, schema: str, *, file: str = "people.cedar", schema_file: str = "people.cedarschema"
    ) -> People:
        """Parse and validate; raise `Invalid` with file and line of every rule that is wrong, unnamed or unknown."""
        try:
            handle = Schema.from_str(schema)
        except ValueError as error:
            raise Invalid(f"The Cedar schema does not parse: {error}.", "Correct it.", schema_file) from error
        statements = tuple(_statements(cedar))
        mistakes = tuple(_mistakes(statements, handle, file))
        refuse(mistakes)
        try:
            policies = PolicySet.from_str(cedar)
        except ValueError as error:
            raise Invalid(f"The Cedar policy does not parse: {error}.", "Correct it.", file) from error
        people = cls(policies, handle, statements)
        people._probe(schema_file)
        return people

    def rule(self, person: Person, step: Step, facts: CaseFacts, at: datetime, lent: tuple[str, ...] = ()) -> Ruling:
        """Return whether *person* may take *step* at *at*, with the names of the rules that decided.

        *lent* are seats of others that count in this case: roles and relations beside their own.
        """
        roles = person.roles_at(at, facts.unit) | {Role(seat) for seat in lent if seat in set(Role)}
        if lent:
            facts = msgspec.structs.replace(
                facts, relations=(*facts.relations, *(s for s in lent if s not in set(Role)))
            )
        granted = facts.case is not None and person.may_execute(facts.case, at)
        delegated = facts.unit in person.delegated_at(at)
        ruling = self._answer(person.id, person.kind, roles, step, facts, granted=granted, delegated=delegated)
        if ruling.allowed or ruling.reasons or ruling.errors:
            return ruling
        return msgspec.structs.replace(ruling, reasons=(NO_RULE, *(f"role {r} would" for r in self.permitted[step])))

    @cached_property
    def permitted(self) -> dict[Step, tuple[Role, ...]]:
        """For each step, the roles whose holders may take it on a case of a standard account they took no step on."""
        return {
            step: tuple(
                r for r in Role if self._answer(_ANYONE, Kind.EMPLOYEE, {r}, step, _PLAIN, granted=True).allowed
            )
            for step in Step
        }

    def _answer(
        self,
        person: PersonId,
        kind: Kind,
        roles: frozenset[Role] | set[Role],
        step: Step,
        facts: CaseFacts,
        *,
        granted: bool = False,
        delegated: bool = False,
    ) -> Ruling:
        question = question_of(
            person,
            kind,
            roles,
            step,
            facts,
            granted=granted,
            delegated=delegated,
            as_they_are=self._names_somebody,
        )
        allowed, reasons, errors = self._said(question)
        return Ruling(person=person, step=step, allowed=allowed, reasons=reasons, errors=errors)

    def _ask(self, question: Question) -> tuple[bool, tuple[str, ...], tuple[str, ...]]:
        """Ask Cedar; return whether it allows, the rules that decided, and its errors."""
        request = {
            "principal": {"type": "Person", "id": question.principal},
            "action": {"type": "Action", "id": question.step},
            "resource": {"type": "Case", "id": question.case},
            "context": question.context,
        }
        try:
            entities = Entities.from_json_str(question.entities, self._schema)
            answer = is_authorized(request, self._policies, entities, self._schema)
        except ValueError as error:
            return False, (), (str(error),)
        names = answer.diagnostics.id_annotations_by_reason
        errors = tuple(str(e) for e in answer.diagnostics.errors)
        if answer.decision is Decision.NoDecision and not errors:
            errors = ("the policy engine gave no decision",)
        reasons = tuple(sorted(names.get(r, r) for r in answer.diagnostics.reasons))
        return answer.decision is Decision.Allow and not errors, reasons, errors

    def _probe(self, schema_file: str) -> None:
        """Ask about every step once; raise `Invalid` for one that the rules or the schema have no clean answer for."""
        for step in Step:
            answer = self._answer(_ANYONE, Kind.EMPLOYEE, set(Role), step, _PLAIN)
            if answer.errors:
                raise Invalid(
                    f"The rules can not answer for the step {step}: {answer.errors[0]}.",
                    "Declare the step, the roles and the attributes in the schema as Watchword ships them.",
                    schema_file,
                )


def question_of(
    person: PersonId,
    kind: Kind,
    roles: frozenset[Role] | set[Role],
    step: Step,
    facts: CaseFacts,
    *,
    granted: bool = False,
    delegated: bool = False,
    as_they_are: bool = False,
) -> Question:
    """Return what is asked about *person* and *step*, under names that say who is whom, or *as_they_are*."""
    names = _Names(person, facts, as_they_are=as_they_are)
    context = {
        "relations": sorted(facts.relations),
        "recovered": facts.recovered,
        "granted": granted,
        "delegated": delegated,
    }
    if facts.unsettled:  # left out where it says nothing: a policy of before there was such a fact still answers
        context["unsettled"] = True
    entities = _json((_person(names(person), kind, roles), _case(names, facts, step, kind)))
    return Question(names(person), step, names.case, entities, _json(context))


class _Names:
    """What Cedar is told people and the case are called: numbers in the order of the places they stand in."""

    def __init__(self, person: PersonId, facts: CaseFacts, *, as_they_are: bool) -> None:
        self._kept = as_they_are
        self._numbers: dict[PersonId, str] = {}
        self(person)
        self.case = (facts.case or UNOPENED) if as_they_are else "case"

    def __call__(self, person: PersonId) -> str:
        if self._kept:
            return person
        return self._numbers.setdefault(person, f"p{len(self._numbers)}")


_ANYONE = PersonId("p-anyone")
_PLAIN = CaseFacts(
    case=None, unit="any", account_class=AccountClass.STANDARD, action=Action.PASSWORD_RESET, subject=None
)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _person(name: str, kind: Kind, roles: frozenset[Role] | set[Role]) -> dict[str, object]:
    return {
        "uid": {"type": "Person", "id": name},
        "attrs": {"kind": kind},
        "parents": [{"type": "Role", "id": role} for role in sorted(roles)],
    }


def _case(names: _Names, facts: CaseFacts, step: Step, kind: Kind) -> dict[str, object]:
    """Return the case as *step* sees it: of the pairs kept apart only those it is in, so that Cedar reads less."""
    taken = "approve" if step is Step.REFUSE else step
    attributes: dict[str, object] = {"account_class": facts.account_class, "action": facts.action}
    single = {
        "subject": facts.subject,
        "opener": facts.opener,
        "releaser": facts.releaser,
        "executor": facts.executor,
        "proposer": facts.proposer,
    }
    attributes.update({place: _ref(names(who)) for place, who in single.items() if who is not None})
    several = {"verifiers": facts.verifiers, "provers": facts.provers, "approvers": facts.approvers}
    attributes.update({place: [_ref(names(who)) for who in sorted(people)] for place, people in several.items()})
    attributes["separate"] = [f"{one}-{other}" for one, other in facts.separate if taken in {one, other}]
    if (
        kind is Kind.AI and step is Step.PROTECT and facts.subject_roles
    ):  # asked nowhere else, as older policies knew it
        attributes["subject_roles"] = sorted(facts.subject_roles)
    return {"uid": {"type": "Case", "id": names.case}, "attrs": attributes, "parents": []}


def _ref(name: str) -> dict[str, dict[str, str]]:
    return {"__entity": {"type": "Person", "id": name}}


def _statements(cedar: str) -> Iterator[Statement]:
    """Split *cedar* at the semicolons that stand in no string and no comment; Cedar's own errors have no position."""
    begin = 0
    for token in _TOKEN.finditer(cedar):
        if token[0] == ";":
            yield _statement(cedar, begin, token.end())
            begin = token.end()
    if re.sub(r"//[^\n]*", "", cedar[begin:]).strip():
        yield _statement(cedar, begin, len(cedar))


def _statement(cedar: str, begin: int, end: int) -> Statement:
    text = cedar[begin:end]
    lead = re.match(r"(?:\s|//[^\n]*)*", text)
    start = begin + (lead.end() if lead else 0)
    name = _ID.search(_TOKEN.sub(_uncommented, text))
    return Statement(name=name[1] if name else "", text=text, line=cedar.count("\n", 0, start) + 1)


def _uncommented(token: re.Match[str]) -> str:
    """Return a token as it is, and nothing for a comment: what a comment says is no rule's name."""
    return "" if token[0].startswith("//") else token[0]


def _mistakes(statements: tuple[Statement, ...], schema: Schema, file: str) -> Iterator[Mistake]:
    """Hold each rule alone against Cedar and the schema."""
    if not statements:
        yield Mistake(file=file, line=1, path="", what="there is no rule", remedy="write at least one `permit`")
    named: set[str] = set()
    for each in statements:
        found = each.name or "(unnamed)"
        if not each.name:
            yield Mistake(
                file=file, line=each.line, path=found, what="the rule has no name", remedy='give it an @id("…")'
            )
        elif each.name in named:
            yield Mistake(
                file=file, line=each.line, path=found, what="two rules have this name", remedy="rename one of them"
            )
        named.add(each.name)
        result = validate_policies(each.text, schema)
        for error in result.errors:
            said = re.sub(r"^(Policy parse error: |for policy `policy0`[:,] )", "", error.error)
            remedy = "correct the rule; people.cedarschema says what there is"
            yield Mistake(file=file, line=each.line, path=found, what=said, remedy=remedy)
