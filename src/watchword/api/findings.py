"""Findings of the watch: looked at, worked on, and kept quiet about for a time."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from litestar import Controller, get, post
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.status_codes import HTTP_200_OK, HTTP_204_NO_CONTENT

from watchword.api.bodies import In, Out
from watchword.api.reading import login_of
from watchword.app import App
from watchword.core.finding import Dismissal, Severity, Status
from watchword.core.ids import PersonId
from watchword.reception.cases import demand_overview
from watchword.reception.ends import end_of
from watchword.reception.findings import (
    about,
    allow_suppression,
    demand_not_self,
    demand_work,
    finding_of,
    is_about,
    messages,
    named,
    own_names,
    risks,
)
from watchword.reception.given import Now, TheActor, TheApp
from watchword.watch.campaigns import Item, Party
from watchword.watch.finding_log import Shown
from watchword.watch.risk import Kind

LISTED = 20
"""Items of a finding in a list; the finding itself has them all."""


class Dismiss(In, frozen=True, kw_only=True):
    """Why it is none: a code, and what was looked at; *seen* is `joined` of what was read: more of it is a conflict."""

    reason: Dismissal
    words: str
    seen: int | None = None


class Close(In, frozen=True, kw_only=True):
    """*seen* as in `Dismiss`; nothing has to be sent."""

    seen: int | None = None


class Own(In, frozen=True, kw_only=True):
    """The login of whoever sees to it from now on."""

    owner: str


class Note(In, frozen=True, kw_only=True):
    """What somebody writes beside it."""

    words: str


class Suppress(In, frozen=True, kw_only=True):
    """Which rule (`*`: every one) says nothing about whom, until when, such as `30d` or `2026-12-24`, and why."""

    rule: str
    party: Party | Literal["anybody"] = "anybody"
    name: str = ""
    until: str
    why: str


class NoteOut(Out, frozen=True, kw_only=True):
    """One note."""

    at: datetime
    by: str
    words: str


class FindingOut(Out, frozen=True, kw_only=True):
    """A finding: what its events share (*by*, *name*), how many stand, and what is known of them.

    *items* of a list are the first; *mine_to_leave* says that it is about the reader, *erased* that the time of its
    payloads is over: what it is about, its items and its notes are gone. *joined* says which of its events it has.
    """

    finding: str
    status: Status
    severity: Severity
    by: str
    name: str
    rules: tuple[str, ...]
    events: int
    since: datetime | None
    until: datetime | None
    raised_at: datetime
    owner: str | None
    dismissal: Dismissal | None
    items: tuple[Item, ...]
    notes: tuple[NoteOut, ...]
    mine_to_leave: bool
    erased: bool
    joined: int


class SuppressionOut(Out, frozen=True, kw_only=True):
    """A suppression, and how many things it kept quiet so far; one that *waits* holds once somebody else allowed it."""

    suppression: str
    rule: str
    about: str
    why: str
    by: str
    since: datetime
    until: datetime
    allowed_by: str | None
    lifted_by: str | None
    holds: bool
    waits: bool
    kept: int


class RiskOut(Out, frozen=True, kw_only=True):
    """The *score* of somebody, 0 to 100, made of so many events; *said* is who that is, as people call them."""

    kind: Kind
    name: str
    said: str
    score: float
    events: int
    latest: datetime


class MessagesOut(Out, frozen=True, kw_only=True):
    """Messages as an output of a format has them, each with its tag; *left* more are there *after* that entry."""

    messages: tuple[str, ...]
    after: int
    left: int


class FindingController(Controller):
    """What somebody has to look at; worked on by security and IAM on duty."""

    path = "/api/findings"
    tags = ("findings",)

    @get("", sync_to_thread=True)
    def listed(
        self, app: TheApp, actor: TheActor, at: Now, status: FromQuery[Status | None] = None
    ) -> tuple[FindingOut, ...]:
        """Every finding, or those of a status; gravest first."""
        demand_overview(app, actor.person, at)
        mine = own_names(app, actor.person, is_shown=True)
        return tuple(_told(app, one, mine, LISTED) for one in app.findings.all(status))

    @get("/messages", sync_to_thread=True)
    def messages(
        self,
        app: TheApp,
        actor: TheActor,
        at: Now,
        format: FromQuery[str] = "ocsf",  # noqa: A002
        after: FromQuery[int] = 0,
        since: FromQuery[datetime | None] = None,
    ) -> MessagesOut:
        """What became of findings, in the words an output has for it, in order: some at a time, from an entry on."""
        demand_overview(app, actor.person, at)
        found = messages(app, format, after, since)
        return MessagesOut(messages=found.messages, after=found.after, left=found.left)

    @get("/{finding:str}", sync_to_thread=True)
    def one(self, app: TheApp, actor: TheActor, at: Now, finding: FromPath[str]) -> FindingOut:
        """One finding with all that is known of it."""
        demand_overview(app, actor.person, at)
        return _out(app, finding_of(app, finding), actor.person)

    @post("/{finding:str}/triage", sync_to_thread=True, status_code=HTTP_200_OK)
    def triage(self, app: TheApp, actor: TheActor, at: Now, finding: FromPath[str]) -> FindingOut:
        """Take a first look."""
        demand_work(app, actor.person, at)
        finding_of(app, finding)
        return _out(app, app.findings.triage(finding, actor.person, at), actor.person)

    @post("/{finding:str}/confirm", sync_to_thread=True, status_code=HTTP_200_OK)
    def confirm(self, app: TheApp, actor: TheActor, at: Now, finding: FromPath[str]) -> FindingOut:
        """Say that it is what it looks like."""
        demand_work(app, actor.person, at)
        finding_of(app, finding)
        return _out(app, app.findings.confirm(finding, actor.person, at), actor.person)

    @post("/{finding:str}/dismiss", sync_to_thread=True, status_code=HTTP_200_OK)
    def dismiss(
        self, app: TheApp, actor: TheActor, at: Now, finding: FromPath[str], data: JSONBody[Dismiss]
    ) -> FindingOut:
        """Say that it is not, and why; whoever it is about can not."""
        demand_work(app, actor.person, at)
        named = about(app, finding_of(app, finding), actor.person)
        shown = app.findings.dismiss(
            finding, actor.person, at, reason=data.reason, words=data.words, about=named, seen=data.seen
        )
        return _out(app, shown, actor.person)

    @post("/{finding:str}/close", sync_to_thread=True, status_code=HTTP_200_OK)
    def close(
        self, app: TheApp, actor: TheActor, at: Now, finding: FromPath[str], data: JSONBody[Close | None] = None
    ) -> FindingOut:
        """Say that nothing is left to do; whoever it is about can not."""
        demand_work(app, actor.person, at)
        named, seen = about(app, finding_of(app, finding), actor.person), data.seen if data is not None else None
        return _out(app, app.findings.close(finding, actor.person, at, about=named, seen=seen), actor.person)

    @post("/{finding:str}/own", sync_to_thread=True, status_code=HTTP_200_OK)
    def own(self, app: TheApp, actor: TheActor, at: Now, finding: FromPath[str], data: JSONBody[Own]) -> FindingOut:
        """Give it to somebody whom it is not about."""
        demand_work(app, actor.person, at)
        shown, owner = finding_of(app, finding), app.names.person(data.owner)
        named = about(app, shown, owner)
        return _out(app, app.findings.own(finding, actor.person, at, owner=owner, about=named), actor.person)

    @post("/{finding:str}/note", sync_to_thread=True, status_code=HTTP_200_OK)
    def note(self, app: TheApp, actor: TheActor, at: Now, finding: FromPath[str], data: JSONBody[Note]) -> FindingOut:
        """Write something down beside it."""
        demand_work(app, actor.person, at)
        finding_of(app, finding)
        return _out(app, app.findings.note(finding, actor.person, at, words=data.words), actor.person)


class SuppressionController(Controller):
    """What the watch says nothing of for a time, with a reason; counted."""

    path = "/api/suppressions"
    tags = ("findings",)

    @get("", sync_to_thread=True)
    def listed(self, app: TheApp, actor: TheActor, at: Now) -> tuple[SuppressionOut, ...]:
        """Every suppression, ended or not."""
        demand_overview(app, actor.person, at)
        return _suppressions(app, at)

    @post("", sync_to_thread=True)
    def suppress(self, app: TheApp, actor: TheActor, at: Now, data: JSONBody[Suppress]) -> SuppressionOut:
        """Keep a rule quiet about somebody until a time; a whole rule, or all of somebody's, once it is allowed."""
        demand_work(app, actor.person, at)
        demand_not_self(app, actor.person, data.name)
        made = app.findings.suppress(
            actor.person,
            at,
            rule=data.rule,
            party=data.party,
            name=data.name,
            until=end_of(data.until, at),
            why=data.why,
        )
        return next(one for one in _suppressions(app, at) if one.suppression == made)

    @post("/{suppression:str}/allow", sync_to_thread=True, status_code=HTTP_204_NO_CONTENT)
    def allow(self, app: TheApp, actor: TheActor, at: Now, suppression: FromPath[str]) -> None:
        """Agree to a wide one that somebody else set; whoever it is about can not."""
        allow_suppression(app, actor.person, suppression, at)

    @post("/{suppression:str}/lift", sync_to_thread=True, status_code=HTTP_204_NO_CONTENT)
    def lift(self, app: TheApp, actor: TheActor, at: Now, suppression: FromPath[str]) -> None:
        """End one before its time."""
        demand_work(app, actor.person, at)
        app.findings.lift(suppression, actor.person, at)


