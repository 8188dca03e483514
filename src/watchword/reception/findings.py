"""Findings as the edge sees them: who may look at and work on them, and which people one is about."""

from __future__ import annotations

from datetime import datetime

import msgspec

from watchword.app import App
from watchword.core.action import Step
from watchword.core.errors import Invalid, Refused, Unavailable
from watchword.core.finding import Status
from watchword.core.ids import AccountId, PersonId
from watchword.reception.cases import demand_overview
from watchword.reception.problems import NotThere
from watchword.watch.finding_log import Shown
from watchword.watch.formats import format_named
from watchword.watch.formats.finding_alert import FindingAlert
from watchword.watch.printable import printable
from watchword.watch.risk import Risk
from watchword.watch.whose import bare
from watchword.watching import signals_of

TOLD = 50
"""Messages about findings at once: each may have as many events with it."""


class Messages(msgspec.Struct, frozen=True, kw_only=True):
    """What other systems are told of findings, a message each; *left* more are there from entry *after* on."""

    messages: tuple[str, ...]
    after: int
    left: int


def demand_work(app: App, person: PersonId, at: datetime) -> None:
    """Raise `Refused` unless *person* is on duty to contain something somewhere: they work on findings as well."""
    app.steps.demand_anywhere(person, Step.CONTAIN, at)


def demand_not_self(app: App, person: PersonId, name: str) -> None:
    """Raise `Refused` where *name*, as findings call somebody, is *person*: nobody keeps it quiet about themselves."""
    if {name.strip().lower(), bare(name.strip())} & own_names(app, person):
        raise Refused("This is about you, or your account.", "Somebody else has to.", ("subject",))


def allow_suppression(app: App, person: PersonId, suppression: str, at: datetime) -> None:
    """Have *person* agree to a wide suppression that somebody else set, and that is not about them."""
    demand_work(app, person, at)
    for one in app.findings.suppressions():
        if one.suppression.set.suppression == suppression:
            demand_not_self(app, person, one.name.partition(" ")[2])
    app.findings.allow(suppression, person, at)


def own_names(app: App, person: PersonId, *, is_shown: bool = False) -> frozenset[str]:
    """What findings may call *person*, in lower case: their id, and each name that an account of theirs has in a log.

    That is what their directories and the list of accounts say. Raise `Unavailable` where a directory does not answer,
    unless the answer *is_shown* and decides nothing.
    """
    found = {person.lower()}
    for account in app.names.accounts_of(person):
        found.add(account.lower())
        directory, native = app.names.native(account) or ("", "")
        if not native:
            continue
        found.add(native.lower())
        try:
            seen = app.directories[directory].read(native)
        except (Invalid, KeyError):  # the account is gone, or its directory is no longer ours
            continue
        except (Unavailable, Refused):
            if is_shown:
                continue
            raise
        found.update(key.lower() for key in (seen.login, *seen.keys))
    for line in [line for name in found if (line := app.whose.line(name)) is not None]:
        found.update(line.keys)  # a name that somebody else has as well is theirs too: whoever is in doubt leaves it
    return frozenset(found)


def is_about(shown: Shown, names: frozenset[str]) -> bool:
    """Whether a finding names somebody who has *names* (`own_names`): as who did it, or whose account it is about.

    Their login in whatever domain is them as well: whoever is in doubt leaves it.
    """
    told = (name for item in shown.items for name in (item.actor, item.target, item.account) if name)
    return any(name.lower() in names or bare(name) in names for name in told)


def about(app: App, shown: Shown, *people: PersonId) -> frozenset[PersonId]:
    """Those of *people* whom a finding is about; `Unavailable` where that can not be told now."""
    return frozenset(person for person in people if is_about(shown, own_names(app, person)))


def risks(app: App, at: datetime) -> tuple[Risk, ...]:
    """The risk of each account, agent and vendor now, highest first; an account is one, whatever a log calls it."""
    return app.findings.risks(at)


def named(app: App, name: str, directory: str | None = None, login: str | None = None) -> tuple[str, str]:
    """Whom findings call *name*: a person of the desk or the owner of an account, and what the account is in a log.

    What the desk does not know is called as the log calls it, and the second is empty then, as it is of a person; by
    the *login* that the log has beside it, if there is one.
    """
    _, person = app.names.said(PersonId(name))
    if person != name:
        return printable(person), ""
    known = app.whose.account(directory, name)
    native = app.names.native(AccountId(known)) if known else None
    owner = app.names.owner(AccountId(known)) if known else None
    logged = printable(native[1] if native else name)
    if owner is not None:
        return printable(app.names.said(owner)[1]), logged
    line = app.whose.line(name)
    said = line.person if line and line.person else login
    return (printable(said), logged) if said else (logged, "")


def called(app: App, name: str, directory: str | None = None, login: str | None = None) -> str:
    """Whom findings call *name*, with what the account is in a log: somebody may have several."""
    said, logged = named(app, name, directory, login)
    return f"{said} ({logged})" if logged else said


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


def messages(app: App, form: str, after: int, since: datetime | None) -> Messages:
    """Some of what became of findings from entry *after* of the ledger on, as an output of the format *form* has it.

    Of what was told before *since* nothing. `Invalid` for a format that there is none of.
    """
    render = format_named(form)
    signals = {signal.name: signal for signal in signals_of(app.settings)}
    news = app.findings.news(after)
    alerts = [FindingAlert.of(app.findings.as_of(one), signals) for one in news[:TOLD]]
    return Messages(
        messages=tuple(render(one).decode() for one in alerts if since is None or one.at >= since),
        after=news[:TOLD][-1].seq + 1 if news else after,
        left=len(news[TOLD:]),
    )


def finding_of(app: App, finding: str) -> Shown:
    """One finding; raise `NotThere` where there is none of that id."""
    try:
        return app.findings.one(finding)
    except Invalid as invalid:
        raise NotThere from invalid
