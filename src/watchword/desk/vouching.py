"""Who may vouch for a person, and how they do: signed in as themself, on a page that says whom and what it is about.

Nobody of a vendor vouches, nobody who had a hand in the case, nobody whose own account was recovered lately, and nobody
who stands in that place for less than thirty days. Manager and contact are found in the record; at a kiosk it is a
supervisor of the site, whom the desk names. Whoever vouched can not verify, approve, release or review the case.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from watchword.core.account import FACT_WINDOW
from watchword.core.action import Action
from watchword.core.case import Case, Checked, Executed, Executing, Released, Verifying, people_of
from watchword.core.errors import Invalid, Refused
from watchword.core.ids import CaseId, PersonId
from watchword.core.person import Credential, Kind, Person, Role
from watchword.core.progress import Challenge
from watchword.core.proving import KIOSK
from watchword.core.requirement import VOUCHED
from watchword.core.visible import legible
from watchword.desk.people import People
from watchword.desk.registry import Registry
from watchword.desk.steps import Loaded

LONGEST_SITE = 80
"""Characters of a site's name."""

MANAGER, CONTACT = "manager_of_record", "recovery_contact"

CUSTODIAN = "custodian_passkey"

PORTAL = VOUCHED
"""The methods that are answered by whoever vouches, signed in, and nowhere else."""


