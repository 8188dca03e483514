"""A case as its page: eight stages with their entries, what is missing, and the form of the step that is due."""

from __future__ import annotations

from datetime import datetime, timedelta

from watchword.app import App
from watchword.core.action import Action, Step
from watchword.core.aftercare import confirm_due
from watchword.core.case import (
    TERMINAL,
    AwaitingApproval,
    Case,
    Checked,
    Closed,
    Contained,
    Delivered,
    Failed,
    Frozen,
    Holding,
    Paused,
    Protected,
    Releasable,
    Released,
    Verifying,
    state_of,
    yields_credential,
)
from watchword.core.contact import is_missing
from watchword.core.fold import evolve
from watchword.core.gates import withstands
from watchword.core.ids import PersonId
from watchword.core.objection import stops_care
from watchword.core.quorum import Pending, resolve
from watchword.core.requirement import Requirement
from watchword.desk.recording import case_stream, recorded
from watchword.desk.steps import Loaded
from watchword.ledger.append import Appended
from watchword.reception import wording
from watchword.reception.cases import by_whom, caller_of, page_address
from watchword.web import forms, view
from watchword.web.approver import approver_card
from watchword.web.beside import beside, said_beside
from watchword.web.frame import beside_the_desk, chrome, name_of
from watchword.web.rail import facts_of, rail
from watchword.web.scripts import MEANWHILE
from watchword.web.seats import open_seats
from watchword.web.stages import BAD, STAGE_OF, STAGES, TITLES, WARN, stage_of, tone_of
from watchword.web.tiles import tiles
from watchword.web.whose import not_yours

UNTOLD = (
    "The hold has not begun: nobody could be told of it yet. See that mail or telephone works and that the directory "
    "has a contact point, which is tried again; or withdraw this case and have the person come in."
)
"""What a hold waits for that no notice went out of."""


