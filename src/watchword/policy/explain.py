"""Why a case needs what it needs, in words: for pages, for the command line, and for whoever is refused."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from watchword.core.account import FACT_WINDOW, AccountClass
from watchword.core.action import Action, AlertLevel, Step
from watchword.core.errors import Invalid, Refused
from watchword.core.person import Person
from watchword.core.quorum import Rule
from watchword.core.requirement import FRESH, After, Context, Requirement, Verify
from watchword.core.ruling import CaseFacts, Ruling
from watchword.policy.bundle import Policy
from watchword.policy.sufficient import sufficient

_ALERTS = {
    AlertLevel.LOG: "it is logged",
    AlertLevel.NOTIFY: "the person is told",
    AlertLevel.QUEUE: "it goes to the security queue",
    AlertLevel.PAGE: "security is paged",
}
_COSIGNED = "a quorum of witnesses, after the release and before anything is changed"
_NUMBERS = ("no", "one", "two", "three", "four", "five")
_UNITS = ((86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """What one cell asks for and why.

    *requirement* is None for a cell that is refused, and *refused* then says why and what to do. *sufficient* are the
    smallest sets of methods that are enough; *plain* are the words of the cell before anything raised it.
    """

    cell: str
    policy: str
    requirement: Requirement | None
    refused: tuple[str, ...]
    words: tuple[str, ...]
    plain: tuple[str, ...]
    raised: tuple[str, ...]
    sufficient: tuple[tuple[str, ...], ...]
    ruling: Ruling | None


def explain(
    policy: Policy,
    account_class: AccountClass,
    action: Action,
    context: Context,
    *,
    completed_recoveries_7d: int = 0,
    person: Person | None = None,
    step: Step | None = None,
    facts: CaseFacts | None = None,
    at: datetime | None = None,
) -> Explanation:
    """Explain one cell and, with *person*, *step* and *at*, the ruling on that step.

    Without *facts* the case is one of the person's own unit that nobody has taken a step on yet. Raise `Invalid` when
    only some of *person*, *step* and *at* are given.
    """
    requirement: Requirement | None = None
    plain: Requirement | None = None
    refused: tuple[str, ...] = ()
    try:
        plain = policy.procedures.require(account_class, action, Context())
        requirement = policy.procedures.require(
            account_class, action, context, completed_recoveries_7d=completed_recoveries_7d
        )
    except Refused as error:
        refused = (error.what, error.remedy)
    ruling = None
    if person is not None and step is not None and at is not None:
        separate = requirement.separate if requirement else ()
        case = facts or CaseFacts(
            case=None,
            unit=person.unit,
            account_class=account_class,
            action=action,
            subject=None,
            separate=separate,
        )
        ruling = policy.people.rule(person, step, case, at)
    elif not (person is None and step is None):
        raise Invalid("A ruling needs a person, a step and a time.", "Give all three, or none.", "person")
    return Explanation(
        cell=f"{account_class}.{action}",
        policy=policy.digest,
        requirement=requirement,
        refused=refused,
        words=words(requirement) if requirement else (),
        plain=words(plain) if plain else (),
        raised=requirement.raised if requirement else (),
        sufficient=sufficient(requirement) if requirement else (),
        ruling=ruling,
    )


def words(requirement: Requirement) -> tuple[str, ...]:
    """Say what *requirement* asks for, one sentence a part: proof, approval, hold, any witnesses, alert, after-care."""
    ways = " · or ".join(_way(w) for w in requirement.verify)
    return (
        f"Prove: {ways}.",
        *_counts(requirement),
        _approval(requirement),
        _hold(requirement),
        *((f"Cosign: {_COSIGNED}.",) if requirement.cosigned else ()),
        *(("Hand over: with a code that the desk says as well.",) if requirement.deliver == "spoken" else ()),
        f"Alert {requirement.alert}: {_ALERTS[requirement.alert]}.",
        *_after(requirement.after),
        *(f"Raised because {why}." for why in requirement.raised),
    )


def _way(way: Verify) -> str:
    if way.min_methods == 1:
        said = f"one method of weight {way.min_weight}"
    else:
        said = f"{_NUMBERS[way.min_methods]} independent methods of weight {way.min_weight} together"
    groups = [f"one of them {_either(g)}" for g in way.any_of]
    if way.min_methods == 1 and len(way.any_of) == 1:
        said, groups = f"{_either(way.any_of[0])}", []
    if way.provers > 1:
        groups.append(f"by {_NUMBERS[way.provers]} people")
    if way.forbid:
        groups.append(f"never {_either(way.forbid)}")
    return f"{', '.join((said, *groups))} ({way.tier})"


def _counts(requirement: Requirement) -> tuple[str, ...]:
    """How long proofs count, and what recovers: said where it is not what every procedure asks."""
    aal = max(w.aal for w in requirement.verify)
    fresh, age = requirement.fresh_s, requirement.contact_age_s
    return (
        *((f"Recovers as SP 800-63B-4 does at AAL{aal}.",) if aal else ()),
        *((f"A proof counts for {_span(fresh)}.",) if timedelta(seconds=fresh) != FRESH else ()),
        *((f"A contact point counts once it is {_span(age)} old.",) if timedelta(seconds=age) != FACT_WINDOW else ()),
    )


def _approval(requirement: Requirement) -> str:
    if requirement.approve is None:
        return "Approve: nobody has to."
    seats = " and ".join(_either(s.roles) for s in requirement.approve.seats)
    several = f", each another person{_apart(requirement.approve)}" if len(requirement.approve.seats) > 1 else ""
    return (
        f"Approve: {seats}{several}{_signed(requirement.approve)}, "
        f"within {_span(requirement.approval_s)} of being asked."
    )


def _apart(rule: Rule) -> str:
    """In what else than who they are the approvers differ."""
    said = {"units": "of another unit", "roles": "in another role"}
    return "".join(f" and {said[each]}" for each in sorted(rule.distinct, reverse=True))


def _signed(rule: Rule) -> str:
    """How each yes is signed; which keys may, and that one is made outside the browser, where that is asked."""
    if not rule.signed:
        return ""
    bound = " on a key that can not be copied to another device" if rule.device_bound else ""
    outside = ", one of the signatures made outside any browser" if rule.outside else ""
    each = "each " if len(rule.seats) > 1 else ""
    return f", {each}with a signature of their own passkey{bound}{outside}"


def _hold(requirement: Requirement) -> str:
    if not requirement.hold_s:
        return "Hold: none."
    waived = f", waived by {_either(requirement.hold_waived_by)}" if requirement.hold_waived_by else ""
    return f"Hold: {_span(requirement.hold_s)}{waived}."


def _after(after: After) -> tuple[str, ...]:
    """What follows, all of it seen to by the software."""
    done = (
        (after.notify, "tell the contacts of record"),
        (after.revoke_sessions, "end every session where the directory can"),
        (after.probation_s, f"recorded as on probation for {_span(after.probation_s)}"),
        (after.confirm_s, f"suspended unless the person confirms on their page within {_span(after.confirm_s)}"),
        (after.review_s, f"reviewed within {_span(after.review_s)}"),
    )
    told = [said for wanted, said in done if wanted]
    return (f"After: {', '.join(told)}.",) if told else ()


def _either(names: tuple[str, ...]) -> str:
    return " or ".join(n.replace("_", " ") for n in names)


def _span(seconds: int) -> str:
    size, name = next(((s, n) for s, n in _UNITS if seconds and seconds % s == 0), (1, "second"))
    return f"{seconds // size} {name}{'' if seconds // size == 1 else 's'}"
