"""What goes out to people: codes of a method, and notices to every contact of record. Nobody types a destination."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import structlog

from watchword.core import command as do
from watchword.core.account import Contact
from watchword.core.case import Case, Checked, Contained, Delivered, Executed, Holding, Protected
from watchword.core.errors import Invalid, Refused
from watchword.core.ids import CaseId
from watchword.desk.desk import Desk
from watchword.notices.port import Notice, Notifier

log = structlog.get_logger("watchword.notices")

CHANNELS = {"mail": ("mail",), "phone": ("call", "sms")}
"""Which channels reach which kind of contact point, the one that notices prefer first."""


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
        message, channel = port.message(ask), port.begin(ask).send
        if message is None or channel is None or ask.contact is None:
            raise Refused("Nothing can be sent: there is no contact point of record.", "Use another method.")
        self._notifier(channel, ask.contact).send(
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
        subject, text = said
        told: list[str] = []
        cut = self.desk.steps.registry.account(loaded.account).cut
        for number, contact in enumerate(seen.contacts):
            channel = next((c for c in CHANNELS.get(contact.kind, ()) if c in self.notifiers), None)
            if channel is None or contact.kind in cut:
                continue
            notice = Notice(id=f"{effect}/{number}", kind="alert", to=contact, subject=subject, text=text, at=at)
            try:
                self._notifier(channel, contact).send(notice)
                told.append(contact.kind)
            except Invalid as fault:
                log.warning("notice.undeliverable", effect=effect, contact=contact.kind, why=fault.what)
        log.info("notice.sent", case=case, contacts=len(told))
        if isinstance(loaded, Holding) and set(told) != set(loaded.told):
            channels = tuple(dict.fromkeys(told))
            self.desk.steps.system_step(case, lambda _: do.TellHold(channels=channels), at)

    def _notifier(self, channel: str, contact: Contact) -> Notifier:
        if channel not in self.notifiers:
            raise Refused(
                f"Nothing is configured to reach a {contact.kind} contact by {channel}.",
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
    elif isinstance(case, Protected):
        what = "Your account is being protected: its access is taken away until the service desk has looked at it."
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
