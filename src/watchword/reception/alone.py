"""The self-service page as the edge sees it: whether it is on, and whose page an address is."""

from __future__ import annotations

from watchword.app import App
from watchword.core.errors import Invalid
from watchword.core.ids import CaseId
from watchword.languages.catalogue import Words
from watchword.reception import wording
from watchword.reception.problems import NotThere


def demand_on(app: App) -> None:
    """Raise `NotThere` where self-service is off."""
    if not app.settings.console.self_service:
        raise NotThere


def page_of(app: App, case: str, token: str) -> CaseId:
    """The name of the case behind a page, opened or not; raise `NotThere` for a wrong token."""
    demand_on(app)
    try:
        app.self_service.demand_page(CaseId(case), token)
    except Invalid as invalid:
        raise NotThere from invalid
    return CaseId(case)


def title_of(method: str, say: Words) -> str:
    """What a way to prove it is called."""
    return say.or_else(f"method.{method}", wording.method(method))
