"""Handing over: the person's own page, the key their browser made, and the sealed credential that leaves once."""

from __future__ import annotations

import hmac
import threading
from datetime import datetime

from watchword.core import command as do
from watchword.core.case import Case, Checked, Released, beneath
from watchword.core.change import contact_of
from watchword.core.errors import Invalid, Refused
from watchword.core.ids import CaseId
from watchword.desk.digits import code_of, is_code
from watchword.desk.new_contact import NewContact
from watchword.desk.recording import case_stream
from watchword.desk.sealing import public_key
from watchword.desk.steps import Loaded, Steps
from watchword.desk.verification import Verification
from watchword.methods.port import Begun

ENVELOPE = "envelope"
"""Name of the disclosure that holds a credential as a compact JWE, sealed to the hand-over key."""


DEVICE = "managed_device"
"""The method whose answer only a connection from the device can carry."""


class HandOver:
    """The only way a credential leaves, and never through an agent."""

    def __init__(self, steps: Steps, verification: Verification, new_contact: NewContact) -> None:
        self.steps = steps
        self.verification = verification
        self.new_contact = new_contact
        # Codes sent side by side would all be compared before the first miss is recorded.
        self._one_at_a_time = threading.Lock()

    def page_token(self, case: CaseId) -> str:
        """What the caller's own page is addressed by; knowing it proves nothing by itself."""
        return self.steps.ledger.keyed("caller-page", case)

    def demand_page(self, case: CaseId, token: str) -> Loaded:
        """The case behind a caller's page; `Invalid` in the same words for a wrong token and a case that never was."""
        if not hmac.compare_digest(self.page_token(case).encode(), token.encode()):
            raise Invalid("There is no such page.", "Ask the desk for the address again.", where="page")
        return self.steps.load(case)

    def open(self, case: CaseId, jwk: str, at: datetime) -> str:
        """Bind the hand-over to the public key (JWK, P-256) that the person's browser made; the first one counts.

        Returns what that browser shows from now on (a cookie of its own): without it nobody proves again or takes, so
        that a proof given elsewhere can not let a credential go that was sealed to another browser's key.
        """
        key = public_key(jwk)
        self.steps.system_step(case, lambda _: do.OpenHandOver(jwk=key), at)
        return self._held(case, key)

    def reprove(
        self, case: CaseId, method: str, browser: str, at: datetime, *, mark: str | None = None
    ) -> tuple[str, Begun]:
        """Start the enforced method that is proven again before anything is handed over; *mark* as in `answer`."""
        self._demand_browser(self.steps.load(case), browser)
        return self.verification.begin_again(case, method, at, mark=mark)

    def answer(
        self, case: CaseId, challenge: str, answer: str, browser: str, at: datetime, *, mark: str | None = None
    ) -> str:
        """Take an answer from the person's page.

        One for the hand-over only from the browser that made the key, and one for a new contact point only from the
        browser that entered it: a proof given elsewhere speaks for neither. *mark* is that browser's (`desk.browsers`).
        """
        with self.steps.registry.folds.moment():
            loaded = self.steps.load(case)
            running = next((c for c in loaded.case.challenges if c.id == challenge), None)
            if running is not None and running.method == DEVICE:
                # A certificate is no secret: pasted into an answer it would prove that somebody has seen it.
                raise Refused(
                    "A device proves itself by its own connection.",
                    "Open the page on the managed device.",
                    ("wrong_hands",),
                )
            return self._answer(loaded, challenge, answer, browser, at, mark)

    def _answer(
        self, loaded: Loaded, challenge: str, answer: str, browser: str, at: datetime, mark: str | None = None
    ) -> str:
        running = next((c for c in loaded.case.challenges if c.id == challenge), None)
        if running is not None and running.purpose == "hand_over":
            self._demand_browser(loaded, browser)
        elif contact_of(loaded.case.changes) is not None:
            self.new_contact.demand_browser(loaded.case, browser)
        return self.verification.answer(loaded.case.id, challenge, answer, at, attesting=None, mark=mark)

    def answer_device(
        self, case: CaseId, challenge: str, certificate: str, browser: str, at: datetime, *, mark: str | None = None
    ) -> str:
        """Take the certificate a device showed; whoever ended its TLS connection says so, and nobody else."""
        loaded = self.steps.load(case)
        running = next((c for c in loaded.case.challenges if c.id == challenge and c.method == DEVICE), None)
        if running is None:
            raise Refused("No device is asked for here.", "Go back to the page of this case.", ("foreign",))
        return self._answer(loaded, challenge, certificate, browser, at, mark)

    def spoken_code(self, case: Case) -> str | None:
        """The code an agent says to whoever is on the line, six digits; None where none is asked or no key is there.

        It follows from the case and the browser's key, and opens nothing without that key and a fresh proof: so it
        ties the browser to whoever the desk speaks to, and is of no use to the desk.
        """
        under = beneath(case)
        jwk = under.jwk if isinstance(under, Released) else None
        if case.requirement.deliver != "spoken" or jwk is None:
            return None
        return code_of(self.steps.ledger.keyed("spoken-code", f"{case.id} {jwk}"))

    def say_code(self, case: CaseId, code: str, browser: str, at: datetime) -> None:
        """Take the code as the person heard it; a wrong one is recorded before `Refused` says so."""
        with self._one_at_a_time:
            loaded = self.steps.load(case)
            self._demand_browser(loaded, browser)
            right = is_code(self.spoken_code(loaded.case) or "", code)
            self.steps.system_step(case, lambda _: do.SayCode(right=right), at)
        if not right:
            raise Refused(
                "That is not the code of this hand-over.",
                "Have the desk say it again; the third wrong one closes the hand-over.",
                ("wrong_code",),
            )

    def take(self, case: CaseId, browser: str, at: datetime) -> tuple[str, ...]:
        """Let the sealed credentials go, once: compact JWEs only the person's browser can open."""
        loaded = self.steps.load(case)
        self._demand_browser(loaded, browser)
        envelopes: list[str] = []
        for appended in self.steps.ledger.read(case_stream(case)):
            if appended.entry.type == "change.started":
                envelopes.extend(v for k, v in self.steps.ledger.disclosures(appended).items() if k == ENVELOPE)
        if not isinstance(loaded.case, Checked):
            raise Refused("Nothing waits to be handed over.", "Ask the desk.", ("wrong_state",))
        if not envelopes:
            raise Refused("The sealed credential was erased.", "Ask the desk for a new case.", ("erased",))
        self.steps.system_step(case, lambda _: do.HandOver(), at)
        return tuple(envelopes[-1:])

    def _held(self, case: CaseId, jwk: str) -> str:
        return self.steps.ledger.keyed("hand-over-browser", f"{case} {jwk}")

    def is_held(self, case: Case, browser: str) -> bool:
        """Whether *browser* is the one that made the hand-over key of *case*, which may be paused."""
        under = beneath(case)
        jwk = under.jwk if isinstance(under, Released) else None
        return jwk is not None and hmac.compare_digest(self._held(case.id, jwk).encode(), browser.encode())

    def _demand_browser(self, loaded: Loaded, browser: str) -> None:
        if not self.is_held(loaded.case, browser):
            raise Refused(
                "This hand-over was opened by another browser, or by none yet.",
                "Open it in the browser you began with; tell the desk at once if somebody else did.",
                ("other_browser",),
            )
