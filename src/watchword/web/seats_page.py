"""The seats one lends to others while away, and those that were lent to one."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from litestar import Controller, Response, get, post
from litestar.enums import MediaType
from litestar.params import FromQuery
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from watchword.app import App
from watchword.core.ids import PersonId
from watchword.core.person import LentSeat
from watchword.desk.lending import LENDABLE, RELATIONS
from watchword.reception import wording
from watchword.reception.approver import loan_address
from watchword.reception.ends import end_of
from watchword.reception.given import Now, TheActor, TheApp, TheForm, Token
from watchword.reception.problems import NotThere
from watchword.web import view
from watchword.web.frame import chrome, name_of
from watchword.web.refusal import SAID_AGAIN, again
from watchword.web.render import render

PATH = "/seats"


class SeatPages(Controller):
    """One page, and its two forms."""

    path = PATH

    @get("", include_in_schema=False, media_type=MediaType.HTML, sync_to_thread=True)
    def shown(self, app: TheApp, actor: TheActor, at: Now, csrf: Token) -> str:
        """What stands."""
        return render(seats_page(app, actor.person, csrf, at))

    @post("", include_in_schema=False, status_code=HTTP_303_SEE_OTHER, sync_to_thread=True)
    def lend(self, app: TheApp, actor: TheActor, at: Now, csrf: Token, data: TheForm) -> Response[Any]:
        """Lend one."""
        try:
            app.lending.lend(
                actor.person, data.get("to", "").strip(), data.get("seat", ""), end_of(data.get("until", ""), at), at
            )
        except SAID_AGAIN as fault:
            return again(seats_page(app, actor.person, csrf, at), PATH, data, fault, PATH)
        return Redirect(PATH, status_code=HTTP_303_SEE_OTHER)

    @get("/sign", include_in_schema=False, sync_to_thread=True)
    def sign(self, app: TheApp, actor: TheActor, at: Now, to: FromQuery[str], seat: FromQuery[str]) -> Redirect:
        """To the page on which approvals are signed, with a pass to sign what was lent."""
        lent = next(
            (
                one
                for whose, one in app.lending.lent_by(actor.person, at)
                if (app.names.said(whose)[0], one.seat) == (to, seat)
            ),
            None,
        )
        if lent is None:
            raise NotThere
        address = loan_address(app, actor.person, to, seat, lent.until, at)
        return Redirect(address, status_code=HTTP_303_SEE_OTHER)

    @post("/back", include_in_schema=False, status_code=HTTP_303_SEE_OTHER, sync_to_thread=True)
    def take_back(self, app: TheApp, actor: TheActor, at: Now, data: TheForm) -> Redirect:
        """Take one back."""
        app.lending.take_back(actor.person, data.get("to", ""), data.get("seat", ""), at)
        return Redirect(PATH, status_code=HTTP_303_SEE_OTHER)


def seats_page(app: App, person: PersonId, csrf: str, at: datetime) -> view.PersonPage:
    """The page, for whoever is signed in."""
    login, name = app.names.said(person)
    known = app.registry.person(person)
    held = {g.role.value for g in known.grants if g.until is None or at < g.until}
    signs = app.lending.signs(person, at)
    mine = tuple(
        view.Held(
            title=_titled(wording.plain(one.seat)),
            note=f"{name_of(app, to)} sits there for you until {one.until:%-d %b %Y %H:%M} UTC{_signed(app, one, at)}",
            link=_sign(app, to, one) if signs and not app.lending.is_signed(one, at) else "",
            linked="Sign it with your passkey",
            form=view.Form(
                action=f"{PATH}/back",
                button="Take it back",
                weight="danger",
                fields=(_hidden("to", app.names.said(to)[0]), _hidden("seat", one.seat)),
            ),
        )
        for to, one in app.lending.lent_by(person, at)
    )
    theirs = tuple(
        view.Held(
            title=_titled(wording.plain(one.seat)),
            note=f"in the place of {name_of(app, one.by)} until {one.until:%-d %b %Y %H:%M} UTC{_signed(app, one, at)}",
        )
        for one in known.lent_at(at)
    )
    options = tuple(
        view.Option(value=seat, label=wording.plain(seat)) for seat in LENDABLE if seat in RELATIONS or seat in held
    )
    lend = view.Form(
        action=PATH,
        button="Lend it",
        title="Lend a seat",
        lede="An employee approves in your place, where you could have. You and they have one voice together.",
        fields=(
            view.Field(name="seat", label="Which seat", kind="select", options=options),
            view.Field(name="to", label="To whom", hint="Their login."),
            view.Field(name="until", label="Until", kind="date", hint="00:00 UTC; a month at most."),
        ),
    )
    return view.PersonPage(
        chrome=chrome(app, at, csrf, person, here="seats"),
        name="Seats in approvals",
        login=login,
        facts=(name,),
        holdings=(
            view.Holdings(title="Lent by you", held=mine, empty="You sit in your seats yourself."),
            view.Holdings(title="Lent to you", held=theirs, empty="You sit in nobody's place."),
        ),
        forms=(lend,),
    )


def _signed(app: App, one: LentSeat, at: datetime) -> str:
    return ", signed" if app.lending.is_signed(one, at) else "; not signed: it counts where approvals need no signature"


def _sign(app: App, to: PersonId, one: LentSeat) -> str:
    return f"{PATH}/sign?{urlencode({'to': app.names.said(to)[0], 'seat': one.seat})}"


def _titled(seat: str) -> str:
    """*seat* as it begins a line; the rest of it stays, for some are abbreviations."""
    return seat[:1].upper() + seat[1:]


def _hidden(name: str, value: str) -> view.Field:
    return view.Field(name=name, label="", kind="hidden", value=value)
