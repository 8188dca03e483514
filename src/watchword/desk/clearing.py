"""The executor's judgement before each change: from covered entries, raw proofs and the directory as it is now.

Trusts no effect row, no read model and no earlier decision. What it can not see, it refuses.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import NoReturn, TypeAlias

import msgspec

from watchword.core import event as past
from watchword.core.account import Status, covers
from watchword.core.action import Step
from watchword.core.approval import (
    SSH_KEY,
    SessionProof,
    SignedProof,
    SshProof,
    demand_other_browser,
    demand_own_sign_in,
    proof_of,
)
from watchword.core.case import Case, Contained, Released
from watchword.core.clearance import Cleared, clear
from watchword.core.errors import Refused, Unavailable
from watchword.core.facts import facts_of
from watchword.core.gates import withstands
from watchword.core.ids import Seq
from watchword.core.passkey import METHOD
from watchword.core.person import Person, SeatReturned
from watchword.core.quorum import Vote
from watchword.core.request import Request
from watchword.desk.approvals import Approvals
from watchword.desk.lending import Lending
from watchword.desk.lent import counting
from watchword.desk.recording import account_stream, case_stream, event_of, person_stream
from watchword.desk.steps import Loaded, Steps
from watchword.desk.verification import PROOF, Verification
from watchword.desk.vouching import withdrawn
from watchword.directories.port import Directory
from watchword.ledger.append import Appended
from watchword.methods.port import Proof
from watchword.policy.rows import broken_glass
from watchword.policy.strictness import lacks

GRANT_OVER = "clearance:in_time"
"""The reason of a refusal that another release of the same approval can mend."""


DemandCosigned: TypeAlias = Callable[[Seq], None]
"""Raises `Unavailable` unless enough witnesses have cosigned a checkpoint that covers this entry."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What may be done, and to which account: *native* opened from the committed payload."""

    cleared: Cleared
    loaded: Loaded
    directory: Directory
    native: str


