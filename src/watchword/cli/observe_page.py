"""The observation as one HTML file: no script, nothing from elsewhere, to be read on a phone and printed.

Its policy (CSP) allows its own style sheet and nothing more, so nothing that a log says can run or load anything.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from xml.etree import ElementTree as ET

from watchword.cli import observe_charts as charts
from watchword.cli.observe_words import SAID, by_name, coverage, flags_said, noted, said_at
from watchword.watch.observe import Actor, Breakdown, Cell, Observation
from watchword.watch.printable import printable

SHOWN = 15
"""Rows of each list on the page; the files beside it have all."""

STYLE = """
:root { color-scheme: light; --paper: #fff; --ink: #16202a; --soft: #51606e; --rule: #d5dbe0; --blank: #eef1f4;
  --bad: #a63a06; --some: #e0a458; --good: #2f6f8f; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.25rem; max-width: 68rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.45 system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif; }
h1 { font-size: 1.5rem; line-height: 1.2; margin: 0 0 .25rem; text-wrap: balance; }
h2 { font-size: 1.15rem; margin: 2.25rem 0 .25rem; } h3 { font-size: 1rem; margin: 1.25rem 0 .25rem; }
p { margin: .25rem 0; max-width: 68ch; } .soft { color: var(--soft); }
.figures { display: grid; grid-template-columns: repeat(4, 1fr); gap: 0; margin: 1.25rem 0; padding: 0;
  border: solid var(--rule); border-width: 1px 0; }
.figures div { padding: .75rem .9rem .7rem 0; } .figures dt { font-size: .85rem; color: var(--soft); }
.figures dd { margin: 0; font-size: 1.75rem; line-height: 1.15; font-weight: 600; font-variant-numeric: tabular-nums; }
.figures small { display: block; font-size: .8rem; font-weight: 400; color: var(--soft); }
ul.notes { margin: 1rem 0; padding: .6rem 1rem .6rem 2rem; border-left: 3px solid var(--bad); max-width: 72ch; }
ul.key { display: flex; flex-wrap: wrap; gap: .25rem 1.1rem; padding: 0; margin: .5rem 0; list-style: none;
  font-size: .85rem; }
ul.key svg { width: .8rem; height: .8rem; vertical-align: -.08rem; margin-right: .35rem; }
svg { display: block; width: 100%; height: auto; } ul.key svg { display: inline-block; }
svg text { font: 11px system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif; fill: var(--soft); }
.governed { fill: var(--good); } .ticketed { fill: var(--some); } .ungoverned { fill: var(--bad); }
.rest { fill: var(--blank); } .axis { stroke: var(--rule); }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 0 2.5rem; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1rem; font-size: .92rem; }
th, td { text-align: left; padding: .35rem .8rem .35rem 0; border-bottom: 1px solid var(--rule); vertical-align: top;
  overflow-wrap: anywhere; }
