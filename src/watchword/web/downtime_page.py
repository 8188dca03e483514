"""The page of what was done while Watchword was down, and the forms that declare, confirm and review it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from litestar import Controller, Response, get, post
from litestar.enums import MediaType
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from watchword.app import App
from watchword.core.action import Action, Step
from watchword.core.downtime import Downtime
from watchword.core.errors import Invalid
from watchword.core.ids import PersonId
from watchword.desk.people import EVERYWHERE
from watchword.reception import wording
from watchword.reception.ends import moment
from watchword.reception.given import Now, TheActor, TheApp, TheForm, Token
from watchword.reception.problems import NotThere
from watchword.web import view
from watchword.web.downtime_view import DeclaredRow, DowntimePage
from watchword.web.frame import account_of, chrome, name_of
from watchword.web.refusal import SAID_AGAIN, again
from watchword.web.render import render


class DowntimePages(Controller):
    """The list, and its steps."""

    path = "/downtime"

    @get("", include_in_schema=False, media_type=MediaType.HTML, sync_to_thread=True)
    def shown(self, app: TheApp, actor: TheActor, at: Now, csrf: Token) -> str:
        """Every declaration, newest first."""
        return render(downtime_page(app, actor.person, csrf, at))

    @post("", include_in_schema=False, status_code=HTTP_303_SEE_OTHER, sync_to_thread=True)
    def declare(self, app: TheApp, actor: TheActor, at: Now, csrf: Token, data: TheForm) -> Response[Any]:
        """Declare one piece of work; what can not be right is said above the form, with what was typed."""
        try:
            _record(app, actor.person, data, at)
        except SAID_AGAIN as fault:
            return again(downtime_page(app, actor.person, csrf, at), "/downtime", data, fault, "/downtime")
        return Redirect("/downtime", status_code=HTTP_303_SEE_OTHER)

    @post("/{downtime:str}/{step:str}", include_in_schema=False, status_code=HTTP_303_SEE_OTHER, sync_to_thread=True)
    def take_step(
        self,
        app: TheApp,
        actor: TheActor,
        at: Now,
        csrf: Token,
        downtime: FromPath[str],
        step: FromPath[str],
        data: TheForm,
    ) -> Response[Any]:
        """Confirm or review one; where that is refused, the page says why and keeps what was typed."""
        try:
            match step:
                case "confirm":
                    app.downtimes.confirm(actor.person, downtime, at)
                case "review":
                    sound, words = data.get("sound") == "yes", data.get("words", "")
                    app.downtimes.review(actor.person, downtime, at, sound=sound, account_given=words)
                case _:
                    raise NotThere
        except SAID_AGAIN as fault:
            page = downtime_page(app, actor.person, csrf, at)
            return again(page, f"/downtime/{downtime}/{step}", data, fault, "/downtime")
        return Redirect("/downtime", status_code=HTTP_303_SEE_OTHER)


def _record(app: App, actor: PersonId, said: dict[str, str], at: datetime) -> None:
    """What the form says was done, as a declaration."""
    if said.get("action") not in set(Action):
        raise Invalid("That is nothing one can have done.", "Pick what was done.", where="action")
    app.downtimes.declare(
        actor,
        directory=said.get("directory", ""),
        query=said.get("account", "").strip(),
        action=Action(said["action"]),
        performer=said.get("performer", ""),
        since=moment(said.get("since", ""), "since"),
        until=moment(said.get("until", ""), "until"),
        why=said.get("why", ""),
        at=at,
    )


def downtime_page(app: App, actor: PersonId, csrf: str, at: datetime) -> DowntimePage:
    """The page for whoever may declare or review; `NotThere` for anybody else."""
    declares, reviews = (app.roster.may(actor, step, at, unit=EVERYWHERE) for step in (Step.DECLARE, Step.REVIEW))
    if not (declares or reviews):
        raise NotThere
    rows = tuple(_row(app, one, actor, at, declares=declares, reviews=reviews) for one in app.downtimes.all())
    return DowntimePage(
        chrome=chrome(app, at, csrf, actor, here="downtime"), rows=rows, form=_declare(app) if declares else None
    )


def _row(app: App, one: Downtime, actor: PersonId, at: datetime, *, declares: bool, reviews: bool) -> DeclaredRow:
    """One declaration; who stands for it already is offered no further step."""
    said = one.declared
    stands = actor in {said.by, one.confirmed.by if one.confirmed else None}
    name, _ = account_of(app, said.account, app.names.owner(said.account))
    forms: list[view.Form] = []
    state, tone = "Waits for a second custodian", "warn"
    if one.reviewed is not None:
        state, tone = ("Reviewed: sound", "good") if one.reviewed.sound else ("Reviewed: not sound", "bad")
    elif one.confirmed is not None:
        state, tone = ("The review is overdue", "bad") if one.overdue(at) else ("Owes a review", "warn")
        if reviews and not stands:
            forms.append(_review(said.downtime))
    elif declares and not stands:
        lede = "You stand for it as the second custodian."
        forms.append(view.Form(action=f"/downtime/{said.downtime}/confirm", button="Confirm", lede=lede))
    by = [name_of(app, said.by), *([name_of(app, one.confirmed.by)] if one.confirmed else [])]
    return DeclaredRow(
        what=f"{wording.ACTIONS[said.action][0]} of {name}",
        when=f"{said.since:%Y-%m-%d %H:%M} to {said.until:%Y-%m-%d %H:%M} UTC",
        performer=app.downtimes.told(said.downtime).get("performer", "erased"),
        by=" and ".join(by),
        state=state,
        tone=tone,  # type: ignore[arg-type]  # one of the tones
        forms=tuple(forms),
    )


def _review(downtime: str) -> view.Form:
    sound = (view.Option(value="yes", label="Sound"), view.Option(value="no", label="Not sound"))
    return view.Form(
        action=f"/downtime/{downtime}/review",
        button="Record the review",
        fields=(
            view.Field(name="words", label="What you looked at", kind="area"),
            view.Field(name="sound", label="Was it sound?", kind="select", value="yes", options=sound),
        ),
    )


def _declare(app: App) -> view.Form:
    directories = tuple(view.Option(value=name, label=name) for name in app.directories)
    actions = tuple(view.Option(value=action, label=title) for action, (title, _) in wording.ACTIONS.items())
    return view.Form(
        action="/downtime",
        button="Declare it",
        title="Declare what was done",
        lede="From what you wrote down. A second custodian confirms it, and then it owes a review.",
        fields=(
            view.Field(name="directory", label="Directory", kind="select", options=directories),
            view.Field(name="account", label="Account", hint="Whose account it was done to: login or mail address."),
            view.Field(name="action", label="What was done", kind="select", options=actions),
            view.Field(name="performer", label="Done with the account", hint="As the directory's log writes it."),
            view.Field(name="since", label="From (UTC)", hint="Such as 2026-11-21 14:05."),
            view.Field(name="until", label="Until (UTC)", hint="Such as 2026-11-21 14:20."),
            view.Field(name="why", label="Why, and for whom", kind="area", hint="Kept sealed beside the entry."),
        ),
    )
