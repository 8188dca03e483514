"""The page of the policy: which one is active, whether the file differs, what waits for a second author.

Authors and whoever is on duty also see what the cheapest attack on each account is, under the policy that runs and
under the one that would replace it.
"""

from __future__ import annotations

from datetime import date, datetime

from litestar import Controller, get, post
from litestar.enums import MediaType
from litestar.params import FromQuery
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from watchword.app import App
from watchword.core.approval import approving_keys, is_signed
from watchword.core.errors import Invalid, Refused
from watchword.core.ids import PersonId
from watchword.desk.activation import Standing
from watchword.desk.people import GENESIS
from watchword.desk.posture import PolicyActivated, PolicyProposed
from watchword.policy.attack import prove
from watchword.policy.bundle import Policy
from watchword.reception import heatmap
from watchword.reception.given import Now, TheActor, TheApp, TheForm, Token
from watchword.reception.policy import drift_of, words_of
from watchword.reception.problems import NotThere
from watchword.web import view
from watchword.web.frame import chrome, name_of
from watchword.web.render import render

MAP = "/policy/attacks"
WHICH = {"running": "Under the policy that runs", "disk": "Under the policy on disk"}
"""The policies whose attacks are drawn."""

PICTURE = "image/svg+xml"
OF_PICTURE = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
"""The policy of a picture by itself: its own style, and nothing else."""

KEPT = 4
"""Pictures that are kept."""

_drawn: dict[tuple[str, date], str] = {}


class PolicyPages(Controller):
    """The policy's page, and the forms that post to it."""

    path = "/policy"

    @get("", include_in_schema=False, media_type=MediaType.HTML, sync_to_thread=True)
    def shown(self, app: TheApp, actor: TheActor, at: Now, csrf: Token) -> str:
        """How things stand."""
        return render(policy_page(app, actor.person, csrf, at))

    @get("/attacks", include_in_schema=False, media_type=PICTURE, sync_to_thread=True)
    def attacks(self, app: TheApp, actor: TheActor, at: Now, of: FromQuery[str] = "running") -> str:
        """The heat-map of one policy, for whoever may see it."""
        if of not in WHICH or not _sees_attacks(chrome(app, at, "", actor.person, here="policy")):
            raise NotThere
        return _map(app.steps.policy if of == "running" else app.activation.on_disk.read(), at.date())

    @post("/proposal", include_in_schema=False, status_code=HTTP_303_SEE_OTHER, sync_to_thread=True)
    def propose(self, app: TheApp, actor: TheActor, at: Now) -> Redirect:
        """Propose what is on disk, as the person who is signed in."""
        app.activation.propose(actor.person, actor.session, at)
        return Redirect("/policy", status_code=HTTP_303_SEE_OTHER)

    @post("/activation", include_in_schema=False, status_code=HTTP_303_SEE_OTHER, sync_to_thread=True)
    def activate(self, app: TheApp, actor: TheActor, at: Now, data: TheForm) -> Redirect:
        """Confirm the proposal that was looked at."""
        app.activation.activate(actor.person, data.get("digest", ""), actor.session, at)
        return Redirect("/policy", status_code=HTTP_303_SEE_OTHER)


def policy_page(app: App, actor: PersonId, csrf: str, at: datetime) -> view.PolicyPage:
    """The page for *actor*; whoever is no policy author sees it without a form."""
    frame, now = chrome(app, at, csrf, actor, here="policy"), app.activation.standing(at)
    signs = frame.author and _signs(app, actor, at)
    told = drift_of(now).replace("`", "")
    waits = now.proposal
    return view.PolicyPage(
        chrome=frame,
        state="Not the active one" if told else "The policy on disk is active",
        tone="bad" if now.running != now.active else "warn" if told else "good",
        told=told or "New cases are opened under it; running ones keep the policy they were opened under.",
        facts=_facts(app, now, app.registry.posture().activated),
        proposed=_proposed(app, waits) if waits else (),
        words=words_of(waits.digest) if waits else "",
        until=waits.not_after if waits else None,
        form=_form(now, actor) if frame.author else None,
        api=("/api/policy/activation" if _confirms(now, actor) else "/api/policy/proposal") if signs else "",
        digest=waits.digest if waits and _confirms(now, actor) else "",
        maps=_maps(app, now) if _sees_attacks(frame) else (),
    )


