"""What every page keeps: a strict content policy, tokens in forms, escaped words, readable colours, phone width."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import msgspec
import pytest
from playwright.sync_api import Browser
from playwright.sync_api import Page as Tab

from watchword.core.identity_event import Verdict
from watchword.core.ids import CaseId
from watchword.reception.spoken import spoken
from watchword.reception.wording import span
from watchword.web import forms, view
from watchword.web.render import STATIC, Page, render, render_needs

KINDS = [t.__name__ for t in Page.__args__]
VOID = {"meta", "link", "input", "br", "img"}


class Outline(HTMLParser):
    """Every element with its attributes, the text of each script, and tags left open."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.scripts = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note it."""
        assert len({name for name, _ in attrs}) == len(attrs), f"<{tag}> repeats an attribute"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note it."""
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """Close what was opened last, and nothing else."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Keep what stands inside a script."""
        if self.open and self.open[-1] in {"script", "style"}:
            self.scripts += data.strip()


@pytest.fixture(params=KINDS)
def outline(request: pytest.FixtureRequest, pages: dict[str, Page]) -> Outline:
    """Each page in turn."""
    return Outline(render(pages[request.param]))


def test_every_kind_of_page_is_here(pages: dict[str, Page]) -> None:
    """A page without a sample here would go unproven."""
    assert sorted(pages) == sorted(KINDS)


def test_nothing_is_inline_and_nothing_comes_from_elsewhere(outline: Outline) -> None:
    """No inline script, style or handler, and every source is our own, so that the content policy can be strict."""
    assert outline.scripts == ""
    assert not outline.open
    for tag, attributes in outline.elements:
        assert tag != "style"
        assert not [name for name in attributes if name == "style" or name.startswith(("on", "hx-on"))]
        for name in ("src", "href", "action", "hx-get"):
            assert not re.match(r"(?i)[a-z]+:|//", attributes.get(name) or "")


def test_what_is_linked_is_there(outline: Outline) -> None:
    """Every static file a page asks for is shipped."""
    asked = [a.get("src") or a.get("href") for tag, a in outline.elements if tag in {"script", "link"}]
    assert asked
    for path in asked:
        assert path is not None
        assert (STATIC / path.removeprefix("/static/")).is_file()


def test_every_form_that_posts_carries_a_token(outline: Outline) -> None:
    """Each form that changes something has the CSRF token as a field."""
    posts = [a for tag, a in outline.elements if tag == "form" and (a.get("method") or "").lower() == "post"]
    tokens = [a for tag, a in outline.elements if tag == "input" and a.get("name") == "_csrf_token"]
    assert len(tokens) == len(posts)
    assert all(t["value"] == "t0ken" for t in tokens)


def test_every_input_has_a_label_and_every_id_is_unique(outline: Outline) -> None:
    """Assistive technology finds a name for every field."""
    ids = [a["id"] for _, a in outline.elements if a.get("id")]
    assert len(ids) == len(set(ids))
    labelled = {a.get("for") for tag, a in outline.elements if tag == "label"}
    for tag, attributes in outline.elements:
        if tag in {"input", "select", "textarea"} and attributes.get("type") not in {"hidden", "radio"}:
            assert attributes["id"] in labelled


def test_a_simulated_directory_is_said_on_every_page(outline: Outline) -> None:
    """Nobody takes a sandbox for the real thing."""
    assert any(a.get("class") == "sandbox" for _, a in outline.elements)


@pytest.mark.parametrize("kind", KINDS)
def test_words_from_outside_are_escaped(kind: str, pages: dict[str, Page]) -> None:
    """Every string of a page may be hostile: none of it becomes markup or breaks out of an attribute."""
    hostile = "\"'><script>alert(1)</script>"

    def poison(value: object) -> object:
        if isinstance(value, msgspec.Struct):
            fields = {name: poison(getattr(value, name)) for name in value.__struct_fields__ if name not in FIXED}
            return msgspec.structs.replace(value, **fields)
        if isinstance(value, tuple):
            return tuple(poison(v) for v in value)
        return value + hostile if isinstance(value, str) and value else value

    page = poison(pages[kind])
    assert isinstance(page, Page)
    html = render(page)
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert" in html
    assert not [a for _, a in Outline(html).elements if "script" in a]


