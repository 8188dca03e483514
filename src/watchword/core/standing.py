"""An account's standing: the facts seen of it with their age, what failed on it, what was recovered, what is frozen.

Folded from its `account/…` stream. Failures stick here, across agents, channels, tickets and methods (invariant 6).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from watchword.core.account import FACT_WINDOW, AccountClass, Status, strictest
from watchword.core.action import Action
from watchword.core.change import Change
from watchword.core.errors import Corrupt, Refused
from watchword.core.ids import AccountId, CaseId, PersonId
from watchword.core.ruling import Ruling


class AccountRegistered(msgspec.Struct, frozen=True, kw_only=True, tag="account.registered"):
    """The pseudonym stands for one account of *directory* from now on; the native id is a payload."""

    account: AccountId
    directory: str


class AccountObserved(msgspec.Struct, frozen=True, kw_only=True, tag="account.observed"):
    """The facts policy stands on, as the directory gave them; written only when they differ from the last ones."""

    account: AccountId
    account_class: AccountClass | None
    status: Status
    shared: bool
    unit: str
    manager: PersonId | None = None
    owner: PersonId | None = None
    second_owner: PersonId | None = None
    sponsor: PersonId | None = None


class FailureRecorded(msgspec.Struct, frozen=True, kw_only=True, tag="failure.recorded"):
    """One exhausted challenge, or a method that ended in no, stuck to the target whoever the agent was."""

    account: AccountId
    case: CaseId
    method: str


class RecoveryCompleted(msgspec.Struct, frozen=True, kw_only=True, tag="recovery.completed"):
    """A recovery took effect; *probation_s* seconds of probation begin."""

    account: AccountId
    case: CaseId
    action: Action
    probation_s: int


class RecoveryBegun(msgspec.Struct, frozen=True, kw_only=True, tag="recovery.begun"):
    """A case starts its first change, in this very append: of two at once, one finds the account as it judged it."""

    account: AccountId
    case: CaseId


class RecoverySettled(msgspec.Struct, frozen=True, kw_only=True, tag="recovery.settled"):
    """That case is done with the account, or contained: it holds up no other any more."""

    account: AccountId
    case: CaseId


class RecoveryDisowned(msgspec.Struct, frozen=True, kw_only=True, tag="recovery.disowned"):
    """Two signals say that the person never asked for it: only the strongest way is open, until two people agree."""

    account: AccountId
    case: CaseId


class RecoveryContained(msgspec.Struct, frozen=True, kw_only=True, tag="recovery.contained"):
    """Somebody on duty found that case fraudulent: what was opened for the account before now goes no further."""

    account: AccountId
    case: CaseId


class FreezeReleaseVoted(msgspec.Struct, frozen=True, kw_only=True, tag="freeze.release_voted"):
    """One of the two people a freeze needs to be released."""

    account: AccountId
    person: PersonId


class FreezeReleased(msgspec.Struct, frozen=True, kw_only=True, tag="freeze.released"):
    """Two people released the freeze; failures before now no longer count."""

    account: AccountId


class AccountShielded(msgspec.Struct, frozen=True, kw_only=True, tag="account.shielded"):
    """A protective action was taken by *by*; contact points of the kinds *cut* do not reach the person any more."""

    account: AccountId
    case: CaseId
    by: PersonId
    cut: tuple[str, ...]


AccountEvent = (
    AccountRegistered
    | AccountObserved
    | FailureRecorded
    | RecoveryBegun
    | RecoveryCompleted
    | RecoverySettled
    | RecoveryDisowned
    | RecoveryContained
    | FreezeReleaseVoted
    | FreezeReleased
    | AccountShielded
)

LONGEST_UNDER_WAY = timedelta(days=1)
"""How long a recovery whose end nobody knows holds up others: a directory may never be able to say what it did."""


class Thresholds(msgspec.Struct, frozen=True, kw_only=True):
    """How many failures within *window_s* seconds close the remote tiers, and how many leave only the strongest."""

    window_s: int = 86_400
    remote: int = 3
    strongest: int = 5


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """Facts in force from *at* until the next observation."""

    at: datetime
    facts: AccountObserved


class Recovery(msgspec.Struct, frozen=True, kw_only=True):
    """One completed recovery."""

    at: datetime
    case: CaseId
    action: Action
    probation_s: int


class Shield(msgspec.Struct, frozen=True, kw_only=True):
    """One protective action, and which kinds of contact point it cut; none, once a recovery gave access back."""

    at: datetime
    case: CaseId
    cut: tuple[str, ...]


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """One recovery that was not the person's own: what was open beside it then goes no further."""

    at: datetime
    case: CaseId
    why: str


