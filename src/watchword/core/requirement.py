"""What one recovery needs: a procedure applied to one case with its facts.

Frozen into the case when opened; it may only be raised. Method weights travel with it, so that a running case is
judged by the policy it was opened under and by nothing newer that is weaker.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Literal

import msgspec

from watchword.core.account import FACT_WINDOW, AccountClass
from watchword.core.action import Action, AlertLevel
from watchword.core.ids import LeafHash, PersonId
from watchword.core.quorum import Rule, less_of

FRESH = timedelta(minutes=15)
"""How old a verification may be when approval or hold is asked for, where a procedure does not say otherwise."""

RECOVERS: dict[int, tuple[tuple[str, ...], ...]] = {
    # SP 800-63B-4 §4.2.2.2: two recovery codes by different methods, or one and a bound authenticator, or proofing
    # again. Who still proves two factors at once recovers nothing: that binds another authenticator (§4.1.2.1).
    2: (
        ("saved_code", "issued_code"),
        ("saved_code", "recovery_contact"),
        ("issued_code", "recovery_contact"),
        ("saved_code", "bound_authenticator"),
        ("issued_code", "bound_authenticator"),
        ("recovery_contact", "bound_authenticator"),
        ("repeated_proofing",),
        ("multi_factor",),
    ),
    # §4.2.2.3, read as for somebody proofed at IAL3, the strictest of its cases: attended, and on site.
    3: (("onsite_attended",), ("multi_factor",)),
}
"""What a recovery takes at each authenticator assurance level: all the kinds of one of these lists."""


VOUCHED = frozenset({"manager_of_record", "recovery_contact", "kiosk"})
"""The methods that somebody else answers, signed in as themself: they say who asks, and not what was entered where."""


Delivery = Literal["page", "spoken"]
"""page: the browser's key and a fresh proof open it · spoken: and a short code that an agent tells whoever is there."""

DELIVERIES: tuple[Delivery, ...] = ("page", "spoken")
"""From the least strict."""


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """How the request came in. Each field may only raise what is required.

    *channel*: phone, walk_in, chat, mail, portal, vendor_desk · *location*: office, home, known, new, abroad, unknown ·
    *device*: managed, known, unknown · *risk*: low, medium, high · *situation*: normal, after_hours, outage.
    """

    channel: str = "phone"
    location: str = "unknown"
    device: str = "unknown"
    risk: str = "low"
    situation: str = "normal"
    elevated_threat: bool = False


class Method(msgspec.Struct, frozen=True, kw_only=True):
    """A way to verify a person, as policy weighs it.

    *defeats* are the minimal sets of attacker capabilities it falls to; two methods are independent when no single
    capability defeats both. *remote* methods need no presence; *phishable* ones can be talked out of somebody; a
    *single_use* one can not be given again at the hand-over. *fresh_s* is how long its proof counts where that is less
    than the procedure says (0: as the procedure says); *kinds* is what it is in the words of SP 800-63B-4.
    """

    name: str
    weight: int
    enforced: bool
    remote: bool
    phishable: bool
    voice: bool = False
    single_use: bool = False
    defeats: tuple[tuple[str, ...], ...]
    fresh_s: int = 0
    kinds: tuple[str, ...] = ()


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """One verification that succeeded, as the case keeps it.

    *prover* is whose credential proved it (None when the subject has no person record); *agent* who sat at the desk;
    *contact_changed_at* when the contact point it used last changed (None where it used none); *browser* the mark of
    the browser the answer came from (None where none is known).
    """

    method: str
    prover: PersonId | None
    agent: PersonId
    at: datetime
    challenge: str
    leaf: LeafHash
    contact_changed_at: datetime | None = None
    browser: str | None = None


class Verify(msgspec.Struct, frozen=True, kw_only=True):
    """One way to satisfy verification.

    At least *min_methods* pairwise independent methods of together *min_weight*, one of them from each set in
    *any_of*, none of *forbid*, at least one not voice, at least one enforced, by at least *provers* distinct people.
    Single capabilities that cost *tolerate_cost* or more may be shared (0 tolerates none). With *aal* 2 or 3 they are
    of the kinds that SP 800-63B-4 recovers an account of that level by (`RECOVERS`).
    """

    tier: str
    min_weight: int
    min_methods: int
    any_of: tuple[tuple[str, ...], ...] = ()
    forbid: tuple[str, ...] = ()
    provers: int = 1
    tolerate_cost: int = 0
    aal: int = 0


class After(msgspec.Struct, frozen=True, kw_only=True):
    """After-care that follows a change. Durations in seconds; 0 or False asks for nothing."""

    notify: int = 0
    revoke_sessions: bool = False
    probation_s: int = 0
    review_s: int = 0
    confirm_s: int = 0


