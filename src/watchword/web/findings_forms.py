"""The forms of a finding's life, and what each does when it is posted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import cast, get_args
from urllib.parse import quote

from watchword.app import App
from watchword.core.errors import Invalid, Refused
from watchword.core.finding import OPEN, Dismissal, Status
from watchword.core.ids import PersonId
from watchword.reception.findings import about
from watchword.reception.problems import NotThere
from watchword.reception.wording import plain
from watchword.watch.finding_log import Shown
from watchword.web.suppressions_page import quiet_form, suppress
from watchword.web.view import Field, Form, Option

REASONS = cast("tuple[Dismissal, ...]", get_args(Dismissal))
"""Why a finding may be none."""

_DIGITS = 16
"""Of a number of ours, fewer."""

_WORDS = "Kept sealed beside the entry."


def address_of(finding: str) -> str:
    """The page of a finding."""
    return f"/findings/{quote(finding, safe='')}"


def steps(app: App, shown: Shown, actor: PersonId, *, mine: bool) -> tuple[Form | None, tuple[Form, ...]]:
    """The step that is due, and the others; *mine* (it is about the reader) leaves out what they can not take."""
    finding = shown.finding
    at, status = address_of(finding.id), finding.status
    due: Form | None = None
    others: list[Form] = []
    if status is Status.NEW:
        lede = "It is yours then, unless it is somebody's." if finding.owner is None else "Say that you looked at it."
        due = Form(action=f"{at}/triage", button="Triage it", title="Take a first look", lede=lede)
    if status in {Status.NEW, Status.TRIAGED}:
        lede = "Its events then weigh twice as much as a risk."
        confirm = Form(action=f"{at}/confirm", button="Confirm it", title="It is what it looks like", lede=lede)
        if due is None:
            due = confirm
        else:
            others.append(confirm)
    if status in OPEN and not mine:
        others.append(_dismiss(at, shown))
    if status in {Status.CONFIRMED, Status.DISMISSED} and not mine:
        lede = "More of the same then begins a new finding."
        seen = (_seen(shown),)
        due = Form(action=f"{at}/close", button="Close it", title="Nothing is left to do", lede=lede, fields=seen)
    if shown.items and not mine:
        others.append(quiet_form(app, f"{at}/suppress", shown))
    if status in OPEN:
        if finding.owner != actor and not mine:
            lede = "You see to it from now on."
            others.append(Form(action=f"{at}/take-over", button="Take it over", title="Take it over", lede=lede))
        owner = Field(name="owner", label="Their login", hint="Nobody whom it is about.")
        others.append(Form(action=f"{at}/own", button="Give it to them", title="Give it away", fields=(owner,)))
    words = Field(name="words", label="What you found", kind="area", hint=_WORDS)
    others.append(Form(action=f"{at}/note", button="Keep the note", title="Write a note", fields=(words,)))
    return due, tuple(others)


def _seen(shown: Shown) -> Field:
    """What the reader looked at: what joins meanwhile is not dismissed or closed with it."""
    return Field(name="seen", label="", kind="hidden", value=str(shown.joined))


def _dismiss(at: str, shown: Shown) -> Form:
    options = tuple(Option(value=reason, label=plain(reason).capitalize()) for reason in REASONS)
    return Form(
        action=f"{at}/dismiss",
        button="Dismiss it",
        title="Dismiss it",
        lede="It was nothing to look at, and counts for nobody's risk any more.",
        weight="danger",
        fields=(
            Field(name="reason", label="Reason", kind="select", value=REASONS[0], options=options),
            Field(name="words", label="What you looked at", kind="area", hint=_WORDS),
            _seen(shown),
        ),
    )


Said = Mapping[str, str]
Taking = Callable[[App, PersonId, Shown, Said, datetime], object]


def _dismissed(app: App, actor: PersonId, shown: Shown, said: Said, at: datetime) -> None:
    reason = said.get("reason", "")
    if reason not in REASONS:
        raise Invalid("That is no reason to dismiss a finding.", "Pick one of the list.", where="reason")
    words, named = said.get("words", ""), about(app, shown, actor)
    app.findings.dismiss(shown.finding.id, actor, at, reason=reason, words=words, about=named, seen=_looked_at(said))


def _looked_at(said: Said) -> int | None:
    seen = said.get("seen", "")
    return int(seen) if seen.isascii() and seen.isdecimal() and len(seen) < _DIGITS else None


def _given(app: App, actor: PersonId, shown: Shown, said: Said, at: datetime) -> None:
    owner = app.names.person(said.get("owner", "").strip())
    app.findings.own(shown.finding.id, actor, at, owner=owner, about=about(app, shown, owner))


def _kept_quiet(app: App, actor: PersonId, shown: Shown, said: Said, at: datetime) -> None:
    if about(app, shown, actor):
        raise Refused("This finding is about you, or your account.", "Somebody else has to.", ("subject",))
    suppress(app, actor, said, at)


_TAKEN: dict[str, Taking] = {
    "suppress": _kept_quiet,
    "triage": lambda app, actor, shown, _, at: app.findings.triage(shown.finding.id, actor, at),
    "confirm": lambda app, actor, shown, _, at: app.findings.confirm(shown.finding.id, actor, at),
    "dismiss": _dismissed,
    "close": lambda app, actor, shown, said, at: app.findings.close(
        shown.finding.id, actor, at, about=about(app, shown, actor), seen=_looked_at(said)
    ),
    "take-over": lambda app, actor, shown, _, at: app.findings.own(
        shown.finding.id, actor, at, owner=actor, about=about(app, shown, actor)
    ),
    "own": _given,
    "note": lambda app, actor, shown, said, at: app.findings.note(
        shown.finding.id, actor, at, words=said.get("words", "")
    ),
}


def take(app: App, actor: PersonId, shown: Shown, step: str, said: Said, at: datetime) -> None:
    """Take *step* as the form said it; raise `NotThere` for a step there is no form for."""
    if step not in _TAKEN:
        raise NotThere
    _TAKEN[step](app, actor, shown, said, at)
