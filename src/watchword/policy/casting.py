"""Who could take the steps of one case: every cast of a verifier and approvers that the rules of people.cedar permit.

Asked of `People.rule`, which the running desk asks. What it answers is remembered by everything its rules can see.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from watchword.core.account import AccountClass
from watchword.core.action import Action, Step
from watchword.core.ids import CaseId, PersonId
from watchword.core.person import Person, Role
from watchword.core.quorum import Rule
from watchword.core.requirement import Requirement
from watchword.core.ruling import CaseFacts
from watchword.policy.people import People
from watchword.policy.roster import RELATIONS, Roster, RosterAccount

CASE = CaseId("c-proof")
SOURCE = PersonId("")
"""Whoever the record would name if it were rewritten at its source: takes a relation's seat, and is nobody here."""


class Cast(msgspec.Struct, frozen=True, kw_only=True):
    """Who verifies (None: nobody, the glass is broken) and who approves, in an order the rules permit."""

    verifier: PersonId | None
    approvers: tuple[PersonId, ...]


class Rulings:
    """What `People.rule` says, remembered by what its rules can tell apart."""

    def __init__(self, people: People, roster: Roster) -> None:
        self.people = people
        self.at = roster.at
        self._known: dict[tuple[object, ...], bool] = {}
        text = "\n".join(s.text for s in people.statements)
        self._reads_action = _reads(text, "action")
        self._reads_class = _reads(text, "account_class")
        self._names_people = bool(named(people))

    def allows(self, person: Person, step: Step, facts: CaseFacts) -> bool:
        """Whether *person* may take *step* on a case of these facts."""
        key = self._key(person, step, facts)
        if (known := self._known.get(key)) is None:
            ruling = self.people.rule(person, step, facts, self.at)
            known = self._known[key] = ruling.allowed and not ruling.errors
        return known

    def read_of(self, facts: CaseFacts) -> tuple[object, ...]:
        """What the rules can read of the facts of a case before anybody took a step in it."""
        return (
            facts.account_class if self._reads_class else None,
            facts.action if self._reads_action else None,
            facts.separate,
            facts.recovered,
            (facts.case, facts.unit, facts.account_class, facts.action, facts.subject, facts.provers)
            if self._names_people
            else None,
        )

    def _key(self, person: Person, step: Step, facts: CaseFacts) -> tuple[object, ...]:
        """Ids are opaque to rules that name none: all they can ask is who is who, and whether somebody is there."""
        if self._names_people:
            return (person, step, facts)
        who = person.id
        return (
            person.kind,
            person.roles_at(self.at, facts.unit),
            facts.unit in person.delegated_at(self.at),
            step,
            facts.account_class if self._reads_class else None,
            facts.action if self._reads_action else None,
            facts.relations,
            facts.recovered,
            facts.separate,
            facts.subject == who,
            facts.subject is None,
            facts.opener == who,
            facts.opener is None,
            facts.releaser == who,
            facts.releaser is None,
            who in facts.verifiers,
            len(facts.verifiers),
            who in facts.provers,
            len(facts.provers),
            who in facts.approvers,
            len(facts.approvers),
        )


def named(people: People) -> frozenset[PersonId]:
    """Whom the rules of people.cedar name: nobody else is like them."""
    text = "\n".join(s.text for s in people.statements)
    return frozenset(map(PersonId, re.findall(r'\bPerson\s*::\s*"([^"]*)"', text)))


def _reads(text: str, attribute: str) -> bool:
    return re.search(rf'resource\s*(\.\s*|\[\s*"|has\s+"?){attribute}\b', text) is not None


