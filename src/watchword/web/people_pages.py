"""The people somebody may administer, one of them, and the elevated-threat switch."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import quote

from watchword.app import App
from watchword.core.ids import PersonId
from watchword.core.own_page import APPROVER_KEY, OwnPage
from watchword.core.person import Delegation, Kind, RoleGrant
from watchword.desk.posture import SELF_SERVICE_OFF
from watchword.desk.roster import Enrolled, Known, Powers
from watchword.reception import wording
from watchword.reception.spoken import spoken
from watchword.web import people_forms as forms
from watchword.web import view
from watchword.web.frame import chrome, name_of
from watchword.web.letters import folded

KINDS = {Kind.EMPLOYEE: "employee", Kind.VENDOR: "of a vendor", Kind.AI: "AI agent", Kind.SYSTEM: "part of Watchword"}

_PAGES = {
    "own-enrolment": "Enrolment page",
    "saved-codes": "Page of recovery codes",
    "prompts": "Page that enrols a browser for prompts",
    APPROVER_KEY: "Page on which they make a key for approvals",
}

LENGTHS = (timedelta(hours=12), timedelta(days=1), timedelta(days=3), timedelta(days=7))
"""For how long the switch can be turned on from its page."""


def people_page(app: App, actor: PersonId, csrf: str, at: datetime, query: str = "") -> view.PeoplePage:
    """Everybody whom *actor* may administer, by name; with a *query*, those who have every word of it in their line."""
    known = sorted(app.roster.all(actor, at), key=lambda k: (k.person.kind is Kind.SYSTEM, k.name.casefold()))
    units = {k.person.unit for k in known}
    words = folded(query).split()
    rows = (_row(k, at) for k in known)
    return view.PeoplePage(
        chrome=chrome(app, at, csrf, actor, here="people"),
        sub=f"{len(known)} whom you may administer, in {len(units)} {'unit' if len(units) == 1 else 'units'}",
        rows=tuple(row for row in rows if all(word in _said_of(row) for word in words)),
        register=forms.register(),
        query=query.strip(),
    )


def _said_of(row: view.PersonRow) -> str:
    """Everything a row shows."""
    shown = (row.name, row.login, row.unit, row.about, *row.roles, *row.credentials)
    return folded(" ".join(shown))


def _row(known: Known, at: datetime) -> view.PersonRow:
    person = known.person
    in_force = [g for g in person.grants if g.until is None or at < g.until]
    delegated = [f"administers {unit}" for unit in sorted(person.delegated_at(at))]
    return view.PersonRow(
        link=forms.address_of(known.login),
        name=known.name,
        login=known.login,
        unit=person.unit or "no unit",
        about=KINDS[person.kind],
        roles=(*dict.fromkeys(_role(g) for g in in_force), *delegated),
        credentials=tuple(
            dict.fromkeys(wording.within(wording.method(c.method)) for c in known.credentials if c.counts)
        ),
    )


def person_page(app: App, known: Known, actor: PersonId, csrf: str, at: datetime) -> view.PersonPage:
    """One person, with what policy lets *actor* change."""
    person, powers = known.person, app.roster.powers(actor, known.person, at)
    since = f"known since {person.since:%-d %b %Y}" if person.since else ""
    holdings = (
        view.Holdings(
            title="Roles", held=tuple(_granted(known, g, powers, at) for g in person.grants), empty="No role."
        ),
        view.Holdings(
            title="Delegations",
            held=tuple(_delegated(known, d, powers, at) for d in person.delegations),
            empty="Administers no unit.",
        ),
        view.Holdings(
            title="Credentials",
            held=tuple(held for c in reversed(known.credentials) for held in _enrolled(known, c, powers, at, actor)),
            empty="Nothing enrolled.",
        ),
        view.Holdings(
            title="Accounts",
            held=tuple(
                view.Held(
                    title=wording.plain(a.account_class or "in no class").capitalize(),
                    note=a.directory,
                    mono=a.native_id,
                )
                for a in known.accounts
            ),
            empty="No account is linked.",
        ),
    )
    given = tuple(_given(app, known, page, powers, at) for page in person.pages_known(at))
    pages = (view.Holdings(title="Addresses given out", held=given, empty=""),) if given else ()
    mine = actor == person.id
    return view.PersonPage(
        chrome=chrome(app, at, csrf, actor, here="people"),
        name=known.name,
        login=known.login,
        facts=tuple(f for f in (KINDS[person.kind], person.unit or "no unit", since) if f),
        holdings=(*holdings, *pages),
        forms=forms.changes(app, known, powers),
        enrols=f"/api/people/{quote(known.login, safe='')}" if powers.enrols else "",
        notices=(_MINE,) if mine else (),
    )


_MINE = view.Notice(
    title="This is you", text="Nobody changes what they may do themself. Ask another administrator.", tone="plain"
)


def _role(grant: RoleGrant) -> str:
    return wording.plain(grant.role) + (f" in {grant.unit}" if grant.unit else "")


def _until(until: datetime, at: datetime) -> str:
    return f"{'until' if at < until else 'ended'} {until:%-d %b %Y %H:%M} UTC"


def _granted(known: Known, grant: RoleGrant, powers: Powers, at: datetime) -> view.Held:
    where = f"in {grant.unit}" if grant.unit else "everywhere"
    when = _until(grant.until, at) if grant.until else "until revoked"
    role, over = wording.plain(grant.role), grant.until is not None and grant.until <= at
    several = sum(1 for g in known.person.grants if g.role is grant.role) > 1
    return view.Held(
        title=role[0].upper() + role[1:],
        note=f"{where}, {when}",
        over=over,
        form=forms.revoke(known.login, grant.role, several=several) if powers.gives and not over else None,
    )


def _delegated(known: Known, delegation: Delegation, powers: Powers, at: datetime) -> view.Held:
    over = delegation.until <= at
    return view.Held(
        title=f"Administers {delegation.unit}",
        note=_until(delegation.until, at),
        over=over,
        form=forms.end_delegation(known.login, delegation.unit) if powers.everywhere and not over else None,
    )


def _given(app: App, known: Known, page: OwnPage, powers: Powers, at: datetime) -> view.Held:
    """A page of their own that can still be used."""
    made = wording.span(at - page.made_at)
    wrong = f", a wrong code was typed {'once' if page.missed == 1 else 'twice'}" if page.missed else ""
    if page.turned_away:
        wrong += f", it was asked for in a browser of {' and '.join(name_of(app, who) for who in page.turned_away)}"
    told = "closed: somebody had the address and typed three wrong codes" if page.is_closed else f"not used yet{wrong}"
    return view.Held(
        title=_PAGES.get(page.purpose, "A page of their own"),
        note=f"made {made} ago by {name_of(app, page.by)}, {_until(page.expires, at)}, {told}",
        over=page.is_closed,
        form=forms.take_back(known.login, page.id) if powers.enrols and not page.is_closed else None,
    )


def _enrolled(known: Known, one: Enrolled, powers: Powers, at: datetime, actor: PersonId) -> Iterator[view.Held]:
    """A credential; and below a key that nobody has confirmed for approvals, how to, for whoever may."""
    note = f"enrolled {wording.span(at - one.enrolled_at)} ago"
    if one.made_alone:
        note += " by themself, on a page of their own"
    if one.replaced_at:
        note += ", replaced by a newer one"
    if one.revoked_at:
        note += f", revoked {wording.span(at - one.revoked_at)} ago"
    if one.fingerprint and one.counts:
        note += ", bound to its device" if one.device_bound else ", may be on several devices"
        note += f", confirmed for approvals by {one.confirmed_by}" if one.confirmed_by else ""
    yield view.Held(
        title=wording.method(one.method),
        note=note,
        mono=one.id,
        over=not one.counts,
        form=forms.revoke_credential(known.login, one.id) if powers.enrols and one.counts else None,
    )
    unconfirmed = one.fingerprint and one.counts and one.confirmed_by is None
    if unconfirmed and powers.enrols and actor not in (one.enrolled_by, known.person.id):
        words = spoken(one.fingerprint)
        yield view.Held(
            title="Not confirmed for approvals",
            note="it signs nothing that asks for a signature until somebody who did not enrol it confirms it",
            form=forms.confirm(known.login, one.id, one.fingerprint, words),
        )


def threat_page(app: App, actor: PersonId, csrf: str, at: datetime) -> view.ThreatPage:
    """The switch as it stands, and the form for whoever may use it."""
    frame, posture = chrome(app, at, csrf, actor, here="threat"), app.registry.posture()
    on, until = posture.elevated(at), posture.threat_until
    by = f", raised by {name_of(app, posture.threat_by)}" if posture.threat_by else ""
    told = f"Until {until:%-d %b %Y %H:%M} UTC{by}. It ends by itself." if until else "It was never turned on."
    if until and not on:
        told = f"It last was on until {until:%-d %b %Y %H:%M} UTC{by}."
    longer = tuple(length for length in LENGTHS if not on or until is None or at + length >= until)
    form = view.Form(
        action="/threat",
        button="Let it last" if on else "Turn it on",
        lede="A week at most. It ends by itself, or when two people turn it off.",
        fields=(
            view.Field(
                name="until",
                label="For how long",
                kind="select",
                options=tuple(view.Option(value=_code(one), label=wording.span(one)) for one in longer),
            ),
            view.Field(name="why", label="Why", kind="area", hint="Kept sealed beside the entry."),
        ),
        weight="quiet" if on else "danger",
    )
    return view.ThreatPage(
        chrome=frame,
        does=tuple(_does(app)),
        state="The switch is on" if on else "The switch is off",
        tone="bad" if on else "good",
        told=told,
        form=form if frame.duty and longer else None,
        lower=_lower(app, actor, at) if frame.duty and on else None,
    )


def _does(app: App) -> Iterator[str]:
    """What policy asks for while the switch is on, and what nobody does alone then."""
    rows = [row for row in app.policy.procedures.table.context if row.when.elevated_threat]
    yield "Open cases are raised as new ones are; nothing that was released before is renewed."
    if tier := max((row.tier for row in rows), default=0):
        yield f"A person proves themself {_steps(tier, 'tier')} higher."
    if approval := max((row.approval for row in rows), default=0):
        yield f"Approval is asked for {_steps(approval, 'step')} higher."
    if hold := max((row.hold for row in rows), default=0):
        yield f"What was approved waits at least {wording.span(timedelta(seconds=hold))}."
    if alert := max((row.alert for row in rows), default=0):
        yield f"The alarm is {_steps(alert, 'level')} louder."
    named = sorted(wording.ACTIONS[action][0].lower() for action in SELF_SERVICE_OFF)
    yield f"Nobody does this alone, without the desk: {', '.join(named)}."


def _steps(many: int, noun: str) -> str:
    return f"{wording.counted(many)} {noun}{'' if many == 1 else 's'}"


def _lower(app: App, actor: PersonId, at: datetime) -> view.Form | None:
    """Turn it off; nothing for whoever agreed to that already."""
    votes = app.people.lower_votes(at)
    if actor in votes:
        return None
    lede = f"{name_of(app, votes[0])} wants it off: you are the second." if votes else "A second person has to agree."
    why = view.Field(name="why", label="Why", kind="area", hint="Kept sealed beside the entry.")
    return view.Form(action="/threat/lower", button="Turn it off", lede=lede, fields=(why,), weight="quiet")


def _code(length: timedelta) -> str:
    return f"{length // timedelta(hours=1)}h"