FIXED = {"state", "tone", "kind", "weight", "name", "verdict"}
"""Fields of closed vocabularies, and names that are ours."""


def test_the_preview_says_why_a_case_can_not_be_opened() -> None:
    """A refusal stands in the preview with the way on, before the call gets long."""
    html = render_needs(view.Needs(refused="An executive account holds no privileged role.", remedy="Use another."))
    assert "An executive account holds no privileged role." in html
    assert "Use another." in html
    assert "Name the account" in render_needs(view.Needs())


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3600, "1 h"),
        (12_000, "3 h 20 min"),
        (187_200, "2 d 4 h"),
        (34_563_600, "400 d"),
        (-90, "1 min"),
    ],
)
def test_spans_read_as_words(seconds: int, words: str) -> None:
    """Lengths of time are said in at most two units, rounded down."""
    assert span(timedelta(seconds=seconds)) == words


def test_digests_are_spoken_as_proquints() -> None:
    """The vectors of the proquint paper: 127.0.0.1, 63.84.220.193 and 212.58.253.68."""
    assert spoken("7f000001", 2) == "lusab babad"
    assert spoken("3f54dcc1", 2) == "gutih tugad"
    assert spoken("d43afd44", 2) == "tibup zujah"


def test_a_time_of_another_day_shows_its_date(pages: dict[str, Page]) -> None:
    """A clock alone would read as today's."""
    page = pages["CasePage"]
    later = msgspec.structs.replace(
        page, chrome=msgspec.structs.replace(page.chrome, at=datetime(2026, 11, 23, tzinfo=UTC))
    )
    assert ">21 Nov 14:22<" in render(later)


def _palettes() -> dict[str, dict[str, str]]:
    light, dark = re.findall(r":root \{([^}]*)\}", (STATIC / "watchword.css").read_text())[:2]
    found = re.compile(r"--([\w-]+): (#[0-9a-f]{6})")
    first = dict(found.findall(light))
    return {"light": first, "dark": first | dict(found.findall(dark))}


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def _contrast(one: str, other: str) -> float:
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


