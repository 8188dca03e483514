"""The methods of a case as tiles: what each is worth, whether it can be used, and what to say."""

from __future__ import annotations

from datetime import datetime

from watchword.app import App
from watchword.core.account import DirectoryAccount
from watchword.core.advice import Option
from watchword.core.errors import Refused
from watchword.core.ids import PersonId
from watchword.core.progress import Challenge
from watchword.core.proving import KIOSK, TRIES
from watchword.core.requirement import Method
from watchword.core.workload import METHOD as WORKLOAD
from watchword.core.workload import runs_as
from watchword.desk.steps import Loaded
from watchword.desk.verification import OWNED
from watchword.desk.vouching import PORTAL, voucher
from watchword.methods.port import MethodPort
from watchword.notices.masking import mask
from watchword.reception import wording
from watchword.reception.cases import page_address
from watchword.web import forms
from watchword.web.frame import name_of
from watchword.web.scripts import SCRIPTS
from watchword.web.view import Challenge as Live
from watchword.web.view import Tile, TileState

_ORDER = ("open", "proved", "free", "failed", "unusable")


def tiles(
    app: App,
    loaded: Loaded,
    ways: tuple[Option, ...],
    seen: DirectoryAccount | None,
    actor: PersonId,
    at: datetime,
    *,
    takes: bool,
) -> tuple[Tile, ...]:
    """A tile a method: the one under way first, then what is proved, what can be begun, what can not."""
    stand = {option.method: option for option in ways}
    made = (
        _tile(app, loaded, m, stand[m.name], seen, actor, at, takes=takes)
        for m in loaded.case.requirement.methods
        if m.name in app.methods
    )
    return tuple(sorted(made, key=lambda t: (_ORDER.index(t.state), -t.strength)))


def _tile(
    app: App,
    loaded: Loaded,
    method: Method,
    stands: Option,
    seen: DirectoryAccount | None,
    actor: PersonId,
    at: datetime,
    *,
    takes: bool,
) -> Tile:
    case = loaded.case
    mine = [c for c in case.challenges if c.method == method.name and c.purpose == "verify"]
    running = next((c for c in reversed(mine) if not c.ended and at < c.expires), None)
    source = _source(app, loaded, app.methods[method.name], seen, at)
    unusable = wording.option(stands)
    state: TileState = "unusable" if unusable else "free"
    if running:
        state = "open"
    elif any(e.method == method.name for e in case.evidence):
        state = "proved"
    elif mine and mine[-1].ended and not mine[-1].proved:  # a proof that an entry made void may be given again
        state, unusable = "failed", unusable or "It failed before in this case."
    return Tile(
        method=method.name,
        title=wording.method(method.name),
        strength=method.weight,
        enforced=method.enforced,
        state=state,
        source=source,
        unusable=unusable if state in {"unusable", "failed"} else "",
        script=SCRIPTS.get(method.name, ()),
        challenge=_live(app, loaded, running, actor, at) if running else None,
        begin=forms.begin(case.id, method.name) if takes and (state == "free" or _again(state, stands)) else None,
    )


def _again(state: TileState, stands: Option) -> bool:
    """Whether a method that failed in this case may be tried again."""
    return state == "failed" and stands.state == "ready"


def _source(app: App, loaded: Loaded, port: MethodPort, seen: DirectoryAccount | None, at: datetime) -> str:
    """Where a method's proof would come from, masked, and how old that is; nobody types a destination."""
    if port.contact is not None:
        contact = next((c for c in seen.contacts if c.kind == port.contact), None) if seen else None
        if contact is None:
            return f"The {port.contact} of record" if seen is None else ""
        age = f"changed {wording.span(at - contact.changed_at)} ago" if contact.changed_at else "its age is not known"
        return f"{mask(contact)}, the {port.contact} of record, {age}"
    if port.name == KIOSK:
        return "Whoever supervises the site and stands beside them"
    if port.name in PORTAL:
        return _voucher(app, loaded, port, at)
    owner = loaded.account.facts.owner if port.name in OWNED else loaded.case.subject
    if port.enrolment is None or port.name == "custodian_passkey":
        return ""
    enrolled = app.registry.person(owner).credentials_of(port.enrolment) if owner else ()
    if port.enrolment == WORKLOAD:
        enrolled = tuple(c for c in enrolled if runs_as(c) == loaded.case.account)
    return f"Enrolled {wording.span(at - enrolled[-1].enrolled_at)} ago" if enrolled else ""


def _label(port: MethodPort) -> tuple[str, ...]:
    return ("What you saw and heard",) if port.name == "video" else ()


def _voucher(app: App, loaded: Loaded, port: MethodPort, at: datetime) -> str:
    """Who would vouch; empty where nobody's word would count."""
    try:
        return name_of(app, voucher(app.registry, loaded, port.name, at).id)
    except Refused:
        return ""


def _address(app: App, loaded: Loaded, running: Challenge, actor: PersonId, at: datetime) -> str:
    """Where it is answered: on the person's own page, or where whoever vouches signs in."""
    if running.method in PORTAL:
        return f"{app.settings.console.public_url.rstrip('/')}/vouch"
    return page_address(app, loaded, actor, at) or ""


def _live(app: App, loaded: Loaded, running: Challenge, actor: PersonId, at: datetime) -> Live:
    case = loaded.case
    port, ask = app.desk.verification.ask_of(case, running.id, at)
    try:
        say = port.begin(ask).show_agent or ""
    except Refused as refused:
        say = refused.what
    attested = not port.enforced
    return Live(
        until=running.expires,
        tries_left=TRIES - running.misses,
        show="" if attested else say,
        address=_address(app, loaded, running, actor, at) if not attested else "",
        form=forms.attest(case.id, running.id, say, *_label(port)) if attested and actor == running.by else None,
    )
