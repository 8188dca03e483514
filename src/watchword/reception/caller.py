"""The person's own page in their own language: which one that is, and how what went wrong is said in it."""

from __future__ import annotations

import msgspec

from watchword.app import App
from watchword.core.case import Case
from watchword.core.change import Change, IssuePass, ReissueSecret, ResetPassword
from watchword.core.errors import Invalid, Refused, Unavailable, WatchwordError
from watchword.core.ids import AccountId
from watchword.languages.catalogue import Words, preferred
from watchword.reception.problems import Problem

PATHS = (
    *("/api/caller/", "/api/codes/", "/api/enrol/", "/api/prompts/", "/api/proofing/", "/api/recover"),
    *("/c/", "/codes/", "/enrol/", "/go", "/prompts", "/recover"),
)
"""Where what the person reads begins; every other address is the desk's."""

_PROGRAMS = ("/api/proofing/results/",)
"""Where a provider posts, beneath an address of the person's."""

_SAY_FIRST = ("not_me", "final", "exhausted")
"""Reasons that say more than those they come after."""


def is_callers(path: str) -> bool:
    """Whether what is said at *path* is said to the person."""
    return path.startswith(PATHS) and not path.startswith(_PROGRAMS)


def language_of(app: App, case: Case, accept: str, chosen: str = "") -> str:
    """The language of the page of *case*: as `language_for` its account."""
    return language_for(app, (case.account,), accept, chosen)


def language_for(app: App, accounts: tuple[AccountId, ...], accept: str, chosen: str = "") -> str:
    """What the person *chose* on the page, what their accounts have of record, what their browser accepts, by turns.

    A directory that does not answer costs the page the language of record, not the page.
    """
    of_record = of_accounts(app, accounts) if not chosen else None
    return asked_for(app, accept, chosen, of_record)


def asked_for(app: App, accept: str, chosen: str, of_record: str | None = None) -> str:
    """The language *chosen* on a page, the one *of_record*, the one a browser accepts, or else the desk's own."""
    return preferred(accept, (of_record, app.settings.console.language if not accept else None), chosen=chosen)


def of_accounts(app: App, accounts: tuple[AccountId, ...]) -> str | None:
    """The tag of record of the first of *accounts* that has one; None where no directory says any."""
    for account in accounts:
        directory, native = app.names.native(account) or ("", "")
        if directory not in app.directories:
            continue
        try:
            tag = app.directories[directory].read(native).language
        except (Unavailable, Invalid, Refused):
            continue
        if tag:
            return tag
    return None


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
    reasons = error.reasons if isinstance(error, Refused) else ()
    first = tuple(name for name in _SAY_FIRST if name in reasons)
    names = (*first, *reasons, *_entered(error), error.fault, "default")
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
    """What was entered and is wrong; of contact points the kinds differ in what they should look like."""
    if not isinstance(error, Invalid) or error.where != "value":
        return (error.where,) if isinstance(error, Invalid) else ()
    return ("value_mail",) if "name@" in error.remedy or "mail" in error.what else ("value_phone",)
