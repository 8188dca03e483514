"""One attack as a picture: its steps from top to bottom, what each needs and costs, and the sum."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import wrap
from xml.etree import ElementTree as ET

from watchword.policy.attack import Attack, Need, Step
from watchword.reception.heatmap import drawing, said, text, written

WIDTH = 640
_MARGIN = 20
_LINE = 26
_CHIP = 34
_CHIP_FILL = "#35506b"
_COLUMNS = 50
"""Letters of a line inside a box, at the size they are drawn."""


def path_svg(attack: Attack, costs: Mapping[str, int], *, title: str) -> str:
    """Return one attack as an SVG document. *costs* gives the cost of each capability, as the policy has it.

    A need is paid for once, where it is first used; later steps show it as already held.
    """
    paid: set[Need] = set()
    boxes: list[ET.Element] = []
    heading = wrap(title, 46)
    y = 24 + len(heading) * 30
    for number, step in enumerate(attack.steps, 1):
        box, height = _box(number, step, costs, frozenset(paid), y)
        paid |= set(step.needs)
        boxes += [box] if number == 1 else [_arrow(y), box]
        y += height + 30
    root = drawing(WIDTH, y + 34, title, _described(attack, costs))
    for i, line in enumerate(heading):
        text(root, _MARGIN, 38 + i * 30, line, size=24, weight="600")
    for element in boxes:
        root.append(element)
    kind = "around the desk, " if attack.infrastructure else ""
    text(root, _MARGIN, y + 8, f"{kind}total cost {attack.cost}", size=24, weight="600")
    return written(root)


def _box(number: int, step: Step, costs: Mapping[str, int], paid: frozenset[Need], y: int) -> tuple[ET.Element, int]:
    lines = wrap(_worded(step.what), _COLUMNS)
    gives = wrap(f"gives: {said(step.gives)}", _COLUMNS + 6) if step.gives else []
    height = 24 + len(lines) * _LINE + len(step.needs) * _CHIP + len(gives) * 22 + 8
    group = ET.Element("g")
    shape = {"x": str(_MARGIN), "y": str(y), "width": str(WIDTH - 2 * _MARGIN), "height": str(height), "rx": "6"}
    ET.SubElement(group, "rect", {"class": "box", "stroke-width": "1.5"} | shape)
    text(group, 44, y + 33, str(number), size=22, ink="soft", anchor="middle", weight="600")
    at = y + 33
    for line in lines:
        text(group, 68, at, line, size=20)
        at += _LINE
    for need in step.needs:
        _chip(group, 68, at - 12, need, costs, held=need in paid)
        at += _CHIP
    for line in gives:
        text(group, 68, at + 2, line, size=17, ink="soft")
        at += 22
    return group, height


def _chip(group: ET.Element, x: int, y: int, need: Need, costs: Mapping[str, int], *, held: bool) -> None:
    cost = costs.get(need.capability, 0)
    words = _said(need)
    ET.SubElement(
        group, "rect", {"x": str(x), "y": str(y), "width": "34", "height": "26", "rx": "4", "fill": _CHIP_FILL}
    )
    figure = "=" if held else str(cost)
    text(group, x + 17, y + 19, figure, size=18, fill="#ffffff", anchor="middle", weight="600")
    text(group, x + 46, y + 19, f"{words}, held already" if held else words, size=18)


def _arrow(y: int) -> ET.Element:
    middle = WIDTH // 2
    return ET.Element("path", {"class": "soft", "d": f"M{middle - 9} {y - 20}h18l-9 12z"})


def _worded(what: str) -> str:
    words = said(what)
    return words[:1].upper() + words[1:]


def _said(need: Need) -> str:
    return f"{said(need.capability)} of {said(need.subject)}" if need.subject else said(need.capability)


def _described(attack: Attack, costs: Mapping[str, int]) -> str:
    steps = []
    for number, step in enumerate(attack.steps, 1):
        needs = ", ".join(f"{_said(n)} ({costs.get(n.capability, 0)})" for n in step.needs) or "nothing more"
        steps.append(f"{number}. {_worded(step.what)}: needs {needs}.")
    return f"{' '.join(steps)} Total cost {attack.cost}."
