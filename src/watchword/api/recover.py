"""The self-service page over JSON: no session, and the same answers for every name before something was proved."""

from __future__ import annotations

from typing import Any, Literal

from litestar import Controller, Request, get, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_202_ACCEPTED

from watchword.api.bodies import In, Out
from watchword.app import App
from watchword.core.errors import Invalid
from watchword.desk.self_service import LONGEST_NAME
from watchword.languages.catalogue import Words, preferred, words
from watchword.reception import whence
from watchword.reception.alone import demand_on, page_of, title_of
from watchword.reception.browser import NAME as BROWSER_NAME
from watchword.reception.given import Now, TheAfterwards, TheApp, TheRecoveries, TheVisitor
from watchword.reception.sessions import Throttle


class Recover(In, frozen=True, kw_only=True):
    """Login or mail address of the account, and what is lost."""

    account: str
    lost: Literal["password", "unlock"]


class Recovering(Out, frozen=True, kw_only=True):
    """The address of the page that goes on from here, which says nothing about the account."""

    page: str


class ChooseWay(In, frozen=True, kw_only=True):
    """One of the ways the page offers."""

    method: str


class WayOut(Out, frozen=True, kw_only=True):
    """What to answer: *say* in words, *options* for the browser where it is a passkey."""

    challenge: str
    method: str
    title: str
    say: str
    kind: Literal["passkey", "code", "saved"]
    options: str | None = None


class WayAnswer(In, frozen=True, kw_only=True):
    """The answer to what was asked last by this method."""

    method: str
    answer: str


class RecoverOut(Out, frozen=True, kw_only=True):
    """What is proved, by titles; *page* is the person's own once it is released; *case* what to name at the desk.

    With *more*, another proof by one of *ways* brings it on.
    """

    proved: tuple[str, ...] = ()
    more: bool = False
    ways: tuple[str, ...] = ()
    case: str = ""
    page: str = ""


class RecoverController(Controller):
    """Asking, choosing a way, answering: each answered before anything is done about it."""

    path = "/api/recover"
    tags = ("caller",)
    opt = {"exclude_from_csrf": True}  # noqa: RUF012  (Litestar's own declaration)

    @post("", sync_to_thread=True, status_code=HTTP_202_ACCEPTED)
    def begin(
        self,
        app: TheApp,
        at: Now,
        afterwards: TheAfterwards,
        recoveries: TheRecoveries,
        data: JSONBody[Recover],
        request: Request[Any, Any, Any],
        visitor: TheVisitor,
    ) -> Recovering:
        """Ask for one's own account. The answer is the same whether or not there is such an account."""
        address = _slowed(app, recoveries, request)
        name = data.account.strip()
        if not name or len(name) > LONGEST_NAME or not name.isprintable():
            raise Invalid("That is no name of an account.", "Write the name you sign in with.", where="account")
        service, case, cookie = app.self_service, app.self_service.new(), request.cookies.get(BROWSER_NAME, "")
        lost = data.lost

        def opens() -> None:
            service.open(case, name, lost, visitor, at)
            if service.is_open(case):
                whence.note(app, case, address, cookie, at)

        afterwards.do(opens, address)
        return Recovering(page=f"/recover/{case}/{service.token(case)}")

    @get("/{case:str}/{token:str}", sync_to_thread=True)
    def standing(
        self, app: TheApp, at: Now, case: FromPath[str], token: FromPath[str], request: Request[Any, Any, Any]
    ) -> RecoverOut:
        """How far it is: nothing, before something was proved."""
        mine = page_of(app, case, token)
        now, say = app.self_service.standing(mine, at), _say(request)
        return RecoverOut(
            proved=tuple(title_of(name, say) for name in now.proved),
            more=now.more,
            ways=now.ways,
            case=mine if now.proved else "",
            page=f"/c/{mine}/{app.desk.hand_over.page_token(mine)}" if now.goes_on else "",
        )

    @post("/{case:str}/{token:str}/ways", sync_to_thread=True, status_code=HTTP_202_ACCEPTED)
    def choose(
        self,
        app: TheApp,
        at: Now,
        afterwards: TheAfterwards,
        recoveries: TheRecoveries,
        case: FromPath[str],
        token: FromPath[str],
        data: JSONBody[ChooseWay],
        request: Request[Any, Any, Any],
        visitor: TheVisitor,
    ) -> WayOut:
        """Choose a way to prove it; every way is offered to everybody."""
        address = _slowed(app, recoveries, request)
        mine, service, say = page_of(app, case, token), app.self_service, _say(request)
        asked = service.ask(mine, data.method, at)
        afterwards.do(lambda: service.begin(mine, asked.method, asked.challenge, visitor, at), address)
        return WayOut(
            challenge=asked.challenge,
            method=asked.method,
            title=title_of(asked.method, say),
            say=say.or_else(f"ask.{asked.method}", ""),
            kind="passkey" if asked.options else "saved" if asked.method == "recovery_code" else "code",
            options=asked.options,
        )

    @post("/{case:str}/{token:str}/answers", sync_to_thread=True, status_code=HTTP_202_ACCEPTED)
    def answer(
        self,
        app: TheApp,
        at: Now,
        afterwards: TheAfterwards,
        recoveries: TheRecoveries,
        case: FromPath[str],
        token: FromPath[str],
        data: JSONBody[WayAnswer],
        request: Request[Any, Any, Any],
        visitor: TheVisitor,
    ) -> RecoverOut:
        """Answer. Whether it was right is seen by the page going on, and by nothing else."""
        address = _slowed(app, recoveries, request)
        mine, service = page_of(app, case, token), app.self_service
        afterwards.do(lambda: service.answer(mine, data.method, data.answer, visitor, at), address)
        return RecoverOut()


def _slowed(app: App, recoveries: Throttle, request: Request[Any, Any, Any]) -> str:
    """Count this request for where it comes from, and return that; before anything is looked at."""
    demand_on(app)
    address = request.client.host if request.client else ""
    recoveries.take(address)
    return address


def _say(request: Request[Any, Any, Any]) -> Words:
    return words(preferred(request.headers.get("accept-language", "")))
