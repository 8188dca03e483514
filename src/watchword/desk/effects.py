"""The runner of effects: claims a due row, derives from the evidence what it stands for, does it, records the outcome.

A row causes nothing by itself. A change runs only when its case's release is covered by a verified, signed checkpoint,
and only as the approved bytes say. Silence from a directory is not failure: the outcome is read back before anything is
tried again. Every handler may run twice; the case's state makes the second time harmless.
"""

from __future__ import annotations

import hmac
import itertools
import secrets
from collections import deque
from datetime import datetime, timedelta

import msgspec
import structlog
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from watchword.core import command as do
from watchword.core import event as past
from watchword.core.account import AccountClass, Status
from watchword.core.action import Step
from watchword.core.case import Case, Contained, Executed, Executing, Holding, Progress, Released, change_of
from watchword.core.change import Change, Receipt, SetContact
from watchword.core.clearance import Cleared, clear
from watchword.core.errors import Conflict, Corrupt, Invalid, Refused, Unavailable
from watchword.core.ids import CaseId
from watchword.desk.asks import Kind
from watchword.desk.desk import Desk
from watchword.desk.hand_over import ENVELOPE
from watchword.desk.intake import CONTACT, contact_commitment
from watchword.desk.notify import Notices
from watchword.desk.recording import case_stream, event_of
from watchword.desk.steps import Loaded
from watchword.desk.verification import PROOF
from watchword.directories.port import Confirmation, Directory, kind_of
from watchword.ledger.entry import Disclosure, Retention
from watchword.ledger.store import EffectRow, EffectState, Settle
from watchword.methods.port import Proof

LEASE = timedelta(seconds=60)
"""How long a claimed row is ours; after that another runner reads back what became of it."""

BACKOFF = (5, 15, 60, 300)
"""Seconds before a row is tried again while another system does not answer."""

RECEIPT = "receipt"
"""Name of the disclosure that holds the directory's receipt as JSON."""

log = structlog.get_logger("watchword.effects")


