"""The right rail of a case: what is known beside it, with where it comes from and how old it is."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from watchword.app import App
from watchword.core.account import Contact, DirectoryAccount
from watchword.core.action import Step
from watchword.core.case import TERMINAL
from watchword.core.errors import Invalid, Unavailable
from watchword.core.gates import WEEK
from watchword.core.ids import PersonId
from watchword.core.visible import visible
from watchword.desk.steps import Loaded
from watchword.notices.masking import mask
from watchword.policy import explain
from watchword.reception import countersign, wording
from watchword.reception.cases import kept, number_of, page_address, ticket_of
from watchword.web.frame import account_of, name_of
from watchword.web.view import Fact, Panel


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """The account as its directory shows it now; *silent* says why nothing was read, else it is empty."""

    name: str
    login: str
    directory: str
    seen: DirectoryAccount | None
    silent: str = ""


def facts_of(app: App, loaded: Loaded) -> Facts:
    """Read the account for display; a directory that does not answer costs the page its details, not the page."""
    name, login = account_of(app, loaded.case.account, loaded.case.subject)
    directory, native = app.names.native(loaded.case.account) or ("", "")
    if directory not in app.directories:
        return Facts(name=name, login=login, directory=directory, seen=None)
    try:
        seen = app.directories[directory].read(native)
    except (Unavailable, Invalid) as fault:
        return Facts(name=name, login=login, directory=directory, seen=None, silent=str(fault))
    return Facts(name=seen.called, login=visible(seen.login), directory=directory, seen=seen)


def rail(app: App, loaded: Loaded, facts: Facts, actor: PersonId, at: datetime) -> tuple[Panel, ...]:
    """The panels, in the order a desk needs them."""
    case = loaded.case
    number = ticket_of(app, case)
    absent = "erased" if case.ticket else "none yet"
    ticket = Fact(label="Number", value=number or absent, tone="plain" if number else "warn")
    address = page_address(app, loaded, actor, at)
    page = Fact(
        label="Address",
        value=address or "with the verifier",
        note="they answer here, never to you",
        copy=address is not None,
    )
    said = (page, *_said(app, loaded, address, at), *_words(app, loaded, address), *_code(app, loaded, address))
    theirs = Panel(title="The caller's own page", first=True, printed=False, facts=said)
    return (
        Panel(title="Ticket", first=True, facts=(ticket,)),
        *(() if isinstance(case, TERMINAL) else (theirs,)),
        Panel(title="Account", facts=_account(app, loaded, facts)),
        Panel(title="Watch out", facts=_watch_out(app, loaded, facts, at)),
        Panel(title="What policy asks", lines=tuple(wording.named(line) for line in explain.words(case.requirement))),
        *_evidence(app, loaded, actor, at),
        *_kept(app, loaded),
    )


def _said(app: App, loaded: Loaded, address: str | None, at: datetime) -> tuple[Fact, ...]:
    """The same page as it is said on the telephone: a short address, and the number to type there."""
    number = number_of(app, loaded.case, at)
    if address is None or number is None:
        return ()
    short = f"{app.settings.console.public_url.rstrip('/').partition('://')[2]}/go"
    return (
        Fact(label="To say it", value=short, note="on a call, instead of the address"),
        Fact(
            label="They type", value=number, note="good for half an hour at least; load this page again for a new one"
        ),
    )


def _code(app: App, loaded: Loaded, address: str | None) -> tuple[Fact, ...]:
    """What the desk says to whoever is there, once their browser made its key."""
    code = app.desk.hand_over.spoken_code(loaded.case) if address is not None else None
    if code is None or loaded.case.code_spoken:
        return ()
    note = "to the person you verified; it opens nothing alone"
    return (Fact(label="Say the code", value=f"{code[:3]} {code[3:]}", note=note),)


def _words(app: App, loaded: Loaded, address: str | None) -> tuple[Fact, ...]:
    """What the desk says first, and what the caller answers; for those who verify, where somebody speaks to them."""
    if address is None or not countersign.offered(app, loaded.case):
        return ()
    first, second = countersign.pair(app, loaded.case.id)
    return (
        Fact(label="You say first", value=first, note="they tap it on their page"),
        Fact(label="They answer", value=second, note="do not say this one; without it, stop"),
    )


def _evidence(app: App, loaded: Loaded, actor: PersonId, at: datetime) -> tuple[Panel, ...]:
    """The bundle to take along, for whoever may."""
    if not app.desk.steps.may(actor, Step.EXPORT_EVIDENCE, loaded, at):
        return ()
    bundle = Fact(
        label="Bundle",
        value="evidence of this case (zip)",
        note="anybody can check it without Watchword",
        link=f"/api/cases/{loaded.case.id}/evidence",
    )
    return (Panel(title="To take along", facts=(bundle,)),)


def _kept(app: App, loaded: Loaded) -> tuple[Panel, ...]:
    """What was erased of the case, and what keeps the rest; nothing where neither is so."""
    erased, hold = kept(app, loaded.case.id)
    facts: list[Fact] = []
    if erased:
        facts.append(Fact(label="Erased", value=", ".join(erased), note="the entries stay and verify", tone="warn"))
    if hold:
        facts.append(Fact(label="Legal hold", value=f"since {hold.since:%Y-%m-%d}", note="nothing of it is erased"))
    return (Panel(title="Payloads", facts=tuple(facts)),) if facts else ()


def _account(app: App, loaded: Loaded, facts: Facts) -> tuple[Fact, ...]:
    known = loaded.account.facts
    now = known.account_class
    stricter = now is not None and now != loaded.case.account_class
    found = [
        Fact(
            label="Class",
            value=wording.plain(loaded.case.account_class),
            note="the strictest of the last 30 days, over all accounts of the person" if stricter else "",
            tone="warn" if stricter else "plain",
        ),
        Fact(label="Status", value=wording.plain(known.status)),
        Fact(label="Unit", value=known.unit or "none"),
        Fact(label="Directory", value=facts.directory),
    ]
    people: dict[str, PersonId | None] = {
        "Manager": known.manager,
        "Owner": known.owner,
        "Second owner": known.second_owner,
        "Sponsor": known.sponsor,
    }
    found.extend(Fact(label=label, value=name_of(app, who)) for label, who in people.items() if who)
    return tuple(found)


def _watch_out(app: App, loaded: Loaded, facts: Facts, at: datetime) -> tuple[Fact, ...]:
    account = loaded.account
    failures = sum(1 for t in account.failures if at - t < timedelta(days=30))
    freeze = account.freeze(at, app.desk.steps.thresholds)
    recovered = account.recoveries_within(WEEK, at)
    found = [
        Fact(label="Failures", value=f"{failures} in 30 days", tone="warn" if failures else "plain"),
        Fact(
            label="Freeze",
            value=("none", "remote methods are closed", "only the strongest way is open")[freeze],
            tone="bad" if freeze else "plain",
        ),
        Fact(label="Recovered", value=f"{recovered} in 7 days", tone="warn" if recovered else "plain"),
    ]
    if account.on_probation(at):
        found.append(Fact(label="Probation", value="still runs", tone="warn"))
    age = loaded.case.requirement.contact_age
    found.extend(_contact(c, age, at) for c in (facts.seen.contacts if facts.seen else ()))
    return tuple(found)


def _contact(contact: Contact, age: timedelta, at: datetime) -> Fact:
    changed = contact.changed_at
    young = changed is not None and at - changed < age
    since = f"changed {wording.span(at - changed)} ago" if changed else "unchanged as far as is known"
    return Fact(
        label=contact.kind.capitalize(),
        value=f"{mask(contact)}, {since}",
        note=f"worth nothing until {changed + age:%Y-%m-%d}" if changed and young else "",
        tone="bad" if young else "plain",
    )
