"""Findings as the edge sees them: who may look at and work on them, and which people one is about."""

from __future__ import annotations

from datetime import datetime

from watchword.app import App
from watchword.core.action import Step
from watchword.core.errors import Invalid
from watchword.core.ids import PersonId
from watchword.reception.problems import NotThere
from watchword.watch.finding_log import Shown


def demand_work(app: App, person: PersonId, at: datetime) -> None:
    """Raise `Refused` unless *person* is on duty to contain something somewhere: they work on findings as well."""
    app.steps.demand_anywhere(person, Step.CONTAIN, at)


def finding_of(app: App, finding: str) -> Shown:
    """One finding; raise `NotThere` where there is none of that id."""
    try:
        return app.findings.one(finding)
    except Invalid as invalid:
        raise NotThere from invalid


def about(app: App, shown: Shown) -> frozenset[PersonId]:
    """The people of the desk whom a finding names: who did it, and whose accounts it is about."""
    found: set[PersonId] = set()
    for item in shown.items:
        for name in (item.actor, item.target):
            if name.startswith("p-"):
                found.add(PersonId(name))
            account = app.names.account(item.directory, name) if item.directory else None
            if account is not None and (owner := app.names.owner(account)) is not None:
                found.add(owner)
    return frozenset(found)
