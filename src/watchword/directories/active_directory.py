"""Active Directory over LDAPS: Microsoft's and Samba's domain controllers.

The bind account needs, on the units whose people are recovered and inherited by users only, the right *Reset
Password* and read and write of `pwdLastSet`, `lockoutTime` and `userAccountControl`. Everything else stays refused.
Each call is one connection of its own, so a receipt's socket stands for one change in the controller's log.
"""

from __future__ import annotations

import re
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import assert_never
from uuid import UUID

from watchword.core.account import DirectoryAccount
from watchword.core.change import Change, Receipt, ResetPassword, Suspend, Unlock
from watchword.core.errors import Invalid, Refused
from watchword.directories.active_directory_account import (
    DISABLED,
    LISTED,
    STATE,
    ActiveDirectorySettings,
    Meaning,
    as_guid,
    by_guid,
    is_account,
    listed_of,
    meanings,
    names_of,
    protection,
    read_account,
)
from watchword.directories.ldap_filter import Filter
from watchword.directories.ldap_session import (
    CONSTRAINT_VIOLATION,
    INSUFFICIENT_ACCESS_RIGHTS,
    NO_SUCH_OBJECT,
    SUCCESS,
    UNWILLING_TO_PERFORM,
    Answer,
    Entry,
    Session,
    connect,
)
from watchword.directories.port import Changed, Confirmation, Listed, kind_of
from watchword.directories.replication import NEVER, Stamp, stamps

__all__ = ["ActiveDirectory", "ActiveDirectorySettings"]

_Supported = ResetPassword | Unlock | Suspend
_VERSIONED = {"reset_password": "unicodePwd", "unlock": "lockoutTime", "suspend": "userAccountControl"}
"""The attribute whose replication version tells whether a change of each kind was done."""

_PEOPLE = Filter.all_of(Filter.equals("objectCategory", "person"), Filter.equals("objectClass", "user"))
_NAMES = ("sAMAccountName", "userPrincipalName", "mail", "displayName")
_SAMPLE = 500
_WRITES = ("pwdLastSet", "lockoutTime", "userAccountControl")


