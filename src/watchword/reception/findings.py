"""Findings as the edge sees them: who may look at and work on them, and which people one is about."""

from __future__ import annotations

from datetime import datetime

from watchword.app import App
from watchword.core.action import Step
from watchword.core.errors import Invalid, Refused
from watchword.core.finding import Status
from watchword.core.ids import AccountId, PersonId
from watchword.reception.cases import demand_overview
from watchword.reception.problems import NotThere
from watchword.watch.finding_log import Shown
from watchword.watch.printable import printable
from watchword.watch.risk import Risk


def demand_work(app: App, person: PersonId, at: datetime) -> None:
    """Raise `Refused` unless *person* is on duty to contain something somewhere: they work on findings as well."""
    app.steps.demand_anywhere(person, Step.CONTAIN, at)


def demand_not_self(app: App, person: PersonId, name: str) -> None:
    """Raise `Refused` where *name*, as findings call somebody, is *person*: nobody keeps it quiet about themselves."""
    if person in _people_of(app, name.strip()):
        raise Refused("This is about you, or your account.", "Somebody else has to.", ("subject",))


def risks(app: App, at: datetime) -> tuple[Risk, ...]:
    """The risk of each account, agent and vendor now, highest first; an account is one, whatever a log calls it."""
    return app.findings.risks(at, lambda directory, name: account_of(app, name, directory))


def account_of(app: App, name: str, directory: str | None = None) -> AccountId | None:
    """The account that findings call *name*; None where it is not known, or is not certain for want of a directory."""
    found = _accounts_of(app, name, directory)
    return next(iter(found)) if len(found) == 1 else None


def _accounts_of(app: App, name: str, directory: str | None) -> frozenset[AccountId]:
    """The accounts that findings may mean by *name*."""
    if name.startswith("a-"):
        return frozenset({AccountId(name)})
    directories = [directory] if directory else [part.name for part in app.settings.directories]
    known = (app.names.account(one, name) for one in directories)
    return frozenset(account for account in known if account is not None)


def _people_of(app: App, name: str, directory: str | None = None) -> frozenset[PersonId]:
    """Whom findings may mean by *name*: a person of the desk, and whoever owns an account that is called so."""
    owners = (app.names.owner(account) for account in _accounts_of(app, name, directory))
    return frozenset({PersonId(name)} if name.startswith("p-") else ()) | {one for one in owners if one is not None}


def named(app: App, name: str, directory: str | None = None) -> tuple[str, str]:
    """Whom findings call *name*: a person of the desk or the owner of an account, and what the account is in a log.

    What the desk does not know is called as the log calls it, and the second is empty then, as it is of a person.
    """
    if name.startswith("p-"):
        return printable(app.names.said(PersonId(name))[1]), ""
    account = account_of(app, name, directory)
    if account is None:
        return printable(name), ""
    native, owner = app.names.native(account), app.names.owner(account)
    logged = printable(native[1] if native else name)
    return (logged, "") if owner is None else (printable(app.names.said(owner)[1]), logged)


def works(app: App, person: PersonId, at: datetime) -> bool:
    """Whether *person* works on findings (`demand_work`)."""
    try:
        demand_work(app, person, at)
    except Refused:
        return False
    return True


def unseen(app: App, person: PersonId, at: datetime) -> int | None:
    """How many findings nobody has looked at yet; None for whoever may not see findings."""
    try:
        demand_overview(app, person, at)
    except NotThere:
        return None
    return app.findings.count(Status.NEW)


def finding_of(app: App, finding: str) -> Shown:
    """One finding; raise `NotThere` where there is none of that id."""
    try:
        return app.findings.one(finding)
    except Invalid as invalid:
        raise NotThere from invalid


def about(app: App, shown: Shown) -> frozenset[PersonId]:
    """The people of the desk whom a finding names: who did it, and whose accounts it is about."""
    return frozenset(
        person
        for item in shown.items
        for name in (item.actor, item.target, item.account)
        if name
        for person in _people_of(app, name, item.directory)
    )
