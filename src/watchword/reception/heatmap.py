"""The heat-map of an analysis: account classes x actions, coloured by the cheapest attack, as SVG.

Colour is never alone: every tile has its cost in figures. The scale is one of lightness, so that it survives a
black-and-white printer and every kind of colour blindness; the darkest tile is the cheapest attack.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from xml.etree import ElementTree as ET

import msgspec

from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.policy.attack import Analysis, CellAttacks

MARK = "◆"
"""Marks a tile with attacks that need one capability only."""

NOTHING = "–"
DENIED = "denied"


class Shade(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the scale: costs up to *most* (None: no limit), their *fill*, and the *ink* that reads on it."""

    most: int | None
    name: str
    fill: str
    ink: str


SHADES = (
    Shade(most=3, name="1-3", fill="#7f2a05", ink="#ffffff"),
    Shade(most=5, name="4-5", fill="#b94a06", ink="#ffffff"),
    Shade(most=8, name="6-8", fill="#f2a65a", ink="#1c1206"),
    Shade(most=12, name="9-12", fill="#f9d9ae", ink="#1c1206"),
    Shade(most=None, name="13+", fill="#e6f0f8", ink="#0d2233"),
)


class Tile(msgspec.Struct, frozen=True, kw_only=True):
    """What one tile shows: *cost* is None where no attack was found; *single* counts single-capability attacks."""

    denied: bool
    cost: int | None
    single: int

    @property
    def shade(self) -> Shade | None:
        """The step of the scale; None without a cost."""
        return None if self.cost is None else shade(self.cost)

    @property
    def figure(self) -> str:
        """The large text of the tile."""
        return DENIED if self.denied else NOTHING if self.cost is None else str(self.cost)

    @property
    def remark(self) -> str:
        """The small text below it."""
        if self.denied:
            return "" if self.cost is None else f"via {self.cost}"
        return f"{MARK} {self.single}" if self.single else ""

    @property
    def words(self) -> str:
        """The same for somebody who does not see the tile."""
        alone = f", {self.single} with one capability alone" if self.single else ""
        if self.cost is None:
            return "denied by policy" if self.denied else "no attack found"
        return (
            f"denied by policy, reached another way for {self.cost}{alone}"
            if self.denied
            else f"cost {self.cost}{alone}"
        )


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One account class: a tile for each of `ACTIONS` (None where the analysis has none), infrastructure apart."""

    account_class: AccountClass
    tiles: tuple[Tile | None, ...]
    infrastructure: Tile


ACTIONS = tuple(Action)


def shade(cost: int) -> Shade:
    """Return the step of the scale *cost* is on."""
    return next(s for s in SHADES if s.most is None or cost <= s.most)


def said(name: str) -> str:
    """Return the name of a class or action as it is said."""
    return {"ai_agent": "AI agent"}.get(name, name.replace("_", " "))


def rows(analysis: Analysis) -> tuple[Row, ...]:
    """Return the classes of *analysis*, each with its tiles in the order of `ACTIONS`."""
    cells = {(c.account_class, c.action): c for c in analysis.cells}
    classes = tuple(k for k in AccountClass if any((k, a) in cells for a in ACTIONS))
    return tuple(
        Row(
            account_class=k,
            tiles=tuple(_tile(cells[k, a]) if (k, a) in cells else None for a in ACTIONS),
            infrastructure=_infrastructure(tuple(cells[k, a] for a in ACTIONS if (k, a) in cells)),
        )
        for k in classes
    )


def _tile(cell: CellAttacks) -> Tile:
    return Tile(denied=cell.denied, cost=cell.cheapest, single=cell.single)


def _infrastructure(cells: tuple[CellAttacks, ...]) -> Tile:
    around = [a for c in cells for a in c.infrastructure]
    alone = {a.needs for a in around if len(a.needs) == 1}
    return Tile(denied=False, cost=min((a.cost for a in around), default=None), single=len(alone))


# -- the picture: one system of units, 760 wide, so that its text is still read on a phone

WIDTH = 760
_LEFT, _TOP = 190, 262
_TILE_W, _TILE_H = 54, 52
_APART = 16

STYLE = """
svg { font-family: system-ui, -apple-system, 'Segoe UI', 'Liberation Sans', sans-serif; }
.paper { fill: #ffffff; } .ink { fill: #16202a; } .soft { fill: #51606e; } .rule { stroke: #b9c3cc; }
.blank { fill: #eef1f4; } .hatch { stroke: #aab4bd; } .box { fill: #f5f7f9; stroke: #b9c3cc; }
@media (prefers-color-scheme: dark) {
  .paper { fill: #11181f; } .ink { fill: #e8edf2; } .soft { fill: #a3b0bc; } .rule { stroke: #3b4853; }
  .blank { fill: #1d262e; } .hatch { stroke: #4a5864; } .box { fill: #1a232b; stroke: #3b4853; }
}
@media print {
  .paper { fill: #ffffff; } .ink { fill: #000000; } .soft { fill: #333333; }
  .blank { fill: #f2f2f2; } .hatch { stroke: #999999; } .box { fill: #ffffff; stroke: #777777; }
}
"""
"""Colours of everything but the tiles, which carry their own ink in light, dark and print."""


def svg(analysis: Analysis, *, on: date, title: str = "Cheapest attack by account class and action") -> str:
    """Return the heat-map as one SVG document; the same analysis and day give the same text."""
    lines = rows(analysis)
    height = _TOP + len(lines) * _TILE_H + (132 if analysis.complete else 158)
    root = drawing(WIDTH, height, title, _described(lines))
    _hatch(root)
    text(root, 20, 40, title, size=26, weight="600")
    text(root, 20, 68, f"policy {analysis.policy[:19]}… · {on.isoformat()}", size=17, ink="soft")
    for i, action in enumerate((*ACTIONS, None)):
        x = _column(i) + _TILE_W / 2
        head = ET.SubElement(root, "g", {"transform": f"translate({x + 8:g} {_TOP - 12}) rotate(-60)"})
        text(head, 0, 0, said(action) if action else "infrastructure", size=19, ink="ink" if action else "soft")
    for j, row in enumerate(lines):
        y = _TOP + j * _TILE_H
        text(root, _LEFT - 12, y + 33, said(row.account_class), size=21, anchor="end")
        for i, tile in enumerate((*row.tiles, row.infrastructure)):
            where = said(ACTIONS[i]) if i < len(ACTIONS) else "around the desk, through infrastructure"
            _draw(root, _column(i), y, tile, f"{said(row.account_class)}, {where}")
    _legend(root, _TOP + len(lines) * _TILE_H + 34)
    if not analysis.complete:
        text(
            root,
            20,
            height - 22,
            "a bound cut some chains off: a figure above it may be lower in truth",
            size=17,
            ink="soft",
        )
    return written(root)


def drawing(width: int, height: int, title: str, description: str) -> ET.Element:
    """Return the root of a picture that says what it is to somebody who does not see it."""
    root = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {width} {height}",
            "role": "img",
            "aria-label": f"{title}. {description}",
        },
    )
    ET.SubElement(root, "title").text = title
    ET.SubElement(root, "desc").text = description
    ET.SubElement(root, "style").text = STYLE
    ET.SubElement(root, "rect", {"class": "paper", "width": str(width), "height": str(height)})
    return root


def text(
    parent: ET.Element,
    x: float,
    y: float,
    words: str,
    *,
    size: int,
    ink: str = "ink",
    fill: str = "",
    anchor: str = "start",
    weight: str = "400",
) -> None:
    """Write one line of *words* at its baseline."""
    paint = {"fill": fill} if fill else {"class": ink}
    shape = {"x": f"{x:g}", "y": f"{y:g}", "font-size": str(size), "font-weight": weight, "text-anchor": anchor}
    ET.SubElement(parent, "text", shape | paint).text = words


def written(root: ET.Element) -> str:
    """Return the document as text, one element a line."""
    ET.indent(root, " ")
    return ET.tostring(root, encoding="unicode") + "\n"


def _column(i: int) -> int:
    return _LEFT + i * _TILE_W + (_APART if i == len(ACTIONS) else 0)


def _hatch(root: ET.Element) -> None:
    box = {"id": "hatch", "width": "8", "height": "8", "patternUnits": "userSpaceOnUse"}
    pattern = ET.SubElement(ET.SubElement(root, "defs"), "pattern", box | {"patternTransform": "rotate(45)"})
    ET.SubElement(pattern, "rect", {"class": "blank", "width": "8", "height": "8"})
    ET.SubElement(pattern, "line", {"class": "hatch", "y2": "8", "stroke-width": "2"})


def _draw(root: ET.Element, x: int, y: int, tile: Tile | None, where: str) -> None:
    group = ET.SubElement(root, "g")
    box = {"x": str(x + 2), "y": str(y + 2), "width": str(_TILE_W - 4), "height": str(_TILE_H - 4), "rx": "4"}
    if tile is None:
        ET.SubElement(group, "rect", box | {"class": "blank"})
        return
    ET.SubElement(group, "title").text = f"{where}: {tile.words}"
    middle = x + _TILE_W / 2
    if tile.denied or tile.shade is None:
        paint = {"fill": "url(#hatch)"} if tile.denied else {"class": "blank"}
        ET.SubElement(group, "rect", box | paint)
        size = 14 if tile.denied else 24
        text(group, middle, y + (27 if tile.remark else 32), tile.figure, size=size, ink="soft", anchor="middle")
        if tile.remark:
            text(group, middle, y + 43, tile.remark, size=14, ink="soft", anchor="middle")
        return
    ET.SubElement(group, "rect", box | {"fill": tile.shade.fill})
    line = y + (29 if tile.remark else 35)
    text(group, middle, line, tile.figure, size=25, fill=tile.shade.ink, anchor="middle", weight="600")
    if tile.remark:
        text(group, middle, y + 45, tile.remark, size=14, fill=tile.shade.ink, anchor="middle")


def _legend(root: ET.Element, y: int) -> None:
    text(root, 20, y + 17, "cost", size=17, ink="soft")
    for i, step in enumerate(SHADES):
        x = 66 + i * 62
        ET.SubElement(
            root, "rect", {"x": str(x), "y": str(y - 2), "width": "58", "height": "26", "rx": "4", "fill": step.fill}
        )
        text(root, x + 29, y + 17, step.name, size=16, fill=step.ink, anchor="middle", weight="600")
    box = {"x": "392", "y": str(y - 2), "width": "58", "height": "26", "rx": "4", "fill": "url(#hatch)"}
    ET.SubElement(root, "rect", box)
    text(root, 421, y + 16, DENIED, size=15, ink="soft", anchor="middle")
    text(root, 460, y + 17, "refused; via 9: another way in", size=17, ink="soft")
    text(root, 20, y + 48, f"{MARK} 2   two of the attacks need one capability alone", size=17, ink="soft")
    text(root, 20, y + 74, "infrastructure goes around the desk, and counts towards no threshold", size=17, ink="soft")


def _described(lines: tuple[Row, ...]) -> str:
    return " ".join(_row_said(row) for row in lines)


def _row_said(row: Row) -> str:
    return f"{said(row.account_class).capitalize()}: {'; '.join(_tiles_said(row))}."


def _tiles_said(row: Row) -> Iterator[str]:
    for action, tile in zip(ACTIONS, row.tiles, strict=True):
        if tile is not None:
            yield f"{said(action)} {tile.words}"
    yield f"infrastructure {row.infrastructure.words}"