class Requirement(msgspec.Struct, frozen=True, kw_only=True):
    """What one case needs, whole and frozen.

    *verify* lists alternatives, any of which is enough. *approve* None says that the procedure asks for no approval.
    *separate* names pairs of steps two different people must take. *raised* says why this is more than the plain cell.
    With *cosigned* nothing is changed before a quorum of witnesses has cosigned a checkpoint that covers the release.
    A proof counts for *fresh_s* seconds, a contact point once it is *contact_age_s* seconds old. *deliver* says what
    opens a sealed credential besides the browser's key and a fresh proof.
    """

    cell: str
    policy: str
    account_class: AccountClass
    action: Action
    verify: tuple[Verify, ...]
    approve: Rule | None
    hold_s: int
    hold_waived_by: tuple[str, ...]
    approval_s: int
    grant_s: int
    separate: tuple[tuple[str, str], ...]
    alert: AlertLevel
    after: After
    methods: tuple[Method, ...]
    capability_costs: tuple[tuple[str, int], ...]
    strongest: Verify
    cosigned: bool = False
    deliver: Delivery = "page"
    raised: tuple[str, ...] = ()
    fresh_s: int = int(FRESH.total_seconds())
    contact_age_s: int = int(FACT_WINDOW.total_seconds())

    @property
    def contact_age(self) -> timedelta:
        """How old a contact point has to be to prove anything."""
        return timedelta(seconds=self.contact_age_s)

    def fresh(self, method: str = "") -> timedelta:
        """How long a proof counts; of one *method* where it is named, which may be less."""
        own = next((m.fresh_s for m in self.methods if m.name == method), 0)
        return timedelta(seconds=min(own, self.fresh_s) if own else self.fresh_s)


class Shortfall(msgspec.Struct, frozen=True, kw_only=True):
    """What is still missing for one alternative, in words; *counted* are the methods that carry what is there.

    A further method counts when it falls to none of *apart* alone.
    """

    tier: str
    missing: tuple[str, ...]
    counted: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()


class Satisfied(msgspec.Struct, frozen=True, kw_only=True):
    """The alternative that holds, and the verifications that carry it, as leaf hashes."""

    tier: str
    leaves: tuple[LeafHash, ...]
    methods: tuple[str, ...]


def assess(
    requirement: Requirement, evidence: tuple[Evidence, ...], at: datetime, *, freeze: int = 0
) -> Satisfied | tuple[Shortfall, ...]:
    """Hold *evidence* against every alternative at time *at*.

    *freeze* 1 closes the methods that are remote and phishable; 2 leaves only the class's strongest way. Evidence older
    than it may be, or through a contact point that changed lately, is worth nothing. Returns what holds, or what each
    alternative still lacks.
    """
    methods = {m.name: m for m in requirement.methods}
    live = counting(requirement, evidence, at, freeze=freeze)
    shortfalls = []
    for way in ways_of(requirement, freeze):
        answer = _hold(requirement, way, live, methods)
        if isinstance(answer, Satisfied):
            return answer
        shortfalls.append(answer)
    return tuple(shortfalls)


def ways_of(requirement: Requirement, freeze: int = 0) -> tuple[Verify, ...]:
    """The alternatives that are open under a *freeze* of that level: 2 leaves the strongest one."""
    return (requirement.strongest,) if freeze >= 2 else requirement.verify


def counting(
    requirement: Requirement, evidence: tuple[Evidence, ...], at: datetime, *, freeze: int = 0
) -> tuple[Evidence, ...]:
    """What of *evidence* is worth anything at *at*: known, fresh, by no young contact point, not closed by a freeze."""
    methods = {m.name: m for m in requirement.methods}
    return tuple(
        e
        for e in evidence
        if e.method in methods
        and timedelta(0) <= at - e.at <= requirement.fresh(e.method)
        and not is_young(requirement, e.contact_changed_at, at)
        and not (freeze and closes(methods[e.method]))
    )


def closes(method: Method) -> bool:
    """Whether a freeze closes *method*: what is remote and can be talked out of somebody."""
    return method.remote and method.phishable


def is_young(requirement: Requirement, changed_at: datetime | None, at: datetime) -> bool:
    """Whether what changed at *changed_at* proves nothing yet (invariant 7)."""
    return changed_at is not None and at - changed_at < requirement.contact_age


def independent(one: Method, other: Method, costs: dict[str, int], tolerate_cost: int = 0) -> bool:
    """Whether no single capability defeats both; two attested methods share the agent and never are.

    A shared capability whose cost reaches *tolerate_cost* is let pass where that is above 0.
    """
    if not one.enforced and not other.enforced:
        return False
    shared = _alone(one.defeats) & _alone(other.defeats)
    return all(tolerate_cost and costs.get(c, 0) >= tolerate_cost for c in shared)


@lru_cache(maxsize=1024)
def _alone(defeats: tuple[tuple[str, ...], ...]) -> frozenset[str]:
    """The capabilities that are enough by themselves; asked for each pair of methods again and again."""
    return frozenset(s[0] for s in defeats if len(s) == 1)


