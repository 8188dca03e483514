"""What reaches an action through the desk: its procedure, proof by proof and cast by cast, and the broken glass."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from watchword.core.account import AccountClass
from watchword.core.action import Action, AlertLevel, Step
from watchword.core.change import ALLOWED
from watchword.core.ids import AccountId, PersonId
from watchword.core.person import Role
from watchword.core.requirement import After, Requirement, Verify
from watchword.core.ruling import CaseFacts
from watchword.policy.bundle import Policy
from watchword.policy.capabilities import FREE, NO_WAY, Move, Ways
from watchword.policy.casting import CASE, SOURCE, Cast
from watchword.policy.falling import Falling, Node, holder
from watchword.policy.roster import Roster, RosterAccount
from watchword.policy.rows import broken_glass
from watchword.policy.sufficient import sufficient

Shown = tuple[tuple[tuple[str, ...], bool], ...]
"""Sets of methods that are enough, each with whether it leaves a hold to be waited out."""

CREDENTIAL = frozenset(a for a, changes in ALLOWED.items() if any(c.yields_credential for c in changes))
"""Actions that end in a hand-over: a new credential leaves, after one enforced method was proven again."""


class Recoveries(Falling):
    """The nodes there are about cases; what goes around the desk comes from `Fixpoint`."""

    def __init__(
        self, policy: Policy, roster: Roster, bound: int, twins: tuple[tuple[PersonId, ...], ...] = ()
    ) -> None:
        super().__init__(policy, roster, bound, twins)
        self.uncast: set[Node] = set()
        self._compute |= {"cell": self._cell, "glass": self._glass}

    def proved_by_owner(self, account: RosterAccount) -> bool:
        """Whether it is the owner of record who proves for *account*."""
        return self.policy.procedures.table.classes[self.held[account.id]].proved_by == "owner"

    def approves_although_proving(self, account: RosterAccount, who: PersonId) -> bool:
        """Whether *who* may approve for *account* although their proof is what the case asks for."""
        facts = CaseFacts(
            case=CASE,
            unit=account.unit,
            account_class=self.held[account.id],
            action=Action.UNLOCK,
            subject=account.person,
            provers=(who,),
        )
        return self.casting.may(account, self.casting.people[who], Step.APPROVE, facts)

    def _cell(self, account_id: str, held: str, name: str) -> Ways:
        """The procedure itself: each alternative of proof, with each cast the rules permit, and its hold."""
        account, action = self.accounts[AccountId(account_id)], Action(name)
        requirement = self.policy.procedures.plain(AccountClass(held), action)
        if requirement is None or account.leaver:
            return NO_WAY
        facts = self.casting.facts(account, AccountClass(held), action, requirement)
        ways: list[Ways] = []
        able = False
        # Failures are the attacker's to make: a frozen account answers to its class's strongest way alone.
        for way, freeze in dict.fromkeys((*((way, 0) for way in requirement.verify), (requirement.strongest, 2))):
            for provers in self._provers(account, requirement, way):
                proven = msgspec.structs.replace(facts, provers=provers)
                able |= self._by(account, requirement, _sufficient(requirement, way, freeze), proven, ways)
        if not able:
            self.uncast.add(("cell", account_id, held, name))
        return self.algebra.told(
            self.algebra.either(ways),
            Move(what=f"have the desk do {action} for {{who}}", subject=account.id, gives=action),
        )

    def _by(
        self, account: RosterAccount, requirement: Requirement, sets: Shown, facts: CaseFacts, ways: list[Ways]
    ) -> bool:
        """Add what shows one of *sets* by the provers of *facts*; return whether the rules let anybody do it."""
        spoken = {m.name for m in requirement.methods if self._needs_agent(m.name)}
        told = self._says_code(requirement)
        able = False
        for attested in (False, True):
            subsets = tuple(s for s in sets if (told or bool(spoken & set(s[0]))) is attested)
            if not subsets:
                continue
            casts = self._casts(account, requirement, facts, attested=attested)
            able |= any(SOURCE not in c.approvers for c in casts)
            for verifier in dict.fromkeys(c.verifier for c in casts):
                chosen = [c.approvers for c in casts if c.verifier == verifier]
                seats = self._approved(account, requirement, facts, chosen)
                passed = self.algebra.both(self._proven(account, requirement, facts, subsets, verifier), seats)
                line = self._read("line", verifier) if told and verifier else FREE
                ways.append(self.algebra.both(passed, line))
        return able

    def _says_code(self, requirement: Requirement) -> bool:
        """Whether an agent says a code to whoever takes the credential over, and that falls to something."""
        handed = requirement.deliver == "spoken" and requirement.action in CREDENTIAL
        return handed and bool(self.table.steps.spoken)

    def _proven(
        self, account: RosterAccount, requirement: Requirement, facts: CaseFacts, sets: Shown, verifier: PersonId | None
    ) -> Ways:
        """A node of its own, because actions that ask for the same share it."""
        waits = (requirement.hold_s, account.id) if any(waits for _, waits in sets) else (0, "")
        key = (*waits, facts.provers or (holder(account),), verifier or "", sets)
        return self._shared("shown", self._number(key))

    def _casts(
        self,
        account: RosterAccount,
        requirement: Requirement,
        facts: CaseFacts,
        *,
        attested: bool,
        invoker: PersonId | None = None,
    ) -> tuple[Cast, ...]:
        return self.casting.casts(account, facts, requirement.approve, attested=attested, invoker=invoker)

    def _provers(self, account: RosterAccount, requirement: Requirement, way: Verify) -> Iterator[tuple[PersonId, ...]]:
        """Whose proof counts: the subject's, the owner of record's, or that of enough custodians."""
        proves = self.policy.procedures.table.classes[requirement.account_class].proved_by
        if proves == "subject":
            yield (account.person,) if account.person is not None else ()
        elif proves == "owner":
            if account.owner is not None:
                yield (account.owner,)
        else:
            yield from self.casting.holders(Role.CUSTODIAN, account.unit, way.provers)

    def _needs_agent(self, method: str) -> bool:
        row = self.table.methods[method]
        return not row.enforced or any(self.table.capabilities[c].about == "agent" for s in row.defeats for c in s)

    def _approved(
        self,
        account: RosterAccount,
        requirement: Requirement,
        facts: CaseFacts,
        groups: list[tuple[PersonId, ...]],
    ) -> Ways:
        """All of any of *groups* agree; a node of its own where they are people, because accounts share it."""
        if requirement.approve is None:
            return FREE
        kind = "signed_approval" if requirement.approve.signed else "approval"
        waits = {
            who: "" if self.casting.approves_when_recovered(account, who, facts) else "waits"
            for who in {w for group in groups for w in group}
            if who != SOURCE
        }
        real = tuple(tuple((who, waits[who]) for who in group) for group in groups if SOURCE not in group)
        ways = [self._shared("panel", kind, self._number(real))] if real else []
        for group in (g for g in groups if SOURCE in g):
            sitting = [self._sitting(account, facts, who, kind) for who in group]
            ways.append(self.algebra.all_of(sitting))
        return self.algebra.either(ways)

    def _sitting(self, account: RosterAccount, facts: CaseFacts, who: PersonId, kind: str) -> Ways:
        if who == SOURCE:
            move = Move(
                what="have oneself recorded in a relation to {who} at the source, and approve",
                subject=account.id,
                gives="approval",
            )
            return self.algebra.told(self._falls(self.table.source.relation, ""), move, own=True)
        waits = not self.casting.approves_when_recovered(account, who, facts)
        return self._read("seat", who, kind, "waits" if waits else "")

    # --- the broken glass --------------------------------------------------------------------------------------------

    def _glass(self, account_id: str, name: str) -> Ways:
        """The predefined emergency: a custodian breaks the glass, others agree, and nobody verifies."""
        account, action = self.accounts[AccountId(account_id)], Action(name)
        glass, held = self.policy.procedures.break_glass, self.held[account.id]
        asked = self.policy.procedures.plain(held, action)
        if asked is None or held not in glass.classes or action not in glass.actions or account.leaver:
            return NO_WAY
        requirement = broken_glass(glass, asked)
        facts = self.casting.facts(account, held, action, requirement)
        kind = "signed_custodian" if requirement.approve and requirement.approve.signed else "custodian"
        ways = []
        for (invoker,) in self.casting.takers(Step.BREAK_GLASS, facts, 1):
            breaks = self._read("seat", invoker, "custodian", "")
            for cast in self._casts(account, requirement, facts, attested=False, invoker=invoker):
                agree = [self._sitting(account, facts, who, kind) for who in cast.approvers]
                ways.append(self.algebra.all_of([breaks, *agree]))
        found = self.algebra.both(self.algebra.either(ways), self._handed_over(account, requirement))
        return self.algebra.told(
            found, Move(what=f"have the glass broken for {action} of {{who}}", subject=account.id, gives=action)
        )

    def _handed_over(self, account: RosterAccount, requirement: Requirement) -> Ways:
        """Nothing was proven before, so that any enforced method will do; nothing where no credential leaves."""
        if requirement.action not in CREDENTIAL:
            return FREE
        prover = holder(account)
        if self.policy.procedures.table.classes[requirement.account_class].proved_by == "owner" and account.owner:
            prover = account.owner
        return self.algebra.either([self._read("proof", m.name, prover, "") for m in requirement.methods if m.enforced])


def _sufficient(requirement: Requirement, way: Verify, freeze: int) -> Shown:
    """The smallest sets of methods for one way under a freeze of that level.

    Asked in the same words for every cell with the same way, so that each is asked once.
    """
    asked = msgspec.structs.replace(
        requirement,
        cell="",
        account_class=AccountClass.STANDARD,
        action=Action.UNLOCK,
        verify=(way,),
        strongest=way,
        approve=None,
        hold_s=0,
        hold_waived_by=(),
        separate=(),
        after=After(),
        alert=AlertLevel.LOG,
        raised=(),
        cosigned=False,
    )
    waivers = requirement.hold_waived_by if requirement.hold_s else ()
    waived = [(methods, False) for methods in sufficient(asked, freeze=freeze, among=waivers)] if waivers else []
    left = [(s, bool(requirement.hold_s)) for s in sufficient(asked, freeze=freeze) if (s, False) not in waived]
    return (*waived, *left)