class _Builder:
    """One page in the making."""

    def __init__(self, app: App, loaded: Loaded, actor: PersonId, at: datetime) -> None:
        self.app, self.case, self.actor, self.at = app, loaded.case, actor, at
        self.facts = facts_of(app, loaded)
        self.loaded = loaded
        self.entries = app.ledger.read(case_stream(loaded.case.id))
        self.reached = self._reached()
        self.stopped = isinstance(loaded.case, (*TERMINAL, Failed)) and not isinstance(loaded.case, Closed)
        self.missing = app.desk.verification.missing(self.case, at) if isinstance(self.case, Verifying) else ()
        self.ways = app.desk.ways.of(loaded, self.facts.seen, at) if isinstance(self.case, Verifying) else ()
        self.stuck = bool(self.missing) and not app.desk.ways.enough(loaded, self.ways, at)

    @property
    def freeze(self) -> int:
        """How far the account is frozen."""
        return self.loaded.account.freeze(self.at, self.app.desk.steps.thresholds)

    @property
    def frozen(self) -> bool:
        """Whether failures closed methods of the account."""
        return self.freeze > 0

    def may(self, step: Step) -> bool:
        """Whether to offer *step* to whoever looks."""
        return self.app.desk.steps.may(self.actor, step, self.loaded, self.at)

    def _reached(self) -> int:
        """The furthest stage the case was in before it ended."""
        state: Case | None = None
        reached = 0
        for appended in self.entries:
            state = evolve(state, recorded(appended))
            if not isinstance(state, TERMINAL) or isinstance(state, Closed):
                reached = stage_of(state)
        return reached

    def build(self, frame: view.Chrome) -> view.CasePage:
        """The page whole."""
        case, facts = self.case, self.facts
        return view.CasePage(
            chrome=frame,
            case=case.id,
            version=self.loaded.version,
            action=wording.ACTIONS[case.action][0],
            name=facts.name,
            login=facts.login,
            account_class=wording.plain(case.account_class),
            state=state_of(case).capitalize(),
            tone=tone_of(case),
            next_step=self.next_step(),
            whose=not_yours(self.app, self.actor, self.loaded, self.at),
            stages=tuple(self.stage(i) for i in range(len(STAGES))),
            rail=rail(self.app, self.loaded, facts, self.actor, self.at),
            notices=self.notices(),
            others=forms.others(case, self.may, frozen=self.frozen),
        )

    def notices(self) -> tuple[view.Notice, ...]:
        """What must not be overlooked."""
        found = []
        case = self.case
        if self.facts.silent:
            found.append(view.Notice(title="The directory does not answer", text=self.facts.silent))
        if self.frozen and not isinstance(case, TERMINAL):
            left = "is not enough: two" if self.stuck else "can still be begun. Or two"
            found.append(
                view.Notice(
                    title="Too many verifications of this account failed",
                    text="Methods are closed, whoever asks: they stand below with that reason, and do not count.",
                    tone="bad",
                    way_on=f"What stands below {left} people on duty, of IAM or security, open the methods again "
                    "under “Other steps” of this case.",
                    script=MEANWHILE["frozen"],
                )
            )
        elif self.stuck:
            found.append(
                view.Notice(
                    title="What this person can prove is not enough",
                    text="All that can be begun below does not add up to what policy asks, so do not begin.",
                    way_on=self.way_out(),
                )
            )
        if not isinstance(case, TERMINAL):
            others = beside(self.app, self.actor, self.at, account=case.account, subject=case.subject, but=case.id)
            found.extend(notice for notice in (said_beside(self.app, others, self.at),) if notice)
        if self.case.review_due and not self.case.reviewer:
            when = f"{self.case.review_due:%-d %b %H:%M} UTC"
            found.append(
                view.Notice(
                    title="A review is owed",
                    text=f"Somebody who took no step here has to look at it by {when}.",
                    tone="bad" if self.case.review_overdue else "warn",
                )
            )
        if self.case.unsound:
            found.append(
                view.Notice(
                    title="The review found it not sound",
                    text="What was looked at is kept sealed with the review; security was paged.",
                    tone="bad",
                )
            )
        return tuple(found)

    def way_out(self) -> str:
        """What would help somebody who can not prove enough: time, or a case for who lost what they prove with."""
        young = sorted((o.counts_from, wording.method(o.method)) for o in self.ways if o.counts_from is not None)
        waits = f"{young[0][1]} counts from {young[0][0]:%Y-%m-%d}. " if young else ""
        if not self.app.desk.ways.elsewhere(self.loaded, self.facts.seen, Action.TOTAL_LOSS, self.at):
            return f"{waits}What would count, and why it can not be used, stands below. IAM on duty has to know of it."
        return (
            f"{waits}Where what they prove with is lost or never was there, withdraw this case and open one of total "
            "loss: it takes other proof."
        )

    def next_step(self) -> str:
        """What the case waits for."""
        case, at = self.case, self.at
        match case:
            case Verifying() if case.ticket is None:
                return "The ticket has to be linked."
            case Verifying() if is_missing(case):
                return "Waits for the person to enter the new contact point on their own page."
            case Verifying():
                ways = " — or ".join(", ".join(wording.shortfall(s)) for s in self.missing)
                return f"Still missing: {ways}." if ways else "Everything is proved: the request can be fixed."
            case AwaitingApproval() | Holding() | Releasable() if not withstands(case, self.freeze):
                return (
                    "The account was frozen since, and what was proven here is not enough for it: withdraw this case "
                    "and open one with a passkey or the person on site, or have two people release the freeze."
                )
            case Frozen():
                return (
                    "Another case of this account, or of the same agent, was found fraudulent, so this one goes no "
                    "further. Open a new case if the person still needs it."
                )
            case AwaitingApproval():
                return f"Waits for {', and '.join(self.empty_seats()) or 'nobody'}."
            case Holding() if not case.told:
                return UNTOLD
            case Holding():
                return f"Waits {wording.span(case.until - at)} so that the person can say “not me”."
            case Releasable():
                return "Waits for somebody to release it."
            case Paused():
                return "Somebody said “not me”. It stands still until somebody on duty who took no part lets it go on."
            case Failed():
                return "Nothing more is done here. Open a new case if it is still needed."
            case Protected() if case.unconfirmed:
                return (
                    "Nobody said on the person's page that it was them, so access is taken away. The way back is a "
                    "case of its own, proved anew."
                )
            case Delivered() if stops_care(case) and (due := confirm_due(case)):
                return (
                    "Somebody said “not me” of what was done, so the person's own word waits until somebody on duty "
                    f"who took no part lets it go on; else the account is suspended at {due:%-d %b %Y %H:%M} UTC."
                )
            case Delivered() if due := confirm_due(case):
                return (
                    f"Waits until {due:%-d %b %Y %H:%M} UTC for the person to say on their own page that it was them; "
                    "else the account is suspended."
                )
            case Closed():
                return "Done."
            case Delivered():
                return "Waits to be closed."
            case Checked():
                return "Waits for the person to take it on their own page."
            case Released() if case.jwk is None and yields_credential(case):
                return "Waits for the person to open their own page."
            case Released():
                return "The executor is at work."
        return "It goes no further."

    def empty_seats(self) -> tuple[str, ...]:
        """Seats nobody has taken yet."""
        rule = self.case.requirement.approve
        outcome = resolve(rule, self.case.votes, self.at) if rule else None
        if not isinstance(outcome, Pending):
            return ()
        return (*(wording.seat(s) for s in outcome.seats), *(wording.LACKS[each] for each in outcome.lacks))

    def stage(self, index: int) -> view.Stage:
        """One stage."""
        name = STAGES[index]
        parts: dict[str, object] = getattr(self, name.replace("-", "_"))()
        mine = tuple(e for e in self.entries if self._belongs(e) == index)
        state: view.StageState = "ahead"
        if index < self.reached:
            state = "done" if mine or index in (0, 1) else "skipped"
        elif index == self.reached:
            state = "stopped" if self.stopped else "now"
        elif self._is_skipped(index):
            state = "skipped"
        clock = mine[-1].entry.at if mine else None
        entries = tuple(self._entry(e) for e in mine)
        if state == "now" and self.may(Step.VERIFY):
            parts["script"] = MEANWHILE.get(name, ())
        return view.Stage(name=name, title=TITLES[index], state=state, clock=clock, entries=entries, **parts)  # type: ignore[arg-type]

    def _is_skipped(self, index: int) -> bool:
        asked: Requirement = self.case.requirement
        return {2: asked.approve is None, 3: not asked.hold_s, 6: not yields_credential(self.case)}.get(index, False)

    def _belongs(self, appended: Appended) -> int:
        if appended.entry.type in STAGE_OF:
            return STAGE_OF[appended.entry.type]
        challenge = appended.entry.data.get("challenge")
        purpose = next((c.purpose for c in self.case.challenges if c.id == challenge), "verify")
        return 6 if purpose == "hand_over" else 1

    def _entry(self, appended: Appended) -> view.Entry:
        kind = appended.entry.type
        return view.Entry(
            index=appended.seq,
            hash=appended.leaf,
            at=appended.entry.at,
            what=self._what(kind, dict(appended.entry.data)),
            by=name_of(self.app, by_whom(appended)),
            tone="bad" if kind in BAD else "warn" if kind in WARN else "plain",
        )

    def _what(self, kind: str, data: dict[str, object]) -> str:
        """What an entry says happened; of a change, which."""
        number, browser = data.get("number"), data.get("browser")
        if kind == "method.proved" and isinstance(browser, str):
            return f"{wording.event(kind, data)}{beside_the_desk(self.app, self.case, browser)}"
        changes = (*self.case.changes, *(self.case.taken_back if isinstance(self.case, Contained) else ()))
        if not kind.startswith("change.") or not isinstance(number, int) or not 0 <= number < len(changes):
            return wording.event(kind, data)
        which = wording.change(changes[number], self.app.desk.new_contact.masked(self.case))
        return f"{which}: {'begun' if kind == 'change.started' else wording.plain(str(data.get('outcome', '')))}"

    # --- the stages --------------------------------------------------------------------------------------------------

    def intake(self) -> dict[str, object]:
        """Who took it in, and how it came."""
        case = self.case
        lane = "" if case.lane == "voice" else f" In the {case.lane} lane: nothing is asked over a call."
        caller = caller_of(self.app, case) or "somebody whose name was erased"
        by = f" {caller} calls for them; they prove themself." if case.assisted else ""
        link = type(case) is Verifying and case.ticket is None and self.may(Step.LINK_TICKET)
        return {
            "owner": name_of(self.app, case.opener),
            "asked": f"{wording.context(case.context)}.{lane}{by}",
            "missing": ("the ticket this request came with",) if case.ticket is None and not self.stopped else (),
            "forms": (forms.ticket(case.id),) if link else (),
        }

    def verify(self) -> dict[str, object]:
        """What proves the person, and what is still missing."""
        case = self.case
        asked = f"Policy asks for {' — or '.join(wording.way(v) for v in case.requirement.verify)}."
        agents = dict.fromkeys(c.by for c in case.challenges if c.purpose == "verify")
        parts: dict[str, object] = {
            "asked": asked,
            "why": tuple(wording.plain(one) for one in case.requirement.raised),
            "owner": ", ".join(name_of(self.app, p) for p in agents),
        }
        if not isinstance(case, Verifying):
            return parts
        ends = (e.at + case.requirement.fresh(e.method) for e in case.evidence)
        fresh = [end for end in ends if self.at <= end]
        takes = self.may(Step.VERIFY) and not is_missing(case)
        lacking = tuple(", ".join(wording.shortfall(s)) for s in self.missing)
        if len(lacking) > 1:
            lacking = (f"either {lacking[0]}", *(f"or {words}" for words in lacking[1:]))
        if is_missing(case):
            lacking = ("the person, who enters the new contact point on their own page",)
        return parts | {
            "missing": lacking,
            "tiles": tiles(self.app, self.loaded, self.ways, self.facts.seen, self.actor, self.at, takes=takes),
            "until": min(fresh) if fresh else None,
            "until_words": "the first proof fades",
            "forms": (forms.ask(case.id),) if takes and not self.missing and case.ticket else (),
        }

    def approve(self) -> dict[str, object]:
        """Who has to agree, and to what."""
        case = self.case
        rule = case.requirement.approve
        if rule is None:
            return {"asked": "No approval is asked."}
        parts: dict[str, object] = {
            "asked": wording.seats(rule) + (", each another person." if len(rule.seats) > 1 else "."),
            "owner": ", ".join(name_of(self.app, v.person) for v in case.votes),
        }
        if isinstance(case, AwaitingApproval):
            card = approver_card(
                self.app,
                case,
                open_seats(self.app, self.loaded, self.at),
                self.at,
                decides=self.may(Step.APPROVE),
                answers=self.may(Step.VERIFY),
            )
            parts |= {"missing": self.empty_seats(), "card": card}
        return parts

    def hold(self) -> dict[str, object]:
        """How long the old channels may say "not me"."""
        asked = self.case.requirement
        if not asked.hold_s:
            return {"asked": "No hold is asked."}
        waived = " or ".join(wording.within(wording.method(m)) for m in asked.hold_waived_by)
        length = wording.span(timedelta(seconds=asked.hold_s))
        words = f"{length}, so that the person can say “not me”" + (f"; {waived} waives it." if waived else ".")
        if isinstance(self.case, Holding) and not self.case.told:
            return {"asked": words, "missing": (UNTOLD,)}
        until = self.case.until if isinstance(self.case, Holding) else None
        return {"asked": words, "until": until}

    def execute(self) -> dict[str, object]:
        """What is done to the directory, by the executor alone."""
        case = self.case
        words = wording.changes(case.changes, self.app.desk.new_contact.masked(case))
        cosign = " Witnesses cosign the release first." if case.requirement.cosigned else ""
        parts: dict[str, object] = {"asked": f"{words}. Exactly this, once, by the executor.{cosign}"}
        over = isinstance(case, Holding) and bool(case.told) and self.at >= case.until
        ready = isinstance(case, Releasable) or over
        if ready:
            parts["missing"] = ("somebody to release it",)
        if ready and self.may(Step.RELEASE):
            parts["forms"] = (forms.release(case.id),)
        if isinstance(case, Released):
            parts["owner"] = name_of(self.app, case.releaser)
        if type(case) is Released:
            waits = yields_credential(case) and case.jwk is None
            unseen = ("enough witnesses, who cosign the release",) if self.app.waits_for_witnesses(case) else ()
            parts |= {"until": case.until, "missing": (*((self._page(),) if waits else ()), *unseen)}
        return parts

    def _page(self) -> str:
        address = page_address(self.app, self.loaded, self.actor, self.at)
        return f"the person, who opens {address or 'the page the desk gave them'} and makes a key there"

    def validate(self) -> dict[str, object]:
        """The read-back."""
        return {"asked": "The directory is read again, to see that the change is there."}

    def hand_over(self) -> dict[str, object]:
        """The credential's way to the person."""
        if not yields_credential(self.case):
            return {"asked": "This change makes no credential."}
        what = wording.credential(self.case.changes)
        missing = ("the person, who proves one method again on their own page",) if type(self.case) is Checked else ()
        return {
            "asked": f"The new {what} is sealed to the person's own browser. Nobody at the desk sees it.",
            "missing": missing,
        }

    def close(self) -> dict[str, object]:
        """What follows, and who looks back."""
        case = self.case
        offered: list[view.Form] = []
        if forms.closable(case) and self.may(Step.CLOSE):
            offered.append(forms.close(case.id))
        owed = case.review_due is not None and case.reviewer is None
        over = isinstance(case, (*TERMINAL, Failed, Delivered))
        if owed and over and self.may(Step.REVIEW):
            offered.append(forms.review(case.id))
        return {
            "asked": f"{'. '.join(wording.aftercare(case.requirement))}.",
            "until": case.review_due if owed else None,
            "until_words": "review due",
            "forms": tuple(offered),
        }


def case_page(app: App, loaded: Loaded, actor: PersonId, csrf: str, at: datetime) -> view.CasePage:
    """The page of one case for whoever looks at it."""
    frame = chrome(app, at, csrf, actor, here="cases")
    return _Builder(app, loaded, actor, at).build(frame)
