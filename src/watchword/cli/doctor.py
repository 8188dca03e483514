"""`watchword doctor`: what is configured, what answers, and what to do about the rest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Literal

import msgspec

from watchword.app import App
from watchword.cli.client import address, running
from watchword.cli.feeds import standings
from watchword.core.downtime import CUSTODIANS
from watchword.core.errors import Unavailable, WatchwordError
from watchword.core.person import Kind, Role
from watchword.ledger.engines import REMEDY_GONE
from watchword.metering.metrics import Metrics
from watchword.policy.bundle import Policy
from watchword.reception.policy import drift_of, waits_of
from watchword.reception.scraping import PATH
from watchword.settings import Settings
from watchword.watch.keeping import TROUBLE, trouble_in

State = Literal["ok", "warn", "wrong", "held"]


AUTHORS = 2
"""Whose names a policy takes."""

SENDING = {
    "none": "none: no code can be sent this way",
    "simulated": "simulated: nothing leaves this machine",
    "smtp": "smtp: asked when something is sent",
    "twilio": "twilio: asked when something is sent",
    "http": "http: asked when something is sent",
}


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One *part*, its *state*, and what was *told* of it.

    `held`: not looked at, because another process has it. `warn`: it works, and will not on the day it is needed.
    """

    part: str
    state: State
    told: str


def examine(settings: Settings) -> Iterator[Finding]:
    """Every part of *settings*, one after the other; a part that is wrong does not hide the next one."""
    entries = None
    try:
        entries = running(settings)
    except Unavailable as fault:
        yield Finding(part="console", state="wrong", told=str(fault))
    if entries is not None:
        url = address(settings.console.host, settings.console.port)
        yield Finding(part="console", state="ok", told=f"answers at {url}")
    try:
        app = App(settings.model_copy(update={"metrics": None}))  # looked at by themselves
    except WatchwordError as fault:
        # A console goes on in a file that was moved away beneath it, and what it writes there is lost when it stops.
        if entries is None or not isinstance(fault, Unavailable) or fault.remedy == REMEDY_GONE:
            yield Finding(part="ledger", state="wrong", told=str(fault))
        else:
            yield Finding(part="ledger", state="ok", told=f"{settings.ledger.origin}: {entries} entries, being served")
            told = "the running console has the ledger; its page of the policy says whether the one on disk is active"
            yield Finding(part="policy", state="held", told=told)
            for part in settings.directories:
                told = "the running console has it; stop that one to have it asked from here"
                yield Finding(part=f"directory {part.name}", state="held", told=told)
            if settings.watch.canary is not None:
                told = "the running console has its directory; its log says when the canary could not sing"
                yield Finding(part="canary", state="held", told=told)
            if settings.ledger.witnesses or settings.ledger.authorities:
                told = "the running console asks them; its log names those who do not answer"
                yield Finding(part="outside", state="held", told=told)
    else:
        with app:
            yield from _inside(app)
    yield from _around(settings)


def _inside(app: App) -> Iterator[Finding]:
    yield Finding(part="ledger", state="ok", told=f"{app.ledger.origin}: {app.ledger.size} entries, verified")
    for name, is_well, told in app.ledger.guards():
        yield Finding(part=f"database {name}", state="ok" if is_well else "wrong", told=told)
    for name, is_well, told in app.outsiders.look():
        yield Finding(part=f"outside {name}", state="ok" if is_well else "wrong", told=told)
    standing = app.activation.standing(app.clock())
    drift = drift_of(standing)
    yield Finding(part="policy", state="wrong" if drift else "ok", told=drift or "the one on disk is active")
    yield from _authors(app)
    yield from _custodians(app)
    yield from _lent(app)
    if standing.proposal is not None:
        yield Finding(part="policy proposed", state="ok", told=waits_of(standing.proposal))
    app.steps.cases.follow(app.ledger)
    if overdue := app.steps.cases.overdue():
        told = f"{len(overdue)} overdue, the oldest on {overdue[0].case.id}: have it reviewed by who took no part in it"
        yield Finding(part="reviews", state="wrong", told=told)
    if late := app.downtimes.overdue(app.clock()):
        told = f"{len(late)} declared as done while this was down, and not reviewed in time"
        yield Finding(part="downtime", state="wrong", told=told)
    over = sum(holding.payloads for holding in app.keeper.over(app.clock()))
    told = f"the time of {over} is over: run `watchword ledger erase --expired`" if over else "none is kept too long"
    yield Finding(part="payloads", state="wrong" if over else "ok", told=told)
    for name, directory in app.directories.items():
        try:
            for line in directory.check():
                yield Finding(part=f"directory {name}", state="ok", told=line.removeprefix(f"{name}: "))
        except WatchwordError as fault:
            yield Finding(part=f"directory {name}", state="wrong", told=str(fault))
    if app.canary is not None:
        try:
            yield Finding(part="canary", state="ok", told=app.canary.told())
        except WatchwordError as fault:
            yield Finding(part="canary", state="wrong", told=str(fault))


