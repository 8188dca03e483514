"""Who hears of an emergency: security is paged, and every approver who was passed over is told."""

from __future__ import annotations

from datetime import datetime

import structlog

from watchword.core import command as do
from watchword.core import event as past
from watchword.core.account import AccountClass, Contact
from watchword.core.action import Action, AlertLevel
from watchword.core.case import Case
from watchword.core.errors import Invalid, Refused, Unavailable
from watchword.core.fold import evolve
from watchword.core.ids import CaseId, PersonId
from watchword.desk.asks import ALERTED
from watchword.desk.downtime import LATE, UNSOUND, declared
from watchword.desk.notify import CHANNELS, Notices
from watchword.languages.catalogue import Words, known, words
from watchword.notices.port import Notice, Page, Pager

log = structlog.get_logger("watchword.paging")

QUEUED = ALERTED[AlertLevel.QUEUE]
"""What wakes nobody: it goes where things wait, and to whom is paged only where there is no such place."""

SAID = {
    "break_glass.invoked": "The glass was broken",
    "recovery.queued": "A recovery was released",
    "recovery.released": "A recovery that security is paged of was released",
    "review.overdue": "A review is overdue",
    "case.contained": "A recovery was found fraudulent",
    "case.objected": "Somebody says that a recovery is not theirs",
    "care.missed": "A recovery was not confirmed by the person, whose account is being suspended",
    "downtime.declared": "Work outside Watchword was declared",
    "downtime.overdue": "The review of work outside Watchword is overdue",
    "downtime.unsound": "The review of work outside Watchword found it not sound",
    "review.unsound": "The review of a recovery found it not sound",
}
"""What is paged, by the event that asks for it."""


class Paging:
    """Sends through the pagers it was given, and over the desk's own notices."""

    def __init__(self, notices: Notices, pagers: tuple[Pager, ...]) -> None:
        self.notices = notices
        self.steps = notices.desk.steps
        self.pagers = pagers

    def page(self, case: CaseId, event: str, effect: str, at: datetime) -> None:
        """Page security of what *event* says of *case*; one pager that is away lets the others be tried again later."""
        now = self.steps.load(case).case
        self._page(case, event, _words(now.action, now.account_class), effect, at)

    def page_downtime(self, effect: str, at: datetime) -> None:
        """Page security of a declaration: as soon as one custodian made it, when its review is late, or found it wrong.

        *effect* is `downtime/EVENT/ID`. Nothing where its review was not late after all.
        """
        _, event, downtime = effect.split("/")
        one = declared(self.steps.ledger)[downtime]
        if event == LATE and not one.overdue(at):
            return
        said = one.declared
        held = self.steps.registry.account(said.account).facts.account_class or AccountClass.IDENTITY_CONTROL
        told = {LATE: "downtime.overdue", UNSOUND: "downtime.unsound"}.get(event, "downtime.declared")
        self._page(downtime, told, _words(said.action, held), effect, at)

    def _page(self, about: str, event: str, what: str, effect: str, at: datetime) -> None:
        """Through every pager there is; what is paged names the case or the declaration by its code alone."""
        if not self.pagers:
            log.error("page.nobody", case=about, paged=event)
            return
        code = f"{'declaration' if event.startswith('downtime.') else 'case'} {about[2:10]}"
        text = f"{SAID[event]}: {what}, {code}. Look at it in the console. This message holds no link."
        page = Page(id=effect, event=event, case=about, subject=f"{SAID[event]} ({code})", text=text, at=at)
        queues = tuple(pager for pager in self.pagers if pager.queues) if event == QUEUED else ()
        for pager in queues or self.pagers:
            try:
                pager.page(page)
            except Invalid as fault:
                log.exception("page.undeliverable", case=about, why=fault.what)

    def tell_skipped(self, case: CaseId, effect: str, at: datetime) -> None:
        """Tell everybody who could have approved what a broken glass did without them; who was told is an entry."""
        before, invoked = self._passed_over(case)
        if before is None or invoked is None:
            raise Refused("The glass is not broken here.", "Nobody was passed over.", ("not_broken",))
        if any(isinstance(r.event, past.ApproversTold) for r in self.steps.registry.history(case)):
            return
        told: list[PersonId] = []
        untold: list[PersonId] = []
        for person in self._approvers(before, at):
            (told if self._tell(person, before, effect, at) else untold).append(person)
        command = do.TellApprovers(told=tuple(told), untold=tuple(untold))
        self.steps.system_step(case, lambda _: command, at)

    def _passed_over(self, case: CaseId) -> tuple[Case | None, past.BreakGlassInvoked | None]:
        """The case as it was before the glass was broken."""
        now: Case | None = None
        for recorded in self.steps.registry.history(case):
            if isinstance(recorded.event, past.BreakGlassInvoked):
                return now, recorded.event
            now = evolve(now, recorded)
        return None, None

    def _approvers(self, case: Case, at: datetime) -> tuple[PersonId, ...]:
        """Everybody who could have taken a seat of the approval that was asked."""
        rule = case.requirement.approve
        wanted = {role for seat in rule.seats for role in seat.roles} if rule else set()
        account = self.steps.registry.account(case.account)
        self.steps.names.follow(self.steps.ledger)

        def could(person: PersonId) -> bool:
            roles = self.steps.registry.person(person).roles_at(at, case.unit)
            return person != case.subject and bool(wanted & {*roles, *account.relations(person, at)})

        return tuple(person for person in self.steps.names.people() if could(person))

    def _tell(self, person: PersonId, case: Case, effect: str, at: datetime) -> bool:
        """Tell one approver by the contact points of their own accounts; False where nothing reached them."""
        code, reached = case.id[2:10], False
        for number, (contact, say) in enumerate(self._contacts(person)):
            channel = next((c for c in CHANNELS.get(contact.kind, ()) if c in self.notices.notifiers), None)
            if channel is None:
                continue
            deed = say("skipped.deed", deed=say(f"deed.{case.action}"), case=code)
            notice = Notice(
                id=f"{effect}/{person}/{number}",
                kind="alert",
                to=contact,
                subject=say("skipped.subject", case=code),
                text=f"{deed} {say('skipped.object')}",
                at=at,
                language=say.language,
            )
            try:
                self.notices.notifiers[channel].send(notice)
                reached = True
            except Invalid as fault:
                log.warning("approver.undeliverable", person=person, why=fault.what)
        return reached

    def _contacts(self, person: PersonId) -> tuple[tuple[Contact, Words], ...]:
        """The contact points of their accounts, each with the language it is written to in."""
        found: list[tuple[Contact, Words]] = []
        for account in self.steps.registry.person(person).accounts:
            try:
                name, native = self.steps.registry.native_id(account)
                seen = self.steps.directory(name).read(native)
                say = words(known(seen.language, self.notices.language))
                found.extend((contact, say) for contact in seen.contacts)
            except (Invalid, Refused, Unavailable) as fault:
                log.warning("approver.not_found", person=person, why=fault.what)
        return tuple(found)


def _words(action: Action, held: AccountClass) -> str:
    return f"{action.replace('_', ' ')} of a {held.replace('_', ' ')} account"
