"""The page that says what went wrong, and the way on."""

from __future__ import annotations

from datetime import datetime

from watchword.app import App
from watchword.core.ids import PersonId
from watchword.languages.catalogue import Words
from watchword.reception.problems import Problem
from watchword.web import view
from watchword.web.frame import caller_chrome, chrome
from watchword.web.refusal import reasons_of
from watchword.web.render import render


def trouble(app: App, problem: Problem, person: PersonId | None, csrf: str, back: str, at: datetime) -> str:
    """*problem* as a page; *back* is where the step was taken."""
    return render(
        view.ProblemPage(
            chrome=chrome(app, at, csrf, person),
            status=problem.status,
            title=problem.title,
            what=problem.detail,
            remedy=problem.remedy,
            reasons=reasons_of(problem),
            back=back,
        )
    )


def caller_trouble(app: App, problem: Problem, csrf: str, say: Words, at: datetime) -> str:
    """*problem* as the page of somebody who is not of the desk: in their language, and with no way into the console."""
    return render(
        view.ProblemPage(
            chrome=caller_chrome(app, at, csrf, say),
            status=problem.status,
            title=problem.title,
            what=problem.detail,
            remedy=problem.remedy,
            back="",
            language=say.language,
        )
    )
