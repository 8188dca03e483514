"""What goes out to people: codes of a method, and notices to every contact of record. Nobody types a destination."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import structlog

from watchword.core import event as past
from watchword.core.account import Contact
from watchword.core.approval import is_signed
from watchword.core.case import Case, Checked, Contained, Delivered, Executed, Holding
from watchword.core.errors import Invalid, Refused
from watchword.core.ids import CaseId
from watchword.desk.approval_words import to_approver, to_subject
from watchword.desk.decisions import request_digest
from watchword.desk.desk import Desk
from watchword.desk.recording import case_stream, event_of
from watchword.notices.port import Notice, Notifier

log = structlog.get_logger("watchword.notices")

CHANNELS = {"mail": "mail", "phone": "call"}
"""Which channel reaches which kind of contact point."""


class Notices:
    """Sends through the notifiers it was given, by channel."""

    def __init__(self, desk: Desk, notifiers: Mapping[str, Notifier]) -> None:
        self.desk = desk
        self.notifiers = notifiers

    def send_code(self, case: CaseId, challenge: str, effect: str, at: datetime) -> None:
        """Send the message of a running challenge; made again now, stored nowhere."""
        loaded = self.desk.steps.load(case)
        running = next((c for c in loaded.case.challenges if c.id == challenge), None)
        if running is None or running.ended or at > running.expires:
            return
        port, ask = self.desk.verification.ask_of(loaded.case, running.id, at)
        message = port.message(ask)
        if message is None or ask.contact is None:
            raise Refused("Nothing can be sent: there is no contact point of record.", "Use another method.")
        self._notifier(ask.contact).send(
            Notice(id=effect, kind="code", to=ask.contact, subject=message.subject, text=message.text, at=at)
        )

    def tell(self, case: CaseId, effect: str, at: datetime) -> None:
        """Tell every contact of record what happens to the account, and what to do if that is not wanted."""
        loaded = self.desk.steps.load(case).case
        directory, native = self.desk.steps.registry.native_id(loaded.account)
        seen = self.desk.steps.directory(directory).read(native)
        said = _text(loaded)
        if said is None:
            raise Refused("Nothing happened that a notice would tell of.", "Drop it.", ("nothing_to_tell",))
        told = self._send(seen.contacts, effect, said, at)
        log.info("notice.sent", case=case, contacts=told)

    def tell_approved(self, case: CaseId, version: int, effect: str, at: datetime) -> None:
        """Tell the person and the approver, by mail, what was approved in entry *version* of a case."""
        steps = self.desk.steps
        loaded = steps.load(case).case
        entry = next((e for e in steps.ledger.read(case_stream(case)) if e.entry.version == version), None)
        given = event_of(entry) if entry else None
        if not isinstance(given, past.ApprovalGiven):
            raise Refused("Nothing was approved that a notice would tell of.", "Drop it.", ("nothing_to_tell",))
        digest, signed = request_digest(given.request), is_signed(given.proof)
        told = 0
        approver = steps.registry.person(given.person)
        for whom, accounts, said in (
            ("person", (loaded.account,), to_subject(loaded, digest, signed=signed)),
            ("approver", approver.accounts, to_approver(loaded, digest, signed=signed)),
        ):
            for account in accounts:
                directory, native = steps.registry.native_id(account)
                seen = steps.directory(directory).read(native)
                mail = tuple(c for c in seen.contacts if c.kind == "mail")
                told += self._send(mail, f"{effect}/{whom}/{account}", said, at)
        log.info("notice.approved", case=case, contacts=told)

    def _send(self, contacts: tuple[Contact, ...], effect: str, said: tuple[str, str], at: datetime) -> int:
        """Send to each contact there is a channel for; returns how many were told."""
        subject, text = said
        told = 0
        for number, contact in enumerate(contacts):
            if CHANNELS.get(contact.kind) not in self.notifiers:
                continue
            notice = Notice(id=f"{effect}/{number}", kind="alert", to=contact, subject=subject, text=text, at=at)
            try:
                self._notifier(contact).send(notice)
                told += 1
            except Invalid as fault:
                log.warning("notice.undeliverable", effect=effect, contact=contact.kind, why=fault.what)
        return told

    def _notifier(self, contact: Contact) -> Notifier:
        channel = CHANNELS.get(contact.kind, "")
        if channel not in self.notifiers:
            raise Refused(
                f"Nothing is configured to reach a {contact.kind} contact.",
                "Configure it in watchword.toml.",
                ("no_channel",),
            )
        return self.notifiers[channel]


def _text(case: Case) -> tuple[str, str] | None:
    """What a notice says, None where the case is in no state that one is sent for."""
    action = case.action.replace("_", " ")
    code = case.id[2:10]
    if isinstance(case, Holding):
        what = f"A {action} of your account was approved and will be done after {case.until:%Y-%m-%d %H:%M} UTC."
    elif isinstance(case, Contained):
        what = f"A {action} of your account was found to be fraudulent. Your account is being suspended."
    elif isinstance(case, Executed | Checked | Delivered):
        what = f"A {action} of your account was done."
    elif case.broke_glass is not None:
        what = f"An emergency {action} of your account was asked for by its custodians."
    else:
        return None
    subject = f"Your account: {action} (case {code})"
    text = (
        f"{what} If you did not ask for this, call the service desk at the number you know and name case {code}. "
        "This message holds no link."
    )
    return subject, text
