"""The methods of a case as tiles: what each is worth, whether it can be used, and what to say."""

from __future__ import annotations

from datetime import datetime

from watchword.app import App
from watchword.core.case import Case
from watchword.core.errors import Refused
from watchword.core.ids import PersonId
from watchword.core.progress import Challenge
from watchword.core.proving import TRIES
from watchword.core.requirement import Method
from watchword.desk.steps import Loaded
from watchword.reception import wording
from watchword.reception.cases import page_address
from watchword.web import forms
from watchword.web.scripts import SCRIPTS
from watchword.web.view import Challenge as Live
from watchword.web.view import Tile

_ORDER = ("open", "proved", "free", "failed", "unusable")


def tiles(app: App, loaded: Loaded, actor: PersonId, at: datetime, *, takes: bool) -> tuple[Tile, ...]:
    """A tile a method: the one under way first, then what is proved, what can be begun, what can not."""
    freeze = loaded.account.freeze(at, app.desk.steps.thresholds)
    made = (
        _tile(app, loaded.case, m, actor, at, takes=takes, frozen=bool(freeze))
        for m in loaded.case.requirement.methods
        if m.name in app.methods
    )
    return tuple(sorted(made, key=lambda t: (_ORDER.index(t.state), -t.strength)))


def _tile(app: App, case: Case, method: Method, actor: PersonId, at: datetime, *, takes: bool, frozen: bool) -> Tile:
    mine = [c for c in case.challenges if c.method == method.name and c.purpose == "verify"]
    running = next((c for c in reversed(mine) if not c.ended and at <= c.expires), None)
    proved = any(e.method == method.name for e in case.evidence)
    closed = "Closed: too many verifications of this account failed." if frozen and _closes(method) else ""
    state = "open" if running else "proved" if proved else "unusable" if closed else "free"
    if state == "free" and mine and mine[-1].ended:
        state = "failed"
    return Tile(
        method=method.name,
        title=wording.method(method.name),
        strength=method.weight,
        enforced=method.enforced,
        state=state,  # type: ignore[arg-type]
        unusable=closed or ("It failed before in this case." if state == "failed" else ""),
        script=SCRIPTS.get(method.name, ()),
        challenge=_live(app, case, running, actor, at) if running else None,
        begin=forms.begin(case.id, method.name) if takes and state in {"free", "failed"} else None,
    )


def _closes(method: Method) -> bool:
    return method.remote and method.phishable


def _live(app: App, case: Case, running: Challenge, actor: PersonId, at: datetime) -> Live:
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
        address="" if attested else page_address(app, case.id),
        form=forms.attest(case.id, running.id, say) if attested and actor == running.by else None,
    )
