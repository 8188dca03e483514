"""How a page looks at a desk and on a phone: that it fits both, and a picture for whoever wants to look."""

from __future__ import annotations

import os

from playwright.sync_api import Page

WIDTHS = (1280, 390)


def fits(page: Page, name: str) -> None:
    """Nothing of the page is wider than a desk's screen or a phone's; a picture, where somebody wants to look at it."""
    folder = os.environ.get("WATCHWORD_PICTURES")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_load_state("load")
        page.wait_for_function("width => innerWidth === width", arg=width)  # a busy machine lays out again later
        page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{name} at {width}"
        if folder:
            tall = page.evaluate("document.documentElement.scrollHeight")
            page.set_viewport_size({"width": width, "height": max(900, tall)})
            page.screenshot(path=f"{folder}/{name}-{width}.png", full_page=True)
    page.set_viewport_size({"width": 1280, "height": 900})
