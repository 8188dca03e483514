"""Recovery codes: a link to a page that shows a new set once, and what that page asks."""

from __future__ import annotations

from litestar import Controller, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK

from watchword.api.bodies import Out
from watchword.api.own_enrolment import OwnPageOut, Spoken, own_page, theirs
from watchword.reception.given import Now, TheActor, TheApp, TheVisitor


class SavedCodesOut(Out, frozen=True, kw_only=True):
    """A new set of recovery codes, never to be seen again."""

    codes: tuple[str, ...]


class SavedCodesController(Controller):
    """A set of recovery codes, from its link to the person's own page."""

    path = "/api"

    @post("/people/{login:str}/recovery-codes", sync_to_thread=True, tags=["people"])
    def link(self, app: TheApp, actor: TheActor, at: Now, visitor: TheVisitor, login: FromPath[str]) -> OwnPageOut:
        """Make a link to a page that shows somebody a new set of recovery codes, once, within a day."""
        person = app.roster.find(actor.person, login, at).person.id
        made = app.saved_codes.link(actor.person, person, at, visitor.mark)
        return own_page(app, "codes", made)

    @post("/codes/{token:str}", sync_to_thread=True, status_code=HTTP_200_OK, tags=["caller"], exclude_from_csrf=True)
    def open(
        self, app: TheApp, at: Now, visitor: TheVisitor, token: FromPath[str], data: JSONBody[Spoken]
    ) -> SavedCodesOut:
        """Make the set, and show it this once; a link that was opened, or never was one, is not there."""
        with theirs(app.saved_codes.links, token, visitor, at):
            return SavedCodesOut(codes=app.saved_codes.open(token, data.spoken, at))
