"""The runner of effects: claims a due row, derives from the evidence what it stands for, does it, records the outcome.

A row causes nothing by itself. A change runs only when its case's release is covered by a verified, signed checkpoint,
and only as the approved bytes say. Silence from a directory is not failure: the outcome is read back before anything is
tried again. Every handler may run twice; the case's state makes the second time harmless.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec
import structlog

from watchword.core import command as do
from watchword.core import event as past
from watchword.core.account import AccountClass
from watchword.core.case import (
    Case,
    Contained,
    Executed,
    Executing,
    Holding,
    Released,
    change_of,
    progress_of,
    state_of,
    yields_credential,
)
from watchword.core.change import Receipt, SetContact
from watchword.core.errors import Conflict, Corrupt, Invalid, Refused, Unavailable, WatchwordError
from watchword.core.ids import CaseId, PersonId, Seq
from watchword.desk.asks import LOOK, Kind
from watchword.desk.clearing import GRANT_OVER, Clearing, DemandCosigned, Order
from watchword.desk.desk import Desk
from watchword.desk.followers import Starts
from watchword.desk.hand_over import ENVELOPE
from watchword.desk.new_contact import previous
from watchword.desk.notify import Notices
from watchword.desk.paging import Paging
from watchword.desk.pushes import Pushes
from watchword.desk.recording import DOWNTIME_STREAM
from watchword.desk.reminder import Reminder
from watchword.desk.sealing import new_secret, seal
from watchword.desk.steps import Loaded
from watchword.desk.waking import Waking
from watchword.directories.port import Confirmation, kind_of
from watchword.ledger.entry import Disclosure, Retention
from watchword.ledger.store import EffectRow, EffectState, Settle
from watchword.notices.port import Pager

LEASE = timedelta(seconds=60)
"""How long a claimed row is ours; after that another runner reads back what became of it."""

BACKOFF = (5, 15, 60, 300)
"""Seconds before a row is tried again while another system does not answer."""

RECEIPT = "receipt"
"""Name of the disclosure that holds the directory's receipt as JSON."""

log = structlog.get_logger("watchword.effects")


class Caps(msgspec.Struct, frozen=True, kw_only=True):
    """The most changes all executors of a ledger do within an hour, by class of account; *default* for the others."""

    default: int = 60
    by_class: tuple[tuple[AccountClass, int], ...] = (
        (AccountClass.EXECUTIVE, 10),
        (AccountClass.FINANCE, 10),
        (AccountClass.PRIVILEGED, 6),
        (AccountClass.IDENTITY_CONTROL, 6),
        (AccountClass.BREAK_GLASS, 4),
    )

    def of(self, account_class: AccountClass) -> int:
        """The cap of one class."""
        return dict(self.by_class).get(account_class, self.default)


