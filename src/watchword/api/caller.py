"""The locked-out person's own page, over JSON: no session, the token stands in the address.

Whoever knows the address learns that a recovery of some kind is under way and can answer its challenges; nothing here
names anybody, and only right answers do anything. Where a contact point is to change, the browser that enters the new
one first is the only one that goes on.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any, TypeAlias

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK

from watchword.api import bodies, caller_bodies
from watchword.api.saved_codes import SavedCodesOut
from watchword.app import App
from watchword.core.case import (
    TERMINAL,
    Case,
    Checked,
    Delivered,
    Executed,
    Executing,
    Failed,
    Paused,
    Released,
    Verifying,
    progress_of,
    yields_credential,
)
from watchword.core.change import contact_of
from watchword.core.errors import Conflict, Refused
from watchword.core.identity import PROOFING
from watchword.core.ids import CaseId
from watchword.core.objection import stops_care
from watchword.core.progress import Challenge
from watchword.core.prompt import PROMPTING
from watchword.core.proving import TRIES
from watchword.desk.browsers import Visitor
from watchword.desk.steps import Loaded
from watchword.desk.vouching import PORTAL
from watchword.languages.catalogue import Words, preferred, words
from watchword.reception import countersign, wording
from watchword.reception.caller import handed
from watchword.reception.cases import caller_page, settle
from watchword.reception.devices import shown_certificate
from watchword.reception.given import Now, TheApp, TheVisitor

BROWSER = "person"
"""Cookie of the browser that made the hand-over key, or entered the new contact point; no case has both."""


KINDS: dict[str, caller_bodies.WaitingKind] = {
    **dict.fromkeys(PROMPTING, "elsewhere"),
    "workload": "token",
    **dict.fromkeys(PROOFING, "provider"),
    "recovery_code": "saved",
    "managed_device": "device",
}
"""How methods are answered that are neither a passkey nor digits."""


def _method(name: str, say: Words) -> str:
    return say.or_else(f"method.{name}", wording.method(name))


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One request at the page: of which case, from which browser, and when.

    Nothing is looked up before a handler asks for the case, and by what it asks it says who may: `anybodys`, `own` or
    `checked`.
    """

    app: App
    at: datetime
    case: CaseId
    token: str
    request: Request[Any, Any, Any]
    visitor: Visitor

    @property
    def browser(self) -> str:
        """What the cookie says that binds a case to one browser; empty where it has none."""
        return self.request.cookies.get(BROWSER, "")

    @property
    def say(self) -> Words:
        """The page says in which language it is written; so is what it shows."""
        return words(preferred(self.request.headers.get("accept-language", "")))

    def anybodys(self) -> Loaded:
        """The case behind the page, in whichever browser it is open; `NotThere` where the address leads to none."""
        return caller_page(self.app, self.case, self.token)

    def own(self) -> Loaded:
        """The case behind the page, where it is not open in a browser of the desk's; `Refused` there."""
        loaded = self.anybodys()
        self.app.desk.their_page.demand(loaded, self.visitor, self.at)
        return loaded

    def checked(self, challenge: str = "") -> CaseId:
        """The case behind the page, whose browser has checked that it is the desk; `Refused` otherwise.

        A workload answers its *challenge* itself, and nobody can be talked out of anything there.
        """
        case = self.own().case
        asked = next((c.method for c in case.challenges if c.id == challenge), "")
        if KINDS.get(asked) != "token":
            countersign.demand_heard(self.app, case, self.request.cookies)
        return case.id

    def now(self, case: CaseId) -> caller_bodies.CallerOut:
        """What the page shows after a step."""
        return _shown(self, self.app.desk.steps.load(case).case)

    def bound(self, case: CaseId, held: str) -> Response[caller_bodies.CallerOut]:
        """What the page shows after a step, with the cookie that says which browser it is from now on."""
        cookie = Cookie(
            key=BROWSER,
            value=held,
            path=f"/api/caller/{case}",
            httponly=True,
            samesite="strict",
            secure=self.app.settings.console.public_url.startswith("https:"),
        )
        return Response(_shown(self, self.app.desk.steps.load(case).case, held), cookies=[cookie])


def page_asked(
    app: TheApp,
    at: Now,
    case: FromPath[str],
    token: FromPath[str],
    request: Request[Any, Any, Any],
    visitor: TheVisitor,
) -> Page:
    """What every handler of the page is given."""
    return Page(app=app, at=at, case=CaseId(case), token=token, request=request, visitor=visitor)


ThePage: TypeAlias = NamedDependency[Page]


