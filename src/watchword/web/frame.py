"""What surrounds a page, and who people are in it."""

from __future__ import annotations

from datetime import datetime

from watchword.app import App
from watchword.core.action import Step
from watchword.core.ids import AccountId, PersonId
from watchword.desk.people import EVERYWHERE
from watchword.languages.catalogue import Words
from watchword.reception.policy import drift_of
from watchword.reception.wording import plain
from watchword.web import view


def chrome(app: App, at: datetime, csrf: str, person: PersonId | None = None, here: str = "") -> view.Chrome:
    """The frame of a page for *person*, or for somebody who is not signed in."""
    simulated = tuple(name for name, d in app.directories.items() if d.simulated)
    held = app.registry.person(person).grants if person else ()
    posture = app.registry.posture() if person else None
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
        drift=drift_of(app.activation.standing(at)) if person else "",
    )


def caller_chrome(app: App, at: datetime, csrf: str, say: Words) -> view.Chrome:
    """The frame of the locked-out person's page: it says of us what they need, and no more."""
    simulated = ", ".join(name for name, d in app.directories.items() if d.simulated)
    return view.Chrome(at=at, csrf=csrf, sandbox=say("page.directory", names=simulated) if simulated else None)


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
