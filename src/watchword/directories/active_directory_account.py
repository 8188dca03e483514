"""What an entry of Active Directory says of an account."""

from __future__ import annotations

from uuid import UUID

import msgspec
from ldap3.protocol.formatters.formatters import format_sid

from watchword.core.account import AccountClass, Contact, DirectoryAccount, Status, strictest
from watchword.core.change import ContactKind
from watchword.core.errors import Invalid, Refused
from watchword.directories.ldap_session import Endpoint, Entry, Session
from watchword.directories.listing import closed
from watchword.directories.port import Listed
from watchword.directories.replication import stamps

DISABLED = 0x2
"""ADS_UF_ACCOUNTDISABLE of `userAccountControl`."""

STATE = ("objectClass", "adminCount", "userAccountControl", "lockoutTime")
"""The attributes that decide whether and how an account may be changed."""

LISTED = (
    *("objectClass", "sAMAccountName", "userPrincipalName", "displayName", "cn", "objectSid", "objectGUID", "memberOf"),
    *("primaryGroupID", "employeeID", "employeeNumber", "department", "company"),
)
"""What a list of everybody is made of."""

_LOCKED = 0x10  # ADS_UF_LOCKOUT, which only the computed attribute shows
_COMPUTED = "msDS-User-Account-Control-Computed"
_LANGUAGE = "preferredLanguage"  # RFC 2798 §2.7
_CONTACTS = (("mail", ContactKind.MAIL), ("mobile", ContactKind.PHONE), ("telephoneNumber", ContactKind.PHONE))
_STATUSES = tuple(Status)
_NAMES = ("sAMAccountName", "userPrincipalName", "displayName", "cn", "objectSid", "objectGUID", "tokenGroups")


class ActiveDirectorySettings(msgspec.Struct, frozen=True, kw_only=True):
    """One domain, and what its groups and attributes mean here.

    *classes* and *statuses* pair the DN of a group with what being in it, nested or not, says of an account; of
    several the strictest holds. *shared* are groups of accounts that several people use. *owner* and the like name
    the attribute (a DN) that has them, None where the domain has none.
    """

    name: str
    endpoint: Endpoint
    base: str
    classes: tuple[tuple[str, AccountClass], ...]
    statuses: tuple[tuple[str, Status], ...] = ()
    shared: tuple[str, ...] = ()
    unit: str = "department"
    manager: str | None = "manager"
    owner: str | None = "manager"
    second_owner: str | None = "secretary"
    sponsor: str | None = "manager"


class Meaning(msgspec.Struct, frozen=True, kw_only=True):
    """What being in the group with this binary *sid* says."""

    sid: bytes
    account_class: AccountClass | None = None
    status: Status | None = None
    shared: bool = False


def meanings(session: Session, settings: ActiveDirectorySettings) -> tuple[Meaning, ...]:
    """Look every configured group up; `Invalid` when one is not there, since its members would count as less strict."""

    def sid(dn: str) -> bytes:
        entry = session.entry(dn, ("objectSid",))
        if entry is None:
            raise Invalid(f"{settings.name} has no group {dn}.", "Correct its name in the settings.", "classes")
        return entry.raw("objectSid")

    return (
        *(Meaning(sid=sid(dn), account_class=account_class) for dn, account_class in settings.classes),
        *(Meaning(sid=sid(dn), status=status) for dn, status in settings.statuses),
        *(Meaning(sid=sid(dn), shared=True) for dn in settings.shared),
    )


def read_account(
    session: Session, settings: ActiveDirectorySettings, groups: tuple[Meaning, ...], native_id: str
) -> DirectoryAccount | None:
    """Return the account with this object GUID, None when there is none."""
    relations = (settings.manager, settings.owner, settings.second_owner, settings.sponsor)
    contacts = (name for name, _ in _CONTACTS)
    asked = (*STATE, *_NAMES, _COMPUTED, settings.unit, _LANGUAGE, "replPropertyMetaData", *contacts)
    entry = session.entry(by_guid(native_id), tuple(dict.fromkeys((*asked, *filter(None, relations)))))
    if entry is None or not is_account(entry):
        return None
    related = _Related(session, entry)
    meant = _meant(entry, settings, groups)
    login = entry.text("sAMAccountName") or native_id
    return DirectoryAccount(
        directory=settings.name,
        native_id=native_id,
        login=login,
        display_name=entry.text("displayName") or entry.text("cn") or login,
        keys=(native_id, *names_of(entry)),
        account_class=strictest(m.account_class for m in meant),
        status=max((m.status for m in meant if m.status), key=_STATUSES.index, default=Status.ACTIVE),
        shared=any(m.shared for m in meant),
        locked=bool(entry.number(_COMPUTED) & _LOCKED),
        enabled=not entry.number("userAccountControl") & DISABLED,
        unit=entry.text(settings.unit),
        manager=related.by(settings.manager),
        owner=related.by(settings.owner),
        second_owner=related.by(settings.second_owner),
        sponsor=related.by(settings.sponsor),
        contacts=_contacts(entry),
        protected=protection(entry),
        language=entry.text(_LANGUAGE),
    )


