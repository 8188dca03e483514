"""What surrounds a page, and who people are in it."""

from __future__ import annotations

from datetime import datetime

from watchword.app import App
from watchword.core.action import Step
from watchword.core.case import Case
from watchword.core.ids import AccountId, PersonId
from watchword.core.person import Person
from watchword.core.proving import began_in
from watchword.desk.lending import LENDABLE
from watchword.desk.people import EVERYWHERE
from watchword.languages.catalogue import Words
from watchword.reception.findings import unseen
from watchword.reception.policy import drift_of
from watchword.reception.wording import counted, plain, span
from watchword.web import view


def chrome(app: App, at: datetime, csrf: str, person: PersonId | None = None, here: str = "") -> view.Chrome:
    """The frame of a page for *person*, or for somebody who is not signed in."""
    simulated = tuple(name for name, d in app.directories.items() if d.simulated)
    held = app.registry.person(person).grants if person else ()
    posture = app.registry.posture() if person else None
    debt = overdue_of(app, at) if person else ("", "")
    return view.Chrome(
        at=at,
        csrf=csrf,
        person=name_of(app, person) if person else None,
        roles=tuple(sorted({plain(g.role) for g in held if g.until is None or at < g.until})),
        here=here,
        sandbox=f"The directory {', '.join(simulated)}" if simulated else None,
        origin=app.ledger.origin,
        size=app.ledger.size,
        threat_until=posture.threat_until if posture and posture.elevated(at) else None,
        people=person is not None and app.roster.administers(person, at),
        duty=person is not None and app.roster.may(person, Step.RELEASE_FREEZE, at, unit=EVERYWHERE),
        author=person is not None and app.roster.may(person, Step.ACTIVATE_POLICY, at, unit=EVERYWHERE),
        vouch=person is not None and bool(app.desk.verification.vouches(person, at)),
        seats=person is not None and _sits(app.registry.person(person), at),
        drift=drift_of(app.activation.standing(at)) if person else "",
        declares=person is not None
        and any(app.roster.may(person, step, at, unit=EVERYWHERE) for step in (Step.DECLARE, Step.REVIEW)),
        opens=person is not None and _opens(app, app.registry.person(person), at),
        findings=unseen(app, person, at) if person else None,
        debt=debt[0],
        debt_link=debt[1],
    )


def _opens(app: App, person: Person, at: datetime) -> bool:
    """Whether somebody may open cases, everywhere or in a unit they have a role in; the step itself is ruled again."""
    units = {EVERYWHERE, *(grant.unit for grant in person.grants if grant.unit is not None)}
    return any(app.roster.may(person.id, Step.OPEN, at, unit=unit) for unit in units)


def _sits(person: Person, at: datetime) -> bool:
    """Whether somebody has a seat to lend by their role, or one that was lent to them."""
    held = {grant.role for grant in person.grants if grant.until is None or at < grant.until}
    return bool(held & set(LENDABLE)) or bool(person.lent_at(at))


def overdue_of(app: App, at: datetime) -> tuple[str, str]:
    """What is overdue to be looked at, in words, and the page of the oldest; both empty where nothing is."""
    app.steps.cases.follow(app.ledger)
    overdue, down = app.steps.cases.overdue(), app.downtimes.overdue(at)
    late = "Work done while Watchword was down owes a review that is overdue." if down else ""
    if not overdue:
        return late, "/downtime" if down else ""
    first = overdue[0].case
    since = span(at - (first.review_due or at))
    glass = sum(1 for row in overdue if row.case.broke_glass is not None)
    blocks = "; the glass can not be broken again before" if glass else ""
    many = f"{counted(len(overdue)).capitalize()} review{'s are' if len(overdue) > 1 else ' is'} overdue"
    return f"{many}, the oldest for {since}{blocks}. {late}".strip(), f"/cases/{first.id}"


def caller_chrome(app: App, at: datetime, csrf: str, say: Words) -> view.Chrome:
    """The frame of the locked-out person's page: it says of us what they need, and no more."""
    simulated = ", ".join(name for name, d in app.directories.items() if d.simulated)
    return view.Chrome(at=at, csrf=csrf, sandbox=say("page.directory", names=simulated) if simulated else None)


def beside_the_desk(app: App, case: Case, browser: str | None) -> str:
    """Whose browser of the desk an answer came from, to be said behind it: at a counter with one machine; or empty."""
    who = began_in(case, browser)
    return f", given in the browser in which {name_of(app, who)} began a method" if who else ""


def name_of(app: App, person: PersonId | str) -> str:
    """A person's name."""
    return app.names.said(PersonId(person))[1]


def account_of(app: App, account: AccountId, subject: PersonId | None) -> tuple[str, str]:
    """Name and login of an account for a list, without asking its directory."""
    if subject is not None:
        login, name = app.names.said(subject)
        return name, login
    _, native = app.names.native(account) or ("", account)
    return native, native
