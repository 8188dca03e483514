"""Protective actions: access is taken away at once, within a budget, and holds that run begin anew."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import structlog

from watchword.core import command as do
from watchword.core import event as past
from watchword.core.action import Step
from watchword.core.case import Holding
from watchword.core.change import Change, RevokeSessions, Suspend, SuspendFactors
from watchword.core.errors import Invalid, Refused
from watchword.core.ids import CaseId, PersonId
from watchword.core.person import Kind, Role
from watchword.core.protection import DAY
from watchword.core.standing import AccountShielded
from watchword.desk.recording import account_stream, event_of, protection_stream
from watchword.desk.steps import Loaded, Steps, words

log = structlog.get_logger("watchword.protection")

RESPONDERS = frozenset({Role.SECURITY_DUTY, Role.IAM_DUTY})
"""Who takes access away without a proof."""


class Protection:
    """Who took what away, and how often lately."""

    def __init__(self, steps: Steps) -> None:
        self.steps = steps

    def protect(
        self,
        actor: PersonId,
        case: CaseId,
        why: str,
        at: datetime,
        *,
        lock: bool = True,
        factors: tuple[str, ...] = (),
    ) -> None:
        """End every session of the case's account, with *lock* disable it, and suspend *factors*; the case ends.

        *factors* are ids at the directory; `Invalid` for one the account does not have, `Refused` where the directory
        suspends none.
        """
        if not why.strip():
            raise Invalid("A reason is missing.", "Say why, in a few words; they are kept sealed.", where="why")

        def build(loaded: Loaded) -> do.Command:
            able = self.steps.directory(loaded.account.directory).capabilities()
            account = loaded.case.account
            wanted: tuple[Change, ...] = (RevokeSessions(account=account),)
            if lock:
                wanted = (Suspend(account=account), *wanted)
            changes = tuple(change for change in wanted if _kind(change) in able)
            if factors:
                changes = (self._suspended(loaded, factors, able), *changes)
            roles = self.steps.registry.person(actor).roles_at(at, loaded.case.unit)
            return do.Protect(by=actor, changes=changes, on_duty=bool(RESPONDERS & roles))

        if self.steps.registry.person(actor).kind is Kind.AI:
            # What the directory says of the account now: it may have joined a guarded class since the case was opened.
            name, native = self.steps.registry.native_id(self.steps.load(case).case.account)
            seen = self.steps.directory(name).read(native)
            self.steps.registry.observe(seen, self.steps.runner, self.steps.now(at))
        told = {past.ProtectionTaken: words("why", why.strip())}
        self.steps.step(
            case, actor, Step.PROTECT, build, at, disclosures=told, expect=lambda: budget(self.steps, actor, at)
        )
        log.warning("account.protected", case=case, locked=lock)

    def _suspended(self, loaded: Loaded, factors: tuple[str, ...], able: frozenset[str]) -> Change:
        change = SuspendFactors(account=loaded.case.account, factors=tuple(dict.fromkeys(factors)))
        name, native = self.steps.registry.native_id(loaded.case.account)
        if _kind(change) not in able:
            raise Refused(
                f"{name} suspends no single factor.", "Lock the account, or end its sessions.", ("no_such_change",)
            )
        has = self.steps.directory(name).read(native).factors
        if missing := [one for one in change.factors if one not in has]:
            raise Invalid(
                f"The account has no factor {', '.join(missing)}.",
                f"It has: {', '.join(has) or 'none'}.",
                where="factors",
            )
        return change

    def restart_holds(self, case: CaseId, at: datetime) -> None:
        """Let every hold of the account that runs begin anew, since how the person can be told changed; repeatable."""
        account = self.steps.load(case).case.account
        shields = [
            event_of(e) for e in self.steps.ledger.read(account_stream(account)) if e.entry.type == "account.shielded"
        ]
        if not any(isinstance(s, AccountShielded) and s.case == case for s in shields):
            raise Refused("This case protected nothing.", "Nothing begins anew.", ("not_protected",))
        self.steps.cases.follow(self.steps.ledger)
        for other in self.steps.cases.running():
            if other.account != account or not isinstance(other, Holding) or self._restarted(other.id, case):
                continue
            try:
                self.steps.system_step(other.id, lambda _: do.RestartHold(because=case), at)
            except Refused as refused:  # it ended, or was released, meanwhile
                log.info("hold.not_restarted", case=other.id, why=refused.what)

    def _restarted(self, case: CaseId, because: CaseId) -> bool:
        history = self.steps.registry.history(case)
        return any(isinstance(r.event, past.HoldRestarted) and r.event.because == because for r in history)


def _kind(change: Change) -> str:
    return str(type(change).__struct_config__.tag)


def budget(steps: Steps, actor: PersonId, at: datetime) -> Mapping[str, int]:
    """Refuse somebody who took away as often as they may within a day; the version at which they had not."""
    row = steps.policy.procedures.protective
    most = row.ai_budget if steps.registry.person(actor).kind is Kind.AI else row.budget
    stream = protection_stream(actor)
    spent = steps.ledger.read(stream)
    if sum(1 for entry in spent if at - entry.entry.at < DAY) >= most:
        raise Refused(
            f"You took access away {most} times within a day.",
            "Have somebody else on duty look at it: this may be an attack of its own.",
            ("protection_budget",),
        )
    return {stream: spent[-1].entry.version if spent else -1}