def lowered(old: Requirement, new: Requirement) -> tuple[str, ...]:
    """Name what *new* plainly asks less of than *old*: a running case is only ever added to, so one name is too many.

    Necessary, not sufficient: what one procedure implies of another is for the policy to join.
    """
    known = {m.name: m for m in old.methods}
    seats = 0 if new.approve is None else len(new.approve.seats)
    less = {
        "procedure": (old.policy, old.action) != (new.policy, new.action),
        "class": new.account_class.rank < old.account_class.rank,
        "verify": not new.verify
        or min(w.min_weight for w in new.verify) < min(w.min_weight for w in old.verify)
        or min(w.min_methods for w in new.verify) < min(w.min_methods for w in old.verify)
        or min(w.provers for w in new.verify) < min(w.provers for w in old.verify)
        or min(w.aal for w in new.verify) < min(w.aal for w in old.verify),
        "freshness": new.fresh_s > old.fresh_s or new.contact_age_s < old.contact_age_s,
        "approve": old.approve is not None and seats < len(old.approve.seats),
        "signed": old.approve is not None and old.approve.signed and not (new.approve and new.approve.signed),
        **less_of(old.approve, new.approve),
        "hold": new.hold_s < old.hold_s or bool(old.hold_s and set(new.hold_waived_by) - set(old.hold_waived_by)),
        "cosigned": old.cosigned and not new.cosigned,
        "deliver": DELIVERIES.index(new.deliver) < DELIVERIES.index(old.deliver),
        "separate": not set(old.separate) <= set(new.separate),
        "review": bool(old.after.review_s and not 0 < new.after.review_s <= old.after.review_s),
        "probation": new.after.probation_s < old.after.probation_s,
        "methods": any(m.name not in known or m.weight > known[m.name].weight for m in new.methods),
    }
    return tuple(name for name, is_less in less.items() if is_less)


def _hold(
    requirement: Requirement, way: Verify, live: tuple[Evidence, ...], methods: dict[str, Method]
) -> Satisfied | Shortfall:
    """Hold *live* against one *way*: the independent methods that satisfy it, or those that come nearest.

    Where all of them are independent, all of them come nearest. Else every subset is looked at, so that one more proof
    never hides what the others show: a case holds a handful of methods.
    """
    costs, action = dict(requirement.capability_costs), requirement.action
    candidates = tuple(methods[n] for n in dict.fromkeys(e.method for e in live) if n not in way.forbid)
    clashes = tuple(
        sum(1 << j for j, b in enumerate(candidates) if a is not b and not independent(a, b, costs, way.tolerate_cost))
        for a in candidates
    )
    best = candidates if not any(clashes) else ()
    missing = _missing(way, best, live, action)
    subsets = 1 << len(candidates) if any(clashes) else 1
    for mask in range(1, subsets):
        places = [i for i in range(len(candidates)) if mask >> i & 1]
        if any(clashes[i] & mask for i in places):
            continue
        subset = tuple(candidates[i] for i in places)
        lacks = _missing(way, subset, live, action)
        if (-len(lacks), *_strength(subset)) > (-len(missing), *_strength(best)):
            best, missing = subset, lacks
    if missing:
        falls = dict.fromkeys(s[0] for m in best for s in m.defeats if len(s) == 1)
        apart = tuple(c for c in falls if not way.tolerate_cost or costs.get(c, 0) < way.tolerate_cost)
        return Shortfall(tier=way.tier, missing=missing, counted=tuple(m.name for m in best), apart=apart)
    names = {m.name for m in best}
    carrying = tuple(e.leaf for e in live if e.method in names)
    return Satisfied(tier=way.tier, leaves=carrying, methods=tuple(sorted(names)))


def _strength(subset: tuple[Method, ...]) -> tuple[int, int]:
    return sum(m.weight for m in subset), len(subset)


def _missing(way: Verify, chosen: tuple[Method, ...], live: tuple[Evidence, ...], action: Action) -> tuple[str, ...]:
    """What *chosen*, proven by *live*, still lacks for *way*, in words.

    A new contact point is bound to the browser it was entered in, so a proof has to come from it (`desk.new_contact`).
    """
    names = {m.name for m in chosen}
    provers = {e.prover for e in live if e.method in names and e.prover is not None}
    missing: list[str] = []
    if len(chosen) < way.min_methods:
        missing.append(f"{way.min_methods - len(chosen)} more independent method(s)")
    if (weight := sum(m.weight for m in chosen)) < way.min_weight:
        missing.append(f"weight {weight} of {way.min_weight}")
    missing.extend(f"one of {', '.join(group)}" for group in way.any_of if not names & set(group))
    if chosen and all(m.voice for m in chosen):
        missing.append("one method that is not the voice channel")
    if not any(m.enforced for m in chosen):
        missing.append("one method that the software checks")
    elif action is Action.RECOVERY_INFO_CHANGE and not any(m.enforced and m.name not in VOUCHED for m in chosen):
        missing.append("one method answered on the page where the new contact point was entered")
    if way.provers > 1 and len(provers) < way.provers:
        missing.append(f"{way.provers - len(provers)} more custodian(s)")
    kinds = {k for m in chosen for k in m.kinds}
    if way.aal and not any(kinds.issuperset(wanted) for wanted in RECOVERS[way.aal]):
        missing.append(f"proof that recovers an account at AAL{way.aal}")
    return tuple(missing)
