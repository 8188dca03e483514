"""The form that opens a case, and what such a case would need, before the call gets long."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from watchword.app import App
from watchword.core.account import strictest
from watchword.core.action import Action, Step
from watchword.core.change import ContactKind
from watchword.core.errors import Invalid, Refused, Unavailable
from watchword.core.event import Lane
from watchword.core.ids import CaseId, PersonId
from watchword.core.requirement import Context, Requirement
from watchword.core.ruling import CaseFacts
from watchword.core.visible import visible
from watchword.desk.intake import Wish
from watchword.reception import wording
from watchword.web import view
from watchword.web.beside import beside, said_beside
from watchword.web.frame import chrome
from watchword.web.refusal import refilled

CHANNELS = ("phone", "walk_in", "chat", "mail", "portal", "vendor_desk")
LOCATIONS = ("unknown", "office", "home", "known", "new", "abroad")
DEVICES = ("unknown", "managed", "known")
RISKS = ("low", "medium", "high")
SITUATIONS = ("normal", "after_hours", "outage")

LANES = (
    view.Option(value="voice", label="voice"),
    view.Option(value="text", label="text, for somebody who does not hear or speak on a call"),
    view.Option(value="kiosk", label="kiosk, with a supervisor of the site beside them"),
)

LANE: dict[str, Lane] = {"text": "text", "kiosk": "kiosk"}
"""What the form says of the lane; anything else is a call."""

Said = Mapping[str, str]


def intake_page(app: App, actor: PersonId, csrf: str, at: datetime, said: Said) -> view.IntakePage:
    """The form, filled with what is known already."""
    form = view.Form(action="/cases", button="Open the case", fields=_fields(app, said))
    return view.IntakePage(
        chrome=chrome(app, at, csrf, actor, here="new"),
        form=refilled(form, form.action, said),
        needs=needs(app, actor, at, said) if said.get("account") and said.get("action") else view.Needs(),
        preview="/cases/needs",
    )


def _fields(app: App, said: Said) -> tuple[view.Field, ...]:
    directories = tuple(view.Option(value=name, label=name) for name in app.directories)
    actions = tuple(view.Option(value=a, label=title, hint=hint) for a, (title, hint) in wording.ACTIONS.items())
    only_one = len(directories) == 1
    return (
        view.Field(
            name="directory",
            label="Directory",
            kind="hidden" if only_one else "select",
            value=said.get("directory") or (directories[0].value if directories else ""),
            options=directories,
        ),
        view.Field(
            name="account",
            label="Account",
            value=said.get("account", ""),
            hint="Login, mail address, display name or native id, whole.",
            first=True,
        ),
        view.Field(
            name="ticket",
            label="Ticket",
            value=said.get("ticket", ""),
            required=False,
            hint="Kept sealed; the case only points at it.",
        ),
        view.Field(
            name="action", label="What is asked for", kind="cards", value=said.get("action", ""), options=actions
        ),
        view.Field(
            name="factors",
            label="Which factors",
            required=False,
            only=Action.FACTOR_RESET,
            hint="Those that are lost, with commas between. All of them at once is a total loss.",
        ),
        view.Field(
            name="contact",
            label="Which contact point",
            kind="select",
            only=Action.RECOVERY_INFO_CHANGE,
            options=tuple(view.Option(value=k, label=wording.CONTACTS[k].capitalize()) for k in ContactKind),
            hint="The person enters the new one themself, on their own page.",
        ),
        view.Field(name="role", label="Role to lend", required=False, only=Action.PRIVILEGED_OVERRIDE),
        _select("channel", "How it came in", CHANNELS, said),
        view.Field(
            name="lane",
            label="Lane",
            kind="select",
            value=said.get("lane", "voice"),
            options=LANES,
            hint="Text and kiosk ask nothing over a call, and as much of everything else.",
        ),
        view.Field(
            name="caller",
            label="Who calls for them",
            value=said.get("caller", ""),
            required=False,
            hint="An assistant, say. Kept sealed; the person still proves themself.",
        ),
        _select("location", "Where the person is", LOCATIONS, said),
        _select("device", "Their device", DEVICES, said),
        _select("risk", "Risk", RISKS, said),
        _select("situation", "Situation", SITUATIONS, said),
        view.Field(
            name="origin",
            label="Caller's number or address",
            value=said.get("origin", ""),
            required=False,
            hint="Kept as a keyed pseudonym: it throttles whoever guesses.",
        ),
        view.Field(name="reason", label="In the caller's words", kind="area", required=False, hint="Kept sealed."),
    )


def _select(name: str, label: str, values: tuple[str, ...], said: Said) -> view.Field:
    options = tuple(view.Option(value=v, label=wording.plain(v)) for v in values)
    return view.Field(name=name, label=label, kind="select", value=said.get(name, values[0]), options=options)


def needs(app: App, actor: PersonId, at: datetime, said: Said) -> view.Needs:
    """What the case would need; changes nothing, and tells only those who may open it."""
    if not said.get("account") or not said.get("action"):
        return view.Needs()
    try:
        return _needed(app, actor, at, said)
    except (Invalid, Refused, Unavailable) as fault:
        return view.Needs(refused=fault.what, remedy=fault.remedy)


def _needed(app: App, actor: PersonId, at: datetime, said: Said) -> view.Needs:
    action, registry = _action(said), app.registry
    roles = registry.person(actor).grants
    if not any(g.until is None or at < g.until for g in roles):
        raise Refused("You hold no role here.", "Ask an administrator.", ("no_role",))
    directory = said.get("directory") or next(iter(app.directories), "")
    seen = app.desk.intake.find_for(actor, directory, said["account"].strip(), at)
    known = app.names.account(seen.directory, seen.native_id)
    standing = registry.account(known) if known else None
    subject = app.names.owner(known) if known else None
    account_class = seen.account_class
    if standing and standing.observations and account_class:
        lately = registry.strictest_class(standing, subject, at)
        account_class = strictest((account_class, lately)) or account_class
    if account_class is None:
        raise Refused(
            "This account is in no class, so no procedure answers for it.",
            "Put it in one of the groups that give a class.",
            ("no_class",),
        )
    facts = CaseFacts(
        case=None,
        unit=seen.unit or "",
        account_class=account_class,
        action=action,
        subject=subject,
        opener=actor,
        relations=standing.relations(actor, at) if standing and standing.observations else (),
    )
    app.desk.steps.rule(actor, Step.OPEN, facts, at).demand()
    again = standing.recoveries_within(app.policy.procedures.repeat.window, at) if standing else 0
    asked = app.policy.procedures.require(account_class, action, context_of(said), completed_recoveries_7d=again)
    note = f"{wording.plain(account_class)}, {visible(seen.unit or 'no unit')}"
    account = view.Fact(label="Account", value=seen.called, note=note)
    others = beside(app, actor, at, account=known, subject=subject) if known else ()
    factors = seen.factors if action is Action.FACTOR_RESET else ()
    told = said_beside(app, others, at, other=False)
    return view.Needs(facts=(account, *_facts(asked)), why=asked.raised, factors=factors, notice=told)


def _facts(asked: Requirement) -> tuple[view.Fact, ...]:
    rule = asked.approve
    approve = wording.seats(rule) if rule else "not asked"
    hold = wording.span(timedelta(seconds=asked.hold_s)) if asked.hold_s else "none"
    return (
        view.Fact(label="Verify", value=" — or ".join(wording.way(v) for v in asked.verify)),
        view.Fact(label="Approve", value=approve),
        view.Fact(label="Hold", value=hold),
        *((view.Fact(label="Cosign", value=wording.COSIGN),) if asked.cosigned else ()),
        view.Fact(label="After", value=". ".join(wording.aftercare(asked))),
    )


def _action(said: Said) -> Action:
    try:
        return Action(said.get("action", ""))
    except ValueError as error:
        raise Invalid("That is nothing one can ask for.", "Pick an action.", where="action") from error


def context_of(said: Said) -> Context:
    """How the request came in, as the form says it."""
    return Context(
        channel=said.get("channel", CHANNELS[0]),
        location=said.get("location", LOCATIONS[0]),
        device=said.get("device", DEVICES[0]),
        risk=said.get("risk", RISKS[0]),
        situation=said.get("situation", SITUATIONS[0]),
    )


def open_case(app: App, actor: PersonId, at: datetime, said: Said) -> CaseId:
    """Open the case the form describes; its ticket is linked by a step of its own."""
    contact = said.get("contact") if _action(said) is Action.RECOVERY_INFO_CHANGE else None
    wish = Wish(
        action=_action(said),
        factors=tuple(f.strip() for f in said.get("factors", "").split(",") if f.strip()),
        contact=ContactKind(contact) if contact in set(ContactKind) else None,
        role=said.get("role") or None,
    )
    return app.desk.intake.open(
        actor,
        directory=said.get("directory", ""),
        query=said.get("account", "").strip(),
        wish=wish,
        context=context_of(said),
        origin=said.get("origin", "").strip() or None,
        reason=said.get("reason", ""),
        at=at,
        lane=LANE.get(said.get("lane", ""), "voice"),
        caller=said.get("caller", ""),
    )