class UnderWay(msgspec.Struct, frozen=True, kw_only=True):
    """The recovery that began last and is not settled."""

    case: CaseId
    since: datetime


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """An account as its stream says: what was seen of it, what failed on it, what was recovered."""

    id: AccountId
    directory: str
    observations: tuple[Observation, ...] = ()
    failures: tuple[datetime, ...] = ()
    recoveries: tuple[Recovery, ...] = ()
    begun: UnderWay | None = None
    sealed_off: bool = False
    release_votes: tuple[PersonId, ...] = ()
    shields: tuple[Shield, ...] = ()
    stops: tuple[Stop, ...] = ()

    @property
    def facts(self) -> AccountObserved:
        """The latest facts; raise `Refused` where none were ever seen (a missing fact is a refusal)."""
        if not self.observations:
            raise Refused(
                "Nothing was ever read of this account.", "Read it from its directory first.", ("missing_fact",)
            )
        return self.observations[-1].facts

    def window(self, at: datetime) -> tuple[AccountObserved, ...]:
        """Every set of facts that was in force at some time of the last `FACT_WINDOW` before *at*."""
        ends = (*(o.at for o in self.observations[1:]), at)
        return tuple(o.facts for o, end in zip(self.observations, ends, strict=False) if end >= at - FACT_WINDOW)

    def strictest_class(self, at: datetime) -> AccountClass | None:
        """The strictest class of the window; None where the account is in no class now."""
        if self.facts.account_class is None:
            return None
        return strictest(f.account_class for f in self.window(at))

    def relations(self, person: PersonId, at: datetime) -> tuple[str, ...]:
        """How *person* relates to this account; one who stands there for less than the window does not count yet.

        An account seen for the first time has no older facts, so what it says then counts.
        """
        window = self.window(at)
        held = {
            "manager_of_record": tuple(f.manager for f in window),
            "owner_of_record": tuple(f.owner for f in window),
            "second_owner": tuple(f.second_owner for f in window),
            "sponsor": tuple(f.sponsor for f in window),
        }
        return tuple(name for name, who in held.items() if who and all(p == person for p in who))

    def freeze(self, at: datetime, thresholds: Thresholds) -> int:
        """0: open · 1: the remote phishable methods are closed · 2: only the strongest way, until two people agree."""
        if self.sealed_off:
            return 2
        recent = [t for t in self.failures if at - t < timedelta(seconds=thresholds.window_s)]
        return 2 if len(recent) >= thresholds.strongest else 1 if len(recent) >= thresholds.remote else 0

    @property
    def cut(self) -> frozenset[str]:
        """The kinds of contact point that protective actions cut since the last recovery gave access back."""
        return frozenset(kind for s in self.shields for kind in s.cut)

    def shields_within(self, span: timedelta, at: datetime) -> int:
        """How many protective actions were taken within *span* before *at*."""
        return sum(1 for s in self.shields if at - s.at < span)

    def recoveries_within(self, span: timedelta, at: datetime) -> int:
        """How many recoveries were completed within *span* before *at*."""
        return sum(1 for r in self.recoveries if at - r.at < span)

    def stopped(self, case: CaseId, since: datetime) -> tuple[str, ...]:
        """Why *case*, opened at *since*, goes no further: another one was `disowned` or `contained` in the meantime."""
        return tuple(dict.fromkeys(s.why for s in self.stops if s.case != case and s.at >= since))

    def under_way(self, at: datetime) -> CaseId | None:
        """Whose changes to this account are on their way; None when nobody's are, or for longer than a day."""
        return self.begun.case if self.begun and at - self.begun.since < LONGEST_UNDER_WAY else None

    def on_probation(self, at: datetime) -> bool:
        """Whether a completed recovery's probation still runs."""
        return any(at - r.at < timedelta(seconds=r.probation_s) for r in self.recoveries)


