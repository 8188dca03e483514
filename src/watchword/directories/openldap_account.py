"""What an entry of OpenLDAP says of an account: RFC 4519 and 2798 attributes, and the state that `ppolicy` keeps."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from watchword.core.account import AccountClass, Contact, DirectoryAccount, Status, strictest
from watchword.core.change import ContactKind
from watchword.core.errors import Invalid, Refused, Unavailable
from watchword.directories.ldap_filter import Filter
from watchword.directories.ldap_session import Endpoint, Entry, Session
from watchword.directories.listing import closed
from watchword.directories.port import Listed

FOREVER = "000001010000Z"
"""The `pwdAccountLockedTime` of an account that is locked until somebody opens it (slapo-ppolicy(5))."""

PEOPLE = Filter.all_of(
    Filter.present("uid"),
    Filter.any_of(*(Filter.equals("objectClass", one) for one in ("person", "account", "posixAccount"))),
)
"""Entries that are somebody's account."""

STATE = ("entryCSN", "modifiersName", "modifyTimestamp", "pwdChangedTime", "pwdAccountLockedTime", "pwdReset")
"""What changes as an account is changed."""

NAMES = ("uid", "mail", "displayName", "cn")
"""What an account may be searched by."""

LISTED = ("entryUUID", "uid", "displayName", "cn", "employeeNumber", "departmentNumber", "o")
"""What a list of everybody is made of."""

MEMBERS = ("member", "uniqueMember", "memberUid")
_LANGUAGE = "preferredLanguage"  # RFC 2798 §2.7
_CONTACTS = (("mail", ContactKind.MAIL), ("mobile", ContactKind.PHONE), ("telephoneNumber", ContactKind.PHONE))
_STATUSES = tuple(Status)
_CSN = re.compile(r"(\d{14}\.\d{6})Z#[0-9a-f]{6}#[0-9a-f]{3}#[0-9a-f]{6}")


class OpenLdapSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One tree, and what its groups and attributes mean here.

    *base* holds people and groups. *classes*, *statuses* and *shared* as in `ActiveDirectorySettings`. *unit* and the
    relations name attributes, None where the tree has none.
    """

    name: str
    endpoint: Endpoint
    base: str
    classes: tuple[tuple[str, AccountClass], ...]
    statuses: tuple[tuple[str, Status], ...] = ()
    shared: tuple[str, ...] = ()
    unit: str = "departmentNumber"
    manager: str | None = "manager"
    owner: str | None = "manager"
    second_owner: str | None = "secretary"
    sponsor: str | None = "manager"


class GroupMeaning(msgspec.Struct, frozen=True, kw_only=True):
    """What being in the group of this *dn* (lower case, as the server writes it) says."""

    dn: str
    account_class: AccountClass | None = None
    status: Status | None = None
    shared: bool = False


def meanings(session: Session, settings: OpenLdapSettings) -> tuple[GroupMeaning, ...]:
    """Look every configured group up.

    `Invalid` when one is not there or lists no members of its own, `Refused` when none of them is shown: its members
    would count as less strict.
    """

    def checked(dn: str) -> str:
        entry = session.entry(dn, ("objectClass", *MEMBERS))
        if entry is None:
            raise Invalid(f"{settings.name} has no group {dn}.", "Correct its name in the settings.", "classes")
        if b"groupofurls" in {one.lower() for one in entry.values("objectClass")}:
            raise Invalid(
                f"{dn} is a dynamic group, whose members are nowhere listed.",
                "Name a group that lists them.",
                "classes",
            )
        if not any(entry.values(name) for name in MEMBERS):
            raise Refused(
                f"{settings.name} shows no member of {dn}.",
                "Let the bind account read member, uniqueMember and memberUid; a group that is empty can go.",
            )
        return entry.dn.lower()

    return (
        *(GroupMeaning(dn=checked(dn), account_class=given) for dn, given in settings.classes),
        *(GroupMeaning(dn=checked(dn), status=status) for dn, status in settings.statuses),
        *(GroupMeaning(dn=checked(dn), shared=True) for dn in settings.shared),
    )


def entry_of(session: Session, settings: OpenLdapSettings, native_id: str, attributes: tuple[str, ...]) -> Entry | None:
    """The account with this `entryUUID`, None when there is none."""
    where = Filter.all_of(PEOPLE, Filter.equals("entryUUID", native_id))
    return next(iter(session.some(settings.base, where, attributes, most=2)), None)


def read_account(
    session: Session, settings: OpenLdapSettings, groups: tuple[GroupMeaning, ...], native_id: str
) -> DirectoryAccount | None:
    """Return the account with this `entryUUID`, None when there is none."""
    relations = tuple(filter(None, (settings.manager, settings.owner, settings.second_owner, settings.sponsor)))
    asked = (*STATE, *NAMES, settings.unit, _LANGUAGE, *(name for name, _ in _CONTACTS), *relations)
    entry = entry_of(session, settings, native_id, tuple(dict.fromkeys(asked)))
    if entry is None:
        return None
    related = {name: _id_at(session, entry.text(name)) for name in dict.fromkeys(relations)}
    member_of = groups_of(session, settings.base, entry)
    meant = tuple(group for group in groups if group.dn in member_of)
    login = entry.text("uid") or native_id
    locked = entry.text("pwdAccountLockedTime")
    return DirectoryAccount(
        directory=settings.name,
        native_id=native_id,
        login=login,
        display_name=entry.text("displayName") or entry.text("cn") or login,
        keys=tuple(dict.fromkeys((native_id, logged(entry.dn), login.lower()))),
        account_class=strictest(m.account_class for m in meant),
        status=max((m.status for m in meant if m.status), key=_STATUSES.index, default=Status.ACTIVE),
        shared=any(m.shared for m in meant),
        locked=locked is not None and locked != FOREVER,
        enabled=locked != FOREVER,
        unit=entry.text(settings.unit),
        manager=related.get(settings.manager or ""),
        owner=related.get(settings.owner or ""),
        second_owner=related.get(settings.second_owner or ""),
        sponsor=related.get(settings.sponsor or ""),
        contacts=_contacts(entry),
        language=entry.text(_LANGUAGE),
    )


def groups_of(session: Session, base: str, entry: Entry) -> frozenset[str]:
    """The DNs (lower case) of every group that lists *entry*, or lists a group that does."""
    found: set[str] = set()
    uid = entry.raw("uid")
    where = [Filter.equals(name, entry.dn) for name in MEMBERS[:2]]
    if uid:
        where.append(Filter.equals("memberUid", uid))
    while where:
        above = session.search(base, Filter.any_of(*where), ("cn",))
        new = [group.dn for group in above if group.dn.lower() not in found]
        found.update(dn.lower() for dn in new)
        where = [Filter.equals(name, dn) for dn in new for name in MEMBERS[:2]]
    return frozenset(found)


def listed_of(settings: OpenLdapSettings, people: tuple[Entry, ...], groups: tuple[Entry, ...]) -> tuple[Listed, ...]:
    """Return *people* with the *groups* that list them; `Refused` when the directory shows no group at all."""
    if people and not groups:
        raise Refused(
            f"{settings.name} shows no group with members.",
            "Let the bind account read member, uniqueMember and memberUid of the groups.",
        )
    above: dict[str, list[str]] = {}
    by_uid: dict[str, list[str]] = {}
    for group in groups:
        for name in MEMBERS:
            for value in group.values(name):
                # a value of `uniqueMember` may have a bit string behind the DN, which nobody uses
                held = by_uid if name == "memberUid" else above
                said = value.decode("utf-8", "replace")
                held.setdefault(said if name == "memberUid" else logged(said), []).append(logged(group.dn))
    found = []
    for entry in people:
        login, dn = entry.text("uid") or "", logged(entry.dn)
        found.append(
            Listed(
                login=login,
                keys=tuple(dict.fromkeys(key for key in (entry.text("entryUUID"), dn, login.lower()) if key)),
                groups=closed((*above.get(dn, ()), *by_uid.get(login, ())), above),
                person=entry.text("displayName") or entry.text("cn") or login,
                employee=entry.text("employeeNumber") or "",
                unit=entry.text(settings.unit) or "",
                vendor=entry.text("o") or "",
            )
        )
    return tuple(sorted(found, key=lambda one: one.login))


def logged(dn: str) -> str:
    """A DN as the watch has it: lower case, no space after a comma."""
    return re.sub(r",\s+", ",", dn.lower())


def as_uuid(text: str) -> UUID | None:
    """Read an `entryUUID`, None when it is none."""
    try:
        return UUID(text)
    except ValueError:
        return None


def time_of(text: str | None) -> datetime | None:
    """A generalized time to the second (RFC 4517 §3.3.13), or an `entryCSN` to the microsecond; None for neither."""
    said = text or ""
    try:
        if found := _CSN.fullmatch(said):
            return datetime.strptime(found[1], "%Y%m%d%H%M%S.%f").replace(tzinfo=UTC)
        return datetime.strptime(said, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def changed_at(entry: Entry) -> datetime:
    """When the server last wrote *entry*; `Unavailable` when it does not say."""
    at = time_of(entry.text("entryCSN"))
    if at is None:
        raise Unavailable(
            "The directory does not say when an entry was changed.",
            "Let the bind account read entryCSN; every database of slapd keeps it (lastmod).",
        )
    return at


def _id_at(session: Session, dn: str | None) -> str | None:
    found = session.entry(dn, ("entryUUID",)) if dn else None
    return found.text("entryUUID") if found else None


def _contacts(entry: Entry) -> tuple[Contact, ...]:
    # slapd keeps no time of one attribute: since the entry's own time nothing of it has changed, and before that who
    # knows. An age that is not known would count as old.
    at = time_of(entry.text("modifyTimestamp")) or changed_at(entry)
    return tuple(
        Contact(kind=kind.value, value=value, changed_at=at)
        for name, kind in _CONTACTS
        if (value := entry.text(name)) is not None
    )