TEXT = [
    *(
        (ink, ground)
        for ink in ("ink", "soft", "accent", "good", "warn", "bad", "dire", "cool")
        for ground in ("paper", "card")
    ),
    *((ink, f"{ink}-wash") for ink in ("good", "warn", "bad")),
    *(("ink", ground) for ground in ("wash", "sunk", "good-wash", "warn-wash", "bad-wash")),
    ("soft", "sunk"),
    ("soft", "wash"),
    ("accent", "wash"),
    ("accent", "warn-wash"),
    ("accent", "bad-wash"),
    ("on-accent", "accent"),
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_meets_wcag_aa(scheme: str) -> None:
    """Text has 4.5 to 1 on every ground it stands on (WCAG 2.2 1.4.3), the edges of fields 3 to 1 (1.4.11)."""
    palette = _palettes()[scheme]
    faint = {pair: round(c, 2) for pair in TEXT if (c := _contrast(palette[pair[0]], palette[pair[1]])) < 4.5}
    assert not faint
    assert _contrast(palette["edge"], palette["card"]) >= 3


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_verdict_has_a_colour_and_a_shape_of_its_own(scheme: str) -> None:
    """Two verdicts are told apart by shape as well, and none is fainter than 3 to 1 (WCAG 2.2 1.4.1, 1.4.11)."""
    sheet, palette = (STATIC / "watchword.css").read_text(), _palettes()[scheme]
    hues = dict(re.findall(r"^\.v-(\w+) \{ --hue: var\(--(\w+)\); \}", sheet, re.MULTILINE))
    shapes = dict(re.findall(r"^\.v-(\w+) i \{ (.*) \}", sheet, re.MULTILINE))
    assert sorted(hues) == sorted(Verdict)
    assert len(set(hues.values())) == len(hues)
    assert sorted({"unverified": "a square", **shapes}) == sorted(Verdict)
    assert len(set(shapes.values())) == len(shapes)
    faint = {hue for hue in hues.values() for on in ("paper", "card") if _contrast(palette[hue], palette[on]) < 3}
    assert not faint


@contextmanager
def _drawn(browser: Browser, width: int = 1280) -> Iterator[Callable[[Page], Tab]]:
    """A tab without scripts that draws sample pages with our sheet."""
    context = browser.new_context(viewport={"width": width, "height": 900}, java_script_enabled=False)
    tab = context.new_page()
    sheet = (STATIC / "watchword.css").read_text()

    def draw(page: Page) -> Tab:
        html = re.sub(r"<(script|link)[^>]*>(</script>)?", "", render(page))
        tab.set_content(html.replace("</head>", f"<style>{sheet}</style></head>"))
        return tab

    yield draw
    context.close()


@pytest.mark.parametrize("width", [390, 640, 1280])
def test_no_page_scrolls_sideways(browser: Browser, pages: dict[str, Page], width: int) -> None:
    """Every page fits a phone, a desk, and a desk at twice the size (WCAG 2.2 1.4.4)."""
    with _drawn(browser, width) as draw:
        for kind, page in pages.items():
            assert draw(page).evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, kind


SMALL = """() => [...document.querySelectorAll("a, button, input, select, summary, textarea")].filter((one) => {
  const { width, height } = one.getBoundingClientRect();
  const alone = one.parentElement.textContent.trim() === one.textContent.trim();
  const within = getComputedStyle(one).display === "inline" && !alone;
  const drawn = one.matches("[type=radio]") || one.closest(".sr, .skip, :disabled");
  return width && height && !within && !drawn && (height < 24 || width < 24);
}).map((one) => `${one.tagName} ${one.className} ${one.textContent.trim()}`)"""
"""What a finger would miss; links within a sentence are excepted, and a radio button has its card."""


@pytest.mark.parametrize("width", [390, 1280])
def test_every_target_can_be_hit(browser: Browser, pages: dict[str, Page], width: int) -> None:
    """What is tapped is 24 by 24 pixels at least (WCAG 2.2 2.5.8)."""
    with _drawn(browser, width) as draw:
        small = {kind: found for kind, page in pages.items() if (found := draw(page).evaluate(SMALL))}
    assert not small


def test_methods_that_can_not_be_used_are_folded(browser: Browser, pages: dict[str, Page]) -> None:
    """What is missing stands first, then what can be used; the rest unfolds without a script, or where none is left."""
    page = pages["CasePage"]
    assert isinstance(page, view.CasePage)
    with _drawn(browser) as draw:
        tab = draw(page)
        summary, folded = tab.get_by_text("1 more that can not be used here"), tab.locator(".tile.unusable")
        assert folded.count() == 1
        assert not folded.is_visible()
        high = [tab.locator(one).first.bounding_box() for one in ("#verify .missing", ".tile.open", ".tile.failed")]
        tops = [box["y"] for box in (*high, summary.bounding_box()) if box]
        assert tops == sorted(tops)
        assert len(tops) == 4
        summary.press("Enter")
        assert folded.get_by_text("Changed 3 days ago.").is_visible()
        verify = page.stages[1]
        shut = msgspec.structs.replace(verify, tiles=verify.unusable)
        tab = draw(msgspec.structs.replace(page, stages=(shut,)))
        assert tab.get_by_text("No method can be used here: why").is_visible()
        assert folded.get_by_text("Changed 3 days ago.").is_visible()


def test_a_printed_case_leaves_out_what_opens_it(browser: Browser, pages: dict[str, Page]) -> None:
    """Paper lies about: the address of the person's page and the words of the call are not on it, the evidence is."""
    with _drawn(browser) as draw:
        tab = draw(pages["CasePage"])
        tab.emulate_media(media="print")
        assert not tab.get_by_role("heading", name="Call").is_visible()
        assert tab.locator(".entries .hash").first.is_visible()
        tab.emulate_media(media="print", color_scheme="dark")
        accent = tab.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--accent')")
        assert accent == _palettes()["light"]["accent"], "whose screen is dark prints on white paper"


def test_a_person_is_a_few_lines_on_a_phone(browser: Browser, pages: dict[str, Page]) -> None:
    """Unit, roles and credentials run on, so that a hundred people are no hundred screens."""
    with _drawn(browser, 390) as draw:
        box = draw(pages["PeoplePage"]).locator(".people-list tbody tr").first.bounding_box()
        assert box
        assert box["height"] < 130


def test_what_is_demanded_is_not_called_optional() -> None:
    """An approver refuses with a reason, and reads so before they press."""
    assert [field.required for field in forms.refuse(CaseId("c-1")).fields] == [True]