class CallerController(Controller):
    """What waits for the person, their answers, and the hand-over."""

    path = "/api/caller/{case:str}/{token:str}"
    tags = ("caller",)
    opt = {"exclude_from_csrf": True}  # noqa: RUF012  (Litestar's own declaration)
    dependencies = {"page": Provide(page_asked, sync_to_thread=False)}  # noqa: RUF012

    @get("", sync_to_thread=True)
    def waiting(self, page: ThePage) -> caller_bodies.CallerOut:
        """What the page shows now."""
        loaded = page.own()
        with suppress(Refused, Conflict):
            page.app.self_service.close(loaded.case, page.at)
        return _shown(page, loaded.case)

    @post("/check", sync_to_thread=True, status_code=HTTP_200_OK)
    def check(self, page: ThePage, data: JSONBody[caller_bodies.Heard]) -> Response[caller_bodies.Countersign]:
        """The word to say back, for whoever heard the first one from the desk; this browser may go on from then on."""
        opened = page.own().case.id
        told = caller_bodies.Countersign(word=countersign.answer(page.app, opened, data.word))
        return Response(told, cookies=[countersign.remembered(page.app, opened)])

    @post("/not-me", sync_to_thread=True, status_code=HTTP_200_OK)
    def object(self, page: ThePage) -> caller_bodies.CallerOut:
        """Say that this recovery is not one's own: it stands still at once."""
        opened = page.anybodys().case.id
        page.app.desk.objections.object_on_page(opened, page.browser, page.at)
        return page.now(opened)

    @post("/confirmation", sync_to_thread=True, status_code=HTTP_200_OK)
    def confirm(self, page: ThePage) -> caller_bodies.CallerOut:
        """Say, once it is done, that it was oneself; without that the account is suspended where policy asks for it."""
        opened = page.checked()
        page.app.desk.aftercare.confirm(opened, page.browser, page.at, mark=page.visitor.mark)
        return page.now(opened)

    @post("/contact", sync_to_thread=True, status_code=HTTP_200_OK)
    def enter_contact(
        self, page: ThePage, data: JSONBody[caller_bodies.EnterContact]
    ) -> Response[caller_bodies.CallerOut]:
        """Take the new contact point, and bind the case to this browser by a cookie; the first one counts."""
        opened = page.checked()
        held = page.app.desk.new_contact.enter(opened, data.value, page.browser, page.at)
        return page.bound(opened, held)

    @post("/answers/{challenge:str}", sync_to_thread=True, status_code=HTTP_200_OK)
    def answer(self, page: ThePage, challenge: FromPath[str], data: JSONBody[bodies.Answer]) -> caller_bodies.CallerOut:
        """Answer a challenge. A wrong answer is refused, and counts."""
        opened = page.checked(challenge)
        page.app.desk.hand_over.answer(opened, challenge, data.answer, page.browser, page.at, mark=page.visitor.mark)
        settle(page.app, opened, challenge, page.at)
        return page.now(opened)

    @post("/devices/{challenge:str}", sync_to_thread=True, status_code=HTTP_200_OK)
    def device(self, page: ThePage, challenge: FromPath[str]) -> caller_bodies.CallerOut:
        """Answer with the certificate this connection came with, as the proxy that ended its TLS says."""
        opened = page.checked()
        shown = shown_certificate(page.app.settings.devices, page.request.scope, page.request.headers)
        page.app.desk.hand_over.answer_device(opened, challenge, shown, page.browser, page.at, mark=page.visitor.mark)
        settle(page.app, opened, challenge, page.at)
        return page.now(opened)

    @post("/hand-over", sync_to_thread=True, status_code=HTTP_200_OK)
    def open(self, page: ThePage, data: JSONBody[caller_bodies.OpenHandOver]) -> Response[caller_bodies.CallerOut]:
        """Bind the hand-over to the key this browser made, and to this browser by a cookie; the first one counts."""
        opened = page.checked()
        held = page.app.desk.hand_over.open(opened, msgspec.json.encode(data.jwk, order="sorted").decode(), page.at)
        return page.bound(opened, held)

    @post("/hand-over/methods", sync_to_thread=True)
    def reprove(self, page: ThePage, data: JSONBody[bodies.BeginMethod]) -> caller_bodies.CallerOut:
        """Begin the enforced method that is proven again before anything is handed over."""
        opened = page.checked()
        page.app.desk.hand_over.reprove(opened, data.method, page.browser, page.at, mark=page.visitor.mark)
        return page.now(opened)

    @post("/hand-over/code", sync_to_thread=True, status_code=HTTP_200_OK)
    def say_code(self, page: ThePage, data: JSONBody[caller_bodies.SpokenCode]) -> caller_bodies.CallerOut:
        """Take the code that the desk said, where one is asked; a wrong one is refused, and counts."""
        opened = page.checked()
        page.app.desk.hand_over.say_code(opened, data.code, page.browser, page.at)
        return page.now(opened)

    @post("/hand-over/take", sync_to_thread=True, status_code=HTTP_200_OK)
    def take(self, page: ThePage) -> caller_bodies.Envelopes:
        """Take the sealed credential, once."""
        opened = page.checked()
        return caller_bodies.Envelopes(envelopes=page.app.desk.hand_over.take(opened, page.browser, page.at))

    @post("/recovery-codes", sync_to_thread=True, status_code=HTTP_200_OK)
    def new_codes(self, page: ThePage) -> SavedCodesOut:
        """Make the set of recovery codes that follows the one used in this case, and show it this once."""
        opened = page.own().case.id
        return SavedCodesOut(codes=page.app.saved_codes.reissue(opened, page.browser, page.at))