class Runner:
    """Does what is due of *kinds*, one row at a time. Several runners may share a ledger."""

    def __init__(
        self,
        desk: Desk,
        notices: Notices,
        *,
        pagers: tuple[Pager, ...] = (),
        waking: Waking | None = None,
        owner: str,
        demand_cosigned: DemandCosigned,
        kinds: tuple[str, ...] = (*Kind.DESK, *Kind.EXECUTOR),
        caps: Caps = Caps(),  # noqa: B008  (a frozen value)
        told: Callable[[str, str], None] = lambda kind, outcome: None,  # noqa: ARG005
    ) -> None:
        self.desk = desk
        self.steps = desk.steps
        self.clearing = Clearing(desk.steps, desk.verification, desk.approvals, desk.lending, demand_cosigned)
        self.notices = notices
        self.pushes = Pushes(desk.steps, desk.verification)
        self.waking = waking
        self.paging = Paging(notices, pagers)
        self.owner = owner
        self.kinds = kinds
        self.caps = caps
        self._told = told
        self.starts = Starts()
        self.reminder = Reminder(desk.steps, kinds)

    def step(self, at: datetime) -> EffectRow | None:
        """Do one due row; None when nothing is due. `Corrupt` stops the world; other faults put it off or end it.

        Safe to repeat after a crash at any point.
        """
        self.steps.ledger.refresh()
        claimed = self.steps.ledger.claim(at, self.owner, LEASE, self.kinds)
        if not claimed:
            return None
        row = claimed[0]
        try:
            self._do(row, at)
            self._told(row.kind, "done")
        except Unavailable as fault:
            wait = BACKOFF[min(row.attempts, len(BACKOFF)) - 1]
            log.warning("effect.put_off", effect=row.id, attempts=row.attempts, seconds=wait, why=fault.what)
            self.steps.ledger.reschedule(row.id, self.steps.now(at) + timedelta(seconds=wait))
            self._told(row.kind, "put_off")
        except Conflict:
            self.steps.ledger.reschedule(row.id, self.steps.now(at) + timedelta(seconds=1))
        except (Refused, Invalid) as fault:
            # The evidence does not ask for this (any more): the row was only a hint, and what refused it is known.
            log.info("effect.dropped", effect=row.id, fault=fault.fault, why=fault.what)
            self._settle(row)
            self._told(row.kind, "dropped")
        except WatchwordError:
            raise
        except Exception:  # as after a crash: what was begun is read back when its turn comes again
            log.critical("effect.failed", effect=row.id, attempts=row.attempts, exc_info=True)
            self.steps.ledger.reschedule(row.id, self.steps.now(at) + timedelta(seconds=BACKOFF[-1]))
            self._told(row.kind, "failed")
        return row

    def drain(self, at: datetime, limit: int = 1000) -> int:
        """Do everything that is due from *at* on, what is owed and was lost included; returns how many rows.

        Each row at the time it is by then: what another one waited for may have taken longer than a grant lasts.
        """
        self.reminder.remind(at)
        done = 0
        while done < limit and self.step(self.steps.now(at)) is not None:
            done += 1
        return done

    def _settle(self, row: EffectRow) -> None:
        self.steps.ledger.append((), (), (Settle(effect_id=row.id, state=EffectState.DONE),))

    def _do(self, row: EffectRow, at: datetime) -> None:
        case = CaseId(row.stream.removeprefix("case/"))
        done = (Settle(effect_id=row.id, state=EffectState.DONE),)
        match row.kind:
            case Kind.SEND:
                challenge = row.id.rpartition("/")[2]
                if not self.pushes.send(case, challenge, at) and not self._wake(case, challenge, at):
                    self.notices.send_code(case, challenge, row.id, at)
                self._settle(row)
            case Kind.LOOK:
                if self.pushes.look(case, row.id.rpartition("/")[2], at):
                    self._settle(row)
                else:
                    self.steps.ledger.reschedule(row.id, at + LOOK)
            case Kind.NOTICE:
                self.notices.tell(case, row.id, at)
                self._settle(row)
            case Kind.APPROVED:
                self.notices.tell_approved(case, int(row.id.rpartition("/")[2]), row.id, at)
                self._settle(row)
            case Kind.CREDENTIAL:
                person, _, version = row.id.removeprefix("person/").partition(f"/{Kind.CREDENTIAL}/")
                self.notices.tell_credential(PersonId(person), int(version), row.id, at)
                self._settle(row)
            case Kind.HOLD:
                self._when(case, Holding, do.ElapseHold(), at, done, row)
            case Kind.EXPIRE:
                self.steps.system_step(case, self._expired, at, settle=done)
            case Kind.FREEZE:
                self.desk.decisions.freeze_related(case, at)
                self._settle(row)
            case Kind.CAMPAIGN:
                self.desk.campaigns.raise_all(case, at)
                self._settle(row)
            case Kind.PAGE if row.stream == DOWNTIME_STREAM:
                self.paging.page_downtime(row.id, at)
                self._settle(row)
            case Kind.PAGE:
                self.paging.page(case, row.id.rpartition("/")[2], row.id, at)
                self._settle(row)
            case Kind.SKIPPED:
                self.paging.tell_skipped(case, row.id, at)
                self._settle(row)
            case Kind.CARE:
                self.steps.system_step(case, lambda _: do.MissCare(by=self.steps.runner), at, settle=done)
                log.warning("care.looked_at", case=case, state=state_of(self.steps.load(case).case))
            case Kind.SHIELD:
                self.desk.protection.restart_holds(case, at)
                self._settle(row)
            case Kind.REVIEW:
                now = self.steps.load(case).case
                if now.reviewer is None and not now.review_overdue:
                    self.steps.system_step(case, lambda _: do.OverdueReview(), at, settle=done)
                    log.error("review.overdue", case=case)
                else:
                    self._settle(row)
            case Kind.CHANGE:
                with self.steps.registry.folds.afresh():  # it trusts no memory of ours
                    self._change(case, row, at)
            case Kind.CONFIRM:
                self._confirm(case, row, at)
            case Kind.VALIDATE:
                self._validate(case, at, done)
            case _:
                raise Invalid(f"Nobody does effects of kind {row.kind!r}.", "Upgrade.", where=row.id)

    def _expired(self, loaded: Loaded) -> do.Command:
        return do.Expire(alone=self.steps.portal is not None and loaded.case.opener == self.steps.portal)

    def _wake(self, case: CaseId, challenge: str, at: datetime) -> bool:
        """Have an enrolled browser woken; whether the challenge is one that browsers answer."""
        if self.waking is None:
            return False
        return self.waking.wake(case, challenge, self.notices.language_of(self.steps.load(case).case), at)

    def _when(
        self,
        case: CaseId,
        state: type[Case],
        command: do.Command,
        at: datetime,
        done: tuple[Settle, ...],
        row: EffectRow,
    ) -> None:
        if isinstance(self.steps.load(case).case, state):
            self.steps.system_step(case, lambda _: command, at, settle=done)
        else:
            self._settle(row)

    # --- changes: only the executor -----------------------------------------------------------------------------------

    def _change(self, case: CaseId, row: EffectRow, at: datetime) -> None:
        """Start the next change of a case, or read back the one a crash left in the open."""
        loaded = self.steps.load(case)
        first = _first_pending(loaded.case)
        number = _next_number(loaded.case)
        if first is not None:
            self._read_back(loaded, first, row, at)
        elif number is None:
            self._confirm(case, row, at)
        elif isinstance(loaded.case, Released) and yields_credential(loaded.case) and loaded.case.jwk is None:
            raise Refused("Nobody has opened the hand-over yet.", "Opening it asks again.", ("no_hand_over_key",))
        else:
            size = self.steps.ledger.size
            try:
                order = self.clearing.judge(loaded, at)
                if change_of(loaded.case, number) not in order.cleared.changes:
                    raise Corrupt("The change to be done is not among those approved.", "Stop, and run fsck.")
                self._cap(order.loaded.case, at)
                self._perform(order, number, size, row, at)
            except Refused as refused:
                self._refused(loaded.case, refused, at)
                raise

    def _refused(self, case: Case, refused: Refused, at: datetime) -> None:
        """Record that the executor said no, which ends the case; a grant that ran out unused may be given again."""
        if type(case) not in (Released, Executing) or (type(case) is Released and GRANT_OVER in refused.reasons):
            return
        command = do.RefuseExecution(executor=self.steps.executor, reasons=refused.reasons)
        self.steps.system_step(case.id, lambda _: command, at)
        log.warning("execution.refused", case=case.id, reasons=refused.reasons)

    def _cap(self, case: Case, at: datetime) -> None:
        """Put the change off when too many of its class were started within the hour; never what takes access away."""
        if isinstance(case, Contained):
            return
        self.starts.follow(self.steps.ledger)
        begun = len(self.starts.within_the_hour(case.account_class, at))
        if begun >= self.caps.of(case.account_class):
            raise Unavailable(
                f"{begun} changes of {case.account_class} accounts were begun within the hour.",
                "It goes on when the hour is over; if this is an attack, stop every executor.",
            )

    def _beyond_the_cap(self, case: Case, at: datetime) -> bool:
        """Whether others of its class were begun just before this case's change, which was judged beside them.

        All executors read one order of starts, so exactly those beyond the cap step back, before they touch anything.
        """
        if isinstance(case, Contained):
            return False
        self.starts.follow(self.steps.ledger)
        lately = self.starts.within_the_hour(case.account_class, at)
        mine = max((s.seq for s in lately if s.case == case.id), default=Seq(0))
        return sum(s.seq < mine for s in lately) >= self.caps.of(case.account_class)

    def _perform(self, order: Order, number: int, size: int, row: EffectRow, at: datetime) -> None:
        case, native = order.loaded.case, order.native
        change = change_of(case, number)
        value = self.desk.new_contact.approved(case.id, change) if isinstance(change, SetContact) else None
        before = order.directory.before(native, change)
        secret = new_secret() if change.yields_credential else None
        told: tuple[Disclosure, ...] = ()
        if secret is not None and isinstance(case, Released):
            sealed = seal(secret, case.jwk or "")
            told = (Disclosure(name=ENVELOPE, value=sealed, retention=Retention.SHORT),)
        if isinstance(change, SetContact):
            told = (*told, *previous(order.directory.read(native).contacts, change))
        started = do.Start(number=number, effect=row.id, executor=self.steps.executor, before=before)
        try:
            self.steps.system_step(
                case.id, lambda _: started, self.steps.now(at), disclosures={past.ChangeStarted: told}
            )
        except Refused as raced:
            raise Conflict("Another executor has this change in hand.", raced.remedy) from raced
        if self._beyond_the_cap(case, at):
            log.warning("change.stepped_back", case=case.id, number=number)
            self._ended(case.id, number, "not_done", "not asked of the directory: beyond the cap", row, at)
            return
        try:
            self.clearing.demand_still(order, size, self.steps.now(at))
        except (Refused, Unavailable) as withdrawn:  # what was started is ended; the next judgement says what follows
            log.warning("change.stepped_back", case=case.id, number=number, why=withdrawn.what)
            self._ended(case.id, number, "not_done", f"not asked of the directory: {withdrawn.what}", row, at)
            return
        try:
            receipt = order.directory.apply(native, change, row.id, secret, value)
        except Unavailable as fault:
            log.warning("change.silence", case=case.id, number=number, why=fault.what)
            self._ended(case.id, number, "unknown", None, row, at)
        except (Refused, Invalid) as fault:
            log.warning("change.refused", case=case.id, number=number, why=fault.what)
            self._ended(case.id, number, "refused", fault.what, row, at)
        else:
            self._ended(case.id, number, "done", receipt, row, at)

    def _ended(
        self,
        case: CaseId,
        number: int,
        outcome: past.Outcome,
        proof: Receipt | str | None,
        row: EffectRow,
        at: datetime,
    ) -> None:
        text = msgspec.json.encode(proof).decode() if isinstance(proof, Receipt) else proof
        told = (Disclosure(name=RECEIPT, value=text, retention=Retention.CORE),) if text else ()
        command = do.End(number=number, outcome=outcome)
        self.steps.system_step(
            case,
            lambda _: command,
            self.steps.now(at),
            disclosures={past.ChangeEnded: told},
            settle=(Settle(effect_id=row.id, state=EffectState.DONE),),
        )

    def _confirm(self, case: CaseId, row: EffectRow, at: datetime) -> None:
        """Read back every change of a case whose end nobody knows."""
        loaded = self.steps.load(case)
        for pending in _pending(loaded.case):
            self._read_back(loaded, pending, row, at)
        self._settle(row)

    def _read_back(self, loaded: Loaded, number: int, row: EffectRow, at: datetime) -> None:
        """Ask the directory what became of a change; unknown is asked again, and nothing is repeated blindly."""
        progress = next(p for p in progress_of(loaded.case) if p.number == number)
        if not progress.silent and at - progress.begun < LEASE:
            raise Unavailable("The change may be in an executor's hands.", "It is read back once its lease is over.")
        change = change_of(loaded.case, number)
        name, native = self.steps.registry.native_id(loaded.case.account)
        directory = self.steps.directory(name)
        answer = directory.confirm(native, change, progress.before)
        if answer is Confirmation.UNKNOWN:
            raise Unavailable("The directory can not say whether the change was done.", "It is asked again.")
        proof = Receipt(
            directory=name,
            principal=directory.principal_keys[0] if directory.principal_keys else "",
            principal_keys=directory.principal_keys,
            at=at,
            before=progress.before,
            after=f"read back: {answer}",
        )
        self._ended(loaded.case.id, number, "done" if answer is Confirmation.DONE else "not_done", proof, row, at)

    def _validate(self, case: CaseId, at: datetime, done: tuple[Settle, ...]) -> None:
        """Read the directory again: every change is there."""
        loaded = self.steps.load(case)
        if not isinstance(loaded.case, Executed):
            self.steps.ledger.append((), (), done)
            return
        name, native = self.steps.registry.native_id(loaded.case.account)
        directory = self.steps.directory(name)
        answers = {
            p.number: directory.confirm(native, change_of(loaded.case, p.number), p.before)
            for p in loaded.case.progress
        }
        sound = all(a is not Confirmation.NOT_DONE for a in answers.values())
        if not sound:
            log.error("validation.failed", case=case, changes=[kind_of(c) for c in loaded.case.changes])
        command = do.Validate(by=self.steps.executor, sound=sound)
        self.steps.system_step(case, lambda _: command, at, settle=done)


def _pending(case: Case) -> tuple[int, ...]:
    """The numbers of the changes that were started and whose end nobody knows."""
    return tuple(p.number for p in progress_of(case) if p.outcome is None)


def _first_pending(case: Case) -> int | None:
    """The change to be read back before another is started; a containment does not wait for what it takes back."""
    first = len(case.changes) if isinstance(case, Contained) else 0
    return next((n for n in _pending(case) if n >= first), None)


def _next_number(case: Case) -> int | None:
    """The first change that has no outcome but "not done"; None when there is none.

    Of a containment only what it takes back is still done.
    """
    ended = {p.number for p in progress_of(case) if p.outcome not in ("not_done", None)}
    own = range(len(case.changes))
    numbers = range(len(own), len(own) + len(case.taken_back)) if isinstance(case, Contained) else own
    return next((n for n in numbers if n not in ended), None)
