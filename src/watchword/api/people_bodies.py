"""What the API takes and gives of people. Times carry their offset; a secret goes in, and comes out at most once."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, TypeAlias

import msgspec

from watchword.api.bodies import In, Out
from watchword.core.person import Kind, Role

When: TypeAlias = Annotated[datetime, msgspec.Meta(tz=True)]
"""A time with its offset from UTC: one without it could be anybody's."""


Hours: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=8760)]
"""Whole hours; how many there may be, whoever takes the step says."""


class RegisterPerson(In, frozen=True, kw_only=True):
    """Somebody who is to act here."""

    login: str
    name: str
    unit: str
    kind: Kind = Kind.EMPLOYEE


class PersonOut(Out, frozen=True, kw_only=True):
    """Somebody who is known."""

    person: str
    login: str
    name: str


class RoleOut(Out, frozen=True, kw_only=True):
    """A role, in one unit (None: everywhere), until a time (None: until revoked), and whether it is in force now."""

    role: Role
    unit: str | None
    until: datetime | None
    in_force: bool


class DelegationOut(Out, frozen=True, kw_only=True):
    """The right to administer the people of one unit."""

    unit: str
    until: datetime
    in_force: bool


class CredentialOut(Out, frozen=True, kw_only=True):
    """An enrolment; *revoked_at* and, for a password, *replaced_at* are None while it counts. No secret.

    *made_alone*: by the person, on a page of their own.
    """

    credential: str
    method: str
    enrolled_at: datetime
    made_alone: bool = False
    fingerprint: str = ""
    confirmed_by: str | None = None
    device_bound: bool | None = None
    revoked_at: datetime | None
    replaced_at: datetime | None


class LinkedOut(Out, frozen=True, kw_only=True):
    """An account of the person, as it was last seen; no contact point, no factor."""

    account: str
    directory: str
    native_id: str
    account_class: str | None


class PageOut(Out, frozen=True, kw_only=True):
    """A page of somebody's own that was not used: for what *purpose*, by whom (a login) its address was made.

    *missed* counts wrong codes; three of them *closed* it.
    """

    page: str
    purpose: str
    by: str
    expires: datetime
    missed: int
    closed: bool


class KnownPerson(Out, frozen=True, kw_only=True):
    """Somebody as an administrator of their unit sees them."""

    person: str
    login: str
    name: str
    kind: Kind
    unit: str
    since: datetime | None
    roles: tuple[RoleOut, ...]
    delegations: tuple[DelegationOut, ...]
    credentials: tuple[CredentialOut, ...]
    accounts: tuple[LinkedOut, ...]
    pages: tuple[PageOut, ...] = ()


class GrantRole(In, frozen=True, kw_only=True):
    """A role, in one unit (None: everywhere), until a time (None: until revoked)."""

    role: Role
    unit: str | None = None
    until: When | None = None


class Delegate(In, frozen=True, kw_only=True):
    """The people of one unit, until an end date within a year."""

    unit: str
    until: When


class EndDelegation(In, frozen=True, kw_only=True):
    """The unit somebody administers no longer."""

    unit: str


class LinkAccount(In, frozen=True, kw_only=True):
    """An account of the person."""

    directory: str
    account: str


class AccountOut(Out, frozen=True, kw_only=True):
    """The pseudonym of an account."""

    account: str


class EnrolCredential(In, frozen=True, kw_only=True):
    """A way to sign in (`password`) or to prove (`totp`, whose seed is made here)."""

    method: Literal["password", "totp"]
    password: str | None = None


class Enrolled(Out, frozen=True, kw_only=True):
    """What was enrolled; *uri* is a TOTP seed's provisioning address, given this once."""

    method: str
    uri: str | None = None


class EnrolWorkload(In, frozen=True, kw_only=True):
    """Whose tokens speak for an account: the *issuer*, and the exact *subject* of the workload that runs as it."""

    directory: str
    account: str
    issuer: str
    subject: str


class PasskeyOffer(Out, frozen=True, kw_only=True):
    """A passkey to be made until *expires*: *options* is a `PublicKeyCredentialCreationOptions` as JSON text."""

    challenge: str
    options: str
    expires: datetime


class PasskeyMade(In, frozen=True, kw_only=True):
    """What the browser made: its registration response (`PublicKeyCredential`) as JSON text."""

    answer: str


class PasskeyOut(Out, frozen=True, kw_only=True):
    """The passkey that counts from now on."""

    credential: str
    method: str


class SshKey(In, frozen=True, kw_only=True):
    """The line of a `.pub` file, of type ed25519-sk, ecdsa-sk or ed25519."""

    key: str


class ConfirmCredential(In, frozen=True, kw_only=True):
    """The fingerprint (SHA-256, hex) of the key that whoever confirms it looked at."""

    fingerprint: str


class RevokeCredential(In, frozen=True, kw_only=True):
    """Why a credential counts no longer; kept sealed."""

    why: str


class RaiseThreat(In, frozen=True, kw_only=True):
    """Until when the threat is elevated, at most a week, and why; the reason is kept sealed."""

    until: When
    why: str


class ThreatOut(Out, frozen=True, kw_only=True):
    """The elevated-threat switch; *until* when it is or last was on, *by* whom it was used last, both logins' own.

    *lower_votes* are who wants it off before its time.
    """

    elevated: bool
    until: datetime | None
    by: str | None
    lower_votes: tuple[str, ...] = ()


class ProposedOut(Out, frozen=True, kw_only=True):
    """A proposal that waits for a second author: *by* a login, *signed* by passkey or only by a session."""

    digest: str
    spoken: str
    by: str
    signed: bool
    not_after: datetime


class PolicyOut(Out, frozen=True, kw_only=True):
    """Digests of the policy that is *active*, that this console is *running* under, and that is *on_disk* now.

    *on_disk* is None where a file can not be read, and *broken* says why. *drift* says that they are not all the
    same, *told* what that means and what to do.
    """

    active: str | None
    running: str
    on_disk: str | None
    broken: str
    drift: bool
    told: str
    proposal: ProposedOut | None


class StatementOut(Out, frozen=True, kw_only=True):
    """What a policy author stands for: the exact bytes to show, and where they have a passkey what it is to sign.

    The browser's `navigator.credentials.get()` takes *options*, whose challenge binds the signature to the bytes and to
    *namespace*; None where being signed in is the proof.
    """

    statement: str
    not_after: datetime
    namespace: str
    options: str | None


class ProposePolicy(In, frozen=True, kw_only=True):
    """How many *hours* the proposal waits; or, to sign it, the *statement* as given and the browser's *assertion*."""

    hours: Hours = 24
    statement: str | None = None
    assertion: str | None = None


class ActivatePolicy(In, frozen=True, kw_only=True):
    """The digest of the proposal that was looked at, with the browser's *assertion* where the author has a passkey."""

    digest: str
    assertion: str | None = None


class PolicyActive(Out, frozen=True, kw_only=True):
    """The digest of the policy that cases are opened under."""

    active: str


class DebtOut(Out, frozen=True, kw_only=True):
    """A review that is owed, of a *case* or of a declaration of *downtime*.

    *overdue* when nobody did it in time, *break_glass* when it blocks the next use.
    """

    case: str | None = None
    downtime: str | None = None
    break_glass: bool
    due: datetime
    overdue: bool
