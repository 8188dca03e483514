"""The sandbox's own log of identity events, in the shape of the Okta System Log."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import msgspec

PASSWORD_RESET = "user.account.reset_password"  # noqa: S105
PASSWORD_EXPIRED = "user.account.expire_password"  # noqa: S105
PASSWORD_CHANGED = "user.account.update_password"  # noqa: S105
UNLOCKED = "user.account.unlock_by_admin"
LOCKED = "user.account.lock"
FACTOR_REMOVED = "user.mfa.factor.deactivate"
ALL_FACTORS_REMOVED = "user.mfa.factor.reset_all"
FACTOR_SUSPENDED = "user.mfa.factor.suspend"
MAIL_CHANGED = "user.account.update_primary_email"
PROFILE_CHANGED = "user.account.update_profile"
PASS_ISSUED = "device.desktop_mfa.recovery_pin.generate"  # noqa: S105
SECRET_ISSUED = "app.oauth2.credentials.lifecycle.create"  # noqa: S105
ROLE_GRANTED = "user.account.privilege.grant"
SESSIONS_ENDED = "user.session.clear"
SUSPENDED = "user.lifecycle.suspend"
SIGNED_IN = "user.session.start"


class Party(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Who did it, or whose account it is."""

    id: str
    type: str = "User"
    alternate_id: str
    display_name: str


class Client(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where the request came from."""

    ip_address: str
    user_agent: dict[str, str]
    zone: str = "null"
    device: str = "Unknown"


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """*result* is SUCCESS or FAILURE."""

    result: str = "SUCCESS"
    reason: str | None = None


class Transaction(msgspec.Struct, frozen=True, kw_only=True):
    """The click that all events of one change share."""

    id: str
    type: str = "WEB"
    detail: dict[str, str] = {}


class LogEvent(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One line of the log; *published* is UTC, to the millisecond, as the System Log prints it."""

    uuid: str
    published: str
    event_type: str
    version: str = "0"
    severity: str = "INFO"
    legacy_event_type: str | None = None
    display_message: str
    actor: Party
    client: Client
    outcome: Outcome
    target: tuple[Party, ...]
    transaction: Transaction
    debug_context: dict[str, dict[str, str]]


def stamp(at: datetime) -> str:
    """Return *at* as the System Log writes time: `2026-11-21T09:30:00.000Z`."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def line(
    event_type: str,
    *,
    at: datetime,
    actor: Party,
    target: Party,
    address: str,
    transaction: str,
) -> str:
    """Return one event, which succeeded, as a line of JSON, without its end of line."""
    event = LogEvent(
        uuid=str(uuid4()),
        published=stamp(at),
        event_type=event_type,
        display_message=event_type.rpartition(".")[2].replace("_", " ").capitalize(),
        actor=actor,
        client=Client(
            ip_address=address, user_agent={"rawUserAgent": "sandbox", "os": "Unknown", "browser": "UNKNOWN"}
        ),
        outcome=Outcome(result="SUCCESS"),
        target=(target,),
        transaction=Transaction(id=transaction),
        debug_context={"debugData": {"requestUri": f"/sandbox/{event_type}"}},
    )
    return msgspec.json.encode(event).decode()
