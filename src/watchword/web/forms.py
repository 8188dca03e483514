"""The forms of a case's steps, and what each does when it is posted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from watchword.app import App
from watchword.core.action import Step
from watchword.core.case import (
    PAUSABLE,
    TERMINAL,
    AwaitingApproval,
    Case,
    Checked,
    Delivered,
    Failed,
    Holding,
    Paused,
    Releasable,
    Released,
    Verifying,
    beneath,
)
from watchword.core.errors import Invalid
from watchword.core.ids import AccountId, CaseId
from watchword.core.objection import stops_care
from watchword.core.proving import KIOSK
from watchword.desk.decisions import request_digest
from watchword.reception.browser import mark_of
from watchword.reception.cases import settle
from watchword.reception.problems import NotThere
from watchword.reception.sessions import Actor
from watchword.web.view import Field, Form, Option

_WHY = Field(name="why", label="Why", kind="area", hint="Kept sealed beside the entry.")


_PROTECTIONS = Field(
    name="protection",
    label="What",
    kind="select",
    value="both",
    options=(
        Option(value="both", label="Lock it and end its sessions"),
        Option(value="sessions", label="End its sessions"),
    ),
)


_FACTORS = Field(
    name="factors",
    label="Factors to suspend",
    required=False,
    hint="Their ids at the directory, with commas between. Where it suspends none, lock the account.",
)


def form(case: CaseId, step: str, button: str, **more: object) -> Form:
    """A form that posts to *step* of *case*."""
    return Form(action=f"/cases/{case}/{step}", button=button, **more)  # type: ignore[arg-type]


def ticket(case: CaseId) -> Form:
    """Link the ticket."""
    number = Field(name="ticket", label="Ticket", hint="Its number, as the ticket system shows it. Kept sealed.")
    return form(case, "ticket", "Link the ticket", fields=(number,))


def begin(case: CaseId, name: str) -> Form:
    """Begin a method."""
    fields = [Field(name="method", label="", kind="hidden", value=name)]
    if name == "custodian_passkey":
        fields.append(Field(name="custodian", label="Custodian", hint="The login of whoever holds the sealed key."))
    if name == KIOSK:
        hint = "The login of whoever supervises the site and looks at the badge."
        fields.append(Field(name="custodian", label="Supervisor", hint=hint))
    return form(case, "begin", "Begin", weight="quiet", fields=tuple(fields))


def attest(case: CaseId, challenge: str, hint: str, label: str = "What was shown, and where") -> Form:
    """Say what was seen."""
    return form(
        case,
        "attest",
        "I saw this",
        fields=(
            Field(name="challenge", label="", kind="hidden", value=challenge),
            Field(name="answer", label=label, hint=hint),
        ),
    )


def ask(case: CaseId) -> Form:
    """Go on once nothing is missing."""
    return form(case, "ask", "Fix the request", lede="Everything is proved. This fixes exactly what is asked for.")


def approve(case: AwaitingApproval) -> Form:
    """Say yes to exactly these bytes."""
    digest = Field(name="digest", label="", kind="hidden", value=request_digest(case.request))
    return form(
        case.id, "approve", "Approve exactly this", lede="You approve these bytes and nothing else.", fields=(digest,)
    )


def answer(case: CaseId, question: str) -> Form:
    """Answer an approver's question."""
    fields = (
        Field(name="question", label="", kind="hidden", value=question),
        Field(name="words", label="Your answer", hint="For the approvers of this case. Kept sealed."),
    )
    return form(case, "answer", "Answer", weight="quiet", fields=fields)


def refuse(case: CaseId) -> Form:
    """Say no."""
    why = Field(name="why", label="Why", hint="Kept sealed beside the entry.")
    return form(case, "refuse", "Refuse", weight="danger", fields=(why,))


def release(case: CaseId) -> Form:
    """Let the executor act."""
    return form(case, "release", "Release", lede="The executor may then do exactly what was approved, once.")


