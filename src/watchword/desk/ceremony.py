"""The ceremony after a loss: two custodians put an older copy of the ledger in the place of what witnesses had seen.

It is the way on when the database can not be brought back, and it hides nothing: what was given up, why and by whom is
an entry, the cases that were under way end, and every directory change of the lost time owes a review.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

from watchword.core import command as do
from watchword.core.case import Executing
from watchword.core.errors import Conflict, Invalid, Refused
from watchword.core.ids import PersonId
from watchword.core.person import Role
from watchword.desk.recording import draft
from watchword.desk.steps import Loaded, Steps
from watchword.ledger.append import Append
from watchword.ledger.checkpoint import VerifierKey, verify
from watchword.ledger.entry import Disclosure, Retention
from watchword.ledger.restoration import LEDGER_STREAM, Restoration, given_up

RESTORED = "restored"
"""The reason a case ends with in whose lost time nobody knows what was done."""


class Ceremony:
    """Held with every other process of the ledger stopped."""

    def __init__(self, steps: Steps) -> None:
        self.steps = steps

    def restore(
        self, custodians: tuple[PersonId, PersonId], witnessed: str, verifier: VerifierKey, why: str, at: datetime
    ) -> Restoration:
        """Go on from the ledger as it is, giving up the *witnessed* checkpoint, a note that *verifier*'s key signed.

        Raise `Refused` unless both are custodians and two, or when nothing is lost; `Invalid` without a reason.
        """
        ledger = self.steps.ledger
        if not why.strip():
            raise Invalid("What is given up needs a reason.", "Write what was lost and how.", where="why")
        if len(set(custodians)) < len(custodians):
            raise Refused(
                "One person can not hold this ceremony.", "A second custodian has to agree.", ("same_person",)
            )
        for person in custodians:
            if Role.CUSTODIAN not in self.steps.registry.person(person).roles_at(at):
                raise Refused("Only custodians hold this ceremony.", "Ask one.", ("not_custodian",))
        checkpoint = verify(witnessed, verifier)
        if checkpoint.size <= ledger.size and checkpoint.root == ledger.root(checkpoint.size):
            raise Refused("Nothing is lost: that checkpoint is of this ledger.", "Start as always.", ("nothing_lost",))
        if done := given_up(ledger, checkpoint.size, checkpoint.root):
            self._end_what_was_under_way(custodians[0], at, until=done.until)  # had that ceremony been cut short
            raise Conflict("That checkpoint was given up already.", "Start as always.")
        restoration = Restoration(
            size=checkpoint.size,
            root=checkpoint.root.hex(),
            since=max((e.entry.at for e in ledger.entries(ledger.size - 1)), default=datetime.min.replace(tzinfo=UTC)),
            until=at.replace(microsecond=at.microsecond // 1000 * 1000),  # as fine as an entry
            custodians=custodians,
        )
        entries = ledger.read(LEDGER_STREAM)
        version = entries[-1].entry.version if entries else -1
        told = Disclosure(name="why", value=why.strip(), retention=Retention.CORE)
        drafts = (draft(restoration, custodians[0], at, (told,)),)
        ledger.append((Append(stream=LEDGER_STREAM, expected_version=version, drafts=drafts),))
        self._end_what_was_under_way(custodians[0], at, until=restoration.until)
        return restoration

    def _end_what_was_under_way(self, custodian: PersonId, at: datetime, *, until: datetime) -> None:
        """What was approved may have been used in the lost time: it is not used again, cases opened by then end."""
        self.steps.cases.follow(self.steps.ledger)
        for case in self.steps.cases.running():
            if case.opened_at > until:
                continue
            command: do.Command = do.Withdraw(by=custodian)
            if type(case) is Executing:
                command = do.RefuseExecution(executor=self.steps.executor, reasons=(RESTORED,))
            with suppress(Refused):  # a change is on its way and is read back, or the work is over
                self.steps.system_step(case.id, partial(_always, command), at)


def _always(command: do.Command, _loaded: Loaded) -> do.Command:
    return command
