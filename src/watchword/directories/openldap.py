"""OpenLDAP over LDAPS, with its password policy (`slapo-ppolicy`).

The bind account needs read of the people and of the groups that mean something, write (no read) of `userPassword`, and
write of `pwdReset` and `pwdAccountLockedTime`; it is no root DN. A password is set by the extended operation of
RFC 3062, so that the server checks and hashes it. Each call is one connection of its own, so a receipt's socket stands
for one change in the server's log.
"""

from __future__ import annotations

import re
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import assert_never

from watchword.core.account import DirectoryAccount
from watchword.core.change import Change, Receipt, ResetPassword, Suspend, Unlock
from watchword.core.errors import Invalid, Refused, Unavailable
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
from watchword.directories.openldap_account import (
    FOREVER,
    LISTED,
    MEMBERS,
    NAMES,
    PEOPLE,
    STATE,
    GroupMeaning,
    OpenLdapSettings,
    as_uuid,
    changed_at,
    entry_of,
    listed_of,
    logged,
    meanings,
    read_account,
    time_of,
)
from watchword.directories.port import Changed, Confirmation, Listed, kind_of

__all__ = ["OpenLdap", "OpenLdapSettings"]

_Supported = ResetPassword | Unlock | Suspend
_KINDS = frozenset({"reset_password", "unlock", "suspend"})
_PASSWORD_MODIFY = b"1.3.6.1.4.1.4203.1.11.1"  # RFC 3062
_PPOLICY = b"1.3.6.1.4.1.42.2.27.8.5.1"  # draft-behera-ldap-password-policy
_SAMPLE = 500
_TOKEN = re.compile(r"(\w+)=([^/\s]+)/(\d{14}Z|-)/(\d{12,14}Z|-)")
_BREATH = timedelta(seconds=5)
"""Within which our two writes of one reset are done: the password, and that it must be changed."""


