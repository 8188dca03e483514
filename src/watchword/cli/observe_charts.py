"""Charts of an observation, drawn as SVG: stacked columns over time, and one bar a row."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from watchword.watch.observe import Standing

_WIDTH, _HEIGHT, _TOP, _BOTTOM, _LEFT = 480, 170, 14, 18, 34
_NAMES = ("governed", "ticketed", "ungoverned")


def columns(bars: Sequence[tuple[str, Standing]], title: str) -> ET.Element:
    """A column for each of *bars* (its label and what it counts), governed below and ungoverned on top."""
    root = ET.Element("svg", {"viewBox": f"0 0 {_WIDTH} {_HEIGHT}", "role": "img", "aria-label": title})
    ET.SubElement(root, "title").text = title
    most = max((one.events for _, one in bars), default=0)
    scale = (_HEIGHT - _TOP - _BOTTOM) / _round_up(most)
    floor = _HEIGHT - _BOTTOM
    for value in (0, _round_up(most) // 2, _round_up(most)) if most > 1 else (0, 1):
        y = floor - value * scale
        ET.SubElement(root, "line", {"class": "axis", **_at(x1=_LEFT, x2=_WIDTH, y1=y, y2=y)})
        ET.SubElement(root, "text", {"text-anchor": "end", **_at(x=_LEFT - 5, y=y + 4)}).text = f"{value:,}"
    step = (_WIDTH - _LEFT) / max(len(bars), 1)
    every = max(1, -(-len(bars) // 8))
    for place, (label, one) in enumerate(bars):
        x = _LEFT + place * step
        group = ET.SubElement(root, "g")
        counts = (one.governed, one.ticketed, one.ungoverned)
        said = ", ".join(f"{count} {name}" for name, count in zip(_NAMES, counts, strict=True))
        ET.SubElement(group, "title").text = f"{label}: {said}"
        y = floor
        for name, count in zip(_NAMES, counts, strict=True):
            high = count * scale
            y -= high
            if count:
                box = _at(x=x + step * 0.12, y=y, width=min(step * 0.76, 36), height=high)
                ET.SubElement(group, "rect", {"class": name, **box})
        if place % every == 0:
            middle = x + step * 0.12 + min(step * 0.76, 36) / 2
            ET.SubElement(root, "text", {"text-anchor": "middle", **_at(x=middle, y=_HEIGHT - 4)}).text = label
    return root


def bar(one: Standing, most: int) -> ET.Element:
    """One bar of *one* on a scale that ends at *most*."""
    root = ET.Element("svg", {"viewBox": "0 0 100 10", "preserveAspectRatio": "none", "aria-hidden": "true"})
    x = 0.0
    for name, count in zip(reversed(_NAMES), (one.ungoverned, one.ticketed, one.governed), strict=True):
        wide = 100 * count / max(most, 1)
        if count:
            ET.SubElement(root, "rect", {"class": name, **_at(x=x, y=0, width=wide, height=10)})
        x += wide
    return root


def mark(name: str) -> ET.Element:
    """The square of a key."""
    root = ET.Element("svg", {"viewBox": "0 0 10 10", "aria-hidden": "true"})
    ET.SubElement(root, "rect", {"class": name, **_at(x=0, y=0, width=10, height=10)})
    return root


def _round_up(most: int) -> int:
    """The next of 1, 2, 4, 10, 20, 40, 100, …: where a scale may end and be halved."""
    end = 1
    while True:
        for factor in (1, 2, 4):
            if end * factor >= most:
                return end * factor
        end *= 10


def _at(**places: float) -> dict[str, str]:
    return {name: f"{value:.4g}" for name, value in places.items()}