def close(case: CaseId) -> Form:
    """End it."""
    return form(case, "close", "Close the case", lede="The work is done.")


def review(case: CaseId) -> Form:
    """Look back."""
    return form(
        case,
        "review",
        "Record the review",
        title="Review",
        lede="You took no step in this case. Look at its entries, then say what you found.",
        fields=(
            Field(name="words", label="What you looked at", kind="area"),
            Field(
                name="sound",
                label="Was it sound?",
                kind="select",
                value="yes",
                options=(Option(value="yes", label="Sound"), Option(value="no", label="Not sound")),
            ),
        ),
    )


def others(case: Case, may: Callable[[Step], bool], *, frozen: bool) -> tuple[Form, ...]:
    """Steps beside the one that is due; *frozen* says that failures closed methods of the account."""
    open_ = type(case) in (Verifying, AwaitingApproval, Holding, Releasable)
    found: list[Form] = []
    if frozen and may(Step.RELEASE_FREEZE):
        lede = "Opens the methods again that failures closed, once a second person agrees."
        found.append(form(case.id, "freeze-release", "Agree", title="Release the freeze", lede=lede, weight="quiet"))
    if open_ and may(Step.ESCALATE):
        lede = "Asks for more than policy does. It can not be taken back."
        found.append(form(case.id, "escalate", "Escalate", title="Escalate", lede=lede, weight="quiet"))
    if type(case) is Verifying and may(Step.BREAK_GLASS):
        lede = "Skips verification. A second custodian has to agree, security is paged, and a review is owed."
        found.append(
            form(
                case.id,
                "break-glass",
                "Break the glass",
                title="Break the glass",
                lede=lede,
                weight="danger",
                fields=(_WHY,),
            )
        )
    if open_ and may(Step.PROTECT):
        found.append(
            form(
                case.id,
                "protect",
                "Take access away",
                title="Protect the account",
                lede="Takes access away at once, after one proof or by security on duty. It ends this case.",
                weight="danger",
                fields=(_PROTECTIONS, _FACTORS, _WHY),
            )
        )
    if (open_ or type(case) is Released) and may(Step.WITHDRAW):
        lede = "Ends the case. Nothing was changed."
        found.append(
            form(case.id, "withdraw", "Withdraw", title="Withdraw", lede=lede, weight="danger", fields=(_WHY,))
        )
    if (type(case) is Paused or stops_care(case)) and may(Step.LIFT_PAUSE):
        lede = "Somebody said that this is not theirs. You took no part in it, and looked at it: let it go on."
        if stops_care(case):
            lede = f"{lede} The person can then confirm on their page that it was them."
        found.append(form(case.id, "lift", "Let it go on", title="Lift the pause", lede=lede, fields=(_WHY,)))
    if isinstance(case, (*PAUSABLE, Paused, Delivered, Failed)) and not isinstance(case, TERMINAL) and may(Step.OBJECT):
        lede = "The person says that they did not ask for this. It stands still at once; a second voice takes it back."
        said = Field(name="said", label="What they said", kind="area", hint="Kept sealed beside the entry.")
        found.append(form(case.id, "object", "Stop it", title="“Not me”", lede=lede, weight="danger", fields=(said,)))
    if isinstance(beneath(case), Released) and may(Step.CONTAIN):
        lede = "This recovery was fraudulent: suspend the account, end its sessions, freeze its agents' open cases."
        found.append(form(case.id, "contain", "Contain", title="Contain", lede=lede, weight="danger", fields=(_WHY,)))
    return tuple(found)


def closable(case: Case) -> bool:
    """Whether the work of a case is over but for its closing."""
    return type(case) in (Delivered, Failed, Checked) and not isinstance(case, TERMINAL)


BROWSER = "watchword browser"
"""What the edge adds to a form: the value of the browser's cookie. No field of a form has this name."""

Said = Mapping[str, str]
Taking = Callable[[App, Actor, Case, Said, datetime], None]


