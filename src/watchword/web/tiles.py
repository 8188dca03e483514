"""The methods of a case as tiles: what each is worth, whether it can be used, and what to say."""

from __future__ import annotations

from datetime import datetime

from watchword.app import App
from watchword.core.account import FACT_WINDOW, DirectoryAccount
from watchword.core.errors import Refused
from watchword.core.ids import PersonId
from watchword.core.progress import Challenge
from watchword.core.proving import TRIES
from watchword.core.requirement import Method
from watchword.desk.steps import Loaded
from watchword.methods.port import MethodPort
from watchword.reception import wording
from watchword.reception.cases import page_address
from watchword.web import forms
from watchword.web.scripts import SCRIPTS
from watchword.web.view import Challenge as Live
from watchword.web.view import Tile, TileState

_ORDER = ("open", "proved", "free", "failed", "unusable")


def tiles(
    app: App, loaded: Loaded, seen: DirectoryAccount | None, actor: PersonId, at: datetime, *, takes: bool
) -> tuple[Tile, ...]:
    """A tile a method: the one under way first, then what is proved, what can be begun, what can not."""
    made = (
        _tile(app, loaded, m, seen, actor, at, takes=takes)
        for m in loaded.case.requirement.methods
        if m.name in app.methods
    )
    return tuple(sorted(made, key=lambda t: (_ORDER.index(t.state), -t.strength)))


def _tile(
    app: App,
    loaded: Loaded,
    method: Method,
    seen: DirectoryAccount | None,
    actor: PersonId,
    at: datetime,
    *,
    takes: bool,
) -> Tile:
    case = loaded.case
    mine = [c for c in case.challenges if c.method == method.name and c.purpose == "verify"]
    running = next((c for c in reversed(mine) if not c.ended and at < c.expires), None)
    source, unusable = _source(app, loaded, app.methods[method.name], seen, at)
    if loaded.account.freeze(at, app.desk.steps.thresholds) and method.remote and method.phishable:
        unusable = "Closed: too many verifications of this account failed."
    if case.lane == "text" and method.voice:
        unusable = "Not asked in the text lane."
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
        begin=forms.begin(case.id, method.name) if takes and state in {"free", "failed"} else None,
    )


def _source(app: App, loaded: Loaded, port: MethodPort, seen: DirectoryAccount | None, at: datetime) -> tuple[str, str]:
    """Where a method's proof would come from and how old that is; and why it can not be used, if it can not."""
    if port.contact is not None:
        contact = next((c for c in seen.contacts if c.kind == port.contact), None) if seen else None
        if seen is not None and contact is None:
            return "", f"No {port.contact} is on record."
        if contact is None or contact.changed_at is None:
            return f"The {port.contact} of record", ""
        age = wording.span(at - contact.changed_at)
        young = f"Worth nothing until {contact.changed_at + FACT_WINDOW:%-d %b}."
        return (
            f"The {port.contact} of record, changed {age} ago",
            young if at - contact.changed_at < FACT_WINDOW else "",
        )
    owner = loaded.account.facts.owner if port.name == "owner_passkey" else loaded.case.subject
    if port.enrolment is None or port.name == "custodian_passkey":
        return "", ""
    enrolled = app.registry.person(owner).credentials_of(port.enrolment) if owner else ()
    if not enrolled:
        return "", "Not enrolled."
    return f"Enrolled {wording.span(at - enrolled[-1].enrolled_at)} ago", ""


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
        address="" if attested else page_address(app, loaded, actor, at) or "",
        form=forms.attest(case.id, running.id, say) if attested and actor == running.by else None,
    )