def _authors(app: App) -> Iterator[Finding]:
    """Who can make a policy the active one: with one author, or none, nobody ever does."""
    everybody, at = (app.registry.person(one) for one in app.names.people()), app.clock()
    authors = sorted(
        app.names.said(one.id)[0]
        for one in everybody
        if one.kind is Kind.EMPLOYEE and Role.POLICY_AUTHOR in one.roles_at(at, "")
    )
    if len(authors) < AUTHORS:
        held = f"{authors[0]} alone" if authors else "nobody"
        told = f"{held} holds policy_author, and a policy takes two: `watchword people grant` gives it to somebody else"
        yield Finding(part="policy authors", state="warn", told=told)


def _custodians(app: App) -> Iterator[Finding]:
    """Who breaks the glass and opens the envelope as well, from the days before the two pairs were kept apart."""
    everybody, at = (app.registry.person(one) for one in app.names.people()), app.clock()
    both = sorted(
        app.names.said(one.id)[0]
        for one in everybody
        if {grant.role for grant in one.grants if grant.until is None or at < grant.until} >= CUSTODIANS
    )
    if both:
        more = f" and {len(both) - 1} more" if len(both) > 1 else ""
        told = f"{both[0]}{more} can break the glass and act while this is down: take one of the two roles from them"
        yield Finding(part="custodians", state="warn", told=told)


def _lent(app: App) -> Iterator[Finding]:
    """What was lent by being signed in, where approvals are signed: whoever sits there finds that it does not count."""
    procedures, at = app.policy.procedures, app.clock()
    asked = (procedures.plain(of, action) for of, action, _ in procedures.answered())
    if not any(one is not None and one.approve is not None and one.approve.signed for one in asked):
        return
    everybody = (app.registry.person(one) for one in app.names.people())
    bare = sorted(
        f"{app.names.said(lent.by)[0]} to {app.names.said(person.id)[0]}"
        for person in everybody
        for lent in person.lent_at(at)
        if not app.lending.is_signed(lent, at)
    )
    if bare:
        more = f" and {len(bare) - 1} more" if len(bare) > 1 else ""
        told = f"{bare[0]}{more} without a signature: where approvals are signed it counts once its lender signs it"
        yield Finding(part="seats lent", state="warn", told=told)


def _around(settings: Settings) -> Iterator[Finding]:
    yield from _cosigned(settings)
    yield from _metrics(settings)
    for part, kind in (("mail", settings.mail.kind), ("call", settings.call.kind), ("sms", settings.sms.kind)):
        yield Finding(part=part, state="ok", told=SENDING[kind])
    security = settings.security
    paged = " and ".join(said for said, told in (("by mail", security.mail), ("by webhook", security.webhook)) if told)
    unheard = "nobody is paged when the glass is broken or somebody objects: set `mail` or `webhook` under [security]"
    yield Finding(part="security", state="ok" if paged else "warn", told=f"paged {paged}" if paged else unheard)
    found = standings(settings, datetime.now(UTC))
    if not found:
        yield Finding(part="watch", state="ok", told="no log is followed")
    for one in found:
        # A log that is not there yet is not wrong: the directory may write its first line tomorrow.
        wrong = one.state in {"silent", "strange"} or (one.state == "failing" and one.kind not in {"tail", "folder"})
        part = "watch" if one.source == "log" else f"watch {one.source}"
        yield Finding(part=part, state="wrong" if wrong else "ok", told=one.told)
    yield from _behind(settings)


def _metrics(settings: Settings) -> Iterator[Finding]:
    try:
        metrics = Metrics.of(settings)
    except WatchwordError as fault:
        yield Finding(part="metrics", state="wrong", told=str(fault))
        return
    if metrics is not None:
        told = "whoever shows the token" if metrics.is_guarded else "this machine alone"
        yield Finding(part="metrics", state="ok", told=f"at {PATH} of the console, for {told}")


def _behind(settings: Settings) -> Iterator[Finding]:
    """Why findings are behind what the watch says, as whoever keeps them wrote it down."""
    trouble = trouble_in(settings.path(settings.watch.state) / TROUBLE)
    if trouble is not None:
        told = f"behind what the watch says since {trouble.since:%Y-%m-%d %H:%M} UTC: {trouble.why}"
        yield Finding(part="findings", state="wrong", told=told)


def _cosigned(settings: Settings) -> Iterator[Finding]:
    """What no witness can ever cosign is never done: that is told before the first case waits for it."""
    with suppress(WatchwordError):  # a policy that does not load is told of with the ledger
        policy = Policy.load(settings.path(settings.policy)) if settings.policy else Policy.default()
        asking = [f"{of}.{action}" for of, action, cell in policy.procedures.answered() if cell.cosigned]
        if asking and not settings.ledger.witnesses:
            more = f" and {len(asking) - 1} more" if asking[1:] else ""
            told = f"policy wants {asking[0]}{more} cosigned, and no witness is configured: nothing of that is done"
            yield Finding(part="witnesses", state="wrong", told=f"{told}; name them under [ledger] in watchword.toml")
