"""How somebody gets a way to prove who they are: an authenticator app, or a passkey made in a browser.

A passkey takes two steps, and so does an app whose first code is asked for; whoever takes both is ruled at each.
Between them nothing is stored: the challenge says by itself for whom, by whom and until when it was made, and an app's
seed.
"""

from __future__ import annotations

import base64
import hmac
from datetime import UTC, datetime, timedelta
from typing import Protocol

import msgspec

from watchword.core.action import Step
from watchword.core.errors import Conflict, Invalid, Refused
from watchword.core.ids import PersonId
from watchword.core.passkey import material_of
from watchword.core.person import Credential
from watchword.desk.people import People
from watchword.desk.roster import Roster

LIFE = timedelta(minutes=5)
"""How long a browser has to make a passkey."""

SEED_LIFE = timedelta(minutes=15)
"""How long somebody has to set up an app and type its first code."""


class MakesSeeds(Protocol):
    """What `methods.totp` gives to an enrolment."""

    def enrol(self, label: str) -> tuple[bytes, str]:
        """A new seed, and the `otpauth:` address that holds it."""
        ...

    def confirm(self, seed: bytes, answer: str, at: datetime) -> int:
        """The counter of the first code; raise `Refused` when it is not one of *seed*."""
        ...


class MakesPasskeys(Protocol):
    """What `methods.passkey` gives to an enrolment."""

    def enrolment_options(
        self, *, challenge: str, person: PersonId, login: str, exclude: tuple[Credential, ...] = ()
    ) -> str:
        """`PublicKeyCredentialCreationOptions` as JSON."""
        ...

    def enrol(self, *, challenge: str, person: PersonId, answer: str) -> str:
        """`Credential.public` for a browser's registration; raise `Refused` when it does not hold."""
        ...


