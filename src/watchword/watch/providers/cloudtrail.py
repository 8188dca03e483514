"""AWS CloudTrail."""

from __future__ import annotations

import json

from watchword.watch.providers.provider import Json, Provider


def _shape(value: Json) -> tuple[Json, ...] | None:
    """An event that EventBridge carries in `detail`, or a look-up in `CloudTrailEvent` as text."""
    inner: object = value.get("detail")
    if isinstance(text := value.get("CloudTrailEvent"), str):
        try:
            inner = json.loads(text, strict=False)
        except (ValueError, RecursionError):
            return None
    return (inner,) if isinstance(inner, dict) and isinstance(inner.get("eventName"), str) else None


CLOUDTRAIL = Provider(
    name="cloudtrail",
    type_key="eventName",
    columns=(
        ("eventID", "VARCHAR"),
        ("eventTime", "VARCHAR"),
        ("eventSource", "VARCHAR"),
        ("eventName", "VARCHAR"),
        ("readOnly", "VARCHAR"),
        ("errorCode", "VARCHAR"),
        ("errorMessage", "VARCHAR"),
        ("sourceIPAddress", "VARCHAR"),
        ("userAgent", "VARCHAR"),
        ("requestID", "VARCHAR"),
        ("sharedEventID", "VARCHAR"),
        ("recipientAccountId", "VARCHAR"),
        ("userIdentity", "JSON"),
        ("requestParameters", "JSON"),
        ("responseElements", "JSON"),
        ("additionalEventData", "JSON"),
        ("serviceEventDetails", "JSON"),
    ),
    wrapped=("Records", "Events"),
    shape=_shape,
)
"""AWS CloudTrail: files of `{"Records":[…]}`, one event a line, or as EventBridge and the look-up API carry them."""
