"""Given, when, then over `decide` and `evolve`: steps of a case, told with one clock that only `wait` moves.

    given(verified(procedure(approve=MANAGER)), asked()).when(approved()).then(Releasable, past.ApprovalGiven)

Every leaf hash is invented, but distinct and the same in every run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import reduce
from typing import TypeVar

import msgspec
import pytest

from tests.core.sample import (
    ACCOUNT,
    ANN,
    BEGINNING,
    CALLER,
    CASE,
    CHANGES,
    CYD,
    EXE,
    IDA,
    MAX,
    NOON,
    REX,
    RUE,
    SUE,
    UNLOCK,
    VIC,
    standing,
)
from watchword.core import command as do
from watchword.core import event as past
from watchword.core.account import AccountClass
from watchword.core.action import Action, Step
from watchword.core.approval import SignedProof, encode_proof
from watchword.core.case import AwaitingApproval, Case, Contained, Released, progress_of
from watchword.core.change import Change
from watchword.core.decision import decide
from watchword.core.errors import Conflict, Invalid, Refused
from watchword.core.fold import evolve
from watchword.core.gates import CASE_LIFE, Event
from watchword.core.ids import CaseId, LeafHash, PersonId
from watchword.core.origin import Origin, OriginFailed, evolve_origin
from watchword.core.requirement import Context, Requirement
from watchword.core.ruling import Ruling
from watchword.core.standing import (
    Account,
    AccountShielded,
    FailureRecorded,
    RecoveryBegun,
    RecoveryCompleted,
    RecoveryContained,
    RecoveryDisowned,
    RecoverySettled,
    Thresholds,
    evolve_account,
)

YES = Ruling(person=ANN, step=Step.READ, allowed=True)
JWK = '{"crv":"P-256","kty":"EC","x":"x","y":"y"}'

C = TypeVar("C", bound=Case)


def leaf(number: int) -> LeafHash:
    """An invented leaf hash."""
    return LeafHash(hashlib.sha256(str(number).encode()).hexdigest())


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """A case so far, with the account and the origin it sticks to; *events* are those of the last step."""

    at: datetime = NOON
    account: Account = standing()
    origin: Origin = Origin()
    history: tuple[past.Recorded, ...] = ()
    case: Case | None = None
    events: tuple[Event, ...] = ()

    def take(self, command: do.Command, requirement: Requirement | None = None, ruling: Ruling = YES) -> Story:
        """Decide *command* and fold what it makes."""
        events = decide(self.case, self.account, command, ruling, requirement, self.at)
        return reduce(lambda story, event: story._with(event), events, msgspec.structs.replace(self, events=events))

    def _with(self, event: Event) -> Story:
        replace = msgspec.structs.replace
        match event:
            case (
                FailureRecorded()
                | RecoveryBegun()
                | RecoveryCompleted()
                | RecoverySettled()
                | RecoveryDisowned()
                | RecoveryContained()
                | AccountShielded()
            ):
                return replace(self, account=evolve_account(self.account, event, self.at, Thresholds()))
            case OriginFailed() if not event.origin.startswith("agent-"):
                return replace(self, origin=evolve_origin(self.origin, event, self.at))
            case _ if isinstance(event, past.CaseEvent):
                row = past.Recorded(event=event, at=self.at, leaf=leaf(len(self.history)))
                return replace(self, case=evolve(self.case, row), history=(*self.history, row))
            case _:
                return self

    def now(self, kind: type[C]) -> C:
        """The case, which has to be in state *kind*."""
        assert type(self.case) is kind, f"the case is {type(self.case).__name__}, not {kind.__name__}"
        return self.case

    def when(self, *steps: Tell) -> Attempt:
        """Try *steps*; only the last may be refused."""
        return Attempt(before=given(*steps[:-1], start=self), step=steps[-1])


Tell = Callable[[Story], Story]


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """A step about to be taken; say what has to come of it."""

    before: Story
    step: Tell

    def then(self, kind: type[Case], *wrote: type[Event]) -> Story:
        """It works: the case is now in state *kind*, and the events are exactly *wrote* where any are named."""
        after = self.step(self.before)
        after.now(kind)
        assert not wrote or tuple(type(e) for e in after.events) == wrote
        return after

    def works(self) -> Story:
        """It is not refused, whatever it leads to."""
        return self.step(self.before)

    def refused(self, *reasons: str) -> Refused:
        """It is refused, for at least *reasons*, with a way on."""
        with pytest.raises(Refused) as caught:
            self.step(self.before)
        assert set(reasons) <= set(caught.value.reasons), caught.value.reasons
        assert caught.value.remedy
        return caught.value

    def fails(self, fault: type[Conflict | Invalid], match: str) -> None:
        """It is the caller's mistake, or somebody got there first."""
        with pytest.raises(fault, match=match):
            self.step(self.before)