class ReadsDevices(Protocol):
    """What `methods.managed_device` gives to an enrolment."""

    def enrol(self, pem: str, at: datetime) -> str:
        """`Credential.public` for a device's certificate; raise `Refused` where it proves nothing."""
        ...


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A passkey to be made: *options* for `navigator.credentials.create`, as JSON; *challenge* comes back with it."""

    challenge: str
    options: str
    expires: datetime


class SeedOffer(msgspec.Struct, frozen=True, kw_only=True):
    """An app to be set up by its `otpauth:` *address*, or by its seed as *key* in base32.

    *challenge*, which holds the seed as well, comes back with a code.
    """

    challenge: str
    address: str
    key: str
    expires: datetime


class Enrolment:
    """Enrolments as use cases; that they happened, `People.enrol` enters and rules on once more."""

    def __init__(
        self,
        people: People,
        roster: Roster,
        seeds: MakesSeeds,
        passkeys: MakesPasskeys,
        devices: ReadsDevices | None = None,
    ) -> None:
        self.people = people
        self.roster = roster
        self.seeds = seeds
        self.passkeys = passkeys
        self.devices = devices

    def totp(self, actor: PersonId, person: PersonId, at: datetime) -> str:
        """Enrol an authenticator app; returns the `otpauth:` address that holds its seed, this once."""
        steps = self.people.steps
        seed, address = self.seeds.enrol(steps.names.said(person)[0])
        self.people.enrol(actor, person, self._credential("totp", at), seed.hex(), at)
        return address

    def offer_totp(self, actor: PersonId, person: PersonId, at: datetime) -> SeedOffer:
        """Begin an authenticator app for *person*, to be shown to them alone."""
        self.roster.demand(actor, Step.ENROL_CREDENTIAL, person, at)
        seed, address = self.seeds.enrol(self.people.steps.names.said(person)[0])
        challenge, expires = self._challenge("totp", seed.hex(), actor, person, at + SEED_LIFE)
        key = base64.b32encode(seed).decode("ascii")
        return SeedOffer(challenge=challenge, address=address, key=key, expires=expires)

    def confirm_totp(
        self, actor: PersonId, person: PersonId, challenge: str, code: str, at: datetime, *, made: str, version: int
    ) -> Credential:
        """Enrol the app of an offer of *actor*'s, which shows by *code* that it has the seed.

        The credential gets the id *made*; *version* is as in `People.enrol`. `Refused` for a wrong code.
        """
        self.roster.demand(actor, Step.ENROL_CREDENTIAL, person, at)
        seed = bytes.fromhex(self._demand_offered("totp", actor, person, challenge, at))
        try:
            counter = self.seeds.confirm(seed, code, at)
        except Refused as refused:
            raise Refused(
                "The app does not show this code.",
                "Type the six digits it shows now; if that goes on, have the phone set its clock by itself.",
                ("wrong_app_code",),
            ) from refused
        credential = Credential(id=made, method="totp", enrolled_at=at, counter=counter, made_alone=True)
        self.people.enrol(actor, person, credential, seed.hex(), at, version=version)
        return credential

    def device(self, actor: PersonId, person: PersonId, certificate: str, at: datetime) -> Credential:
        """Enrol a managed device by its certificate in PEM; `Invalid` where no authority for devices is configured."""
        self.roster.demand(actor, Step.ENROL_CREDENTIAL, person, at)
        if self.devices is None:
            raise Invalid(
                "No authority issues certificates to devices here.",
                "Name it under [devices] in watchword.toml.",
                where="devices.ca_file",
            )
        public = self.devices.enrol(certificate.strip() + "\n", at)
        credential = msgspec.structs.replace(self._credential("managed_device", at), public=public)
        self.people.enrol(actor, person, credential, None, at)
        return credential

    def offer(self, actor: PersonId, person: PersonId, at: datetime) -> Offer:
        """Begin a passkey for *person*."""
        self.roster.demand(actor, Step.ENROL_CREDENTIAL, person, at)
        steps = self.people.steps
        challenge, expires = self._challenge("passkey", steps.ledger.pseudonym("e"), actor, person, at + LIFE)
        options = self.passkeys.enrolment_options(
            challenge=challenge,
            person=person,
            login=steps.names.said(person)[0],
            exclude=steps.registry.person(person).credentials_of("passkey"),
        )
        return Offer(challenge=challenge, options=options, expires=expires)

    def passkey(
        self,
        actor: PersonId,
        person: PersonId,
        challenge: str,
        answer: str,
        at: datetime,
        *,
        version: int | None = None,
        made: str | None = None,
    ) -> Credential:
        """Enrol the passkey that a browser made for an offer of *actor*'s; *answer* is its registration, as JSON.

        One passkey is one person's, and a revoked one does not come back (WebAuthn Level 3 §7.1: a credential id that
        is known is not registered again). *version* is as in `People.enrol`; *made* is the id of what somebody makes
        alone, on a page of their own.
        """
        self.roster.demand(actor, Step.ENROL_CREDENTIAL, person, at)
        self._demand_offered("passkey", actor, person, challenge, at)
        public = self.passkeys.enrol(challenge=challenge, person=person, answer=answer)
        credential = msgspec.structs.replace(self._credential("passkey", at), public=public)
        if made is not None:
            credential = msgspec.structs.replace(credential, id=made, made_alone=True)
        material, steps = material_of(credential), self.people.steps
        steps.names.follow(steps.ledger)
        if material is None or steps.names.passkey_holder(material) is not None:
            raise Conflict("This passkey is or was enrolled already.", "Make a new one.")
        self.people.enrol(actor, person, credential, None, at, version=version)
        return credential

    def _credential(self, method: str, at: datetime) -> Credential:
        return Credential(id=self.people.steps.ledger.pseudonym("k"), method=method, enrolled_at=at)

    def _challenge(
        self, kind: str, word: str, actor: PersonId, person: PersonId, until: datetime
    ) -> tuple[str, datetime]:
        expires = datetime.fromtimestamp(int(until.timestamp()), UTC)
        nonce = f"{word}.{int(expires.timestamp())}"
        return f"{nonce}.{self._seal(kind, nonce, actor, person)}", expires

    def _demand_offered(self, kind: str, actor: PersonId, person: PersonId, challenge: str, at: datetime) -> str:
        """The word that *challenge* was made with; `Invalid` unless it was made so, and is still good."""
        nonce, _, seal = challenge.rpartition(".")
        sealed = hmac.compare_digest(self._seal(kind, nonce, actor, person).encode(), seal.encode("utf-8", "replace"))
        word, _, until = nonce.rpartition(".")
        if not sealed or at >= datetime.fromtimestamp(int(until), UTC):
            raise Invalid(
                "This enrolment was not begun by you for this person, or its time is over.",
                "Begin it again.",
                where="challenge",
            )
        return word

    def _seal(self, kind: str, nonce: str, actor: PersonId, person: PersonId) -> str:
        return self.people.steps.ledger.keyed("enrolment", msgspec.json.encode((kind, nonce, actor, person)).decode())
