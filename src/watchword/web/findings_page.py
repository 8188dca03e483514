"""Findings of the watch: the list, gravest first, with who is a risk beside it, and one of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from watchword.app import App
from watchword.core.finding import OPEN, VERDICT, Finding, Status
from watchword.core.ids import PersonId
from watchword.reception.findings import called, is_about, named, own_names, risks, works
from watchword.reception.wording import plain
from watchword.watch.campaigns import Item
from watchword.watch.finding_log import KnownSuppression, Shown
from watchword.watch.outputs.delivery import place_of
from watchword.watch.printable import printable
from watchword.watch.risk import Kind, Risk
from watchword.watch.signals import Signal
from watchword.watch.verdicts import verdicts_of
from watchword.watching import POSITIONS, VERDICTS
from watchword.web import view
from watchword.web.board_page import OWES, new_case
from watchword.web.findings_forms import address_of, steps
from watchword.web.findings_view import (
    FindingPage,
    FindingRow,
    FindingsPage,
    ItemRow,
    NoteRow,
    RiskList,
    RiskRow,
)
from watchword.web.frame import chrome, name_of
from watchword.web.guidance import guide_of, in_words, rule_said, signals_named
from watchword.web.letters import folded
from watchword.web.paging import SHOWN, address, paged
from watchword.web.suppressions_page import ADDRESS

ALL = "all"
"""Every finding, whatever became of it."""

RULES, RISKS = 3, 5
"""Rules named in a row of the list, and risks of each kind beside it."""

ALONE = frozenset({"target", "feed"})
"""What a finding is grouped by that says itself which account it is about, or is about none."""

BY = {
    "caller": "One caller",
    "vendor": "One vendor",
    "actor": "One agent",
    "hour": "One hour",
    "target": "One account",
    "feed": "One source",
}
"""What the events of a finding share, in words."""

TONES: dict[Status, view.Tone] = {Status.NEW: "warn", Status.TRIAGED: "plain", Status.CONFIRMED: "bad"}
TOLD = {
    Status.NEW: "It waits for a first look.",
    Status.TRIAGED: "Somebody looked; it waits to be confirmed or dismissed.",
    Status.CONFIRMED: "It is what it looks like; close it when nothing is left to do.",
    Status.DISMISSED: "It was nothing to look at.",
    Status.CLOSED: "Nothing is left to do.",
}
KINDS: tuple[tuple[Kind, str], ...] = (("account", "Accounts"), ("agent", "Agents"), ("vendor", "Vendors"))


def findings_page(
    app: App, actor: PersonId, csrf: str, at: datetime, status: str, query: str = "", page: int = 1
) -> FindingsPage:
    """The findings of *status* or `all`, those that are open for any other word; of those what *query* finds."""
    query, signals = query.strip(), signals_named(app)
    words = folded(query).split()
    everything = [one for one in app.findings.all() if not words or _has(app, one, signals, words)]
    counts = Counter(one.finding.status for one in everything)
    chosen = status if status in {*Status, ALL} else ""
    kinds = {ALL: set(Status), "": set(OPEN)}.get(chosen, {chosen})
    rows = tuple(one for one in everything if one.finding.status in kinds)
    open_ = sum(counts[one] for one in OPEN)
    tabs = (
        view.Tab(label="Open", link=address("/findings", q=query), count=open_, current=not chosen),
        *(
            view.Tab(
                label=one.capitalize(),
                link=address("/findings", status=one, q=query),
                count=counts[one],
                current=one == chosen,
            )
            for one in Status
        ),
        view.Tab(
            label="All", link=address("/findings", status=ALL, q=query), count=len(everything), current=chosen == ALL
        ),
    )
    first, pages = paged(len(rows), page, "/findings", status=chosen, q=query)
    return FindingsPage(
        chrome=chrome(app, at, csrf, actor, here="findings"),
        sub="What somebody has to look at, grouped by what its events share; gravest first.",
        tabs=tabs,
        rows=tuple(_row(app, one, signals) for one in rows[first : first + SHOWN]),
        pages=pages,
        query=query,
        status=chosen,
        quiet=_quiet(app, at),
        risks=_risks(app, risks(app, at)),
        notices=_troubles(app),
    )


def _has(app: App, shown: Shown, signals: Mapping[str, Signal], words: list[str]) -> bool:
    """Whether a finding has every one of *words* in what it is about, what found it, who has it, or its id."""
    finding = shown.finding
    names = ((name, item.directory) for item in shown.items for name in (item.actor, item.target, item.vendor))
    parties = {(name, directory) for name, directory in names if name}
    logins = {login for item in shown.items for login in (item.actor_login, item.target_login) if login}
    said = (
        finding.id,
        finding.severity,
        _named(app, shown),
        name_of(app, finding.owner) if finding.owner else "",
        *(part for rule in finding.rules for part in (rule, rule_said(rule, signals))),
        *(called(app, name, directory) for name, directory in parties),
        *logins,
        *(item.case or "" for item in shown.items),
    )
    whole = folded(" ".join(said))
    return all(word in whole for word in words)


def _row(app: App, shown: Shown, signals: Mapping[str, Signal]) -> FindingRow:
    finding = shown.finding
    since, until = finding.since or finding.raised_at, finding.until or finding.raised_at
    return FindingRow(
        link=address_of(finding.id),
        severity=finding.severity,
        by=BY[finding.by],
        name=_named(app, shown),
        about=_about(app, shown),
        rules=tuple(rule_said(rule, signals) for rule in finding.rules[:RULES]),
        more_rules=max(len(finding.rules) - RULES, 0),
        events=_events(shown.live),
        since=since,
        until=until if until - since >= timedelta(seconds=1) else since,
        state=_state(finding),
        tone=TONES.get(finding.status, "good"),
        owner=name_of(app, finding.owner) if finding.owner else "nobody yet",
    )


def _about(app: App, shown: Shown) -> str:
    """The account, or how many, that a finding is about; empty where what it is grouped by says so."""
    if shown.finding.by in ALONE:
        return ""
    accounts = {named(app, item.target, item.directory, item.target_login) for item in shown.items if item.target}
    if len(accounts) == 1:
        said, _ = accounts.pop()
        return said
    return f"{len(accounts)} accounts" if accounts else ""


def _state(finding: Finding) -> str:
    why = f": {plain(finding.dismissal)}" if finding.dismissal else ""
    return f"{finding.status.capitalize()}{why}"


def _events(many: int) -> str:
    return f"{many} event{'' if many == 1 else 's'}"


def _quiet(app: App, at: datetime) -> str:
    """What suppressions kept out of the list so far; empty where none was ever set."""
    known = app.findings.suppressions()
    if not known:
        return ""
    kept = len(frozenset().union(*(one.suppression.kept for one in known)))
    holding = sum(1 for one in known if one.suppression.holds(at))
    return f"{_events(kept)} kept quiet so far; {holding} of {len(known)} suppressions still hold."


def _risks(app: App, everybody: tuple[Risk, ...]) -> tuple[RiskList, ...]:
    found: list[RiskList] = []
    for kind, title in KINDS:
        first = [risk for risk in everybody if risk.kind == kind][:RISKS]
        rows = tuple(
            RiskRow(
                name=(name := named(app, risk.name)[0]),
                link=address("/findings", status=ALL, q=name),
                score=risk.score,
                note=f"{_events(risk.events)}, last {risk.latest:%-d %b}",
            )
            for risk in first
        )
        if rows:
            found.append(RiskList(title=title, rows=rows))
    return tuple(found)


def _named(app: App, shown: Shown) -> str:
    """What a finding is grouped by, where possible in the name of somebody we know."""
    if shown.is_erased:
        return "erased"
    if shown.finding.by == "hour":
        day, _, hour = shown.name.partition("T")
        return f"{printable(day)} {printable(hour)}:00 UTC" if hour else printable(shown.name)
    directory = next((item.directory for item in shown.items if shown.name in {item.actor, item.target}), None)
    return called(app, shown.name, directory, _login(shown))


def _login(shown: Shown) -> str | None:
    """What a log has beside the id that a finding is grouped by."""
    pairs = (p for item in shown.items for p in ((item.actor, item.actor_login), (item.target, item.target_login)))
    return next((login for name, login in pairs if name == shown.name and login), None)


def finding_page(app: App, shown: Shown, actor: PersonId, csrf: str, at: datetime) -> FindingPage:
    """One finding; forms for whoever works on findings."""
    finding = shown.finding
    signals = signals_named(app)
    mine = is_about(shown, own_names(app, actor, is_shown=True))
    work = works(app, actor, at)
    due, others = steps(app, shown, actor, mine=mine) if work else (None, ())
    events = {item.event for item in shown.items[:SHOWN] if item.event}
    cases = {row.id: row.case for row in verdicts_of(app.settings.path(Path(VERDICTS)), events)} if events else {}
    facts = [
        view.Fact(label="Owner", value=name_of(app, finding.owner) if finding.owner else "nobody yet"),
        view.Fact(label="Events", value=_events(shown.live), note="that still stand"),
        view.Fact(label="First", value=f"{finding.since or finding.raised_at:%-d %b %Y %H:%M:%S}"),
        view.Fact(label="Last", value=f"{finding.until or finding.raised_at:%-d %b %Y %H:%M:%S}"),
        view.Fact(label="Raised", value=f"{finding.raised_at:%-d %b %Y %H:%M:%S}"),
    ]
    if shown.is_erased:
        note = "its time was over; the entries stay and verify"
        facts.append(view.Fact(label="Erased", value="what it is about", note=note, tone="warn"))
    if quiet := sum(1 for one in app.findings.suppressions() if _covers(app, one, shown, at)):
        said = f"{quiet} suppression{'' if quiet == 1 else 's'}"
        facts.append(view.Fact(label="Kept quiet", value=said, note="keeps more of it out", tone="warn", link=ADDRESS))
    if finding.looked_at:
        looked = ", ".join(name_of(app, person) for person in finding.looked_at)
        facts.append(view.Fact(label="Looked at by", value=looked))
    return FindingPage(
        chrome=chrome(app, at, csrf, actor, here="findings"),
        finding=finding.id,
        severity=finding.severity,
        by=BY[finding.by],
        name=_named(app, shown),
        sub=_events(shown.live),
        state=_state(finding),
        tone=TONES.get(finding.status, "good"),
        told=TOLD[finding.status],
        facts=tuple(facts),
        guides=tuple(guide_of(rule, signals) for rule in finding.rules),
        items=tuple(_item(app, item, signals, cases.get(item.event or "")) for item in shown.items[:SHOWN]),
        left_out=max(len(shown.items) - SHOWN, 0),
        notes=tuple(NoteRow(at=when, by=name_of(app, by), words=_lines(words)) for when, by, words in shown.notes),
        notices=(_MINE,) if mine else (),
        next=due,
        others=others,
    )


def _covers(app: App, one: KnownSuppression, shown: Shown, at: datetime) -> bool:
    """Whether a suppression keeps more of what a finding has quiet, now."""
    digest = app.findings.log.digest
    return any(
        one.suppression.covers(item.rule, (digest(*party) for party in app.findings.parties(item)), at)
        for item in shown.items
    )


def _troubles(app: App) -> tuple[view.Notice, ...]:
    """What is found and is not in this list yet, and outputs in trouble: it does not leave the house meanwhile."""
    folder = app.settings.path(Path(POSITIONS))
    found: list[view.Notice] = []
    if (behind := app.keeping.trouble) is not None:
        again = f" It is tried again at {behind.again:%H:%M:%S} UTC." if behind.again else ""
        title = f"Findings are behind what the watch says since {behind.since:%Y-%m-%d %H:%M} UTC"
        if behind.refused:
            title = f"Something that was found is missing here since {behind.since:%Y-%m-%d %H:%M} UTC"
        found.append(view.Notice(title=title, text=f"{printable(behind.why)}{again}", tone="bad"))
    for name in app.settings.watch.outputs:
        place = place_of(folder, name)
        if place.error is not None:
            again = f" It is tried again at {place.retry_at:%H:%M:%S} UTC." if place.retry_at else ""
            title = f"The output {name} {'has a fault' if place.is_fault else 'waits, or holds alerts back'}"
            tone: view.Tone = "bad" if place.is_fault else "warn"
            found.append(view.Notice(title=title, text=f"{printable(place.error)}{again}", tone=tone))
    return tuple(found)


_MINE = view.Notice(
    title="This finding is about you, or your account",
    text="Somebody else dismisses, closes and owns it. You may write a note.",
)


OWING = frozenset(f"{VERDICT}{verdict}" for verdict in OWES)
"""Rules of an event for which its account is recovered through a case."""


def _item(app: App, item: Item, signals: Mapping[str, Signal], case: str | None) -> ItemRow:
    """*case* is what the verdict on its event says now; what no log has is of the case that the signal names."""
    case = case or item.case
    where = ", ".join(printable(one) for one in (item.directory, item.vendor, item.unit) if one)
    return ItemRow(
        at=item.at,
        severity=item.severity,
        rule=rule_said(item.rule, signals),
        actor=called(app, item.actor, item.directory, item.actor_login),
        target=called(app, item.target, item.directory, item.target_login),
        where=where,
        why=printable(in_words(item.why)),
        case=printable(case) if case else None,
        case_link=f"/cases/{quote(case, safe='')}" if case else None,
        open_link=new_case(item.target) if item.rule in OWING and not case else None,
    )


def _lines(words: str) -> str:
    """What somebody wrote, with its lines and nothing else that is hidden."""
    return "\n".join(printable(line) for line in words.splitlines())