class Named(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`Credential.public` of a recovery contact: whom somebody named, as a pseudonym."""

    contact: PersonId


class Supervises(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`Credential.public` of a supervisor: the *site* whose kiosks they stand at."""

    site: str


class Vouch(msgspec.Struct, frozen=True, kw_only=True):
    """One word that is asked of somebody until *expires*, by an agent *by*; *as_* is the place they stand in."""

    case: CaseId
    challenge: str
    as_: str
    action: Action
    subject: PersonId | None
    by: PersonId
    expires: datetime
    options: str


def voucher(
    registry: Registry, loaded: Loaded, method: str, at: datetime, supervisor: PersonId | None = None
) -> Person:
    """Whose word *method* is about the person of this case; `Refused` when there is nobody whose word would count.

    *supervisor* is whoever stands beside the person, for the kiosk.
    """
    case = loaded.case
    match method:
        case "manager_of_record":
            who, what = loaded.account.facts.manager, "manager of record whom we know"
        case "kiosk":
            who, what = supervisor, "supervisor named who stands beside the person"
        case _:
            who, what = contact_of(registry, case.subject, at), "recovery contact"
    if who is None or who == case.subject:
        raise Refused(f"There is no {what}.", "Use another method the procedure names.", (f"no_{method}",))
    if method == MANAGER and MANAGER not in loaded.account.relations(who, at):
        raise Refused(
            f"The manager of record changed within {FACT_WINDOW.days} days, so their word proves nothing yet.",
            "Use a method that does not depend on it.",
            ("young_manager",),
        )
    person = registry.person(who)
    if method == KIOSK:
        _demand_supervisor(person, at)
    if person.kind is not Kind.EMPLOYEE:
        raise Refused("Only an employee vouches.", "Use another method the procedure names.", ("vendor_voucher",))
    if any(who in people for people in people_of(case).values()):
        raise Refused(
            "They had a hand in this case already.",
            "Use another method, or open a case that they take no step in.",
            ("same_person",),
        )
    if registry.recently_recovered(person, at):
        raise Refused(
            "Their own account was recovered lately.", "Use another method the procedure names.", ("recovered",)
        )
    return person


def _demand_supervisor(person: Person, at: datetime) -> None:
    named = person.credentials_of(KIOSK)
    if not named:
        raise Refused("They supervise no site.", "Name a supervisor who stands there.", ("no_supervisor",))
    if all(person.is_young(naming, at) for naming in named):
        raise Refused(
            f"They were named a supervisor within {FACT_WINDOW.days} days, so their word proves nothing yet.",
            "Have another supervisor of the site come.",
            ("young_supervisor",),
        )


def contact_of(registry: Registry, subject: PersonId | None, at: datetime) -> PersonId | None:
    """Whom somebody named as their recovery contact: the newest who counts, else the newest; None for nobody."""
    naming = naming_of(registry, subject, at)
    return msgspec.json.decode(naming.public, type=Named).contact if naming else None


def naming_of(registry: Registry, subject: PersonId | None, at: datetime) -> Credential | None:
    """The enrolment by which they did; None where there is none."""
    if subject is None:
        return None
    person = registry.person(subject)
    named = person.credentials_of(CONTACT)
    counting = tuple(c for c in named if not person.is_young(c, at))
    return next(reversed(counting or named), None)


def withdrawn(registry: Registry, case: Case, method: str, prover: PersonId, at: datetime) -> str:
    """Why the word of *prover*, who is not the subject, carries nothing any more; empty where it still does.

    It was asked when it was given whether they might. Since then they may have been found out: their naming or their
    seat was taken away, or an account of theirs recovered.
    """
    person = registry.person(prover)
    if method == CUSTODIAN and Role.CUSTODIAN not in person.roles_at(at, case.unit):
        return "a custodian is none any more"
    if method == CONTACT and case.subject is not None:
        named = registry.person(case.subject).credentials_of(CONTACT)
        if prover not in {msgspec.json.decode(c.public, type=Named).contact for c in named}:
            return "whoever vouched is no recovery contact any more"
    if method == KIOSK and not person.credentials_of(KIOSK):
        return "whoever vouched supervises no site any more"
    if method in PORTAL and registry.recently_recovered(person, at):
        return "an account of whoever vouched was recovered since"
    return ""


def named_at(registry: Registry, subject: PersonId | None, at: datetime) -> datetime | None:
    """When the contact was named; None where that was how somebody began, and replaced nothing."""
    naming = naming_of(registry, subject, at)
    if naming is None or subject is None or registry.person(subject).began_with(naming):
        return None
    return naming.enrolled_at


def name_contact(people: People, actor: PersonId, person: PersonId, contact: PersonId, at: datetime) -> None:
    """Enrol *contact* as *person*'s recovery contact; ruled as any enrolment. It counts in thirty days.

    `Invalid` for oneself; `Refused` for a vendor or a machine, and for whoever enters it.
    """
    if contact == person:
        raise Invalid("Nobody vouches for themself.", "Name a colleague.", where="contact")
    if contact == actor:
        raise Refused("Whoever enters a contact is not that contact.", "Have somebody else enter it.", ("same_person",))
    registry = people.steps.registry
    if any(registry.person(p).kind is not Kind.EMPLOYEE for p in (person, contact)):
        raise Refused("Only an employee vouches, and for an employee.", "Name a colleague.", ("vendor_voucher",))
    public = msgspec.json.encode(Named(contact=contact)).decode()
    credential = Credential(id=people.steps.ledger.pseudonym("k"), method=CONTACT, enrolled_at=at, public=public)
    people.enrol(actor, person, credential, None, at)


def name_supervisor(people: People, actor: PersonId, person: PersonId, site: str, at: datetime) -> None:
    """Enrol *person* as a supervisor of *site*; ruled as any enrolment. Their word counts in thirty days.

    `Invalid` without a site; `Refused` for whoever is no employee, and for oneself.
    """
    if not site.strip() or len(site) > LONGEST_SITE or not legible(site):
        raise Invalid("The site is missing, or can not be read.", "Name it as people there do.", where="site")
    if person == actor:
        raise Refused("Nobody makes themself a supervisor.", "Have somebody else enter it.", ("same_person",))
    if people.steps.registry.person(person).kind is not Kind.EMPLOYEE:
        raise Refused("Only an employee vouches.", "Name an employee of the site.", ("vendor_voucher",))
    public = msgspec.json.encode(Supervises(site=site.strip())).decode()
    credential = Credential(id=people.steps.ledger.pseudonym("k"), method=KIOSK, enrolled_at=at, public=public)
    people.enrol(actor, person, credential, None, at)


def asked_of(case: Case, person: PersonId, at: datetime) -> tuple[Challenge, ...]:
    """The challenges of *case* that *person* may answer as a voucher now; at the hand-over only those of a kiosk."""
    if isinstance(case, Verifying):
        purpose = "verify"
    elif isinstance(case, (Released, Executing, Executed, Checked)):
        purpose = "hand_over"
    else:
        return ()
    mine = (c for c in case.challenges if c.method in PORTAL and c.prover == person and c.purpose == purpose)
    return tuple(c for c in mine if not c.ended and at < c.expires)