thead th { font-weight: 500; font-size: .82rem; color: var(--soft); vertical-align: bottom; overflow-wrap: normal; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.bar { width: 34%; padding-top: .6rem; } td.bar svg { height: .7rem; }
td.when { white-space: nowrap; font-variant-numeric: tabular-nums; }
ol.leads { padding: 0; margin: .75rem 0; list-style: none; counter-reset: lead; }
ol.leads li { counter-increment: lead; display: grid; grid-template-columns: 2rem 1fr; padding: .6rem 0;
  border-top: 1px solid var(--rule); break-inside: avoid; }
ol.leads li::before { content: counter(lead); font-weight: 600; font-variant-numeric: tabular-nums; }
ol.leads p { overflow-wrap: anywhere; } ol.leads p + p { color: var(--soft); font-size: .92rem; }
.verdict { font-weight: 600; } .suspicious, .unverified { color: var(--bad); }
@media (max-width: 44rem) {
  body { padding: 1rem; } .figures { grid-template-columns: 1fr 1fr; } .pair { display: block; }
  table.rows, .rows tbody { display: block; } .rows thead { display: none; }
  .rows tr { display: block; padding: .5rem 0; border-bottom: 1px solid var(--rule); }
  .rows td, .rows td.n, .rows td.when { display: inline; padding: 0; border: 0; white-space: normal; }
  .rows td:first-child { display: block; font-weight: 600; }
  .rows td[data-is]:not(:empty)::before { content: attr(data-is) " "; color: var(--soft); }
  .rows td:not(:last-child):not(:first-child):not(:empty)::after { content: " · "; color: var(--soft); }
  td.bar { width: 18%; } td, th { padding-right: .5rem; }
}
@media print { body { padding: 0; max-width: none; } h2, h3 { break-after: avoid; } tr, svg { break-inside: avoid; }
  svg * { print-color-adjust: exact; } }
"""


def html(seen: Observation, *, now: datetime) -> str:
    """The report on *seen* as one document; the same input gives the same text."""
    root = ET.Element("html", {"lang": "en"})
    head = ET.SubElement(root, "head")
    ET.SubElement(head, "meta", {"charset": "utf-8"})
    hashed = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    allowed = f"default-src 'none'; style-src 'sha256-{hashed}'; base-uri 'none'; form-action 'none'"
    ET.SubElement(head, "meta", {"http-equiv": "Content-Security-Policy", "content": allowed})
    ET.SubElement(head, "meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"})
    ET.SubElement(head, "meta", {"name": "referrer", "content": "no-referrer"})
    ET.SubElement(head, "title").text = "Who lets people back in"
    ET.SubElement(head, "style").text = STYLE
    body = ET.SubElement(ET.SubElement(root, "body"), "main")
    _line(body, "h1", "Who lets people back in")
    _line(body, "p", f"{_span(seen)} Read from logs alone on {said_at(now)}.", soft=True)
    _figures(body, seen)
    _notes(body, seen)
    _leads(body, seen)
    _over_time(body, seen)
    _where(body, seen)
    _actors(body, seen)
    _cells(body, seen.cells)
    return f"<!doctype html>\n{ET.tostring(root, encoding='unicode', method='html')}\n"


def _span(seen: Observation) -> str:
    if seen.since is None or seen.until is None:
        return "No support event was found."
    return f"{seen.total.events:,} support events from {said_at(seen.since)} to {said_at(seen.until)}."


def _figures(body: ET.Element, seen: Observation) -> None:
    figures = ET.SubElement(body, "dl", {"class": "figures"})
    total = seen.total
    share = coverage(total)
    for name, figure, small in (
        ("ungoverned", f"{total.ungoverned:,}", "nothing, or not enough, speaks for them"),
        ("ticketed", f"{total.ticketed:,}", "only a ticket speaks for them"),
        ("governed", f"{total.governed:,}", "a case with its whole chain, or a declared downtime"),
        ("covered", share, "governed and ticketed, of all support events"),
    ):
        box = ET.SubElement(figures, "div")
        ET.SubElement(box, "dt").text = name
        value = ET.SubElement(box, "dd")
        value.text = figure
        ET.SubElement(value, "small").text = small


def _notes(body: ET.Element, seen: Observation) -> None:
    notes = noted(seen)
    if not notes:
        return
    listed = ET.SubElement(body, "ul", {"class": "notes"})
    for note in notes:
        _line(listed, "li", note)


def _leads(body: ET.Element, seen: Observation) -> None:
    _line(body, "h2", "Look at these first")
    if not seen.first:
        _line(body, "p", "No ungoverned event was found.", soft=True)
        return
    listed = ET.SubElement(body, "ol", {"class": "leads"})
    for lead in seen.first:
        item = ET.SubElement(ET.SubElement(listed, "li"), "div")
        first = ET.SubElement(item, "p")
        verdict = ET.SubElement(first, "span", {"class": f"verdict {lead.verdict.value}"})
        verdict.text = SAID[lead.verdict]
        when = said_at(lead.at) if lead.at else "at a time nobody can read"
        verdict.tail = printable(f" · {when} · {lead.who} → {lead.whom} · {lead.action} in {lead.directory}")
        _line(item, "p", f"{'; '.join(lead.why)} ({lead.points} points)")


def _over_time(body: ET.Element, seen: Observation) -> None:
    _line(body, "h2", "Over time")
    pair = ET.SubElement(body, "div", {"class": "pair"})
    week = ET.SubElement(pair, "div")
    _line(week, "h3", "Coverage by week")
    bars = tuple((f"{one.begins:%d %b}", one) for one in seen.weeks)
    week.append(charts.columns(bars, "Support events by week, and what speaks for them"))
    hour = ET.SubElement(pair, "div")
    _line(hour, "h3", "By hour of the day (UTC)")
    hours = tuple((group.label, group) for group in by_name(seen, "hour").groups)
    hour.append(charts.columns(hours, "Support events by hour of the day, and what speaks for them"))
    key = ET.SubElement(body, "ul", {"class": "key"})
    for name in ("governed", "ticketed", "ungoverned"):
        item = ET.SubElement(key, "li")
        mark = charts.mark(name)
        mark.tail = name
        item.append(mark)


def _where(body: ET.Element, seen: Observation) -> None:
    _line(body, "h2", "Where it happens")
    pair = ET.SubElement(body, "div", {"class": "pair"})
    for by in ("directory", "action", "class", "unit", "vendor"):
        _breakdown(ET.SubElement(pair, "div"), by_name(seen, by))


def _breakdown(body: ET.Element, breakdown: Breakdown) -> None:
    _line(body, "h3", f"By {breakdown.by}")
    table, inner = _table(body, (breakdown.by, "", "ungoverned", "of"), numbers=(2, 3), rows=False)
    most = max((group.events for group in breakdown.groups), default=1)
    for group in breakdown.groups[:SHOWN]:
        line = ET.SubElement(inner, "tr")
        _line(line, "td", group.label)
        ET.SubElement(line, "td", {"class": "bar"}).append(charts.bar(group, most))
        _number(line, group.ungoverned)
        _number(line, group.events)
    _more(body, len(breakdown.groups))
    table.set("aria-label", f"Support events by {breakdown.by}")


def _actors(body: ET.Element, seen: Observation) -> None:
    _line(body, "h2", "Shared accounts and leavers that act")
    if seen.flagged:
        _people(body, seen.flagged, flagged=True)
    else:
        told = "None was found." if seen.accounts else "No list of accounts was given, so nobody can say (--accounts)."
        _line(body, "p", told, soft=True)
    _line(body, "h2", "Who still resets natively")
    if seen.native:
        _people(body, seen.native, flagged=False)
    else:
        _line(body, "p", "Nobody.", soft=True)


def _people(body: ET.Element, actors: tuple[Actor, ...], *, flagged: bool) -> None:
    last = "why" if flagged else "unit, vendor"
    _, inner = _table(
        body, ("who", "directory", "ungoverned", "ticketed", "accounts", "last", last), numbers=(2, 3, 4), rows=True
    )
    for actor in actors[:SHOWN]:
        line = ET.SubElement(inner, "tr")
        _line(line, "td", actor.who)
        _line(line, "td", actor.directory)
        _number(line, actor.ungoverned, "ungoverned")
        _number(line, actor.ticketed, "ticketed")
        _number(line, actor.targets, "accounts")
        _line(line, "td", said_at(actor.last)).set("class", "when")
        _line(line, "td", flags_said(actor) if flagged else ", ".join(filter(None, (actor.unit, actor.vendor))))
    _more(body, len(actors))


def _cells(body: ET.Element, cells: tuple[Cell, ...]) -> None:
    _line(body, "h2", "Cells: class, action and unit")
    enforced = [cell for cell in cells if cell.enforced_since is not None]
    share = f"{len(enforced)} of {len(cells)} cells with events are enforced"
    of_events = sum(cell.events for cell in enforced), sum(cell.events for cell in cells)
    _line(body, "p", f"{share}; they have {of_events[0]:,} of {of_events[1]:,} events.", soft=True)
    names = ("class", "action", "unit", "events", "covered", "mode")
    _, inner = _table(body, names, numbers=(3, 4), rows=True)
    for cell in cells[: 2 * SHOWN]:
        line = ET.SubElement(inner, "tr")
        _line(line, "td", cell.account_class)
        _line(line, "td", cell.action)
        _line(line, "td", cell.unit)
        _number(line, cell.events, "events")
        covered = ET.SubElement(line, "td", {"class": "n", "data-is": "covered"})
        covered.text = coverage(cell)
        since = cell.enforced_since
        _line(line, "td", "observed" if since is None else f"enforced since {since:%Y-%m-%d}")
    _more(body, len(cells), 2 * SHOWN)


def _table(
    body: ET.Element, names: tuple[str, ...], *, numbers: tuple[int, ...], rows: bool
) -> tuple[ET.Element, ET.Element]:
    table = ET.SubElement(body, "table", {"class": "rows"} if rows else {})
    top = ET.SubElement(ET.SubElement(table, "thead"), "tr")
    for place, name in enumerate(names):
        ET.SubElement(top, "th", {"scope": "col", **({"class": "n"} if place in numbers else {})}).text = name
    return table, ET.SubElement(table, "tbody")


def _number(line: ET.Element, value: int, name: str = "") -> None:
    ET.SubElement(line, "td", {"class": "n", **({"data-is": name} if name else {})}).text = f"{value:,}"


def _more(body: ET.Element, count: int, shown: int = SHOWN) -> None:
    if count > shown:
        _line(body, "p", f"… and {count - shown:,} more, in the files beside this one.", soft=True)


def _line(parent: ET.Element, tag: str, words: str, *, soft: bool = False) -> ET.Element:
    """An element of text that may come from a log: what could steer a reader's eye is written as its escape."""
    element = ET.SubElement(parent, tag, {"class": "soft"} if soft else {})
    element.text = printable(words)
    return element
