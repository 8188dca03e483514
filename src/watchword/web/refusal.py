"""A step that was refused, on the page it was asked from: why, the way on, and what was typed still in its form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
import structlog
from litestar import Response
from litestar.enums import MediaType

from watchword.core.errors import Conflict, Invalid, Refused, Unavailable, WatchwordError
from watchword.reception.problems import Problem, problem_of
from watchword.web.parts import Form, Notice
from watchword.web.render import Page, render

log = structlog.get_logger("watchword.console")

Part = TypeVar("Part")

_ASIDE = ("method", "question")
"""Hidden fields that tell one form from another with the same address."""


SAID_AGAIN = (Refused, Invalid, Conflict, Unavailable)
"""Faults after which the page stands there again, with what was typed: to be put right, or asked again later."""


def again(page: Page, action: str, said: Mapping[str, str], fault: WatchwordError, address: str) -> Response[Any]:
    """*page*, to be found at *address*, once more: above it the *fault* of what was posted to *action* with *said*."""
    problem = problem_of(fault)
    if isinstance(fault, Unavailable):
        log.error("request.failed", fault=fault.fault, what=fault.what)
    html = render(refilled(page, action, said), said_no(problem, address))
    return Response(html, media_type=MediaType.HTML, status_code=problem.status)


def said_no(problem: Problem, address: str) -> Notice:
    """*problem* as what stands above the page."""
    return Notice(
        title=problem.title,
        text=problem.detail,
        tone="bad",
        lines=reasons_of(problem),
        way_on=problem.remedy,
        address=address,
    )


def reasons_of(problem: Problem) -> tuple[str, ...]:
    """What *problem* rests on beyond what it says already: words, since codes of one word are for programs."""
    return tuple(one for one in (*problem.reasons, *problem.where) if " " in one and one not in problem.detail)


def refilled(part: Part, action: str, said: Mapping[str, str]) -> Part:
    """*part* of a page, with what was *said* typed again into the form that posts to *action*, which stands open.

    What the server puts into a form stays the server's: hidden fields and passwords are not filled.
    """
    if isinstance(part, Form):
        return _typed(part, said) if part.action == action and _same(part, said) else part  # type: ignore[return-value]
    if isinstance(part, msgspec.Struct):
        found = {name: getattr(part, name) for name in part.__struct_fields__}
        anew = {name: made for name, one in found.items() if (made := refilled(one, action, said)) is not one}
        return msgspec.structs.replace(part, **anew) if anew else part
    if isinstance(part, tuple):
        several = tuple(refilled(one, action, said) for one in part)
        return several if any(a is not b for a, b in zip(several, part, strict=True)) else part  # type: ignore[return-value]
    return part


def _same(form: Form, said: Mapping[str, str]) -> bool:
    return all(said.get(f.name, "") == f.value for f in form.fields if f.name in _ASIDE and f.kind == "hidden")


def _typed(form: Form, said: Mapping[str, str]) -> Form:
    fields = tuple(
        f if f.kind in {"hidden", "password"} or f.name not in said else msgspec.structs.replace(f, value=said[f.name])
        for f in form.fields
    )
    return msgspec.structs.replace(form, fields=fields, open=True)