def _shown(page: Page, case: Case, held: str = "") -> caller_bodies.CallerOut:
    """What the page shows; *held* is the cookie that this very answer sets."""
    app, at, say, browser = page.app, page.at, page.say, held or page.browser
    contact = _contact(app, case, browser)
    until = app.desk.aftercare.due(case, browser, page.visitor.mark)
    running = (c for c in case.challenges if not c.ended and at < c.expires)
    # What a prompt asks for at the hand-over is shown to the browser that opened it, and to no other.
    mine = app.desk.hand_over.is_held(case, browser)
    running = (c for c in running if mine or c.purpose == "verify" or c.method not in PROMPTING)
    theirs = (c for c in running if app.methods[c.method].enforced and c.method not in PORTAL)
    waiting = (_waiting(app, case, c, at, say) for c in theirs)
    return caller_bodies.CallerOut(
        case=case.id,
        action=say(f"action.{case.action}"),
        ended=isinstance(case, (*TERMINAL, Failed)),
        waiting=tuple(w for w in waiting if w is not None) if contact is None or contact.mine else (),
        hand_over=_hand_over(app, case, at, say),
        contact=contact,
        codes=app.saved_codes.owes(case, browser) is not None,
        done=isinstance(case, Delivered) and _all_done(case),
        paused=isinstance(case, Paused),
        check=countersign.offered(app, case),
        heard=countersign.heard(app, case, page.request.cookies),
        confirm=say.moment(until) if until and not stops_care(case) else "",
        stopped=say.moment(until) if until and stops_care(case) else "",
    )


def _all_done(case: Case) -> bool:
    """Whether every change of a case was made; one that was closed after a failure has some that were not."""
    made = {one.number for one in progress_of(case) if one.outcome == "done"}
    return made >= set(range(len(case.changes)))


def _contact(app: App, case: Case, browser: str) -> caller_bodies.ContactOut | None:
    asked = contact_of(case.changes)
    if asked is None:
        return None
    step: caller_bodies.ContactStep = "fixed"
    if isinstance(case, (Delivered, Failed, *TERMINAL)):
        step = "over"
    elif isinstance(case, Verifying):
        step = "entered" if asked.commitment else "enter"
    return caller_bodies.ContactOut(
        kind=asked.contact,
        step=step,
        mine=app.desk.new_contact.is_held(case, browser),
        value=app.desk.new_contact.whole(case, browser),
    )


def _waiting(app: App, case: Case, challenge: Challenge, at: datetime, say: Words) -> caller_bodies.Waiting | None:
    """A challenge as its method shows it to the person; None when their enrolment is gone meanwhile."""
    port, ask = app.desk.verification.ask_of(case, challenge.id, at)
    try:
        begun = port.begin(msgspec.structs.replace(ask, language=say.language))
    except Refused:
        return None
    passkey = port.enrolment == "passkey"
    kind: caller_bodies.WaitingKind = "passkey" if passkey else KINDS.get(port.name, "code")
    return caller_bodies.Waiting(
        challenge=challenge.id,
        method=challenge.method,
        title=_method(challenge.method, say),
        purpose=challenge.purpose,
        expires=challenge.expires,
        tries_left=TRIES - challenge.misses,
        kind=kind,
        say=say.or_else(f"ask.{challenge.method}", "") if passkey else begun.show_caller or "",
        # The provider's address is given to the browser that goes there, with the cookie it comes back by.
        options=begun.show_caller if passkey else begun.options if kind == "token" else None,
    )


def _hand_over(app: App, case: Case, at: datetime, say: Words) -> caller_bodies.HandOverOut:
    reproved = case.reproved is not None and at - case.reproved <= case.requirement.fresh()
    proved = {e.method for e in case.evidence}
    usable = (m for m in case.requirement.methods if not m.single_use and (case.lane == "voice" or not m.voice))
    enforced = (m.name for m in usable if m.enforced and m.name in app.methods)
    # What worked before comes first; which of the others are enrolled is not said to whoever has the address.
    methods = tuple((name, _method(name, say)) for name in sorted(enforced, key=lambda name: name not in proved))
    return caller_bodies.HandOverOut(
        step=_step(case),
        what=handed(case.changes),
        jwk=case.jwk if isinstance(case, Released) else None,
        reproved=reproved,
        code=case.requirement.deliver == "spoken" and not case.code_spoken,
        methods=methods,
    )


def _step(case: Case) -> caller_bodies.HandOverStep:
    if not yields_credential(case):
        return "none"
    if isinstance(case, (Delivered, Failed, *TERMINAL)):
        return "over"
    if isinstance(case, Checked):
        return "ready"
    if isinstance(case, Executing | Executed):
        return "working"
    if isinstance(case, Released):
        return "key" if case.jwk is None else "working"
    return "later"
