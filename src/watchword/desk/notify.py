"""What goes out to people: codes of a method, and notices to every contact of record. Nobody types a destination."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeAlias

import msgspec
import structlog

from watchword.core import command as do
from watchword.core import event as past
from watchword.core.account import FACT_WINDOW, PEOPLE, Contact, DirectoryAccount
from watchword.core.approval import is_signed
from watchword.core.case import Case, Checked, Contained, Delivered, Executed, Holding, Paused, Protected
from watchword.core.change import Suspend
from watchword.core.errors import Invalid, Refused, Unavailable
from watchword.core.ids import AccountId, CaseId, PersonId
from watchword.core.person import AccountLinked
from watchword.core.requirement import is_young
from watchword.desk.approval_words import to_approver, to_lender, to_subject
from watchword.desk.credential_words import TOLD, to_owner
from watchword.desk.decisions import request_digest
from watchword.desk.desk import Desk
from watchword.desk.recording import case_stream, event_of, person_stream
from watchword.languages.catalogue import DEFAULT, Words, known, words
from watchword.notices.port import Notice, Notifier

log = structlog.get_logger("watchword.notices")

CHANNELS = {"mail": ("mail",), "phone": ("call", "sms")}
"""Which channels reach which kind of contact point, the one that notices prefer first."""

BESIDE = "beside"
"""What stands among the kinds of contact point by which a hold was told, where others than the person were."""

Tell: TypeAlias = Callable[[AccountId, DirectoryAccount, Words], int]
"""Tells of one account as it was read, in these words; returns how many contacts it reached."""


class Notices:
    """Sends through the notifiers it was given, by channel."""

    def __init__(self, desk: Desk, notifiers: Mapping[str, Notifier], language: str = DEFAULT) -> None:
        """*language* is what is written where the directory does not say what somebody prefers."""
        self.desk = desk
        self.notifiers = notifiers
        self.language = language

    def send_code(self, case: CaseId, challenge: str, effect: str, at: datetime) -> None:
        """Send the message of a running challenge; made again now, stored nowhere."""
        loaded = self.desk.steps.load(case)
        running = next((c for c in loaded.case.challenges if c.id == challenge), None)
        if running is None or running.ended or at > running.expires:
            return
        port, ask = self.desk.verification.ask_of(loaded.case, running.id, at)
        language = self.language_of(loaded.case)
        ask = msgspec.structs.replace(ask, language=language)
        message, channel = port.message(ask), port.begin(ask).send
        if message is None or channel is None or ask.contact is None:
            raise Refused("Nothing can be sent: there is no contact point of record.", "Use another method.")
        self._notifier(channel, ask.contact).send(
            Notice(
                id=effect,
                kind="code",
                to=ask.contact,
                subject=message.subject,
                text=message.text,
                at=at,
                language=language,
            )
        )

    def tell(self, case: CaseId, effect: str, at: datetime) -> None:
        """Tell every contact of record, and those replaced here, what happens, and what to do if it is not wanted."""
        loaded = self.desk.steps.load(case).case
        directory, native = self.desk.steps.registry.native_id(loaded.account)
        seen = self.desk.steps.directory(directory).read(native)
        say = words(known(seen.language, self.language))
        said = _text(loaded, say)
        if said is None:
            raise Refused("Nothing happened that a notice would tell of.", "Drop it.", ("nothing_to_tell",))
        cut = self._cut(loaded, seen)
        # Whoever is at the old address is the one to say "not me", and the directory knows it no more.
        now = {(c.kind, c.value) for c in seen.contacts}
        before = tuple(c for c in self.desk.new_contact.replaced(case) if (c.kind, c.value) not in now)
        contacts = tuple(c for c in (*seen.contacts, *before, *self._owner(loaded)) if c.kind not in cut)
        if isinstance(loaded, Holding):
            self._tell_hold(loaded, contacts, effect, said, say, at)
            return
        told, away = self._send(contacts, effect, said, say, at)
        log.info("notice.sent", case=case, contacts=len(told))
        if away is not None:
            raise away

    def _tell_hold(
        self, case: Holding, contacts: tuple[Contact, ...], effect: str, said: tuple[str, str], say: Words, at: datetime
    ) -> None:
        """Tell of a hold, and take down by what: a contact point that changed lately is told and counts for nothing.

        Whoever changed it may be who asks. Where no other is on record, those who answer for the person are asked.
        """
        old = tuple(c for c in contacts if not is_young(case.requirement, c.changed_at, at))
        # Whom it was told of before another channel failed is not called again.
        told, away = self._send(tuple(c for c in old if c.kind not in case.told), effect, said, say, at)
        channels = tuple(dict.fromkeys((*case.told, *(c.kind for c in told))))
        if contacts and not old and not channels:
            told, away = self._ask_beside(case, effect, at)
            channels = (BESIDE,) if told else ()
        log.info("notice.sent", case=case.id, contacts=len(told))
        if told:
            self._send(tuple(c for c in contacts if c not in old), f"{effect}/young", said, say, at)
            self.desk.steps.system_step(case.id, lambda _: do.TellHold(channels=channels), at)
        elif not channels and away is None:
            log.error("hold.untold", case=case.id)
            raise Unavailable("Nobody can be told of this hold.", "It is tried again, and the hold waits for it.")
        if away is not None:
            raise away

    def _ask_beside(self, case: Holding, effect: str, at: datetime) -> tuple[tuple[Contact, ...], Unavailable | None]:
        """Tell the manager or sponsor of record, who has been that for a while, where they have been reached as long.

        They may say for the person that it is not them.
        """
        steps = self.desk.steps
        account, name = steps.registry.account(case.account), steps.names.said(case.subject)[1] if case.subject else ""
        told: list[Contact] = []
        for who in dict.fromkeys((account.facts.manager, account.facts.sponsor)):
            if who is None or who == case.subject or not account.relations(who, at):
                continue
            for own in steps.registry.person(who).accounts:
                try:
                    directory, native = steps.registry.native_id(own)
                    seen = steps.directory(directory).read(native)
                except (Refused, Invalid) as fault:  # one that is gone keeps nothing from the others
                    log.warning("notice.account_unread", account=own, why=fault.what)
                    continue
                say = words(known(seen.language, self.language))
                old = tuple(c for c in seen.contacts if not is_young(case.requirement, c.changed_at, at))
                reached = tuple(c for c in old if c.kind not in steps.registry.account(own).cut)
                sent, away = self._send(reached, f"{effect}/{own}", _asked_beside(case, name, say), say, at)
                told.extend(sent)
                if away is not None and not told:
                    return (), away
        return tuple(told), None

    def _cut(self, case: Case, seen: DirectoryAccount) -> frozenset[str]:
        """The kinds of contact point that do not reach the person of *case* any more."""
        if isinstance(case, Contained) and (case.unconfirmed or not isinstance(case, Protected)):
            # What is taken away for want of a word, or by a mistake, may have been their own: they are told wherever
            # they may be.
            return frozenset()
        # An account that is disabled still, or was by others, has no mailbox that anybody reads: a hold told there
        # alone would be one that nobody could object to.
        disabled = frozenset(Suspend.cuts) if isinstance(case, Holding) and not seen.enabled else frozenset()
        return self.desk.steps.registry.account(case.account).cut | disabled

    def tell_approved(self, case: CaseId, version: int, effect: str, at: datetime) -> None:
        """Tell the person, the approver and their lenders, by mail, what entry *version* of a case approved."""
        steps = self.desk.steps
        loaded = steps.load(case).case
        entry = next((e for e in steps.ledger.read(case_stream(case)) if e.entry.version == version), None)
        given = event_of(entry) if entry else None
        if not isinstance(given, past.ApprovalGiven):
            raise Refused("Nothing was approved that a notice would tell of.", "Drop it.", ("nothing_to_tell",))
        digest, signed = request_digest(given.request), is_signed(given.proof)
        approver, name = steps.registry.person(given.person), steps.names.said(given.person)[1]

        def tell(whom: str, words_for: Callable[..., tuple[str, str]], **more: Any) -> Tell:
            def one(account: AccountId, seen: DirectoryAccount, say: Words) -> int:
                mail = tuple(c for c in seen.contacts if c.kind == "mail")
                said = words_for(loaded, digest, say, **more)
                sent, away = self._send(mail, f"{effect}/{whom}/{account}", said, say, at)
                if away is not None:
                    raise away
                return len(sent)

            return one

        told = self._each(
            (
                (tell("person", to_subject, signed=signed), (loaded.account,)),
                (tell("approver", to_approver, signed=signed), approver.accounts),
                *((tell("lender", to_lender, name=name), steps.registry.person(who).accounts) for who in given.lent_by),
            )
        )
        log.info("notice.approved", case=case, contacts=told)

    def tell_credential(self, person: PersonId, version: int, effect: str, at: datetime) -> None:
        """Tell somebody by mail what entry *version* of their stream changed of how they show who they are.

        Where there is no mail address of record, every other contact is told. Of an account that was linked, those of
        that account alone: whoever linked it may be who they fear.
        """
        steps = self.desk.steps
        entries = steps.ledger.read(person_stream(person))
        entry = next((e for e in entries if e.entry.version == version), None)
        event = event_of(entry) if entry else None
        if entry is None or not isinstance(event, TOLD):
            raise Refused("Nothing happened that a notice would tell of.", "Drop it.", ("nothing_to_tell",))
        before = steps.registry.person(person, before=entry.seq)
        steps.names.follow(steps.ledger)
        by, name = (steps.names.said(PersonId(who))[1] for who in (entry.entry.actor, person))

        def tell(account: AccountId, seen: DirectoryAccount, say: Words) -> int:
            said = to_owner(event, before, name=name, by=by, at=entry.entry.at, say=say)
            return self._tell_by_mail(account, seen, f"{effect}/{account}", said, say, at) if said else 0

        accounts = (event.account,) if isinstance(event, AccountLinked) else before.accounts
        told = self._each(((tell, accounts),))
        log.info("notice.credential", person=person, contacts=told)

    def _each(self, tellings: tuple[tuple[Tell, tuple[AccountId, ...]], ...]) -> int:
        """Tell of every account, each in its language; returns how many contacts heard it.

        One account that is gone keeps nothing from the others. What was away is raised once all others were told.
        """
        steps, told, away = self.desk.steps, 0, list[Unavailable]()
        for tell, account in ((tell, account) for tell, accounts in tellings for account in accounts):
            try:
                directory, native = steps.registry.native_id(account)
                seen = steps.directory(directory).read(native)
                told += tell(account, seen, words(known(seen.language, self.language)))
            except Unavailable as fault:
                away.append(fault)
            except (Refused, Invalid) as fault:
                log.warning("notice.account_unread", account=account, why=fault.what)
        if away:
            raise away[0]
        return told

    def _tell_by_mail(
        self, account: AccountId, seen: DirectoryAccount, effect: str, said: tuple[str, str], say: Words, at: datetime
    ) -> int:
        """Send to the mail addresses of record, and to the others where that reached none; returns how many it did.

        One that changed lately reaches whoever changed it, so the others are told as well.
        """
        cut = self.desk.steps.registry.account(account).cut
        reached = tuple(c for c in seen.contacts if c.kind not in cut)
        told = 0
        for kind, contacts in (
            ("mail", tuple(c for c in reached if c.kind == "mail")),
            ("others", tuple(c for c in reached if c.kind != "mail")),
        ):
            sent, away = self._send(contacts, f"{effect}/{kind}", said, say, at)
            if away is not None:
                raise away
            told += len(sent)
            if any(c.changed_at is None or at - c.changed_at >= FACT_WINDOW for c in sent):
                break
        return told

    def _send(
        self, contacts: tuple[Contact, ...], effect: str, said: tuple[str, str], say: Words, at: datetime
    ) -> tuple[tuple[Contact, ...], Unavailable | None]:
        """Send to each contact there is a channel for; returns those that were told, and who was away."""
        subject, text = said
        told: list[Contact] = []
        away: Unavailable | None = None
        for number, contact in enumerate(contacts):
            channel = next((c for c in CHANNELS.get(contact.kind, ()) if c in self.notifiers), None)
            if channel is None:
                continue
            notice = Notice(
                id=f"{effect}/{number}",
                kind="alert",
                to=contact,
                subject=subject,
                text=text,
                at=at,
                language=say.language,
            )
            try:
                self._notifier(channel, contact).send(notice)
                told.append(contact)
            except Invalid as fault:
                log.warning("notice.undeliverable", effect=effect, contact=contact.kind, why=fault.what)
            except Unavailable as fault:
                away = away or fault
        return tuple(told), away

    def _owner(self, case: Case) -> tuple[Contact, ...]:
        """How the owner of an account that no person stands behind is reached: such an account has rarely a mailbox."""
        steps = self.desk.steps
        if case.account_class in PEOPLE or (owner := steps.registry.account(case.account).facts.owner) is None:
            return ()
        found = (steps.registry.native_id(account) for account in steps.registry.person(owner).accounts)
        return tuple(c for directory, native in found for c in steps.directory(directory).read(native).contacts)

    def language_of(self, case: Case) -> str:
        """The language of record; a directory that is silent now costs the language, not the code."""
        directory, native = self.desk.steps.registry.native_id(case.account)
        try:
            return known(self.desk.steps.directory(directory).read(native).language, self.language)
        except (Unavailable, Invalid):
            return self.language

    def _notifier(self, channel: str, contact: Contact) -> Notifier:
        if channel not in self.notifiers:
            raise Refused(
                f"Nothing is configured to reach a {contact.kind} contact by {channel}.",
                "Configure it in watchword.toml.",
                ("no_channel",),
            )
        return self.notifiers[channel]


def _asked_beside(case: Holding, name: str, say: Words) -> tuple[str, str]:
    """What the manager or sponsor of somebody reads, who can not be asked themself."""
    code = case.id[2:10]
    asked = say("beside.asked", name=name, deed=say(f"deed.{case.action}"), until=say.moment(case.until))
    return say("beside.subject", name=name, case=code), f"{asked} {say('beside.object', name=name, case=code)}"


def _text(case: Case, say: Words) -> tuple[str, str] | None:
    """What a notice says, None where the case is in no state that one is sent for."""
    code, deed = case.id[2:10], say(f"deed.{case.action}")
    if isinstance(case, Holding):
        what = say("notice.held", deed=deed, until=say.moment(case.until))
    elif isinstance(case, Protected):
        what = say("notice.unconfirmed", deed=deed) if case.unconfirmed else say("notice.protected")
    elif isinstance(case, Contained):
        what = say("notice.contained" if case.taken_back else "notice.ended", deed=deed)
    elif isinstance(case, Paused):
        what = say("notice.paused", deed=deed)
    elif isinstance(case, Executed | Checked | Delivered):
        what = say("notice.done", deed=deed)
        if hours := -(-case.requirement.after.confirm_s // 3600):
            what = f"{what} {say('notice.confirm', hours=hours)}"
    elif case.broke_glass is not None:
        what = say("notice.glass", deed=deed)
    else:
        return None
    subject = say("notice.subject", action=say(f"action.{case.action}"), case=code)
    return subject, f"{what} {say('notice.object', case=code)}"
