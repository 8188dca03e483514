"""Recovery codes: a link to a page that shows a new set once, and what that page asks."""

from __future__ import annotations

from datetime import datetime

from litestar import Controller, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK

from watchword.api.bodies import Out
from watchword.core.errors import Invalid
from watchword.reception.given import Now, TheActor, TheApp
from watchword.reception.problems import NotThere


class CodesLink(Out, frozen=True, kw_only=True):
    """The address of a page for the person alone, and until when it can be opened, once."""

    address: str
    expires: datetime


class SavedCodesOut(Out, frozen=True, kw_only=True):
    """A new set of recovery codes, never to be seen again."""

    codes: tuple[str, ...]


class SavedCodesController(Controller):
    """A set of recovery codes, from its link to the person's own page."""

    path = "/api"

    @post("/people/{login:str}/recovery-codes", sync_to_thread=True, tags=["people"])
    def link(self, app: TheApp, actor: TheActor, at: Now, login: FromPath[str]) -> CodesLink:
        """Make a link to a page that shows somebody a new set of recovery codes, once, within a day."""
        made = app.saved_codes.link(actor.person, app.roster.find(actor.person, login, at).person.id, at)
        return CodesLink(
            address=f"{app.settings.console.public_url.rstrip('/')}/codes/{made.token}", expires=made.expires
        )

    @post("/codes/{token:str}", sync_to_thread=True, status_code=HTTP_200_OK, tags=["caller"], exclude_from_csrf=True)
    def open(self, app: TheApp, at: Now, token: FromPath[str]) -> SavedCodesOut:
        """Make the set, and show it this once; a link that was opened, or never was one, is not there."""
        try:
            return SavedCodesOut(codes=app.saved_codes.open(token, at))
        except Invalid as invalid:
            if invalid.where == "page":
                raise NotThere from invalid
            raise