class OpenLdap:
    """The port onto one tree, at one provider: a consumer, or a balancer before several, may show what was before."""

    simulated = False

    def __init__(self, settings: OpenLdapSettings) -> None:
        self.name = settings.name
        self._settings = settings
        self._principal_keys: tuple[str, ...] = ()
        self._meanings: tuple[GroupMeaning, ...] = ()

    @property
    def principal_keys(self) -> tuple[str, ...]:
        """The DN of the bind account as configured and as the server has it, and its `uid`; asked for once."""
        if not self._principal_keys:
            with self._session() as session:
                self._principal_keys = self._our_names(session)
        return self._principal_keys

    def find(self, query: str) -> tuple[DirectoryAccount, ...]:
        """Return every account of that `uid`, mail, display name, common name or `entryUUID`."""
        name = query.strip()
        if not name:
            return ()
        matches = [Filter.equals(attribute, name) for attribute in NAMES]
        if (uuid := as_uuid(name)) is not None:
            matches.append(Filter.equals("entryUUID", str(uuid)))
        with self._session() as session:
            found = session.search(
                self._settings.base, Filter.all_of(PEOPLE, Filter.any_of(*matches)), ("entryUUID", *NAMES)
            )
            return tuple(
                self._account(session, entry.text("entryUUID") or "")
                for entry in found
                # a server folds spaces and accents (RFC 4518): only the very name will do
                if name.casefold()
                in {
                    value.decode("utf-8", "replace").casefold()
                    for attribute in ("entryUUID", *NAMES)
                    for value in entry.values(attribute)
                }
            )

    def read(self, native_id: str) -> DirectoryAccount:
        """Return the account with this `entryUUID`."""
        with self._session() as session:
            return self._account(session, native_id)

    def before(self, native_id: str, change: Change) -> str:
        """Return `kind=entryCSN/pwdChangedTime/pwdAccountLockedTime`."""
        supported = self._supported(change)
        with self._session() as session:
            return _token(supported, self._state(session, native_id))

    def apply(
        self, native_id: str, change: Change, effect_id: str, secret: str | None = None, value: str | None = None
    ) -> Receipt:
        """Do the change; the receipt's time is that of the server's last write of the entry, to the microsecond."""
        del effect_id, value
        supported = self._supported(change)
        with self._session() as session:
            state = self._state(session, native_id)
            match supported:
                case ResetPassword(must_change=must_change):
                    self._reset(session, state, secret, must_change=must_change)
                case Unlock():
                    self._judge(session.replace(state.dn, {"pwdAccountLockedTime": None}))
                case Suspend():
                    self._judge(session.replace(state.dn, {"pwdAccountLockedTime": FOREVER}))
                case _:
                    assert_never(supported)
            after = self._state(session, native_id)
            return Receipt(
                directory=self.name,
                principal=self._settings.endpoint.bind_user,
                at=changed_at(after),
                socket=session.socket,
                before=_token(supported, state),
                after=_token(supported, after),
            )

    def confirm(self, native_id: str, change: Change, before: str) -> Confirmation:
        """Compare what the password policy keeps with what it was.

        A reset is done when the password changed and we were the last to write the entry. After somebody else's write
        (a wrong password is one, in the name of the root DN) nobody can tell whose password it is.
        """
        supported = self._supported(change)
        token = _TOKEN.fullmatch(before)
        then = time_of(token[2]) if token else None
        if token is None or then is None or token[1] != kind_of(change):
            raise Invalid("This is no version of what the change touches.", "Pass what `before` returned.", "before")
        with self._session() as session:
            state = self._state(session, native_id)
            ours = logged(state.text("modifiersName") or "") in self._our_names(session)
        at, locked = changed_at(state), state.text("pwdAccountLockedTime")
        if at < then:  # not what we saw before: another server's copy
            return Confirmation.UNKNOWN
        match supported:
            case ResetPassword(must_change=must_change):
                set_at = time_of(state.text("pwdChangedTime"))
                is_as_before = (state.text("pwdChangedTime") or "-") == token[3]
                # the time of a password is to the second: one of the entry's own second may be of two passwords
                if at == then or (is_as_before and (set_at is None or set_at < then.replace(microsecond=0))):
                    return Confirmation.NOT_DONE
                is_whole = not must_change or state.text("pwdReset") == "TRUE"
                is_recent = set_at is not None and at - set_at < _BREATH
                return Confirmation.DONE if ours and is_whole and is_recent else Confirmation.UNKNOWN
            case Unlock():
                if locked is None:
                    return Confirmation.DONE
                return Confirmation.NOT_DONE if locked == token[4] else Confirmation.UNKNOWN
            case Suspend():
                return Confirmation.DONE if locked == FOREVER else Confirmation.NOT_DONE
            case _:
                assert_never(supported)

    def changes(self, since: datetime) -> tuple[Changed, ...]:
        """Return the last change of each password and each entry, to the second: slapd keeps no other times."""
        moment = since.astimezone(UTC).replace(microsecond=0)
        asked = ("entryUUID", "modifyTimestamp", "pwdChangedTime")
        where = Filter.at_least("modifyTimestamp", moment.strftime("%Y%m%d%H%M%SZ"))
        with self._session() as session:
            entries = session.search(self._settings.base, Filter.all_of(PEOPLE, where), asked)
        names = (("pwdChangedTime", "userPassword"), ("modifyTimestamp", "entry"))
        found = [
            Changed(native_id=entry.text("entryUUID") or "", attribute=attribute, at=at)
            for entry in entries
            for name, attribute in names
            if (at := time_of(entry.text(name))) is not None and at >= moment
        ]
        return tuple(sorted(found, key=lambda change: change.at))

    def listed(self) -> tuple[Listed, ...]:
        """Return every account with its groups, nested ones among them."""
        with self._session() as session:
            people = session.search(self._settings.base, PEOPLE, LISTED)
            any_member = Filter.any_of(*(Filter.present(name) for name in MEMBERS))
            groups = session.search(self._settings.base, any_member, MEMBERS)
        return listed_of(self._settings, people, groups)

    def capabilities(self) -> frozenset[str]:
        """Passwords, lock-outs and suspension: a tree keeps no factors that a policy of OpenLDAP knows."""
        return _KINDS

    def check(self) -> tuple[str, ...]:
        """Say how the server is reached, as whom, whether it has what a reset needs, and which rights are too many."""
        endpoint = self._settings.endpoint
        with self._session() as session:
            groups = len(self._groups(session))
            lines = [
                f"{self.name}: {endpoint.host} over {session.protection}, certificate verified by {endpoint.ca_file}",
                f"{self.name}: bound as {session.who()}",
                f"{self.name}: {groups} groups give a class, a status or sharing, all found",
                *(f"{self.name}: missing: {what}" for what in _missing(session)),
            ]
            sample = session.some(self._settings.base, PEOPLE, ("entryCSN", "userPassword"), most=_SAMPLE)
        dark = sum(not entry.values("entryCSN") for entry in sample)
        lines.append(f"{self.name}: of {len(sample)} accounts looked at, {dark} do not show us their state")
        if readable := sum(bool(entry.values("userPassword")) for entry in sample):
            lines.append(f"{self.name}: too much: may read the password hashes of {readable} accounts")
        return tuple(lines)

    def _reset(self, session: Session, state: Entry, secret: str | None, *, must_change: bool) -> None:
        if secret is None:
            raise Invalid("reset_password needs a new credential.", "Make one in the executor.", "secret")
        if state.text("pwdAccountLockedTime") == FOREVER:
            raise Refused(
                f"{self.name} has this account suspended, and a new password would open it.",
                "Have an administrator of the directory end the suspension first, when that is what is meant.",
            )
        if missing := _missing(session):
            raise Refused(
                f"{self.name} can not be trusted with a reset: {missing[0]}.",
                "Load slapo-ppolicy in front of the database, and let the bind account read the root DSE.",
            )
        self._judge(session.set_password(state.dn, secret))
        if must_change:
            answer = session.replace(state.dn, {"pwdReset": "TRUE"})
            if answer.code != SUCCESS:
                raise Unavailable(
                    f"{self.name} set the password, and not that it must be changed ({answer.name}).",
                    "Give the bind account write of pwdReset; then have this account reset again.",
                )

    def _session(self) -> AbstractContextManager[Session]:
        return connect(self._settings.endpoint, self.name)

    def _our_names(self, session: Session) -> tuple[str, ...]:
        names = [logged(self._settings.endpoint.bind_user), logged(session.who())]
        entry = session.entry(session.who(), ("uid",))
        if entry is not None and (uid := entry.text("uid")):
            names.append(uid.lower())
        return tuple(dict.fromkeys(name for name in names if name))

    def _supported(self, change: Change) -> _Supported:
        if isinstance(change, _Supported):
            return change
        raise Refused(
            f"{self.name} can not do {kind_of(change)}: OpenLDAP keeps nothing of that kind.",
            "Make this change in the directory that does, or take it out of the request.",
        )

    def _account(self, session: Session, native_id: str) -> DirectoryAccount:
        account = read_account(session, self._settings, self._groups(session), _checked(native_id, self.name))
        if account is None:
            raise _gone(self.name)
        return account

    def _state(self, session: Session, native_id: str) -> Entry:
        entry = entry_of(session, self._settings, _checked(native_id, self.name), STATE)
        if entry is None:
            raise _gone(self.name)
        return entry

    def _groups(self, session: Session) -> tuple[GroupMeaning, ...]:
        if not self._meanings:
            self._meanings = meanings(session, self._settings)
        return self._meanings

    def _judge(self, answer: Answer) -> None:
        """Return when it was done; raise what the answer means, and then nothing of it was done."""
        if answer.code == SUCCESS:
            return
        if answer.code == NO_SUCH_OBJECT:
            raise _gone(self.name)
        if answer.code == INSUFFICIENT_ACCESS_RIGHTS:
            raise Refused(
                f"{self.name} does not give the bind account the right to make this change ({answer.name}).",
                "Add to the access rules of the database, before those that follow:"
                " access to attrs=userPassword by dn.exact=ACCOUNT =w by self =w by anonymous auth by * none,"
                " and access to attrs=pwdReset,pwdAccountLockedTime by dn.exact=ACCOUNT write by * read.",
            )
        if answer.code in {CONSTRAINT_VIOLATION, UNWILLING_TO_PERFORM}:
            raise Refused(
                f"{self.name} refuses the new value: its password policy or a rule of its own says no ({answer.name}).",
                "Compare the policy (pwdMinLength, pwdInHistory, pwdMinAge) with the length of password we make.",
            )
        raise Refused(f"{self.name} refuses the change ({answer.name}).", "Look the answer up in the server's own log.")


def _missing(session: Session) -> tuple[str, ...]:
    """What the server does not offer of what a reset needs."""
    root = session.entry("", ("supportedControl", "supportedExtension"))
    offered = set() if root is None else {*root.values("supportedControl"), *root.values("supportedExtension")}
    needed = {_PPOLICY: "no password policy (slapo-ppolicy)", _PASSWORD_MODIFY: "no Password Modify (RFC 3062)"}
    return tuple(what for oid, what in needed.items() if oid not in offered)


def _token(change: _Supported, state: Entry) -> str:
    times = (state.text(name) or "-" for name in ("pwdChangedTime", "pwdAccountLockedTime"))
    changed_at(state)  # a version that says nothing would confirm nothing
    return "/".join((f"{kind_of(change)}={state.text('entryCSN')}", *times))


def _checked(native_id: str, name: str) -> str:
    if (uuid := as_uuid(native_id)) is None:
        raise _gone(name)
    return str(uuid)


def _gone(name: str) -> Invalid:
    return Invalid(f"{name} has no account with this id.", "Find the account again by its name.", "native_id")
