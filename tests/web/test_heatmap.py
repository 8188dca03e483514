"""The page of the heat-map, in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.cli.test_pictures import ANALYSIS, DAY, LISTING
from watchword.cli.heatmap_page import html


@pytest.mark.parametrize("width", [390, 1200])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits(browser: Browser, tmp_path: Path, width: int, scheme: str) -> None:
    """On a phone and on a screen, light and dark, nothing hangs over the side and the style is let through."""
    file = tmp_path / "map.html"
    file.write_text(html(ANALYSIS, on=DAY, listings=(LISTING,)), encoding="utf-8")
    tab = browser.new_page(
        viewport={"width": width, "height": 800}, color_scheme="dark" if scheme == "dark" else "light"
    )
    complaints: list[str] = []
    tab.on("console", lambda m: complaints.append(m.text))
    tab.goto(file.as_uri())
    wide = tab.evaluate("document.documentElement.scrollWidth")
    coloured = tab.evaluate("getComputedStyle(document.querySelector('td.s0')).backgroundColor")
    tab.close()

    assert wide <= width
    assert coloured == "rgb(127, 42, 5)"
    assert not complaints
