"""Pages to HTML: one Jinja environment, escaped throughout, that knows how to print time."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from watchword.languages.catalogue import DEFAULT, NAMES, words
from watchword.reception.wording import span
from watchword.web import view
from watchword.web.board_view import BoardPage, Slice
from watchword.web.downtime_view import DowntimePage
from watchword.web.findings_view import FindingPage, FindingsPage, SuppressionsPage

STATIC = Path(__file__).parent / "static"
"""The stylesheet and scripts; served as they are, under `/static/`."""

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
"""Content-Security-Policy of every page: nothing inline, nothing from elsewhere."""

Page = view.Page | BoardPage | DowntimePage | FindingPage | FindingsPage | SuppressionsPage

_TEMPLATES: dict[type[Page], str] = {
    view.CasePage: "case.html",
    view.CasesPage: "cases.html",
    view.IntakePage: "intake.html",
    BoardPage: "board.html",
    view.PeoplePage: "people.html",
    view.PersonPage: "person.html",
    view.ThreatPage: "threat.html",
    DowntimePage: "downtime.html",
    FindingPage: "finding.html",
    FindingsPage: "findings.html",
    SuppressionsPage: "suppressions.html",
    view.PolicyPage: "policy.html",
    view.SignInPage: "sign_in.html",
    view.CallerPage: "caller.html",
    view.RecoverPage: "recover.html",
    view.CodesPage: "codes.html",
    view.EnrolPage: "enrol.html",
    view.GoPage: "go.html",
    view.VouchPage: "vouch.html",
    view.PromptsPage: "prompts.html",
    view.ProblemPage: "problem.html",
}

_SAID = (
    view.CallerPage,
    view.RecoverPage,
    view.CodesPage,
    view.EnrolPage,
    view.GoPage,
    view.PromptsPage,
    view.ProblemPage,
)
"""The pages that somebody outside the desk reads, in their language."""


def render(page: Page, trouble: view.Notice | None = None) -> str:
    """The whole page as HTML; *trouble* above it is why the step that was just asked for was not taken."""
    language = page.language if isinstance(page, _SAID) else DEFAULT
    template = _environment.get_template(_TEMPLATES[type(page)])
    return template.render(page=page, chrome=page.chrome, say=words(language), languages=NAMES, trouble=trouble)


def render_needs(needs: view.Needs) -> str:
    """Only the block of the intake page that says what a case would need."""
    return _environment.get_template("_needs.html").render(needs=needs)


def _ago(then: datetime, now: datetime) -> str:
    """How long *then* is away from *now*, in words."""
    return f"in {span(then - now)}" if then > now else f"{span(now - then)} ago"


def _clock(at: datetime, now: datetime) -> str:
    """The time of day, with the date when it is not today's."""
    return f"{at:%H:%M:%S}" if at.date() == now.date() else f"{at:%-d %b %H:%M}"


def _bar(slices: tuple[Slice, ...], width: int) -> tuple[tuple[Slice, float, float], ...]:
    """Each slice with the x and width of its segment of a bar *width* wide; a count is never thinner than 3."""
    shown = [s for s in slices if s.count]
    total = sum(s.count for s in shown)
    gap = 2.0
    room = width - gap * (len(shown) - 1) - 3.0 * len(shown)
    out: list[tuple[Slice, float, float]] = []
    x = 0.0
    for one in shown:
        wide = 3.0 + room * one.count / total
        out.append((one, round(x, 2), round(wide, 2)))
        x += wide + gap
    return tuple(out)


def _untitled(form: view.Form) -> view.Form:
    """A form whose title stands elsewhere, such as on what unfolds it."""
    return msgspec.structs.replace(form, title="")


_environment = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters |= {"span": span, "ago": _ago, "clock": _clock, "bar": _bar, "untitled": _untitled}