@get("/api/risks", sync_to_thread=True, tags=["findings"])
def risk_list(app: TheApp, actor: TheActor, at: Now) -> tuple[RiskOut, ...]:
    """The risk of each account, agent and vendor now, highest first."""
    demand_overview(app, actor.person, at)
    return tuple(
        RiskOut(
            kind=risk.kind,
            name=risk.name,
            said=named(app, risk.name)[0],
            score=risk.score,
            events=risk.events,
            latest=risk.latest,
        )
        for risk in risks(app, at)
    )


def _out(app: App, shown: Shown, reader: PersonId) -> FindingOut:
    return _told(app, shown, own_names(app, reader, is_shown=True))


def _told(app: App, shown: Shown, mine: frozenset[str], most: int | None = None) -> FindingOut:
    finding = shown.finding
    return FindingOut(
        finding=finding.id,
        status=finding.status,
        severity=finding.severity,
        by=finding.by,
        name=shown.name,
        rules=finding.rules,
        events=shown.live,
        since=finding.since,
        until=finding.until,
        raised_at=finding.raised_at,
        owner=login_of(app, finding.owner),
        dismissal=finding.dismissal,
        items=shown.items[:most],
        notes=tuple(NoteOut(at=when, by=login_of(app, by) or "", words=words) for when, by, words in shown.notes),
        mine_to_leave=is_about(shown, mine),
        erased=shown.is_erased,
        joined=shown.joined,
    )


def _suppressions(app: App, at: datetime) -> tuple[SuppressionOut, ...]:
    return tuple(
        SuppressionOut(
            suppression=one.suppression.set.suppression,
            rule=one.suppression.set.rule,
            about=one.name,
            why=one.why,
            by=login_of(app, one.suppression.set.by) or "",
            since=one.suppression.at,
            until=one.suppression.set.until,
            allowed_by=login_of(app, one.suppression.allowed),
            lifted_by=login_of(app, one.suppression.lifted),
            holds=one.suppression.holds(at),
            waits=one.suppression.waits(at),
            kept=len(one.suppression.kept),
        )
        for one in app.findings.suppressions()
    )