class Clearing:
    """Judges one case at a time; writes nothing but what the directory says of the account now."""

    def __init__(
        self,
        steps: Steps,
        verification: Verification,
        approvals: Approvals,
        lending: Lending,
        demand_cosigned: DemandCosigned,
    ) -> None:
        self.steps = steps
        self.verification = verification
        self.approvals = approvals
        self.lending = lending
        self.demand_cosigned = demand_cosigned

    def judge(self, loaded: Loaded, at: datetime) -> Order:
        """The order for *loaded*, or `Refused` naming the check; `Unavailable` when something it needs lags."""
        entries, cleared = self._evidence(loaded, at)
        # (5) the account is there, as the committed payload names it
        name, native = self.steps.registry.native_id(loaded.case.account)
        directory = self.steps.directory(name)
        seen = directory.read(native)
        if isinstance(loaded.case, Contained):  # what takes access away asks nothing more
            return Order(cleared=cleared, loaded=loaded, directory=directory, native=native)
        if seen.protected:
            _refuse("protected", seen.protected)
        # (6) the facts it was approved under still hold, or became milder
        self.steps.registry.observe(seen, self.steps.executor, self.steps.now(at))
        loaded = self.steps.load(loaded.case.id)
        self._standing(loaded, cleared, entries, at)
        return Order(cleared=cleared, loaded=loaded, directory=directory, native=native)

    def demand_still(self, order: Order, size: int, at: datetime) -> None:
        """Raise what `judge` does where something stands no more that came between *size* entries and the last one.

        A key, a role, a word or a loan can be taken back while the directory is asked what it holds; the entry that a
        change begins is written after that, and says nothing of who answers for it. The directory is not asked again.
        """
        case = order.loaded.case
        own = {case_stream(case.id), account_stream(case.account)}
        if isinstance(case, Contained) or all(e.entry.stream in own for e in self.steps.ledger.entries(size)):
            return
        loaded = self.steps.load(case.id)
        entries, cleared = self._evidence(loaded, at)
        self._standing(loaded, cleared, entries, at)

    def _evidence(self, loaded: Loaded, at: datetime) -> tuple[tuple[Appended, ...], Cleared]:
        """The case's entries, and what they let be done."""
        entries = self.steps.ledger.read(case_stream(loaded.case.id))
        # (1) every entry of the case is covered by a signed checkpoint
        if not all(self.steps.ledger.covered(entry.seq) for entry in entries):
            raise Unavailable("The case is not covered by a signed checkpoint yet.", "It is tried again.")
        if not isinstance(loaded.case, Contained) and self.steps.registry.posture().digest != self.steps.policy.digest:
            raise Unavailable("The policy on disk is not the active one.", "It is tried again once it is.")
        # (2) the approved bytes, quorum, separation and expiry hold: `core.clearance` has its own list
        cleared = clear(self.steps.registry.history(loaded.case.id), at, self.steps.executor)
        by_leaf = {entry.leaf: entry for entry in entries}
        # (3) they are of this ledger, made no earlier than the checkpoint they name, under what policy asks
        if cleared.request is not None:
            self._ledger(cleared.request, entries)
            self._requirement(loaded.case, entries)
            # (1) once more, for what nothing above refuses: where policy asks, witnesses saw the release
            if loaded.case.requirement.cosigned:
                self.demand_cosigned(max(e.seq for e in entries if e.entry.type == "case.released"))
        # (4) each proof holds under its own method, checked from what it left behind
        for leaf in cleared.evidence:
            self._recheck(loaded, by_leaf[leaf], at)
        return entries, cleared

    def _standing(self, loaded: Loaded, cleared: Cleared, entries: tuple[Appended, ...], at: datetime) -> None:
        """Whether the account, and everybody the case stands on, are what they were taken for."""
        by_leaf = {entry.leaf: entry for entry in entries}
        self._facts(loaded, at)
        # (7) every approver held what they voted with, then and now, and signed where asked; so for broken glass
        for vote in loaded.case.votes:
            self._vote(loaded, vote, by_leaf[vote.leaf], at)
        self._custodian(loaded, entries, at)
        for leaf in cleared.evidence:
            self._word(loaded.case, by_leaf[leaf], at)
        # (8) policy lets this executor act on this case, now
        self.steps.rule_on(self.steps.executor, Step.EXECUTE, loaded, at).demand()

    def _recheck(self, loaded: Loaded, entry: Appended, at: datetime) -> None:
        proved = event_of(entry)
        assert isinstance(proved, past.MethodProved)
        told = self.steps.ledger.disclosures(entry)
        if PROOF not in told:
            raise Refused("A proof this case stands on was erased.", "Open a new case.", ("erased",))
        try:
            proof = msgspec.json.decode(told[PROOF].encode(), type=Proof)
        except (msgspec.MsgspecError, RecursionError, UnicodeError):
            _refuse("proof", "what is kept as a proof is none")
        self.verification.recheck(loaded.case, proved.challenge, proof, at)

    def _facts(self, loaded: Loaded, at: datetime) -> None:
        case, account = loaded.case, loaded.account
        if account.facts.status is Status.LEAVER:
            _refuse("leaver", "the account's owner left meanwhile")
        strictest = self.steps.registry.strictest_class(account, case.subject, at)
        if strictest is None or not covers(case.account_class, strictest):
            _refuse("class", "the account is in a stricter class than the one approved, or in none")
        if any(r.case != case.id and r.at >= case.opened_at for r in account.recoveries):
            _refuse("recovered meanwhile", "another case recovered this account since this one was opened")
        if stopped := account.stopped(case.id, case.opened_at):
            _refuse("stopped meanwhile", f"another case of this account was {' and '.join(stopped)} since")
        freeze = account.freeze(at, self.steps.thresholds)
        if isinstance(case, Released) and not case.progress and not withstands(case, freeze):
            _refuse("frozen", "the account was frozen since, and what was proven does not withstand that")
        if account.under_way(at) not in (None, case.id):
            raise Unavailable(
                "Another recovery of this account is under way.", "It is tried again once that one's end is known."
            )

    def _ledger(self, request: Request, entries: tuple[Appended, ...]) -> None:
        """Bytes that name another ledger, or a history this one never had, were not made for this case here."""
        if request.log != self.steps.ledger.origin:
            _refuse("ledger", "what was approved names another ledger")
        asked = max(e.seq for e in entries if e.entry.type in ("approval.asked", "break_glass.invoked"))
        stated = request.checkpoint
        if not 0 < stated.size <= asked or self.steps.ledger.root(stated.size).hex() != stated.root:
            _refuse("not before", "what was approved names a checkpoint this ledger never had before it was asked")

    def _requirement(self, case: Case, entries: tuple[Appended, ...]) -> None:
        """What was frozen into the case asks for no less than its policy: an entry can not lower that for itself.

        The policy has to have been active when the case was opened; once it is no more, its text is not here to ask.
        What was released while elevated threat was declared, the last time before anything was begun, asks for what
        that does, whenever it was opened.
        """
        frozen, procedures, context = case.requirement, self.steps.policy.procedures, case.context
        if self.steps.registry.posture(before=entries[0].seq).digest != frozen.policy:
            _refuse("policy", "the case's policy was not the active one when it was opened")
        if frozen.policy != procedures.digest:
            return
        begun = next((e.seq for e in entries if e.entry.type == "change.started"), None)
        released = [e for e in entries if e.entry.type == "case.released" and (begun is None or e.seq < begun)][-1]
        if case.broke_glass is None and self.steps.registry.posture(before=released.seq).elevated(released.entry.at):
            context = msgspec.structs.replace(context, elevated_threat=True)
        asked = procedures.require(case.account_class, case.action, context)
        if case.broke_glass is not None:
            asked = broken_glass(procedures.break_glass, asked)
        if less := lacks(frozen, asked):
            _refuse("requirement", f"the case asks for less than policy does: {', '.join(less)}")

    def _vote(self, loaded: Loaded, vote: Vote, entry: Appended, at: datetime) -> None:
        """Roles count when an entry before the vote granted them, and none has revoked them since; so do keys."""
        given = event_of(entry)
        assert isinstance(given, past.ApprovalGiven)  # a no ends a case, so nothing is released behind one
        then = self.steps.registry.person(vote.person, before=entry.seq)
        now = self.steps.registry.person(vote.person)
        self._proof(loaded, given, entry, then, now)
        unit = loaded.case.unit
        held = {*(then.roles_at(vote.at, unit) & now.roles_at(vote.at, unit))}
        known = {*held, *loaded.account.relations(vote.person, vote.at), *self._lent(loaded, vote, then, entry.seq)}
        if not set(vote.roles) <= known:
            _refuse("roles", "an approver does not hold the role they approved with")
        voices = [p for v in loaded.case.votes for p in (v.person, *v.lent_by)]
        if len(set(voices)) < len(voices):
            _refuse("voices", "somebody was heard twice, by themself or in their place")
        if self.steps.registry.recently_recovered(now, at):
            _refuse("recovered", "an approver's own account was recovered lately")
        demand_other_browser(loaded.case.evidence, given.browser)
        rule = loaded.case.requirement.approve
        if rule is not None and "units" in rule.distinct and vote.unit != then.unit:
            _refuse("unit", "an approver is not of the unit they approved for")

    def _word(self, case: Case, entry: Appended, at: datetime) -> None:
        """What somebody else said for the person counts for as long as they might still say it."""
        proved = event_of(entry)
        assert isinstance(proved, past.MethodProved)
        if proved.prover is None or proved.prover == case.subject:
            return
        if why := withdrawn(self.steps.registry, case, proved.method, proved.prover, at):
            _refuse("word", why)

    def _custodian(self, loaded: Loaded, entries: tuple[Appended, ...], at: datetime) -> None:
        """Whoever broke the glass is one of the custodians it takes: they might then, might now, and are themself."""
        case = loaded.case
        if case.broke_glass is None:
            return
        broken = next(e for e in reversed(entries) if e.entry.type == "break_glass.invoked")
        then = self.steps.registry.person(case.broke_glass, before=broken.seq)
        now = self.steps.registry.person(case.broke_glass)
        facts = facts_of(case, loaded.account, now.id, broken.entry.at, recovered=False)
        for person in (then, now):
            ruling = self.steps.policy.people.rule(person, Step.BREAK_GLASS, facts, broken.entry.at)
            if not ruling.allowed or ruling.errors:
                _refuse("roles", "whoever broke the glass is none who may")
        if self.steps.registry.recently_recovered(now, at):
            _refuse("recovered", "an account of whoever broke the glass was recovered lately")

    def _lent(self, loaded: Loaded, vote: Vote, then: Person, seq: Seq) -> tuple[str, ...]:
        """Seats of others: lent before the vote, not taken back since, by those the vote names, who could sit there.

        Where approvals are signed, each loan's own signature is checked whole as well.
        """
        if not vote.lent_by:
            return ()
        asked = loaded.case.requirement.approve
        signed = asked is not None and asked.signed
        since = (event_of(one) for one in self.steps.ledger.read(person_stream(vote.person)) if one.seq > seq)
        back = {(event.by, event.seat) for event in since if isinstance(event, SeatReturned)}
        standing = tuple(
            one
            for one in then.lent_at(vote.at)
            if one.by in vote.lent_by
            and (one.by, one.seat) not in back
            and (not signed or self.lending.recheck(one, vote.person))
        )
        votes = tuple(v for v in loaded.case.votes if v.leaf != vote.leaf)
        before = msgspec.structs.replace(loaded.case, votes=votes)
        rule = self.steps.policy.people.rule
        lender = msgspec.structs.replace(then, lent=standing)
        return counting(self.steps.registry, rule, lender, before, loaded.account, vote.at).seats

    def _proof(self, loaded: Loaded, given: past.ApprovalGiven, entry: Appended, then: Person, now: Person) -> None:
        """A signature is checked whole; a session is the desk's word, and counts where the requirement lets it."""
        proof, rule = proof_of(given.proof), loaded.case.requirement.approve
        if isinstance(proof, SignedProof | SshProof):
            credential = self.approvals.recheck(loaded.case, given, proof, entry.seq, entry.entry.at)
            if credential not in {c.id for c in (*now.credentials_of(METHOD), *now.credentials_of(SSH_KEY))}:
                _refuse("revoked", "an approver's key was revoked since")
        elif not isinstance(proof, SessionProof):
            _refuse("approval proof", "an approval carries no proof this version knows")
        elif rule is None or rule.signed:
            _refuse("signed", "an approval carries no signature")
        else:
            demand_own_sign_in(then, entry.entry.at)


def _refuse(check: str, why: str) -> NoReturn:
    raise Refused(
        f"The executor's check failed ({check}): {why}.",
        "Open a new case; if nobody expects this, tell security.",
        (f"clearance:{check.replace(' ', '_')}",),
    )