class Casting:
    """The casts of cases on the accounts of one roster.

    *twins* are groups of people nothing tells apart: where one of them does, the first that is free stands for all.
    """

    def __init__(self, rulings: Rulings, roster: Roster, twins: tuple[tuple[PersonId, ...], ...] = ()) -> None:
        self.rulings = rulings
        self.people = {p.id: p for p in roster.people}
        self._earlier = {p: group[:i] for group in twins for i, p in enumerate(group)}
        self._staff: dict[str, tuple[Person, ...]] = {}
        self._known: dict[object, tuple[Cast, ...]] = {}
        self._sorted: dict[object, tuple[Person, ...]] = {}
        self._able: dict[object, tuple[tuple[PersonId, ...], ...]] = {}

    def facts(self, account: RosterAccount, held: AccountClass, action: Action, requirement: Requirement) -> CaseFacts:
        """A case on *account* under *requirement* that nobody has taken a step in."""
        return CaseFacts(
            case=CASE,
            unit=account.unit,
            account_class=held,
            action=action,
            subject=account.person,
            separate=requirement.separate,
        )

    def holders(self, role: Role, unit: str, count: int) -> Iterator[tuple[PersonId, ...]]:
        """Every group of *count* different holders of a role."""
        able = tuple(p.id for p in self.people.values() if role in p.roles_at(self.rulings.at, unit))
        return self._groups(able, count, ())

    def casts(
        self,
        account: RosterAccount,
        facts: CaseFacts,
        rule: Rule | None,
        *,
        attested: bool,
        invoker: PersonId | None = None,
    ) -> tuple[Cast, ...]:
        """Every cast for *account*. Unless *attested*, one verifier is as good as another, and only approvers differ.

        With an *invoker* the glass is broken: nobody verifies, and whoever broke it neither approves nor releases.
        """
        key = self._alike(account, facts), rule and rule.seats, attested, invoker
        if key not in self._known:
            self._known[key] = self._worked_out(account, facts, rule, attested=attested, invoker=invoker)
        return self._known[key]

    def _alike(self, account: RosterAccount, facts: CaseFacts) -> object:
        """What can make a difference: a subject or prover who could take no step is like any other."""
        present = {p.id for p in self.staff(account)}
        relations = tuple(getattr(account, field) for field in RELATIONS.values())
        subject = account.person if account.person in present else account.person is None
        provers = tuple(p if p in present else None for p in facts.provers)
        same = account.person in facts.provers
        return account.unit, relations, subject, provers, same, self.rulings.read_of(facts)

    def _worked_out(
        self,
        account: RosterAccount,
        facts: CaseFacts,
        rule: Rule | None,
        *,
        attested: bool,
        invoker: PersonId | None,
    ) -> tuple[Cast, ...]:
        seats = tuple(s.roles for s in rule.seats) if rule else ()
        found: dict[tuple[PersonId | None, frozenset[PersonId], int], Cast] = {}
        verifiers: Iterator[Person | None] = iter(self._free(account, facts)) if invoker is None else iter((None,))
        for verifier in verifiers:
            used = {p.id for p in (verifier,) if p} | ({invoker} if invoker else set())
            for approvers in self._seated(account, facts, seats, used, invoker):
                who = verifier.id if verifier and attested else None
                key = (who, frozenset(approvers), approvers.count(SOURCE))
                if key not in found and self._permitted(account, facts, verifier, approvers, invoker):
                    found[key] = Cast(verifier=who, approvers=approvers)
        return tuple(found.values())

    def takers(self, step: Step, facts: CaseFacts, count: int) -> tuple[tuple[PersonId, ...], ...]:
        """Every group of *count* different people each of whom may take *step*."""
        key = step, facts, count
        if key not in self._able:
            able = [p for p in self.people.values() if p.grants or p.delegations if self.rulings.allows(p, step, facts)]
            self._able[key] = tuple(self._groups(tuple(p.id for p in able), count, ()))
        return self._able[key]

    def _groups(
        self, able: tuple[PersonId, ...], count: int, taken: tuple[PersonId, ...]
    ) -> Iterator[tuple[PersonId, ...]]:
        if not count:
            yield taken
            return
        start = able.index(taken[-1]) + 1 if taken else 0
        for who in able[start:]:
            if self._first_free(who, set(taken), set(self._earlier.get(who, ())) - set(able)):
                yield from self._groups(able, count - 1, (*taken, who))

    def approves_when_recovered(self, account: RosterAccount, who: PersonId, facts: CaseFacts) -> bool:
        """Whether *who* may approve although an account of theirs was recovered within the last seven days."""
        return self.may(account, self.people[who], Step.APPROVE, msgspec.structs.replace(facts, recovered=True))

    def staff(self, account: RosterAccount) -> tuple[Person, ...]:
        """Everyone who could have anything to do with a case of *account*: role holders of its unit, then relations."""
        if account.unit not in self._staff:
            at = self.rulings.at
            held = [p for p in self.people.values() if p.roles_at(at, account.unit)]
            idle = [p for p in self.people.values() if not p.roles_at(at, account.unit)][:1]
            self._staff[account.unit] = (*held, *idle)
        staff = self._staff[account.unit]
        related = [self.people[p] for p in account.related if self.people[p] not in staff]
        return (*staff, *related)

    def _free(self, account: RosterAccount, facts: CaseFacts) -> Iterator[Person]:
        """Whoever may verify, the first free one of a group of twins."""
        for person in self.staff(account):
            if not self._stands_for_its_kind(person.id, account, facts, set()):
                continue
            if self.may(account, person, Step.VERIFY, facts):
                yield person

    def _stands_for_its_kind(
        self, who: PersonId, account: RosterAccount, facts: CaseFacts, used: set[PersonId]
    ) -> bool:
        """Whether nobody earlier who is alike is free; whoever stands in a relation to the account is like nobody."""
        blocked = {account.person, *account.related, *facts.provers}
        return who in account.related or self._first_free(who, used, blocked)

    def _first_free(self, who: PersonId, used: set[PersonId], blocked: set[PersonId | None] | set[PersonId]) -> bool:
        """Whoever has a relation to the account is unlike their twins, and stands for themself."""
        return who in blocked or all(p in used or p in blocked for p in self._earlier.get(who, ()))

    def _seated(
        self,
        account: RosterAccount,
        facts: CaseFacts,
        seats: tuple[tuple[str, ...], ...],
        used: set[PersonId],
        invoker: PersonId | None,
        taken: tuple[PersonId, ...] = (),
    ) -> Iterator[tuple[PersonId, ...]]:
        """Every way to fill *seats* with different people who hold what a seat asks for."""
        if len(taken) == len(seats):
            yield taken
            return
        roles = seats[len(taken)]
        for person in self.staff(account):
            held = {*person.roles_at(self.rulings.at, account.unit), *account.relations(person.id)}
            if not held & set(roles) or person.id in taken or person.id == invoker:
                continue
            if self._stands_for_its_kind(person.id, account, facts, {*used, *taken}):
                yield from self._seated(account, facts, seats, used, invoker, (*taken, person.id))
        if set(roles) & set(RELATIONS):
            yield from self._seated(account, facts, seats, used, invoker, (*taken, SOURCE))

    def _permitted(
        self,
        account: RosterAccount,
        facts: CaseFacts,
        verifier: Person | None,
        approvers: tuple[PersonId, ...],
        invoker: PersonId | None,
    ) -> bool:
        """Whether somebody can open the case, somebody release it, and these people take their steps in between."""
        replace = msgspec.structs.replace
        for opener in self._likely(account, Step.OPEN):
            if not self.may(account, opener, Step.OPEN, facts):
                continue
            now = replace(facts, opener=opener.id)
            if verifier is not None:
                if not self.may(account, verifier, Step.VERIFY, now):
                    continue
                now = replace(now, verifiers=(verifier.id,))
            if invoker is not None and not self.may(account, self.people[invoker], Step.BREAK_GLASS, now):
                continue
            voted = self._voted(account, now, approvers)
            if voted is None:
                continue
            able = (p for p in self._likely(account, Step.RELEASE) if p.id != invoker)
            if any(self.may(account, p, Step.RELEASE, voted) for p in able):
                return True
        return False

    def _likely(self, account: RosterAccount, step: Step) -> tuple[Person, ...]:
        """Everyone there is, those first whose roles open *step* to them: one is enough, so that few are asked."""
        key = account.unit, account.related, step
        if key not in self._sorted:
            roles = {*self.rulings.people.permitted[step]}
            self._sorted[key] = tuple(
                sorted(self.staff(account), key=lambda p: not roles & p.roles_at(self.rulings.at, account.unit))
            )
        return self._sorted[key]

    def may(self, account: RosterAccount, person: Person, step: Step, facts: CaseFacts) -> bool:
        """Whether *person* may take *step* on a case of these facts on *account*, its relations included."""
        return self.rulings.allows(person, step, msgspec.structs.replace(facts, relations=account.relations(person.id)))

    def _voted(self, account: RosterAccount, now: CaseFacts, approvers: tuple[PersonId, ...]) -> CaseFacts | None:
        """The facts once all of *approvers* have approved; None where the rules forbid it to one of them."""
        for who in approvers:
            if who == SOURCE:
                continue
            if not self.may(account, self.people[who], Step.APPROVE, now):
                return None
            now = msgspec.structs.replace(now, approvers=(*now.approvers, who))
        return now