class ActiveDirectory:
    """The port onto one domain, at one controller."""

    simulated = False

    def __init__(self, settings: ActiveDirectorySettings) -> None:
        self.name = settings.name
        self._settings = settings
        self._principal_keys: tuple[str, ...] = ()
        self._meanings: tuple[Meaning, ...] = ()

    @property
    def principal_keys(self) -> tuple[str, ...]:
        """SID, DN, login and principal name of the bind account, asked for once."""
        if not self._principal_keys:
            with self._session() as session:
                self._principal_keys = names_of(self._bind_account(session))
        return self._principal_keys

    def find(self, query: str) -> tuple[DirectoryAccount, ...]:
        """Return every account of that login, principal name, mail, display name or object GUID."""
        name = query.strip()
        if not name:
            return ()
        matches = [Filter.equals(attribute, name) for attribute in _NAMES]
        if (guid := as_guid(name)) is not None:
            matches.append(Filter.equals("objectGUID", guid.bytes_le))
        where = Filter.all_of(_PEOPLE, Filter.any_of(*matches))
        with self._session() as session:
            found = session.search(self._settings.base, where, ("objectGUID", *_NAMES))
            ids = {str(UUID(bytes_le=entry.raw("objectGUID"))): entry for entry in found}
            return tuple(
                self._account(session, native_id)
                for native_id, entry in ids.items()
                # a controller folds accents and runs of spaces, and Samba stops at NUL: only the very name will do
                if name.casefold() in {native_id, *((entry.text(one) or "").casefold() for one in _NAMES)}
            )

    def read(self, native_id: str) -> DirectoryAccount:
        """Return the account with this object GUID."""
        with self._session() as session:
            return self._account(session, native_id)

    def before(self, native_id: str, change: Change) -> str:
        """Return `attribute=version@controller` from the replication metadata."""
        attribute = _VERSIONED[kind_of(self._supported(change))]
        with self._session() as session:
            return _token(attribute, _stamp(self._state(session, native_id), attribute), _controller(session))

    def apply(
        self, native_id: str, change: Change, effect_id: str, secret: str | None = None, value: str | None = None
    ) -> Receipt:
        """Do the change in one modification; the receipt's time is the controller's, to the second."""
        del effect_id, value
        supported = self._supported(change)
        attribute = _VERSIONED[kind_of(change)]
        with self._session() as session:
            state = self._state(session, native_id)
            if protected := protection(state):
                raise Refused(
                    f"{self.name} keeps this account from us: {protected}.",
                    "Have two administrators of the domain make the change by hand, and review it; or, when the account"
                    " is no administrator's any more, clear adminCount and let it inherit permissions again.",
                )
            controller = _controller(session)
            answer = session.replace(by_guid(native_id), _modification(supported, state, secret))
            self._judge(answer)
            stamp = _stamp(self._state(session, native_id), attribute)
            return Receipt(
                directory=self.name,
                principal=self._settings.endpoint.bind_user,
                at=stamp.at,
                socket=session.socket,
                before=_token(attribute, _stamp(state, attribute), controller),
                after=_token(attribute, stamp, controller),
            )

    def confirm(self, native_id: str, change: Change, before: str) -> Confirmation:
        """Compare the replication version with the one taken before.

        A reset is done when the version rose by one; when it rose by more, somebody else reset it too. At another
        controller than the one *before* came from, a version that did not rise may be late, and proves nothing.
        """
        supported = self._supported(change)
        attribute = _VERSIONED[kind_of(change)]
        token = re.fullmatch(rf"{attribute}=(\d+)@(\S+)", before)
        if token is None:
            raise Invalid("This is no version of what the change touches.", "Pass what `before` returned.", "before")
        with self._session() as session:
            state = self._state(session, native_id)
            unchanged = Confirmation.NOT_DONE if token[2] == _controller(session) else Confirmation.UNKNOWN
        steps = _stamp(state, attribute).version - int(token[1])
        match supported:
            case ResetPassword():
                return {0: unchanged, 1: Confirmation.DONE}.get(steps, Confirmation.UNKNOWN)
            case Unlock():
                if state.number("lockoutTime") == 0:
                    return Confirmation.DONE
                return unchanged if steps == 0 else Confirmation.UNKNOWN
            case Suspend():
                return Confirmation.DONE if state.number("userAccountControl") & DISABLED else unchanged
            case _:
                assert_never(supported)

    def changes(self, since: datetime) -> tuple[Changed, ...]:
        """Return the changes that the controller's replication metadata shows, to the second."""
        moment = since.astimezone(UTC).strftime("%Y%m%d%H%M%S.0Z")
        with self._session() as session:
            entries = session.search(
                self._settings.base,
                Filter.all_of(_PEOPLE, Filter.at_least("whenChanged", moment)),
                ("objectGUID", "replPropertyMetaData"),
            )
        found = [
            Changed(native_id=str(UUID(bytes_le=entry.raw("objectGUID"))), attribute=attribute, at=stamp.at)
            for entry in entries
            for attribute, stamp in stamps(entry.raw("replPropertyMetaData")).items()
            if stamp.at >= since.replace(microsecond=0)
        ]
        return tuple(sorted(found, key=lambda change: change.at))

    def listed(self) -> tuple[Listed, ...]:
        """Return every account with its groups, nested and primary ones among them."""
        with self._session() as session:
            people = session.search(self._settings.base, _PEOPLE, LISTED)
            groups = session.search(_domain(session), Filter.equals("objectClass", "group"), ("objectSid", "memberOf"))
        return listed_of(self._settings, people, groups)

    def capabilities(self) -> frozenset[str]:
        """Passwords, lock-outs and suspension: Active Directory keeps no factors."""
        return frozenset(_VERSIONED)

    def check(self) -> tuple[str, ...]:
        """Say how the controller is reached, as whom, and which rights are missing or too many."""
        with self._session() as session:
            endpoint = self._settings.endpoint
            lines = [
                f"{self.name}: {endpoint.host} over {session.protection}, certificate verified by {endpoint.ca_file}",
                f"{self.name}: bound as {endpoint.bind_user}, at {_controller(session)}",
                f"{self.name}: {len(self._groups(session))} groups give a class, a status or sharing, all found",
            ]
            asked = ("adminCount", "allowedAttributesEffective")
            sample = session.some(self._settings.base, _PEOPLE, asked, most=_SAMPLE)
            ourselves = self._bind_account(session).dn
        others = [entry for entry in sample if entry.dn != ourselves]
        open_ = [entry for entry in others if protection(entry) is None]
        writable = [{name.decode() for name in entry.values("allowedAttributesEffective")} for entry in open_]
        lacking = sum(not names.issuperset(_WRITES) for names in writable)
        excess = sorted(set().union(*writable).difference(_WRITES))
        lines.append(
            f"{self.name}: of {len(others)} accounts looked at, {len(others) - len(open_)} are under AdminSDHolder, and"
            f" {lacking} are not delegated to us ({', '.join(_WRITES)})"
        )
        if excess:
            lines.append(f"{self.name}: too much: may write {len(excess)} attributes more, such as {excess[0]}")
        return tuple(lines)

    def _session(self) -> AbstractContextManager[Session]:
        return connect(self._settings.endpoint, self.name)

    def _supported(self, change: Change) -> _Supported:
        if isinstance(change, _Supported):
            return change
        raise Refused(
            f"{self.name} can not do {kind_of(change)}: Active Directory keeps nothing of that kind.",
            "Make this change in the directory that does, or take it out of the request.",
        )

    def _account(self, session: Session, native_id: str) -> DirectoryAccount:
        account = read_account(session, self._settings, self._groups(session), _checked(native_id, self.name))
        if account is None:
            raise _gone(self.name)
        return account

    def _state(self, session: Session, native_id: str) -> Entry:
        """Return what a change stands on, with its replication metadata; `Invalid` when the account is gone."""
        entry = session.entry(by_guid(_checked(native_id, self.name)), (*STATE, "replPropertyMetaData"))
        if entry is None or not is_account(entry):
            raise _gone(self.name)
        return entry

    def _groups(self, session: Session) -> tuple[Meaning, ...]:
        if not self._meanings:
            self._meanings = meanings(session, self._settings)
        return self._meanings

    def _bind_account(self, session: Session) -> Entry:
        user = self._settings.endpoint.bind_user
        attributes = ("objectSid", "sAMAccountName", "userPrincipalName")
        if "=" in user:
            entry = session.entry(user, attributes)
        else:
            login = user.partition("@")[0].rpartition("\\")[2]
            either = Filter.any_of(Filter.equals("userPrincipalName", user), Filter.equals("sAMAccountName", login))
            found = session.some(_domain(session), Filter.all_of(_PEOPLE, either), attributes, most=2)
            entry = found[0] if len(found) == 1 else None
        if entry is None:
            raise Invalid(f"{self.name} does not show us the bind account.", "Let it read itself.", "bind_user")
        return entry

    def _judge(self, answer: Answer) -> None:
        """Return when the modification was done; raise what its answer means, and then nothing of it was done."""
        said = f"{answer.name} {answer.detail}".rstrip()
        if answer.code == SUCCESS:
            return
        if answer.code == NO_SUCH_OBJECT:
            raise _gone(self.name)
        if answer.code == INSUFFICIENT_ACCESS_RIGHTS:
            raise Refused(
                f"{self.name} does not give the bind account the right to make this change ({said}).",
                "Delegate it on the unit of the account, inherited by users only:"
                f" samba-tool dsacl set, or dsacls UNIT /I:S /G 'ACCOUNT:CA;Reset Password;user'"
                f" and 'ACCOUNT:RPWP;ATTRIBUTE;user' for {', '.join(_WRITES)}.",
            )
        if answer.code in {CONSTRAINT_VIOLATION, UNWILLING_TO_PERFORM}:
            raise Refused(
                f"{self.name} refuses the new value: its password policy or a rule of its own says no ({said}).",
                "Compare the domain's password policy (length, history, age) with the length of password we make.",
            )
        raise Refused(f"{self.name} refuses the change ({said}).", "Look the answer up in the controller's own log.")


