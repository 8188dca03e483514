"""A case driven by random people and steps, and what must hold of it after each of them.

The model never calls `decide` to learn what should happen. It rules by one sentence of its own (nobody takes two of the
six steps, and the subject takes none), and what must hold is read off the recorded history alone.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.core.lawful import lawful
from tests.core.sample import (
    ANN,
    BEGINNING,
    COY,
    CUSTODIAN,
    CYD,
    EXE,
    IDA,
    MANAGER,
    MANAGER_AND_DUTY,
    MAX,
    REX,
    RUE,
    SUE,
    VIC,
    procedure,
)
from tests.core.story import JWK, Story, next_number, opened, wait
from watchword.core import command as do
from watchword.core import event as past
from watchword.core.action import Action, Step
from watchword.core.case import (
    TERMINAL,
    AwaitingApproval,
    Case,
    Checked,
    Contained,
    Delivered,
    Executed,
    Executing,
    Failed,
    Holding,
    Paused,
    Releasable,
    Released,
    Verifying,
    beneath,
    progress_of,
    yields_credential,
)
from watchword.core.change import ResetPassword
from watchword.core.contact import is_missing
from watchword.core.errors import Conflict, Invalid, Refused
from watchword.core.fold import fold
from watchword.core.gates import Event
from watchword.core.ids import CaseId, PersonId
from watchword.core.person import ExecutorGranted
from watchword.core.quorum import Rule
from watchword.core.requirement import Evidence, Satisfied, assess
from watchword.core.ruling import Ruling
from watchword.core.standing import RecoveryBegun, RecoveryCompleted, Thresholds

PEOPLE = (ANN, VIC, MAX, IDA, REX, EXE, RUE, CYD, COY, SUE)
ROLES: dict[PersonId, tuple[str, ...]] = {
    MAX: ("manager_of_record",),
    IDA: ("iam_duty",),
    REX: ("iam_duty", "manager_of_record"),
    CYD: ("custodian",),
    COY: ("custodian",),
}
EFFECTS = (
    past.ChangeStarted,
    past.CaseReleased,
    past.HandedOver,
    past.ApprovalGiven,
    ExecutorGranted,
    RecoveryBegun,
    RecoveryCompleted,
)
"""What must not happen again when the same command comes twice."""

people = st.sampled_from(PEOPLE)
methods = st.sampled_from(["passkey", "totp", "mail_code", "callback", "in_person", "known_voice"])
outcomes: st.SearchStrategy[past.Outcome] = st.sampled_from(["done", "done", "done", "unknown", "not_done", "refused"])


class CaseMachine(RuleBasedStateMachine):
    """One case of one account, and a model of who may do what."""

    def __init__(self) -> None:
        super().__init__()
        self.story = Story()
        self.hands: dict[PersonId, set[str]] = defaultdict(set)
        self.challenges = 0
        self.last: type[Case] | None = None

    # --- the model ---

    def allowed(self, person: PersonId, step: str) -> bool:
        """Whether the model lets *person* take *step*."""
        return person != SUE and self.hands[person] <= {step}

    def take(self, command: do.Command, person: PersonId | None = None, step: str = "") -> bool:
        """Try a command, held to the model's ruling where a *person* takes it; then try the same command again."""
        may = person is None or self.allowed(person, step)
        ruling = Ruling(person=person or EXE, step=Step.READ, allowed=may, reasons=("model",))
        before = self.story
        try:
            self.story = before.take(command, None, ruling)
        except (Refused, Conflict, Invalid):
            return False
        assert may, f"{command} was let through"
        if person is not None and step:
            self.hands[person].add(step)
        assert not self._again(command, ruling), f"{command} had its effect twice"
        return True

    def _again(self, command: do.Command, ruling: Ruling) -> tuple[Event, ...]:
        try:
            events = self.story.take(command, None, ruling).events
        except (Refused, Conflict, Invalid):
            return ()
        return tuple(e for e in events if isinstance(e, EFFECTS))

    @property
    def case(self) -> Case:
        """The case as it is."""
        assert self.story.case is not None
        return self.story.case

    # --- steps ---

    @initialize(
        action=st.sampled_from([Action.UNLOCK, Action.PASSWORD_RESET, Action.TOTAL_LOSS, Action.RECOVERY_INFO_CHANGE]),
        approve=st.sampled_from([None, MANAGER, MANAGER_AND_DUTY]),
        hold_s=st.sampled_from([0, 3600]),
        review_s=st.sampled_from([0, 60]),
    )
    def open(self, action: Action, approve: Rule | None, hold_s: int, review_s: int) -> None:
        """Ann takes the request in, under one of a few procedures."""
        self.story = opened(procedure(action, approve=approve, hold_s=hold_s, review_s=review_s))(self.story)
        self.hands[ANN].add("open")

    @rule(minutes=st.sampled_from([1, 10, 16, 61, 3 * 1440]))
    def time_passes(self, minutes: int) -> None:
        """Time passes."""
        self.story = wait(minutes=minutes)(self.story)

    @rule()
    def enter(self) -> None:
        """The person's page says what the new contact point is."""
        self.take(do.EnterContact(commitment=f"{len(self.story.history):064x}"))

    @rule(by=people, method=methods, right=st.booleans())
    def verify(self, by: PersonId, method: str, right: bool) -> None:
        """Somebody starts a method, and the answer is right or wrong."""
        if self.begin(by, method, "verify"):
            self.answer(by, "verify", right=right)

    def begin(self, by: PersonId, method: str, purpose: past.Purpose) -> bool:
        """A fresh challenge."""
        self.challenges += 1
        command = do.Begin(
            challenge=f"h{self.challenges}",
            method=method,
            purpose=purpose,
            by=by,
            prover=SUE,
            credential=None,
            contact_changed_at=None,
            expires=self.story.at + timedelta(minutes=10),
        )
        return self.take(command, by, purpose) if purpose == "verify" else self.take(command)

    def answer(self, by: PersonId, purpose: past.Purpose, *, right: bool) -> None:
        """An answer to the last challenge."""
        challenge = f"h{self.challenges}"
        command = do.Prove(challenge=challenge, by=by, counter=None) if right else do.Miss(challenge=challenge, by=by)
        if purpose == "verify":
            self.take(command, by, "verify")
        else:
            self.take(command)

    @rule(by=people, yes=st.booleans())
    def vote(self, by: PersonId, yes: bool) -> None:
        """Somebody votes, with the roles they have."""
        request = self.case.request if isinstance(self.case, AwaitingApproval) else ""
        if yes:
            self.take(do.Approve(person=by, roles=ROLES.get(by, ()), request=request, proof="{}"), by, "approve")
        elif by == REX:
            self.take(do.Refuse(person=by, roles=ROLES[by]), by, "approve")

    @rule(by=people, wider=st.booleans())
    def release(self, by: PersonId, wider: bool) -> None:
        """Somebody releases what the case asks, or more."""
        more = (ResetPassword(account=self.case.account),) if wider else ()
        self.take(do.Release(by=by, executor=EXE, changes=(*self.case.changes, *more)), by, "release")

    @rule(by=people, number=st.integers(-1, 4))
    def start(self, by: PersonId, number: int) -> None:
        """Somebody begins some change."""
        self.take(do.Start(number=number, effect=f"e{number}", executor=by, before="7"), by, "execute")

    @rule(number=st.integers(0, 4), outcome=outcomes)
    def end(self, number: int, outcome: past.Outcome) -> None:
        """Some change's outcome arrives."""
        self.take(do.End(number=number, outcome=outcome))

    @rule(by=people)
    def review(self, by: PersonId) -> None:
        """Somebody looks back."""
        self.take(do.Review(by=by, sound=True), by, "review")

    @rule(
        what=st.sampled_from(
            ["page", "tell", "elapse", "ask", "hand_over", "close", "validate", "refuse_execution", "overdue"]
        )
    )
    def step(self, what: str) -> None:
        """A step at a time when it may not be due."""
        commands: dict[str, do.Command] = {
            "page": do.OpenHandOver(jwk=JWK),
            "tell": do.TellHold(channels=("mail",)),
            "elapse": do.ElapseHold(),
            "ask": do.Ask(log="l", nonce=f"n{self.challenges}", checkpoint=BEGINNING),
            "hand_over": do.HandOver(),
            "close": do.Close(by=ANN),
            "validate": do.Validate(by=EXE, sound=True),
            "refuse_execution": do.RefuseExecution(executor=EXE, reasons=("x",)),
            "overdue": do.OverdueReview(),
        }
        self.take(commands[what])

    @rule(by=people, glass=st.booleans())
    def ask_otherwise(self, by: PersonId, glass: bool) -> None:
        """Somebody asks for more than policy does, or breaks the glass."""
        action = self.case.action
        if not glass:
            more = procedure(action, approve=MANAGER_AND_DUTY, hold_s=3600, review_s=60)
            self.take(do.Escalate(by=by, requirement=more))
            return
        rule_ = procedure(action, approve=CUSTODIAN)
        command = do.BreakGlass(
            by=by, requirement=rule_, log="l", nonce="g", checkpoint=BEGINNING, expires_s=3600, review_s=3600
        )
        self.take(command, by, "approve")

    @precondition(lambda self: len(self.story.history) > 6)
    @rule(what=st.sampled_from(["contain", "freeze", "withdraw", "expire"]), by=people)
    def stop(self, what: str, by: PersonId) -> None:
        """Something ends the case."""
        commands: dict[str, do.Command] = {
            "contain": do.Contain(by=by),
            "freeze": do.Freeze(because=CaseId("c-other")),
            "withdraw": do.Withdraw(by=by),
            "expire": do.Expire(),
        }
        self.take(commands[what])

    @rule(by=people, channel=st.sampled_from(["desk", "page", "person"]), bound=st.booleans())
    def object(self, by: PersonId, channel: past.ObjectedOver, bound: bool) -> None:
        """Somebody says that it is not theirs."""
        self.take(do.Object(by=by, channel=channel, bound=bound))

    @precondition(lambda self: isinstance(self.story.case, Paused))
    @rule(by=people)
    def lift(self, by: PersonId) -> None:
        """Somebody lets it go on: nobody who took a step in it, or whom it is about."""
        took_part = by == self.case.subject or any(h.person == by and h.part != "lift_pause" for h in self.case.hands)
        assert not (self.take(do.LiftPause(by=by)) and took_part)

    @rule(steps=st.integers(1, 6), outcome=outcomes)
    def forward(self, steps: int, outcome: past.Outcome) -> None:
        """The people whose turn it is do what comes next, so that cases get somewhere."""
        for _ in range(steps):
            self.advance(outcome)

    def advance(self, outcome: past.Outcome) -> None:
        """One such step."""
        match self.case:
            case Verifying(ticket=None):
                self.take(do.LinkTicket(by=ANN))
            case Verifying() if is_missing(self.case):
                self.enter()
            case Verifying():
                if not self.take(do.Ask(log="l", nonce=f"n{self.challenges}", checkpoint=BEGINNING)):
                    for method in ("passkey", "in_person"):
                        self.begin(VIC, method, "verify")
                        self.answer(VIC, "verify", right=True)
            case AwaitingApproval():
                for by in (MAX, IDA, COY):
                    self.vote(by, yes=True)
            case Holding() | Releasable():
                self.release(RUE, wider=False)
            case Released(jwk=None) if type(self.case) is Released and yields_credential(self.case):
                self.take(do.OpenHandOver(jwk=JWK))
            case Executed():
                self.take(do.Validate(by=EXE, sound=True))
            case Checked():
                self.begin(EXE, "totp", "hand_over")
                self.answer(EXE, "hand_over", right=True)
                self.take(do.HandOver())
            case Failed() | Delivered():
                self.take(do.Close(by=ANN))
            case Released() | Executing() | Contained():
                running = next((p for p in progress_of(self.case) if p.outcome is None), None)
                if running:
                    self.end(running.number, outcome)
                else:
                    self.start(EXE, next_number(self.case))

    # --- what must hold ---

    @invariant()
    def the_case_is_the_fold_of_its_history(self) -> None:
        """And folding it twice gives the same."""
        if self.story.history:
            assert fold(self.story.history) == self.story.case

    @invariant()
    def what_is_over_stays_over(self) -> None:
        """A case that ended stays where it is, or is contained."""
        now = type(self.story.case) if self.story.case else None
        assert self.last not in TERMINAL or now in (self.last, Contained)
        self.last = now

    @invariant()
    def history_is_lawful(self) -> None:
        """Entry by entry, what came before allows what comes next."""
        lawful(self.story.history)

    @invariant()
    def what_took_effect_is_remembered(self) -> None:
        """A change that was done is one recovery of the account, and whatever owes a review still owes it."""
        if self.story.case is None:
            return
        done = any(p.outcome == "done" and p.number < len(self.case.changes) for p in progress_of(self.case))
        assert len(self.story.account.recoveries) == done

    @invariant()
    def the_account_knows_what_is_on_its_way(self) -> None:
        """A case holds it from its first start until nothing is on its way or it is contained, however it ends."""
        if self.story.case is None:
            return
        own = [p for p in progress_of(self.case) if p.number < len(self.case.changes)]
        running = type(self.case) is not Contained and (
            isinstance(beneath(self.case), Executing) or any(p.outcome is None for p in own)
        )
        assert (self.story.account.begun is not None) == running

    @invariant()
    def a_freeze_never_closes_the_strongest(self) -> None:
        """However often it failed, a passkey and the person at the counter still get the case asked."""
        if self.story.case is None:
            return
        fresh = tuple(
            Evidence(method=m, prover=SUE, agent=VIC, at=self.story.at, challenge=m, leaf=self.story.history[0].leaf)
            for m in ("passkey", "in_person")
        )
        freeze = self.story.account.freeze(self.story.at, Thresholds())
        assert isinstance(assess(self.case.requirement, fresh, self.story.at, freeze=freeze), Satisfied)

    @invariant()
    def guesses_are_never_free(self) -> None:
        """Fewer than three wrong answers stand without having become a failure."""
        if self.story.case is not None:
            assert sum(c.misses for c in self.case.challenges if not c.ended) < 3