def given(*steps: Tell, start: Story | None = None) -> Story:
    """The story after *steps*, none of which may be refused."""
    return reduce(lambda story, step: step(story), steps, start or Story())


# --- steps -------------------------------------------------------------------------------------------------------


def on(account: Account) -> Tell:
    """Tell it of another standing."""
    return lambda story: msgspec.structs.replace(story, account=account)


def wait(**span: float) -> Tell:
    """Let time pass."""
    return lambda story: msgspec.structs.replace(story, at=story.at + timedelta(**span))


def step(command: do.Command, requirement: Requirement | None = None, ruling: Ruling = YES) -> Tell:
    """Any command."""
    return lambda story: story.take(command, requirement, ruling)


def opened(
    rule: Requirement = UNLOCK,
    *,
    changes: tuple[Change, ...] | None = None,
    account_class: AccountClass | None = AccountClass.STANDARD,
    protected: str | None = None,
    case: CaseId = CASE,
) -> Tell:
    """Ann takes Sue's request in, held to *rule*."""
    command = do.Open(
        case=case,
        account=ACCOUNT,
        account_class=account_class,
        unit="north",
        action=rule.action,
        changes=CHANGES[rule.action] if changes is None else changes,
        context=Context(),
        opener=ANN,
        subject=SUE,
        origin=CALLER,
        protected=protected,
    )
    return step(command, rule)


def ticketed() -> Tell:
    """Ann links the ticket."""
    return step(do.LinkTicket(by=ANN))


def entered(commitment: str = "c0" * 32) -> Tell:
    """Sue enters the new contact point on her own page."""
    return step(do.EnterContact(commitment=commitment))


def begun(
    method: str,
    challenge: str = "",
    *,
    by: PersonId = VIC,
    purpose: past.Purpose = "verify",
    prover: PersonId | None = SUE,
    contact_changed: timedelta | None = None,
    minutes: int = 10,
) -> Tell:
    """Vic starts a method; the challenge is called like it."""

    def tell(story: Story) -> Story:
        command = do.Begin(
            challenge=challenge or method,
            method=method,
            purpose=purpose,
            by=by,
            prover=prover,
            credential=None,
            contact_changed_at=None if contact_changed is None else story.at - contact_changed,
            expires=story.at + timedelta(minutes=minutes),
        )
        return story.take(command)

    return tell


def answered(challenge: str, *, by: PersonId = VIC) -> Tell:
    """The right answer."""
    return step(do.Prove(challenge=challenge, by=by, counter=None))


def missed(challenge: str, *, by: PersonId = VIC, final: bool = False) -> Tell:
    """A wrong answer."""
    return step(do.Miss(challenge=challenge, by=by, final=final))


def proved(method: str, challenge: str = "", *, by: PersonId = VIC, prover: PersonId | None = SUE) -> Tell:
    """A method, begun and answered."""
    return lambda story: given(
        begun(method, challenge, by=by, prover=prover), answered(challenge or method, by=by), start=story
    )


def reproved(method: str = "totp", challenge: str = "again") -> Tell:
    """A method proven again at hand-over."""
    return lambda story: given(
        begun(method, challenge, by=EXE, purpose="hand_over"), answered(challenge, by=EXE), start=story
    )


def asked(nonce: str = "n-1") -> Tell:
    """What comes next is asked for."""
    return step(do.Ask(log="sandbox.example.test", nonce=nonce, checkpoint=BEGINNING))


SIGNED = encode_proof(SignedProof(credential="AA", client_data="AA", authenticator_data="AA", signature="AA"))
"""What looks like a signature: the core asks for one, and leaves to the ledger what it is worth."""


def approved(
    by: PersonId = MAX, *roles: str, request: str | None = None, proof: str = '{"kind":"session","session":"00"}'
) -> Tell:
    """A yes, by the manager of record if nobody else is named."""

    def tell(story: Story) -> Story:
        assert story.case is not None
        shown = story.case.request if isinstance(story.case, AwaitingApproval) else ""
        text = shown if request is None else request
        return story.take(do.Approve(person=by, roles=roles or ("manager_of_record",), request=text, proof=proof))

    return tell


def declined(by: PersonId = MAX, *roles: str) -> Tell:
    """A no."""
    return step(do.Refuse(person=by, roles=roles or ("manager_of_record",)))