class Caps(msgspec.Struct, frozen=True, kw_only=True):
    """The most changes an executor starts within an hour, by account class; *default* for those not named."""

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
        owner: str,
        kinds: tuple[str, ...] = (*Kind.DESK, *Kind.EXECUTOR),
        caps: Caps = Caps(),  # noqa: B008  (a frozen value)
    ) -> None:
        self.desk = desk
        self.steps = desk.steps
        self.notices = notices
        self.owner = owner
        self.kinds = kinds
        self.caps = caps
        self._started: dict[AccountClass, deque[datetime]] | None = None

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
        except Unavailable as fault:
            wait = BACKOFF[min(row.attempts, len(BACKOFF)) - 1]
            log.warning("effect.put_off", effect=row.id, attempts=row.attempts, seconds=wait, why=fault.what)
            self.steps.ledger.reschedule(row.id, at + timedelta(seconds=wait))
        except Conflict:
            self.steps.ledger.reschedule(row.id, at + timedelta(seconds=1))
        except (Refused, Invalid) as fault:
            # The evidence does not ask for this (any more): the row was only a hint, and what refused it is known.
            log.info("effect.dropped", effect=row.id, fault=fault.fault, why=fault.what)
            self._settle(row)
        return row

    def drain(self, at: datetime, limit: int = 1000) -> int:
        """Do everything that is due at *at*; returns how many rows."""
        done = 0
        while done < limit and self.step(at) is not None:
            done += 1
        return done

    def _settle(self, row: EffectRow) -> None:
        self.steps.ledger.append((), (), (Settle(effect_id=row.id, state=EffectState.DONE),))

    def _do(self, row: EffectRow, at: datetime) -> None:
        case = CaseId(row.stream.removeprefix("case/"))
        done = (Settle(effect_id=row.id, state=EffectState.DONE),)
        match row.kind:
            case Kind.SEND:
                self.notices.send_code(case, row.id.rpartition("/")[2], row.id, at)
                self._settle(row)
            case Kind.NOTICE:
                self.notices.tell(case, row.id, at)
                self._settle(row)
            case Kind.HOLD:
                self._when(case, Holding, do.ElapseHold(), at, done, row)
            case Kind.EXPIRE:
                self.steps.system_step(case, lambda _: do.Expire(), at, settle=done)
            case Kind.REVIEW:
                loaded = self.steps.load(case)
                if loaded.case.reviewer is None:
                    self.steps.system_step(case, lambda _: do.OverdueReview(), at, settle=done)
                    log.error("review.overdue", case=case)
                else:
                    self._settle(row)
            case Kind.CHANGE:
                self._change(case, row, at)
            case Kind.CONFIRM:
                self._confirm(case, row, at)
            case Kind.VALIDATE:
                self._validate(case, at, done)
            case _:
                raise Invalid(f"Nobody does effects of kind {row.kind!r}.", "Upgrade.", where=row.id)

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
        pending = _pending(loaded.case)
        if pending is not None:
            self._read_back(loaded, pending, row, at)
            return
        try:
            cleared = self._cleared(loaded, at)
        except Refused as refused:
            if isinstance(loaded.case, Released) and type(loaded.case) in (Released, Executing):
                command = do.RefuseExecution(executor=self.steps.executor, reasons=refused.reasons)
                self.steps.system_step(case, lambda _: command, at)
                log.warning("execution.refused", case=case, reasons=refused.reasons)
            raise
        number = _next_number(loaded.case)
        change = change_of(loaded.case, number)
        if change not in cleared.changes:
            raise Corrupt("The change to be done is not among those approved.", "Stop, and run fsck.")
        self._cap(loaded.case.account_class, at)
        directory, native = self._target(loaded)
        self._perform(loaded, number, change, directory, native, row, at)

    def _cleared(self, loaded: Loaded, at: datetime) -> Cleared:
        """The executor's own judgement, from covered entries and raw proofs, trusting no read model."""
        case = loaded.case.id
        entries = self.steps.ledger.read(case_stream(case))
        if not all(self.steps.ledger.covered(entry.seq) for entry in entries):
            raise Unavailable("The case is not covered by a signed checkpoint yet.", "It is tried again.")
        cleared = clear(self.steps.registry.history(case), at)
        by_leaf = {entry.leaf: entry for entry in entries}
        for leaf in cleared.evidence:
            proved = event_of(by_leaf[leaf])
            assert isinstance(proved, past.MethodProved)
            told = self.steps.ledger.disclosures(by_leaf[leaf])
            if PROOF not in told:
                raise Refused("A proof was erased.", "Verify again in a new case.", ("clearance:proof",))
            proof = msgspec.json.decode(told[PROOF].encode(), type=Proof)
            self.desk.verification.recheck(loaded.case, proved.challenge, proof, at)
        if not isinstance(loaded.case, Contained):
            self._votes_held(loaded, at)
            facts = self.steps.registry.account(loaded.case.account)
            strictest = self.steps.registry.strictest_class(facts, loaded.case.subject, at)
            if strictest is None or strictest.rank > loaded.case.account_class.rank:
                raise Refused(
                    "The account is in a stricter class than the one approved.",
                    "Open a new case.",
                    ("clearance:class",),
                )
            self.steps.rule_on(self.steps.executor, Step.EXECUTE, loaded, at).demand()
        return cleared

    def _votes_held(self, loaded: Loaded, at: datetime) -> None:
        """Each approver really held a role or relation they voted with, by their own stream, and is not recovered."""
        for vote in loaded.case.votes:
            person = self.steps.registry.person(vote.person)
            held = {*person.roles_at(vote.at, loaded.case.unit), *loaded.account.relations(vote.person, vote.at)}
            if not set(vote.roles) <= held:
                raise Refused(
                    "An approver does not hold the role they approved with.", "Open a new case.", ("clearance:roles",)
                )
            if self.steps.registry.recently_recovered(person, at):
                raise Refused(
                    "An approver's own account was recovered lately.", "Open a new case.", ("clearance:recovered",)
                )

    def _cap(self, account_class: AccountClass, at: datetime) -> None:
        """Put the change off when this executor has started too many of its class within the hour."""
        if self._started is None:
            self._started = self._starts_within_the_hour(at)
        recent = self._started.setdefault(account_class, deque())
        while recent and at - recent[0] >= timedelta(hours=1):
            recent.popleft()
        if len(recent) >= self.caps.of(account_class):
            raise Unavailable(
                f"This executor has done {len(recent)} changes of {account_class} accounts within the hour.",
                "It goes on when the hour is over; if this is an attack, stop the executor.",
            )

    def _starts_within_the_hour(self, at: datetime) -> dict[AccountClass, deque[datetime]]:
        """What any executor started lately, so that a restart does not lift the cap."""
        found: dict[AccountClass, deque[datetime]] = {}
        classes: dict[str, AccountClass] = {}
        for entry in self.steps.ledger.entries():
            if entry.entry.type == "case.opened":
                classes[entry.entry.stream] = AccountClass(str(entry.entry.data["account_class"]))
            elif entry.entry.type == "change.started" and at - entry.entry.at < timedelta(hours=1):
                found.setdefault(classes[entry.entry.stream], deque()).append(entry.entry.at)
        return found

    def _target(self, loaded: Loaded) -> tuple[Directory, str]:
        """Directory and native id, from the committed payload; a leaver, or an account that is gone, is refused."""
        name, native = self.steps.registry.native_id(loaded.case.account)
        directory = self.steps.directory(name)
        seen = directory.read(native)
        if seen.status is Status.LEAVER and not isinstance(loaded.case, Contained):
            raise Refused("This account's owner left meanwhile.", "Tell security.", ("leaver",))
        if seen.protected:
            raise Refused(seen.protected, "Its own administrators recover it.", ("protected",))
        return directory, native

    def _perform(
        self,
        loaded: Loaded,
        number: int,
        change: Change,
        directory: Directory,
        native: str,
        row: EffectRow,
        at: datetime,
    ) -> None:
        case = loaded.case.id
        before = directory.before(native, change)
        secret = new_secret() if change.yields_credential else None
        told: tuple[Disclosure, ...] = ()
        if secret is not None and isinstance(loaded.case, Released):
            sealed = seal(secret, loaded.case.jwk or "")
            told = (Disclosure(name=ENVELOPE, value=sealed, retention=Retention.SHORT),)
        started = do.Start(number=number, effect=row.id, executor=self.steps.executor, before=before)
        self.steps.system_step(case, lambda _: started, at, disclosures={past.ChangeStarted: told})
        assert self._started is not None
        self._started[loaded.case.account_class].append(at)
        value = self._contact(loaded, change) if isinstance(change, SetContact) else None
        try:
            receipt = directory.apply(native, change, row.id, secret, value)
        except Unavailable as fault:
            log.warning("change.silence", case=case, number=number, why=fault.what)
            self._ended(case, number, "unknown", None, row, at)
        except (Refused, Invalid) as fault:
            log.warning("change.refused", case=case, number=number, why=fault.what)
            self._ended(case, number, "refused", fault.what, row, at)
        else:
            self._ended(case, number, "done", receipt, row, at)

    def _contact(self, loaded: Loaded, change: SetContact) -> str:
        """The new contact value, opened from its payload and held against the commitment that was approved."""
        opened = self.steps.ledger.read(case_stream(loaded.case.id))[0]
        told = self.steps.ledger.disclosures(opened)
        if CONTACT not in told:
            raise Refused("The new contact point was erased.", "Open a new case.", ("erased",))
        salt, value = msgspec.json.decode(told[CONTACT].encode(), type=tuple[str, str])
        if not hmac.compare_digest(contact_commitment(salt, value), change.commitment):
            raise Corrupt("The new contact point is not the one that was approved.", "Stop, and run fsck.")
        return value

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
            at,
            disclosures={past.ChangeEnded: told},
            settle=(Settle(effect_id=row.id, state=EffectState.DONE),),
        )

    def _confirm(self, case: CaseId, row: EffectRow, at: datetime) -> None:
        loaded = self.steps.load(case)
        pending = _pending(loaded.case)
        if pending is None:
            self._settle(row)
            return
        self._read_back(loaded, pending, row, at)

    def _read_back(self, loaded: Loaded, number: int, row: EffectRow, at: datetime) -> None:
        """Ask the directory what became of a change; unknown is asked again, and nothing is repeated blindly."""
        progress = next(p for p in _progress(loaded.case) if p.number == number)
        change = change_of(loaded.case, number)
        name, native = self.steps.registry.native_id(loaded.case.account)
        directory = self.steps.directory(name)
        answer = directory.confirm(native, change, progress.before)
        if answer is Confirmation.UNKNOWN:
            raise Unavailable("The directory can not say whether the change was done.", "It is asked again.")
        proof = Receipt(
            directory=name,
            principal=directory.principal_keys[0] if directory.principal_keys else "",
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


def _progress(case: Case) -> tuple[Progress, ...]:
    return case.progress if isinstance(case, Released | Contained) else ()


def _pending(case: Case) -> int | None:
    """The number of the change that was started and whose end nobody knows."""
    return next((p.number for p in _progress(case) if p.outcome is None), None)


def _next_number(case: Case) -> int:
    """The first change that is not done: of a containment what it takes back, else the case's own."""
    first = len(case.changes) if isinstance(case, Contained) else 0
    done = {p.number for p in _progress(case) if p.outcome not in ("not_done", None)}
    return next(n for n in itertools.count(first) if n not in done)


def new_secret() -> str:
    """A new random credential: 20 characters of 32 in groups of five (100 bits), easy to type from a screen."""
    alphabet = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
    groups = ("".join(secrets.choice(alphabet) for _ in range(5)) for _ in range(4))
    return "-".join(groups)


def seal(secret: str, jwk: str) -> str:
    """Seal *secret* to a browser's public key as a compact JWE (ECDH-ES, A256GCM: RFC 7516, RFC 7518 §4.6)."""
    try:
        key = ECKey.import_key(msgspec.json.decode(jwk.encode(), type=dict[str, str | list[str]]))
        return jwe.encrypt_compact({"alg": "ECDH-ES", "enc": "A256GCM"}, secret.encode(), key)
    except (msgspec.DecodeError, JoseError, ValueError) as error:
        raise Refused(
            "The hand-over key is no public P-256 key.", "Open the hand-over page again in a new case.", ("bad_key",)
        ) from error
