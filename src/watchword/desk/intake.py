"""Intake: who asks, for which account, for what, and how the request came."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from watchword.core import command as do
from watchword.core import event as past
from watchword.core.account import PEOPLE, AccountClass, DirectoryAccount
from watchword.core.action import Action, Step
from watchword.core.change import (
    Change,
    ContactKind,
    GrantOverride,
    IssuePass,
    ReissueSecret,
    ResetFactors,
    ResetPassword,
    RevokeSessions,
    SetContact,
    Unlock,
)
from watchword.core.decision import decide
from watchword.core.errors import Invalid, Refused
from watchword.core.ids import AccountId, CaseId, OriginId, PersonId
from watchword.core.person import Kind
from watchword.core.requirement import Context, Requirement
from watchword.core.ruling import CaseFacts, Ruling
from watchword.core.standing import Account
from watchword.core.visible import legible, visible
from watchword.desk.origins import plain
from watchword.desk.steps import Steps
from watchword.directories.port import kind_of
from watchword.ledger.entry import Disclosure, Retention

HOUR, DAY = 3600, 86_400
"""Seconds that a pass or a lent role lasts, and that an old secret lives on, where policy does not say less."""


LONGEST_NAME = 200

CALLER = "caller"
"""Name of the disclosure that says who calls for the person."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for, in the desk's words. A new contact point is only named by its kind: the person enters it."""

    action: Action
    factors: tuple[str, ...] = ()
    contact: ContactKind | None = None
    role: str | None = None