def _begin(app: App, actor: Actor, case: Case, said: Said, at: datetime) -> None:
    custodian = app.names.person(said["custodian"]) if said.get("custodian") else None
    mark = mark_of(app, said.get(BROWSER))
    app.desk.verification.begin(actor.person, case.id, said.get("method", ""), at, custodian=custodian, mark=mark)


def _attest(app: App, actor: Actor, case: Case, said: Said, at: datetime) -> None:
    challenge = said.get("challenge", "")
    app.desk.verification.answer(case.id, challenge, said.get("answer", ""), at, attesting=actor.person)
    settle(app, case.id, challenge, at)


def _review(app: App, actor: Actor, case: Case, said: Said, at: datetime) -> None:
    if said.get("sound") not in {"yes", "no"}:
        raise Invalid("Say whether it was sound.", "Answer yes or no.", where="sound")
    app.desk.decisions.review(
        actor.person, case.id, sound=said["sound"] == "yes", account_given=said.get("words", ""), at=at
    )


def _release_freeze(app: App, actor: Actor, case: Case, said: Said, at: datetime) -> None:
    del said
    app.desk.decisions.release_freeze(actor.person, AccountId(case.account), at)


_TAKEN: dict[str, Taking] = {
    "ticket": lambda app, actor, case, said, at: app.desk.intake.link_ticket(
        actor.person, case.id, said.get("ticket", ""), at
    ),
    "begin": _begin,
    "attest": _attest,
    "ask": lambda app, actor, case, _, at: app.desk.verification.ask(actor.person, case.id, at),
    "approve": lambda app, actor, case, said, at: app.desk.decisions.approve(
        actor.person, case.id, said.get("digest", ""), actor.session, at, browser=mark_of(app, said.get(BROWSER))
    ),
    "answer": lambda app, actor, case, said, at: app.desk.decisions.answer_question(
        actor.person, case.id, said.get("question", ""), said.get("words", ""), at
    ),
    "refuse": lambda app, actor, case, said, at: app.desk.decisions.refuse(
        actor.person, case.id, said.get("why", ""), at
    ),
    "release": lambda app, actor, case, _, at: app.desk.decisions.release(actor.person, case.id, at),
    "escalate": lambda app, actor, case, _, at: app.desk.decisions.escalate(actor.person, case.id, at),
    "break-glass": lambda app, actor, case, said, at: app.desk.decisions.break_glass(
        actor.person, case.id, said.get("why", ""), at
    ),
    "withdraw": lambda app, actor, case, said, at: app.desk.decisions.withdraw(
        actor.person, case.id, said.get("why", ""), at
    ),
    "object": lambda app, actor, case, said, at: app.desk.objections.object(
        actor.person, case.id, said.get("said", ""), at
    ),
    "lift": lambda app, actor, case, said, at: app.desk.objections.lift(actor.person, case.id, said.get("why", ""), at),
    "contain": lambda app, actor, case, said, at: _done(
        app.desk.decisions.contain(actor.person, case.id, said.get("why", ""), at)
    ),
    "protect": lambda app, actor, case, said, at: app.desk.protection.protect(
        actor.person,
        case.id,
        said.get("why", ""),
        at,
        lock=said.get("protection") != "sessions",
        factors=tuple(name.strip() for name in said.get("factors", "").split(",") if name.strip()),
    ),
    "close": lambda app, actor, case, _, at: app.desk.decisions.close(actor.person, case.id, at),
    "review": _review,
    "freeze-release": _release_freeze,
}


def _done(_: object) -> None:
    """A step whose answer is read from the case."""


def take(app: App, actor: Actor, case: Case, step: str, said: Said, at: datetime) -> None:
    """Take *step* as the form said it; raise `NotThere` for a step there is no form for."""
    if step not in _TAKEN:
        raise NotThere
    _TAKEN[step](app, actor, case, said, at)
