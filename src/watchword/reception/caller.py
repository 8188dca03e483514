"""The person's own page in their own language: which one that is, and how what went wrong is said in it."""

from __future__ import annotations

import msgspec

from watchword.app import App
from watchword.core.case import Case
from watchword.core.change import Change, IssuePass, ReissueSecret, ResetPassword
from watchword.core.errors import Invalid, Refused, Unavailable, WatchwordError
from watchword.languages.catalogue import Words, preferred
from watchword.reception.problems import Problem

PATHS = ("/api/caller/", "/c/", "/api/recover", "/recover")
"""Where what the person reads begins; every other address is the desk's."""


def language_of(app: App, case: Case, accept: str, chosen: str = "") -> str:
    """What the person *chose* on the page, what their account has of record, what their browser accepts, by turns.

    A directory that does not answer costs the page the language of record, not the page.
    """
    directory, native = app.names.native(case.account) or ("", "")
    of_record = None
    if not chosen and directory in app.directories:
        try:
            of_record = app.directories[directory].read(native).language
        except (Unavailable, Invalid, Refused):
            of_record = None
    return preferred(accept, (of_record, app.settings.console.language if not accept else None), chosen=chosen)


def handed(several: tuple[Change, ...]) -> str:
    """The key of what the person is handed, below `handed.`."""
    for one in several:
        match one:
            case ResetPassword():
                return "password"
            case IssuePass():
                return "pass"
            case ReissueSecret():
                return "secret"
    return "access"


def problem_in(say: Words, problem: Problem, error: WatchwordError) -> Problem:
    """*problem* as the person reads it: by its first reason there are words for, never in the desk's own words.

    Of the reasons only the codes stay; a sentence among them would be the desk's.
    """
    names = (*(error.reasons if isinstance(error, Refused) else ()), *_entered(error), error.fault, "default")
    key = next(f"refused.{name}" for name in names if f"refused.{name}.what" in say)
    return msgspec.structs.replace(
        problem,
        title=say("refused.title"),
        detail=say(f"{key}.what"),
        remedy=say(f"{key}.remedy"),
        reasons=tuple(r for r in problem.reasons if r.isidentifier()),
        where=problem.where if isinstance(error, Invalid) else (),
    )


def _entered(error: WatchwordError) -> tuple[str, ...]:
    """What was typed and is no contact point: the kinds differ in what they should look like."""
    if not isinstance(error, Invalid) or error.where != "value":
        return ()
    return ("value_mail",) if "name@" in error.remedy or "mail" in error.what else ("value_phone",)
