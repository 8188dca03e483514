"""What the members that Sigma rules name are called in each log, and which of its members say who, whom and when."""

from __future__ import annotations

import re
from functools import cache

import msgspec

from watchword.watch.providers import Provider
from watchword.watch.sigma_members import WHOLE, Places, first

_PUT_AWAY = {"entra": "properties"}
"""A member that a log may have the others in: rules name them with it and without."""

_ALSO: dict[str, dict[str, tuple[str, ...]]] = {
    "windows": {
        "provider_name": ("SourceName", "EventSourceName", "ProviderName"),
        "computer": ("Hostname",),
    },
    "entra": {
        "operationname": ("activityDisplayName",),
        "message": ("activityDisplayName",),
        "resulttype": ("status.errorCode",),
        "status": ("resultReason",),
    },
    "google": {
        "eventname": ("events.name",),
        "eventservice": ("protoPayload.serviceName",),
    },
}
"""Members by the names of Sigma's rules, in lower case, that a log calls otherwise."""

# fmt: off
_WORDS = {
    "okta": (
        "legacyEventType", "displayMessage", "displayName", "logOnlySecurityData", "behaviors", "isProxy", "asOrg",
        "threatSuspected", "requestUri", "ipChain", "authenticationProvider", "credentialType", "authenticationStep",
    ),
    "entra": (
        "loggedByService", "activityType", "clientAppUsed", "conditionalAccessStatus", "authenticationRequirement",
        "trustType", "isCompliant", "isManaged", "riskState", "riskEventType", "riskLevelDuringSignIn", "riskDetail",
        "appId", "resourceDisplayName", "resourceId", "homeTenantId", "resourceTenantId", "userAgent", "userType",
        "networkLocationDetails", "countryOrRegion", "failureReason", "additionalDetails", "crossTenantAccessType",
    ),
}
"""What a log spells so beside what its verdicts look at, since rules are written in other case."""
# fmt: on

ALWAYS_HAVE_THEIR_KEY = frozenset({"okta", "windows", "cloudtrail", "github"})
"""Providers whose events, in the vendor's own form, have the `type_key` on top: what has none came in another form."""

_ID = ("uuid", "id", "eventID", "_document_id", "id.uniqueQualifier", "EventRecordID", "event.id")
_TIME = (
    "published", "activityDateTime", "createdDateTime", "eventTime", "id.time", "@timestamp", "TimeCreated",
    "timestamp", "time",
)  # fmt: skip
_ACTOR = (
    "actor.alternateId", "actor.email", "initiatedBy.user.userPrincipalName", "userIdentity.arn", "SubjectUserName",
    "user.name", "username", "actor",
)  # fmt: skip
_TARGET = (
    "target.alternateId", "targetResources.userPrincipalName", "requestParameters.userName", "TargetUserName",
    "user.target.name", "object", "user",
)  # fmt: skip
"""Where logs say which event it was, when, by whom and about whom: the first that is there."""

_ABOUT = {"id": _ID, "time": _TIME, "actor": _ACTOR, "target": _TARGET}
_ABOUT_WINDOWS = {
    "machine": ("Computer", "Hostname"),
    "channel": ("Channel",),
    "number": ("EventRecordID", "RecordNumber"),
    # As `windows.sql` has them.
    "time": ("TimeCreated", "@timestamp", "TimeGenerated", "EventTime", "SystemTime", "timestamp"),
    "actor": ("SubjectUserName",),
    "target": ("TargetUserName",),
}
_ID_WINDOWS = "coalesce({machine}, '') || '/' || lower(coalesce({channel}, 'Security')) || '/' || {number}"
"""The id of an event as `windows.sql` makes it, so that a hit has the names of the verdict on the same event."""


_NAME = re.compile(r"(?<!\w)\"?([A-Za-z]\w*)\"? (?=[A-Z]{4})")
"""A member within a column of a struct, before its type."""


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What says of an event which it was, when, by whom and about whom: *places* to look at, and SQL over them."""

    places: Places
    first: str


@cache
def _about(*, is_windows: bool) -> About:
    asked = _ABOUT_WINDOWS if is_windows else _ABOUT
    columns = {name: [f"{name}_{number}" for number in range(len(paths))] for name, paths in asked.items()}
    # A hyphen is how Windows writes nothing.
    told = {name: f"nullif(coalesce({', '.join(map(first, each))}), '-')" for name, each in columns.items()}
    if is_windows:
        told["id"] = _ID_WINDOWS.format(**told)
    return About(
        places={
            column: (path,) for name, paths in asked.items() for column, path in zip(columns[name], paths, strict=True)
        },
        first=", ".join(told[name] for name in ("id", "time", "actor", "target")),
    )


def about_of(provider: Provider) -> About:
    """What says so in a log of *provider*."""
    return _about(is_windows=provider.name == "windows")


def places(field: str, provider: Provider) -> tuple[str, ...]:
    """The paths of *field* in a provider's log: as the log spells its members, as written, and where they may be."""
    if field == WHOLE:
        return (field,)
    words = _words(provider)
    spelled = ".".join(words.get(part.lower(), part) for part in field.split("."))
    put_away = _PUT_AWAY.get(provider.name)
    bare = spelled.removeprefix(f"{put_away}.")
    found = [spelled, bare, *_ALSO.get(provider.name, {}).get(bare.lower(), ())]
    if put_away is not None:
        found += [f"{put_away}.{each}" for each in found[1:]]
    return tuple(dict.fromkeys((*found, field)))


@cache
def _words(provider: Provider) -> dict[str, str]:
    """The names of a log's members by what they are in lower case; of two that differ in case alone, neither."""
    words = {name for name, _ in provider.columns}
    words |= {word for _, kind in provider.columns for word in _NAME.findall(kind)} | {*_WORDS.get(provider.name, ())}
    return {word.lower(): word for word in words if sum(each.lower() == word.lower() for each in words) == 1}