def listed_of(
    settings: ActiveDirectorySettings, people: tuple[Entry, ...], groups: tuple[Entry, ...]
) -> tuple[Listed, ...]:
    """Return *people* with the *groups* they are in; `Refused` when the directory shows no group of somebody."""
    above = {group.dn.lower(): _names(group.values("memberOf")) for group in groups}
    by_sid = {group.raw("objectSid"): group.dn.lower() for group in groups}
    found = []
    for entry in people:
        if not is_account(entry):
            continue
        sid, login = entry.raw("objectSid"), entry.text("sAMAccountName") or ""
        # [MS-DTYP] 2.4.2: the primary group is the account's own domain and a last part, and stands in no memberOf.
        primary = by_sid.get(sid[:-4] + entry.number("primaryGroupID").to_bytes(4, "little"))
        many = any(name.startswith("memberof;range=") for name in entry.attributes)
        if primary is None or many:
            raise Refused(
                f"{settings.name} does not show us every group of {login}.",
                "Give the bind account the right to read primaryGroupID and memberOf, and the groups of the domain.",
            )
        found.append(
            Listed(
                login=login,
                keys=(str(UUID(bytes_le=entry.raw("objectGUID"))), *names_of(entry)),
                groups=closed((primary, *_names(entry.values("memberOf"))), above),
                person=entry.text("displayName") or entry.text("cn") or login,
                employee=entry.text("employeeID") or entry.text("employeeNumber") or "",
                unit=entry.text(settings.unit) or "",
                vendor=entry.text("company") or "",
            )
        )
    return tuple(sorted(found, key=lambda one: one.login))


def _names(values: tuple[bytes, ...]) -> tuple[str, ...]:
    return tuple(value.decode("utf-8", "replace").lower() for value in values)


def names_of(entry: Entry) -> tuple[str, ...]:
    """Return every name a controller's log may use for the entry: DN, SID, login and principal name, lower case."""
    names = (
        entry.dn,
        str(format_sid(entry.raw("objectSid"))),
        entry.text("sAMAccountName"),
        entry.text("userPrincipalName"),
    )
    return tuple(dict.fromkeys(name.lower() for name in names if name))


def protection(entry: Entry) -> str | None:
    """Say why the directory keeps an account from every delegation, None when it does not."""
    if entry.number("adminCount") < 1:
        return None
    return "it is under AdminSDHolder (adminCount), as members of administrative groups are, outside every delegation"


def is_account(entry: Entry) -> bool:
    """Whether the entry is somebody's account: a user, and no computer or managed service account."""
    classes = {one.lower() for one in entry.values("objectClass")}
    return b"user" in classes and b"computer" not in classes


def as_guid(text: str) -> UUID | None:
    """Read an object GUID in its text form, None when it is none."""
    try:
        return UUID(text)
    except ValueError:
        return None


def by_guid(native_id: str) -> str:
    """Return the name of an object by its GUID, which survives a renaming ([MS-ADTS] 3.1.1.3.1.2.4)."""
    return f"<GUID={native_id}>"


class _Related:
    """The accounts that attributes of *entry* name by their DN, each looked up once."""

    def __init__(self, session: Session, entry: Entry) -> None:
        self._session = session
        self._entry = entry
        self._ids: dict[str, str | None] = {}

    def by(self, attribute: str | None) -> str | None:
        """Return the object GUID of who *attribute* names, None when it names nobody."""
        dn = self._entry.text(attribute) if attribute is not None else None
        if dn is None:
            return None
        if dn not in self._ids:
            found = self._session.entry(dn, ("objectGUID",))
            self._ids[dn] = None if found is None else str(UUID(bytes_le=found.raw("objectGUID")))
        return self._ids[dn]


def _meant(entry: Entry, settings: ActiveDirectorySettings, groups: tuple[Meaning, ...]) -> tuple[Meaning, ...]:
    """Return what the account's groups mean, from the controller's own list: nested and primary ones are in it."""
    member_of = set(entry.values("tokenGroups"))
    if not member_of:
        raise Refused(
            f"{settings.name} does not show us the groups of this account.",
            "Give the bind account the right to read tokenGroups (group Windows Authorization Access Group).",
        )
    return tuple(group for group in groups if group.sid in member_of)


def _contacts(entry: Entry) -> tuple[Contact, ...]:
    changed = stamps(entry.raw("replPropertyMetaData"))
    return tuple(
        Contact(kind=kind.value, value=value, changed_at=changed[name].at if name in changed else None)
        for name, kind in _CONTACTS
        if (value := entry.text(name)) is not None
    )
