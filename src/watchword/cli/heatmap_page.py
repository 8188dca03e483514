"""The heat-map as one page that stands alone: no script, one style named by its hash, read on a phone and on paper."""

from __future__ import annotations

import base64
import hashlib
from datetime import date
from xml.etree import ElementTree as ET

import msgspec

from watchword.policy.attack import Analysis
from watchword.reception.heatmap import ACTIONS, DENIED, MARK, SHADES, Row, Tile, rows, said

_SHADED = "".join(f".s{i} {{ background: {s.fill}; color: {s.ink}; }}\n" for i, s in enumerate(SHADES))

PAGE_STYLE = f"""
:root {{ color-scheme: light dark; --paper: #ffffff; --ink: #16202a; --soft: #51606e; --blank: #eef1f4;
  --hatch: #d5dbe0; --rule: #d5dbe0; }}
@media (prefers-color-scheme: dark) {{ :root {{ --paper: #11181f; --ink: #e8edf2; --soft: #a3b0bc; --blank: #1d262e;
  --hatch: #34404a; --rule: #34404a; }} }}
* {{ box-sizing: border-box; }}
body {{ margin: 0 auto; padding: 1.25rem; max-width: 76rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.45 system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif; }}
h1 {{ font-size: 1.5rem; line-height: 1.2; margin: 0 0 .25rem; text-wrap: balance; }}
h2 {{ font-size: 1.15rem; margin: 2rem 0 .5rem; }}
p {{ margin: .25rem 0; max-width: 65ch; }} .soft {{ color: var(--soft); }}
code {{ overflow-wrap: anywhere; font-size: .85em; }}
table {{ border-collapse: separate; border-spacing: 3px; width: 100%; margin: 1rem 0; table-layout: fixed; }}
th {{ font-weight: 500; font-size: .9rem; line-height: 1.2; }} thead th {{ vertical-align: bottom; padding: .25rem; }}
tbody th {{ text-align: right; padding-right: .6rem; }} col.class {{ width: 9.5rem; }}
td {{ height: 3.1rem; text-align: center; border-radius: 4px; font-variant-numeric: tabular-nums; }}
td b {{ display: block; font-size: 1.2rem; line-height: 1.15; font-weight: 600; }}
td small {{ display: block; font-size: .78rem; line-height: 1.15; }} td .at {{ display: none; }}
td.none {{ background: var(--blank); color: var(--soft); }}
td.denied {{ color: var(--soft);
  background: repeating-linear-gradient(45deg, var(--blank) 0 6px, var(--hatch) 6px 8px); }}
td.denied b {{ font-size: .9rem; font-weight: 500; }} th.apart, td.apart {{ border-left: 10px solid var(--paper); }}
{_SHADED}
ul.legend {{ display: flex; flex-wrap: wrap; gap: .5rem; padding: 0; margin: .5rem 0; list-style: none; }}
ul.legend li {{ padding: .2rem .7rem; border-radius: 4px; font-size: .9rem; }}
li.denied {{ color: var(--soft);
  background: repeating-linear-gradient(45deg, var(--blank) 0 6px, var(--hatch) 6px 8px); }}
dl {{ margin: 1rem 0; }} dt {{ font-weight: 600; margin-top: .75rem; }} dd {{ margin: 0; }}
table.list {{ table-layout: auto; border-spacing: 0; }} table.list td, table.list th {{ text-align: left; height: auto;
  padding: .35rem .6rem .35rem 0; border-bottom: 1px solid var(--rule); border-radius: 0; vertical-align: top; }}
@media (max-width: 52rem) {{
  table.map, .map tbody {{ display: block; }} .map thead, .map colgroup {{ display: none; }}
  .map tr {{ display: grid; grid-template-columns: repeat(3, 1fr); gap: 3px; margin-bottom: 1.1rem; }}
  .map tbody th {{ grid-column: 1 / -1; text-align: left; font-size: 1.05rem; font-weight: 600; }}
  .map td {{ height: auto; min-height: 4.1rem; padding: .4rem .2rem; display: flex; flex-direction: column;
    justify-content: center; }}
  .map td .at {{ display: block; font-size: .75rem; line-height: 1.15; margin-bottom: .15rem; }}
  .list, .list tbody {{ display: block; }} .list thead {{ display: none; }}
  .list tr {{ display: block; padding: .5rem 0; border-bottom: 1px solid var(--rule); }}
  table.list td {{ display: block; padding: 0; border: 0; overflow-wrap: anywhere; }}
  table.list td:first-child {{ font-weight: 600; }}
  td.apart {{ border-left: 0; }} .map td.apart {{ outline: 1px solid var(--soft); outline-offset: -1px; }}
}}
@media print {{ body {{ padding: 0; }} td, li {{ print-color-adjust: exact; }} tr {{ break-inside: avoid; }} }}
"""


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """A table to print beside the map: what it is called, what it says of itself, its columns and rows."""

    title: str
    says: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def html(analysis: Analysis, *, on: date, listings: tuple[Listing, ...] = ()) -> str:
    """Return the heat-map and *listings* as one HTML document; the same input gives the same text."""
    title = "Cheapest attack by account class and action"
    root = ET.Element("html", {"lang": "en"})
    head = ET.SubElement(root, "head")
    ET.SubElement(head, "meta", {"charset": "utf-8"})
    hashed = base64.b64encode(hashlib.sha256(PAGE_STYLE.encode()).digest()).decode()
    allowed = f"default-src 'none'; style-src 'sha256-{hashed}'; base-uri 'none'; form-action 'none'"
    ET.SubElement(head, "meta", {"http-equiv": "Content-Security-Policy", "content": allowed})
    ET.SubElement(head, "meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"})
    ET.SubElement(head, "title").text = title
    ET.SubElement(head, "style").text = PAGE_STYLE
    body = ET.SubElement(ET.SubElement(root, "body"), "main")
    ET.SubElement(body, "h1").text = title
    under = ET.SubElement(body, "p", {"class": "soft"})
    under.text = f"{on.isoformat()}, policy "
    ET.SubElement(under, "code").text = analysis.policy
    _legend(body)
    _map(body, rows(analysis))
    for note in (
        *(() if analysis.complete else ("A bound cut some chains off: a figure above it may be lower in truth.",)),
        *analysis.notes,
    ):
        ET.SubElement(body, "p", {"class": "soft"}).text = note
    for listing in listings:
        _listing(body, listing)
    return f"<!doctype html>\n{ET.tostring(root, encoding='unicode', method='html')}\n"


