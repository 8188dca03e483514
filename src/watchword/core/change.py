"""One change to a directory, with typed parameters: the thing an approver signs and an executor does."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

import msgspec

from watchword.core.action import Action
from watchword.core.identity_event import Canonical
from watchword.core.ids import AccountId


class ContactKind(StrEnum):
    """The kinds of contact point a directory keeps."""

    MAIL = "mail"
    PHONE = "phone"


class _Change(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", forbid_unknown_fields=True):
    """*account* is the pseudonym; the executor opens the native id from the committed payload."""

    account: AccountId
    yields_credential: ClassVar[bool] = False
    """Whether a new secret is born in the executor and has to be handed over."""

    cuts: ClassVar[tuple[str, ...]] = ()
    """The kinds of contact point that do not reach the person any more once this is done."""

    effects: ClassVar[frozenset[Canonical]]
    """The canonical identity events this change shows up as in a directory's own log."""


class ResetPassword(_Change, frozen=True, kw_only=True, tag="reset_password"):
    """Set a new random password made in the executor; *must_change* forces another at next sign-in."""

    must_change: bool = True
    yields_credential = True
    effects = frozenset({Canonical.PASSWORD_RESET, Canonical.PASSWORD_EXPIRE, Canonical.ACCOUNT_UNLOCK})


class Unlock(_Change, frozen=True, kw_only=True, tag="unlock"):
    """Clear a lock-out; the password stays."""

    effects = frozenset({Canonical.ACCOUNT_UNLOCK})


class ResetFactors(_Change, frozen=True, kw_only=True, tag="reset_factors"):
    """Remove the named *factors* (directory ids), or every one when the tuple is empty; the owner enrols again."""

    factors: tuple[str, ...] = ()
    effects = frozenset({Canonical.FACTOR_RESET, Canonical.FACTOR_RESET_ALL})


class SetContact(_Change, frozen=True, kw_only=True, tag="set_contact"):
    """Replace one contact point by what the person enters on their own page.

    *commitment* is the salted digest (hex) of the new value, which is a payload; empty until it was entered.
    """

    contact: ContactKind
    commitment: str = ""
    effects = frozenset({Canonical.RECOVERY_INFO_CHANGE})


class IssuePass(_Change, frozen=True, kw_only=True, tag="issue_pass"):
    """Issue a one-time temporary access pass made in the executor, valid *lifetime_s* seconds (600–3600)."""

    lifetime_s: int = 3600
    yields_credential = True
    effects = frozenset({Canonical.BYPASS_GRANT})


class ReissueSecret(_Change, frozen=True, kw_only=True, tag="reissue_secret"):
    """Issue a new secret for a service account or AI agent; the old one ends within *overlap_s* seconds."""

    overlap_s: int = 86_400
    yields_credential = True
    effects = frozenset({Canonical.TOKEN_REISSUE, Canonical.PASSWORD_RESET})


class GrantOverride(_Change, frozen=True, kw_only=True, tag="grant_override"):
    """Lend a privileged role until *lifetime_s* seconds from execution (at most 4 h)."""

    role: str
    lifetime_s: int = 3600
    effects = frozenset({Canonical.PRIVILEGE_GRANT})


class RevokeSessions(_Change, frozen=True, kw_only=True, tag="revoke_sessions"):
    """End every session and refresh token. Protective."""

    effects = frozenset({Canonical.SESSION_REVOKE})


class Suspend(_Change, frozen=True, kw_only=True, tag="suspend"):
    """Disable the account. Protective."""

    cuts = ("mail",)  # the mailbox is behind the account
    effects = frozenset({Canonical.ACCOUNT_DISABLE, Canonical.ACCOUNT_LOCK})


class SuspendFactors(_Change, frozen=True, kw_only=True, tag="suspend_factors"):
    """Have the named *factors* (directory ids), or every one when the tuple is empty, answer nothing. Protective.

    What is suspended comes back by a reset of factors alone, which is governed.
    """

    factors: tuple[str, ...] = ()
    effects = frozenset({Canonical.FACTOR_SUSPEND})


Change = (
    ResetPassword
    | Unlock
    | ResetFactors
    | SetContact
    | IssuePass
    | ReissueSecret
    | GrantOverride
    | RevokeSessions
    | Suspend
    | SuspendFactors
)

ALLOWED: dict[Action, tuple[type[_Change], ...]] = {
    Action.UNLOCK: (Unlock,),
    Action.PASSWORD_RESET: (ResetPassword,),
    Action.FACTOR_RESET: (ResetFactors,),
    Action.TOTAL_LOSS: (ResetFactors, ResetPassword),
    Action.RECOVERY_INFO_CHANGE: (SetContact,),
    Action.BYPASS_CODE: (IssuePass,),
    Action.SECRET_REISSUE: (ReissueSecret,),
    Action.PRIVILEGED_OVERRIDE: (GrantOverride,),
}
"""Which changes may stand in a case of each action; a case holds one to three, done in the order given."""


def contact_of(changes: tuple[Change, ...]) -> SetContact | None:
    """The change of a contact point among *changes*; None where there is none. A case holds at most one of a kind."""
    return next((c for c in changes if isinstance(c, SetContact)), None)


def with_contact(changes: tuple[Change, ...], commitment: str) -> tuple[Change, ...]:
    """The same *changes*, the contact point's with the *commitment* of what was entered."""
    replace = msgspec.structs.replace
    return tuple(replace(c, commitment=commitment) if isinstance(c, SetContact) else c for c in changes)


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """The directory's own proof that a change was done.

    *socket* is `address:port` of our end of the connection, which a directory's log repeats; *transaction* is its own
    id where it gives one; *before* and *after* are the directory's own versions of what changed (for example the
    replication version of `unicodePwd`). *principal_keys* are all names its log may use for *principal*.
    """

    directory: str
    principal: str
    at: datetime
    principal_keys: tuple[str, ...] = ()
    socket: str | None = None
    transaction: str | None = None
    before: str | None = None
    after: str | None = None