class Intake:
    """Takes requests in."""

    def __init__(self, steps: Steps) -> None:
        self.steps = steps

    def find(self, directory: str, query: str) -> DirectoryAccount:
        """The one account *query* names in *directory*; `Invalid` when none, or several and which."""
        return self._one(directory, query, self.steps.directory(directory).find(query))

    def find_for(self, actor: PersonId, directory: str, query: str, at: datetime) -> DirectoryAccount:
        """As `find`, among the accounts of units that *actor* takes requests in for: no other one is there for them.

        So whoever works for one unit learns of no other's accounts, neither from what is refused nor from a name that
        several have. `Refused` for whoever takes requests in nowhere.
        """
        self.steps.demand_anywhere(actor, Step.OPEN, at)
        found = self.steps.directory(directory).find(query)
        opens = {unit: self.steps.opens_in(actor, unit, at) for unit in {one.unit or "" for one in found}}
        return self._one(directory, query, tuple(one for one in found if opens[one.unit or ""]))

    def _one(self, directory: str, query: str, found: tuple[DirectoryAccount, ...]) -> DirectoryAccount:
        if not found:
            raise Invalid(
                f"No account in {directory} is called {query!r}.",
                "Check the spelling: login, mail address, display name or native id, whole. One of a unit that you do "
                "not work for is not found either.",
                where="account",
            )
        if len(found) > 1:
            several = ", ".join(f"{a.called} ({visible(a.login)})" for a in found)
            raise Invalid(
                f"{len(found)} accounts answer to {query!r}: {several}.", "Name one by its login.", where="account"
            )
        return found[0]

    def open(
        self,
        actor: PersonId,
        *,
        directory: str,
        query: str,
        wish: Wish,
        context: Context,
        origin: str | None,
        reason: str,
        at: datetime,
        lane: past.Lane = "voice",
        caller: str = "",
        case: CaseId | None = None,
    ) -> CaseId:
        """Take a request in: who, what, how it came, and the caller's words. Returns the new case.

        *caller* names whoever calls for the person, when it is not they themself; it is kept sealed. *case* is a new
        pseudonym where its address was given away before.
        """
        if len(caller) > LONGEST_NAME or not legible(caller):
            raise Invalid(
                "That is no name of a caller.", f"Write at most {LONGEST_NAME} that are seen.", where="caller"
            )
        with self.steps.registry.folds.moment():
            self.steps.demand_active_policy()
            self.steps.demand_anywhere(actor, Step.OPEN, at)
        seen = self.find_for(actor, directory, query, at)
        at = self.steps.now(at)  # a directory may take its time
        with self.steps.registry.folds.moment():
            account = self.steps.registry.observe(seen, actor, at)
            subject = self._subject(account)
            source = self._source(origin)
            came_from = self.steps.registry.origin(source)
            came_from.demand(at, self.steps.throttle)
            shared = bool(came_from.others(account.id, at - timedelta(seconds=self.steps.campaign_s)))
            account_class = self.steps.registry.strictest_class(account, subject, at)
            context = self._completed(context, actor, at)
            requirement = None
            if account_class is not None:
                requirement = self.steps.policy.procedures.require(
                    account_class,
                    wish.action,
                    context,
                    completed_recoveries_7d=account.recoveries_within(self.steps.policy.procedures.repeat.window, at),
                    shared_origin=shared,
                )
            command = do.Open(
                case=case or CaseId(self.steps.ledger.pseudonym("c")),
                account=account.id,
                account_class=account_class,
                unit=account.facts.unit,
                action=wish.action,
                changes=self._changes(account.id, wish, requirement, seen),
                context=context,
                opener=actor,
                subject=subject,
                origin=source,
                lane=lane,
                assisted=bool(caller.strip()),
                protected=seen.protected,
                shared_origin=shared,
            )
            ruling = self._ruling(command, account, at)
            events = decide(None, account, command, ruling, requirement, at, self.steps.thresholds)
            told: tuple[Disclosure, ...] = (Disclosure(name="reason", value=reason, retention=Retention.IDENTITY),)
            if command.assisted:
                told = (*told, Disclosure(name=CALLER, value=caller.strip(), retention=Retention.IDENTITY))
            self.steps.append(None, events, actor, at, disclosures={past.CaseOpened: told})
            return command.case

    def _subject(self, account: Account) -> PersonId | None:
        """Who stands behind *account*; `Refused` where it is somebody's and nobody knows whose."""
        subject = self.steps.names.owner(account.id)
        if subject is None and account.facts.account_class in PEOPLE:
            raise Refused(
                "Nobody is known to stand behind this account.",
                "Have an administrator link it to its person; then separation of duties can be held.",
                ("nobody_linked",),
            )
        return subject

    def _source(self, number: str | None) -> OriginId | None:
        """What a caller's *number* stands for, however the desk wrote it down; none where many call from it."""
        written = plain("number", number or "", self.steps.country)
        if not written or written in self.steps.shared_numbers:
            return None
        return OriginId("o-" + self.steps.ledger.keyed("origin", written))

    def _completed(self, context: Context, actor: PersonId, at: datetime) -> Context:
        """*context* with what the desk knows better than whoever wrote it: a vendor's agent, an elevated threat."""
        return msgspec.structs.replace(
            context,
            channel="vendor_desk" if self.steps.registry.person(actor).kind is Kind.VENDOR else context.channel,
            elevated_threat=context.elevated_threat or self.steps.registry.posture().elevated(at),
        )

    def _ruling(self, command: do.Open, account: Account, at: datetime) -> Ruling:
        """Whether the opener may take this in; an account of no class is as grave as can be."""
        facts = CaseFacts(
            case=None,
            unit=command.unit,
            account_class=command.account_class or account.facts.account_class or AccountClass.IDENTITY_CONTROL,
            action=command.action,
            subject=command.subject,
            opener=command.opener,
            relations=(*account.relations(command.opener, at), *self.steps.relations_to_new(command.opener)),
        )
        return self.steps.rule(command.opener, Step.OPEN, facts, at)

    def _changes(
        self, account: AccountId, wish: Wish, requirement: Requirement | None, seen: DirectoryAccount
    ) -> tuple[Change, ...]:
        """The typed changes of a wish, with after-care that the directory can do in the same job."""
        changes: tuple[Change, ...]
        bound = self.steps.policy.procedures.lifetime(requirement.account_class, wish.action) if requirement else None
        match wish.action:
            case Action.UNLOCK:
                changes = (Unlock(account=account),)
            case Action.PASSWORD_RESET:
                changes = (ResetPassword(account=account),)
            case Action.FACTOR_RESET:
                changes = (ResetFactors(account=account, factors=_factors(wish, seen)),)
            case Action.TOTAL_LOSS:
                changes = (ResetFactors(account=account), ResetPassword(account=account))
            case Action.RECOVERY_INFO_CHANGE:
                if wish.contact is None:
                    raise Invalid(
                        "Which contact point is to change is missing.",
                        "Say mail or phone; the person enters the new one on their own page.",
                        where="contact",
                    )
                changes = (SetContact(account=account, contact=wish.contact),)
            case Action.BYPASS_CODE:
                changes = (IssuePass(account=account, lifetime_s=min(HOUR, bound or HOUR)),)
            case Action.SECRET_REISSUE:
                changes = (ReissueSecret(account=account, overlap_s=min(DAY, bound or DAY)),)
            case Action.PRIVILEGED_OVERRIDE:
                if not wish.role:
                    raise Invalid("The role to lend is missing.", "Name it.", where="role")
                changes = (GrantOverride(account=account, role=wish.role, lifetime_s=min(HOUR, bound or HOUR)),)
        able = self.steps.directory(seen.directory).capabilities()
        unable = [k for k in (kind_of(c) for c in changes) if k not in able]
        if unable:
            raise Refused(
                f"{seen.directory} can not do {', '.join(unable)}.",
                "Ask for an action this directory can do; `watchword doctor` lists them.",
                ("unsupported",),
            )
        if requirement is not None and requirement.after.revoke_sessions and "revoke_sessions" in able:
            changes = (*changes, RevokeSessions(account=account))
        return changes

    def link_ticket(self, actor: PersonId, case: CaseId, ticket: str, at: datetime) -> None:
        """Tie the case to a ticket; its number is a payload kept as long as the core evidence."""
        if not ticket.strip() or len(ticket) > 100 or not ticket.isprintable():
            raise Invalid(
                "That is no ticket number.", "Paste the number as the ticket system shows it.", where="ticket"
            )
        told = (Disclosure(name="ticket", value=ticket.strip(), retention=Retention.CORE),)
        self.steps.step(
            case,
            actor,
            Step.LINK_TICKET,
            lambda _: do.LinkTicket(by=actor),
            at,
            disclosures={past.TicketLinked: told},
        )


def _factors(wish: Wish, seen: DirectoryAccount) -> tuple[str, ...]:
    """The factors to remove, each by its name: all of them at once is the theft that `total_loss` has its price for."""
    has = f"The account has: {', '.join(seen.factors) or 'none'}."
    if not wish.factors:
        raise Invalid("Which factors are lost is missing.", f"Name them, or ask for total_loss. {has}", where="factors")
    if unknown := sorted(set(wish.factors) - set(seen.factors)):
        raise Invalid(f"The account has no factor {', '.join(unknown)}.", f"Name those it has. {has}", where="factors")
    return tuple(dict.fromkeys(wish.factors))