def _sees_attacks(frame: view.Chrome) -> bool:
    """Whether the reader is a policy author or on duty: the cheapest way in is not for everybody to read."""
    return bool(frame.author or frame.duty)


def _maps(app: App, now: Standing) -> tuple[view.Picture, ...]:
    drawn = ("running",) if now.on_disk in {None, now.running} or not _reads(app) else ("running", "disk")
    return tuple(view.Picture(title=WHICH[which], link=f"{MAP}?of={which}") for which in drawn)


def _reads(app: App) -> bool:
    """Whether what lies on disk is a policy at all."""
    try:
        app.activation.on_disk.read()
    except Invalid:
        return False
    return True


def _map(policy: Policy, on: date) -> str:
    """The picture, which takes a second or so to work out and is kept; a policy is known by its digest."""
    known = (policy.digest, on)
    if (drawn := _drawn.get(known)) is None:
        drawn = heatmap.svg(prove(policy), on=on)
        if len(_drawn) >= KEPT:
            _drawn.clear()
        _drawn[known] = drawn
    return drawn


def _confirms(now: Standing, actor: PersonId) -> bool:
    """Whether what *actor* may do next is to confirm; the first author may only propose again."""
    return now.proposal is not None and now.proposal.by != actor and now.proposal.digest == now.on_disk


def _form(now: Standing, actor: PersonId) -> view.Form:
    if now.proposal is not None and _confirms(now, actor):
        digest = view.Field(name="digest", label="", kind="hidden", value=now.proposal.digest)
        lede = "You confirm these files and no others. Compare the words with those the first author sees."
        return view.Form(
            action="/policy/activation",
            button="Make it the active one",
            title="Confirm as the second author",
            lede=lede,
            fields=(digest,),
        )
    return view.Form(
        action="/policy/proposal",
        button="Propose the policy on disk",
        title="Propose as the first author",
        lede="It waits a day for a second author. Nothing changes until they confirm it.",
        weight="quiet",
    )


def _facts(app: App, now: Standing, activated: PolicyActivated | None) -> tuple[view.Fact, ...]:
    """Which policy is active, on disk and running here; one digest is said once, and in words."""
    if now.active is not None and now.active == now.on_disk == now.running:
        return (
            view.Fact(label="In words", value=words_of(now.active), note="the same words on every machine: one policy"),
            view.Fact(label="Digest", value=now.active, note=_whence(app, activated)),
        )
    return (
        view.Fact(label="Active", value=now.active or "none", note=_whence(app, activated)),
        view.Fact(label="On disk", value=now.on_disk or "can not be read", note=now.broken),
        view.Fact(label="Running here", value=now.running),
    )


def _whence(app: App, activated: PolicyActivated | None) -> str:
    """Who made it the active one."""
    if activated is None:
        return ""
    if activated.proposer is not None:
        return f"proposed by {name_of(app, activated.proposer)}, confirmed by {name_of(app, activated.by)}"
    if activated.founding or activated.by == GENESIS:
        return "chosen when the ledger was founded"
    return f"activated by {name_of(app, activated.by)} alone, before two authors were asked"


def _proposed(app: App, waits: PolicyProposed) -> tuple[view.Fact, ...]:
    proof = "signed with their passkey" if is_signed(waits.proof) else "as they were signed in, without a passkey"
    return (
        view.Fact(label="Digest", value=waits.digest),
        view.Fact(label="Proposed by", value=name_of(app, waits.by), note=proof),
    )


def _signs(app: App, actor: PersonId, at: datetime) -> bool:
    """Whether *actor* has a passkey that counts, so that being signed in is not enough."""
    try:
        return bool(approving_keys(app.registry.person(actor), at))
    except Refused:
        return False