def _legend(body: ET.Element) -> None:
    ET.SubElement(body, "p").text = (
        "Each figure is what the cheapest set of capabilities costs an attacker, one point (anybody has it) "
        "to five (hardly anybody) each."
    )
    legend = ET.SubElement(body, "ul", {"class": "legend"})
    for i, step in enumerate(SHADES):
        ET.SubElement(legend, "li", {"class": f"s{i}"}).text = f"cost {step.name}"
    ET.SubElement(legend, "li", {"class": "denied"}).text = f"{DENIED}: the desk refuses; via 9: another way in"
    ET.SubElement(body, "p", {"class": "soft"}).text = (
        f"{MARK} counts the attacks that need one capability alone. Infrastructure goes around the desk, "
        "and counts towards no threshold."
    )


def _map(body: ET.Element, lines: tuple[Row, ...]) -> None:
    drawn = ET.SubElement(body, "table", {"class": "map"})
    ET.SubElement(ET.SubElement(drawn, "colgroup"), "col", {"class": "class"})
    top = ET.SubElement(ET.SubElement(drawn, "thead"), "tr")
    ET.SubElement(top, "th", {"scope": "col"}).text = "class"
    for action in ACTIONS:
        ET.SubElement(top, "th", {"scope": "col"}).text = said(action)
    ET.SubElement(top, "th", {"scope": "col", "class": "apart"}).text = "infra­structure"
    inner = ET.SubElement(drawn, "tbody")
    for row in lines:
        line = ET.SubElement(inner, "tr")
        ET.SubElement(line, "th", {"scope": "row"}).text = said(row.account_class)
        for action, tile in zip(ACTIONS, row.tiles, strict=True):
            _tile(line, said(action), tile)
        _tile(line, "infrastructure", row.infrastructure, apart=True)


def _tile(line: ET.Element, where: str, tile: Tile | None, *, apart: bool = False) -> None:
    cell = ET.SubElement(line, "td")
    name = "none" if tile is None or tile.shade is None else f"s{SHADES.index(tile.shade)}"
    shown = DENIED if tile is not None and tile.denied else name
    cell.set("class", f"{shown} apart" if apart else shown)
    ET.SubElement(cell, "span", {"class": "at"}).text = where
    if tile is None:
        return
    cell.set("title", tile.words)
    ET.SubElement(cell, "b").text = tile.figure
    if tile.remark:
        ET.SubElement(cell, "small").text = tile.remark


def _listing(body: ET.Element, listing: Listing) -> None:
    ET.SubElement(body, "h2").text = listing.title
    ET.SubElement(body, "p", {"class": "soft"}).text = listing.says
    drawn = ET.SubElement(body, "table", {"class": "list"})
    top = ET.SubElement(ET.SubElement(drawn, "thead"), "tr")
    for column in listing.columns:
        ET.SubElement(top, "th", {"scope": "col"}).text = column
    inner = ET.SubElement(drawn, "tbody")
    for row in listing.rows:
        line = ET.SubElement(inner, "tr")
        for words in row:
            ET.SubElement(line, "td").text = words
