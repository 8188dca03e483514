"""What the members that Sigma rules name are called in each log, and which of its members say who, whom and when."""

from __future__ import annotations

from functools import cache

import msgspec

from watchword.watch.providers import Provider
from watchword.watch.sigma_members import WHOLE, Places, first

_PREFIXES = {"entra": ("properties",)}
"""Where a log may have the members that Sigma names without a path."""

_ALSO = {
    "windows": {
        "provider_name": ("SourceName", "EventSourceName", "ProviderName"),
        "computer": ("Hostname",),
    },
    "google": {
        "eventname": ("events.name",),
        "eventservice": ("protoPayload.serviceName",),
    },
}
"""Members by the names of Sigma's taxonomy, in lower case, that a log calls otherwise."""

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


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What says of an event which it was, when, by whom and about whom: *places* to look at, and SQL over them."""

    places: Places
    first: str


@cache
def _about(*, is_windows: bool) -> About:
    asked = _ABOUT_WINDOWS if is_windows else _ABOUT
    columns = {name: [f"{name}_{number}" for number in range(len(paths))] for name, paths in asked.items()}
    told = {name: f"coalesce({', '.join(map(first, each))})" for name, each in columns.items()}
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
    """The paths of *field* in a provider's log: as the log spells its first member, and where it may be put away."""
    if field == WHOLE:
        return (field,)
    known = {name.lower(): name for name, _ in provider.columns}
    begin, dot, rest = field.partition(".")
    spelled = known.get(begin.lower(), begin) + dot + rest
    also = _ALSO.get(provider.name, {}).get(field.lower(), ())
    return (spelled, *also, *(f"{prefix}.{field}" for prefix in _PREFIXES.get(provider.name, ())))