def shielded(account: AccountId, case: CaseId, by: PersonId, changes: Iterable[Change]) -> tuple[AccountShielded, ...]:
    """What the account hears of *changes* that take access away: which contact points they cut; nothing of none."""
    made = tuple(changes)
    cut = tuple(sorted({kind for change in made for kind in change.cuts}))
    return (AccountShielded(account=account, case=case, by=by, cut=cut),) if made else ()


def evolve_account(account: Account | None, event: AccountEvent, at: datetime, thresholds: Thresholds) -> Account:
    """Fold one event appended at *at*; the first must be `AccountRegistered`."""
    replace = msgspec.structs.replace
    match account, event:
        case None, AccountRegistered():
            return Account(id=event.account, directory=event.directory)
        case None, _:
            raise Corrupt("An account's stream does not begin with its registration.", "Run `watchword ledger fsck`.")
        case _, AccountRegistered():
            raise Corrupt("An account is registered twice.", "Run `watchword ledger fsck`.")
        case _, AccountObserved():
            return replace(account, observations=(*account.observations, Observation(at=at, facts=event)))
        case _, FailureRecorded():
            # Whoever agreed to a release did not know of this one.
            failed = replace(account, failures=(*account.failures, at), release_votes=())
            return replace(failed, sealed_off=failed.freeze(at, thresholds) == 2)
        case _, RecoveryCompleted():
            done = Recovery(at=at, case=event.case, action=event.action, probation_s=event.probation_s)
            opened = tuple(replace(s, cut=()) for s in account.shields)
            return replace(account, recoveries=(*account.recoveries, done), shields=opened)
        case _, AccountShielded():
            return replace(account, shields=(*account.shields, Shield(at=at, case=event.case, cut=event.cut)))
        case _, RecoveryBegun():
            return replace(account, begun=UnderWay(case=event.case, since=at))
        case _, RecoverySettled():
            return replace(account, begun=None) if account.begun and account.begun.case == event.case else account
        case _, RecoveryDisowned():
            stop = Stop(at=at, case=event.case, why="disowned")
            return replace(account, sealed_off=True, release_votes=(), stops=(*account.stops, stop))
        case _, RecoveryContained():
            return replace(account, stops=(*account.stops, Stop(at=at, case=event.case, why="contained")))
        case _, FreezeReleaseVoted():
            return replace(account, release_votes=tuple(dict.fromkeys((*account.release_votes, event.person))))
        case _, FreezeReleased():
            return replace(account, failures=(), sealed_off=False, release_votes=())


def release_freeze(
    account: Account, person: PersonId, ruling: Ruling, at: datetime, thresholds: Thresholds
) -> tuple[AccountEvent, ...]:
    """Decide one person's vote to release a freeze; the second distinct one releases it."""
    ruling.demand()
    if not account.freeze(at, thresholds):
        raise Refused("This account is not frozen.", "Nothing needs to be released.")
    if person in account.release_votes:
        raise Refused("You have agreed to this already.", "A second person has to agree as well.", ("same_person",))
    vote = FreezeReleaseVoted(account=account.id, person=person)
    return (vote, FreezeReleased(account=account.id)) if account.release_votes else (vote,)