def hold_told(*channels: str) -> Tell:
    """The notice of the hold went out, by mail where nothing else is said."""
    return step(do.TellHold(channels=channels or ("mail",)))


def hold_over() -> Tell:
    """The waiting time is said to be over."""
    return step(do.ElapseHold())


def released(changes: tuple[Change, ...] | None = None) -> Tell:
    """Rex lets the executor act, on the case's own changes unless others are named."""

    def tell(story: Story) -> Story:
        assert story.case is not None
        return story.take(do.Release(by=REX, executor=EXE, changes=changes or story.case.changes))

    return tell


def page_opened(jwk: str = JWK) -> Tell:
    """Sue opens the hand-over in her browser."""
    return step(do.OpenHandOver(jwk=jwk))


def started(number: int | None = None) -> Tell:
    """The executor begins the next change, or *number*."""

    def tell(story: Story) -> Story:
        assert story.case is not None
        nth = next_number(story.case) if number is None else number
        return story.take(do.Start(number=nth, effect=f"{CASE}/{nth}", executor=EXE, before="7"))

    return tell


def next_number(case: Case) -> int:
    """The number of the change that has to be begun next."""
    again = next((p.number for p in progress_of(case) if p.outcome == "not_done"), None)
    if again is not None:
        return again
    return len(case.changes) + len(case.progress) if isinstance(case, Contained) else len(progress_of(case))


def ended(outcome: past.Outcome = "done", number: int | None = None) -> Tell:
    """What the directory made of the change begun last, or of *number*."""

    def tell(story: Story) -> Story:
        assert story.case is not None
        nth = progress_of(story.case)[-1].number if number is None else number
        return story.take(do.End(number=nth, outcome=outcome))

    return tell


def executed() -> Tell:
    """Every change, begun and done; the hand-over page is opened first where one is needed."""

    def tell(story: Story) -> Story:
        assert isinstance(story.case, Released)
        changes = story.case.changes
        page = (page_opened(),) if story.case.jwk is None and any(c.yields_credential for c in changes) else ()
        return given(*page, *(started(), ended()) * len(changes), start=story)

    return tell


def validated(*, sound: bool = True) -> Tell:
    """The read-back."""
    return step(do.Validate(by=EXE, sound=sound))


def execution_refused() -> Tell:
    """The executor's own check says no."""
    return step(do.RefuseExecution(executor=EXE, reasons=("clearance:quorum",)))


def handed_over() -> Tell:
    """The sealed credential goes."""
    return step(do.HandOver())


def escalated(requirement: Requirement) -> Tell:
    """Vic asks for more."""
    return step(do.Escalate(by=VIC, requirement=requirement))


def glass_broken(requirement: Requirement, by: PersonId = CYD) -> Tell:
    """A custodian asks for the predefined procedure; a review is due in a day."""
    return step(
        do.BreakGlass(
            by=by,
            requirement=requirement,
            log="sandbox.example.test",
            nonce="n-glass",
            checkpoint=BEGINNING,
            expires_s=3600,
            review_s=86_400,
        )
    )


def closed() -> Tell:
    """Ann closes it."""
    return step(do.Close(by=ANN))


def withdrawn() -> Tell:
    """Ann withdraws it."""
    return step(do.Withdraw(by=ANN))


def expired() -> Tell:
    """Nothing happened in time: a case's life and its hold are over."""

    def tell(story: Story) -> Story:
        assert story.case is not None
        over = story.case.opened_at + CASE_LIFE + timedelta(seconds=story.case.requirement.hold_s)
        return msgspec.structs.replace(story, at=max(story.at, over)).take(do.Expire())

    return tell


def frozen() -> Tell:
    """Another case was found fraudulent."""
    return step(do.Freeze(because=CaseId("c-other")))


def contained() -> Tell:
    """This one was."""
    return step(do.Contain(by=IDA))


def reviewed(by: PersonId = RUE, *, sound: bool = True) -> Tell:
    """Somebody looks at it afterwards."""
    return step(do.Review(by=by, sound=sound))


def overdue() -> Tell:
    """The review is said to be late."""
    return step(do.OverdueReview())


def verified(rule: Requirement = UNLOCK) -> Tell:
    """Opened, ticketed and proven in two ways: ready to be asked. A new contact point is entered before that."""
    page = (entered(),) if rule.action is Action.RECOVERY_INFO_CHANGE else ()
    return lambda story: given(opened(rule), ticketed(), *page, proved("totp"), proved("mail_code"), start=story)
