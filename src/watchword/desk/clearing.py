"""The executor's judgement before each change: from covered entries, raw proofs and the directory as it is now.

Trusts no effect row, no read model and no earlier decision. What it can not see, it refuses.
"""

from __future__ import annotations

from datetime import datetime
from typing import NoReturn

import msgspec

from watchword.core import event as past
from watchword.core.account import Status, covers
from watchword.core.action import Step
from watchword.core.case import Contained
from watchword.core.clearance import Cleared, clear
from watchword.core.errors import Refused, Unavailable
from watchword.core.ids import Seq
from watchword.core.quorum import Vote
from watchword.desk.recording import case_stream, event_of
from watchword.desk.steps import Loaded, Steps
from watchword.desk.verification import PROOF, Verification
from watchword.directories.port import Directory
from watchword.ledger.append import Appended
from watchword.methods.port import Proof

GRANT_OVER = "clearance:in_time"
"""The reason of a refusal that another release of the same approval can mend."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What may be done, and to which account: *native* opened from the committed payload."""

    cleared: Cleared
    loaded: Loaded
    directory: Directory
    native: str


class Clearing:
    """Judges one case at a time; writes nothing but what the directory says of the account now."""

    def __init__(self, steps: Steps, verification: Verification) -> None:
        self.steps = steps
        self.verification = verification

    def judge(self, loaded: Loaded, at: datetime) -> Order:
        """The order for *loaded*, or `Refused` naming the check; `Unavailable` when directory or ledger lag."""
        entries = self.steps.ledger.read(case_stream(loaded.case.id))
        # (1) every entry of the case is covered by a signed checkpoint
        if not all(self.steps.ledger.covered(entry.seq) for entry in entries):
            raise Unavailable("The case is not covered by a signed checkpoint yet.", "It is tried again.")
        if not isinstance(loaded.case, Contained) and self.steps.registry.posture().digest != self.steps.policy.digest:
            raise Unavailable("The policy on disk is not the active one.", "It is tried again once it is.")
        # (2) the approved bytes, quorum, separation and expiry hold: `core.clearance` has its own list
        cleared = clear(self.steps.registry.history(loaded.case.id), at)
        by_leaf = {entry.leaf: entry for entry in entries}
        # (3) each proof holds under its own method, checked from what it left behind
        for leaf in cleared.evidence:
            self._recheck(loaded, by_leaf[leaf], at)
        # (4) the account is there, as the committed payload names it
        name, native = self.steps.registry.native_id(loaded.case.account)
        directory = self.steps.directory(name)
        seen = directory.read(native)
        if isinstance(loaded.case, Contained):  # what takes access away asks nothing more
            return Order(cleared=cleared, loaded=loaded, directory=directory, native=native)
        if seen.protected:
            _refuse("protected", seen.protected)
        # (5) the facts it was approved under still hold, or became milder
        self.steps.registry.observe(seen, self.steps.executor, at)
        loaded = self.steps.load(loaded.case.id)
        self._facts(loaded, at)
        # (6) every approver held what they voted with, then and now
        for vote in loaded.case.votes:
            self._vote(loaded, vote, by_leaf[vote.leaf].seq, at)
        # (7) policy lets this executor act on this case, now
        self.steps.rule_on(self.steps.executor, Step.EXECUTE, loaded, at).demand()
        return Order(cleared=cleared, loaded=loaded, directory=directory, native=native)

    def _recheck(self, loaded: Loaded, entry: Appended, at: datetime) -> None:
        proved = event_of(entry)
        assert isinstance(proved, past.MethodProved)
        told = self.steps.ledger.disclosures(entry)
        if PROOF not in told:
            raise Refused("A proof this case stands on was erased.", "Open a new case.", ("erased",))
        proof = msgspec.json.decode(told[PROOF].encode(), type=Proof)
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

    def _vote(self, loaded: Loaded, vote: Vote, seq: Seq, at: datetime) -> None:
        """Roles count when an entry before the vote granted them, and none has revoked them since."""
        then = self.steps.registry.person(vote.person, before=seq)
        now = self.steps.registry.person(vote.person)
        unit = loaded.case.unit
        held = then.roles_at(vote.at, unit) & now.roles_at(vote.at, unit)
        if not set(vote.roles) <= {*held, *loaded.account.relations(vote.person, vote.at)}:
            _refuse("roles", "an approver does not hold the role they approved with")
        if self.steps.registry.recently_recovered(now, at):
            _refuse("recovered", "an approver's own account was recovered lately")


def _refuse(check: str, why: str) -> NoReturn:
    raise Refused(
        f"The executor's check failed ({check}): {why}.",
        "Open a new case; if nobody expects this, tell security.",
        (f"clearance:{check.replace(' ', '_')}",),
    )