def _modification(change: _Supported, state: Entry, secret: str | None) -> dict[str, str | bytes]:
    """Return the values that make up *change* for an account in *state*."""
    match change:
        case ResetPassword(must_change=must_change):
            if secret is None:
                raise Invalid("reset_password needs a new credential.", "Make one in the executor.", "secret")
            values: dict[str, str | bytes] = {"unicodePwd": f'"{secret}"'.encode("utf-16-le")}  # [MS-ADTS] 3.1.1.3.1.5
            if must_change:
                values["pwdLastSet"] = "0"
            if state.number("lockoutTime"):
                values["lockoutTime"] = "0"
            return values
        case Unlock():
            return {"lockoutTime": "0"}
        case Suspend():
            return {"userAccountControl": str(state.number("userAccountControl") | DISABLED)}
        case _:
            assert_never(change)


def _stamp(state: Entry, attribute: str) -> Stamp:
    return stamps(state.raw("replPropertyMetaData")).get(attribute, NEVER)


def _token(attribute: str, stamp: Stamp, controller: str) -> str:
    return f"{attribute}={stamp.version}@{controller}"


def _controller(session: Session) -> str:
    """Return which controller this is: versions of two of them may differ until they have replicated."""
    root = session.entry("", ("dnsHostName",))
    return (root.text("dnsHostName") if root else None) or "unnamed"


def _domain(session: Session) -> str:
    root = session.entry("", ("defaultNamingContext",))
    return (root.text("defaultNamingContext") if root else None) or ""


def _checked(native_id: str, name: str) -> str:
    """Return the id in its one form; it goes into a DN, so nothing but a GUID may pass."""
    if (guid := as_guid(native_id)) is None:
        raise _gone(name)
    return str(guid)


def _gone(name: str) -> Invalid:
    return Invalid(f"{name} has no account with this id.", "Find the account again by its name.", "native_id")
