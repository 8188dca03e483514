"""AWS CloudTrail."""

from __future__ import annotations

import json
import re

from watchword.watch.providers.log_analytics import parsed
from watchword.watch.providers.original import at, original
from watchword.watch.providers.provider import UNSURE, Json, Provider


def _shape(value: Json) -> tuple[Json, ...] | None:
    """An event that something carries: EventBridge, the look-up API (as text), or a document in ECS."""
    inner: object = value.get("detail") or original(value)
    if isinstance(text := value.get("CloudTrailEvent"), str):
        try:
            inner = json.loads(text, strict=False)
        except (ValueError, RecursionError):
            return None
    if isinstance(inner, dict) and isinstance(inner.get("eventName"), str):
        return (inner,)
    if isinstance(value.get("EventName"), str) and isinstance(value.get("EventSource"), str):
        if "EventId" in value and "TimeGenerated" not in value:
            why = "a look-up without its CloudTrailEvent, which alone says what was asked for, and whether it was done"
            return ({"eventName": value["EventName"], UNSURE: why},)
        return (_of_sentinel(value),)
    # What CloudTrail delivers beside the calls: that there were more of one than usual, and which files it wrote.
    for name, member in (("Insight", "insightDetails"), ("Digest", "digestS3Object")):
        if value.get(member) is not None:
            return ({"eventName": name, "eventID": value.get("eventID"), "eventTime": value.get("eventTime")},)
    if isinstance(_attribute(value, "rpc.method"), str):
        return (_of_otel(value),)
    return _of_ecs(value)


def _of_otel(record: Json) -> Json:
    """The event in a record of OpenTelemetry, whose encoding of these logs parts it into attributes.

    What a service says besides (`additionalEventData`, `serviceEventDetails`) has no place there.
    """
    account = at(record, "resourceAttributes", "cloud.account.id") or _attribute(
        record.get("resource"), "cloud.account.id"
    )
    issuer = {
        name: _attribute(record, f"aws.user_identity.session_context.issuer.{name}") for name in ("user_name", "arn")
    }
    parts = {ours: _attribute(record, theirs) for ours, theirs in _OTEL.items()}
    identity = {ours: _attribute(record, theirs) for ours, theirs in _OTEL_IDENTITY.items()}
    return parts | {
        "eventTime": record.get("timeUnixNano") or record.get("@timestamp"),
        "recipientAccountId": account,
        "userIdentity": identity
        | {
            "onBehalfOf": {"userId": _attribute(record, "user.id")},
            "sessionContext": {"sessionIssuer": {"userName": issuer["user_name"], "arn": issuer["arn"]}},
        },
    }


def _attribute(record: object, name: str) -> object:
    """The attribute of a *record* by its whole name, or as a search has it, in objects within one another."""
    given = at(record, "attributes")
    return at(given, name) if at(given, name) is not None else at(given, *name.split("."))


_OTEL = {
    "eventID": "aws.cloudtrail.event_id",
    "eventSource": "rpc.service",
    "eventName": "rpc.method",
    "readOnly": "aws.event.read_only",
    "errorCode": "aws.error.code",
    "errorMessage": "aws.error.message",
    "sourceIPAddress": "source.address",
    "userAgent": "user_agent.original",
    "requestID": "aws.request_id",
    "sharedEventID": "aws.shared_event_id",
    "requestParameters": "aws.request.parameters",
    "responseElements": "aws.response.elements",
}
_OTEL_IDENTITY = {
    "type": "aws.principal.type",
    "arn": "aws.principal.arn",
    "principalId": "aws.principal.id",
    "accountId": "aws.user_identity.account_id",
    "accessKeyId": "aws.access_key.id",
    "userName": "user.name",
    "invokedBy": "aws.user_identity.invoked_by",
}


def _of_sentinel(row: Json) -> Json:
    """The event in a row of Sentinel's `AWSCloudTrail`, where the identity is parted into columns."""
    issuer = {"userName": row.get("SessionIssuerUserName"), "arn": row.get("SessionIssuerArn")}
    return {
        "eventID": row.get("AwsEventId"),
        "eventTime": row.get("TimeGenerated"),
        "eventSource": row["EventSource"],
        "eventName": row["EventName"],
        "readOnly": row.get("ReadOnly"),
        "errorCode": row.get("ErrorCode"),
        "errorMessage": row.get("ErrorMessage"),
        "sourceIPAddress": row.get("SourceIpAddress"),
        "userAgent": row.get("UserAgent"),
        "requestID": row.get("AwsRequestId_") or row.get("AwsRequestId"),
        "sharedEventID": row.get("SharedEventId"),
        "recipientAccountId": row.get("RecipientAccountId"),
        "userIdentity": {
            "type": row.get("UserIdentityType"),
            "arn": row.get("UserIdentityArn"),
            "principalId": row.get("UserIdentityPrincipalid"),
            "accountId": row.get("UserIdentityAccountId"),
            "accessKeyId": row.get("UserIdentityAccessKeyId"),
            "userName": row.get("UserIdentityUserName"),
            "invokedBy": row.get("UserIdentityInvokedBy"),
            "onBehalfOf": {"userId": row.get("UserIdentityUserId")},
            "sessionContext": {"sessionIssuer": issuer},
        },
        "requestParameters": parsed(row.get("RequestParameters")),
        "responseElements": parsed(row.get("ResponseElements")),
        "additionalEventData": parsed(row.get("AdditionalEventData")),
        "serviceEventDetails": parsed(row.get("ServiceEventDetails")),
    }


def _of_ecs(value: Json) -> tuple[Json, ...] | None:
    """The event that an ECS document has under `aws.cloudtrail`, or that another system puts under `aws` as it was."""
    if isinstance(at(value, "aws", "eventName"), str):
        return (value["aws"],)
    own, name = at(value, "aws", "cloudtrail"), at(value, "event", "action")
    if not isinstance(own, dict) or not isinstance(name, str):
        return None
    who = at(own, "user_identity")
    issuer, title = at(who, "session_context", "session_issuer"), at(value, "user", "name")
    # Of a session it is the name of the role, of Identity Center's users what the service says besides.
    of_session, of_center = bool(issuer) or at(who, "type") == "AssumedRole", at(who, "type") == "IdentityCenterUser"
    told = str(at(issuer, "arn") or "").rpartition("/")[2] or at(issuer, "userName")
    role = (told or title) if of_session else None
    person = at(who, "on_behalf_of", "user_id") or (at(value, "user", "id") if of_center else None)
    identity = {
        "type": at(who, "type"),
        "arn": at(who, "arn"),
        "accessKeyId": at(who, "access_key_id"),
        "invokedBy": at(who, "invoked_by"),
        "onBehalfOf": {"userId": person},
        "principalId": None if of_center else at(value, "user", "id"),
        "userName": None if of_session or of_center else title,
        "accountId": at(value, "cloud", "account", "id"),
        "sessionContext": {"sessionIssuer": {"userName": role, "arn": at(issuer, "arn")}},
    }
    parts = {"requestParameters": "request_parameters", "responseElements": "response_elements"}
    parts |= {"additionalEventData": "additional_eventdata", "serviceEventDetails": "service_event_details"}
    event = {
        "eventName": name,
        "eventSource": at(value, "event", "provider"),
        "eventTime": value.get("@timestamp"),
        "eventID": at(value, "event", "id"),
        "requestID": at(own, "request_id"),
        "sharedEventID": at(own, "shared_event_id"),
        "errorCode": at(own, "error_code"),
        "errorMessage": at(own, "error_message"),
        "readOnly": at(own, "read_only"),
        "recipientAccountId": at(own, "recipient_account_id"),
        "sourceIPAddress": at(value, "source", "ip") or at(value, "source", "address"),
        "userAgent": at(value, "user_agent", "original"),
        "userIdentity": identity,
        **{ours: at(own, "flattened", theirs) or _written(at(own, theirs)) for ours, theirs in parts.items()},
    }
    if of_center and title is not None:
        more = event["additionalEventData"]
        event["additionalEventData"] = {"UserName": title} | (more if isinstance(more, dict) else {})
    return (event,)


_MEMBER = re.compile(r"([A-Za-z][\w.-]*)=(.*)", re.DOTALL)
_WORDS = {"null": None, "true": True, "false": False}


def _written(value: object, levels: int = 4) -> Json | None:
    """The object that *value* is as text: JSON, or as Java writes a map (`{userName=ana, status=Inactive}`).

    Such a text escapes nothing. None where it does not come out even or says a thing twice: then nobody can tell.
    What lies more than *levels* deep is left as text.
    """
    inner = parsed(value)
    if isinstance(inner, dict):
        return inner
    if not isinstance(inner, str) or not (inner.startswith("{") and inner.endswith("}")) or levels == 0:
        return None
    members = [_MEMBER.fullmatch(part) for part in _parts(inner[1:-1])]
    out = {one[1]: _WORDS.get(one[2], _written(one[2], levels - 1) or one[2]) for one in members if one}
    return out if len(out) == len(members) else None


def _parts(text: str) -> list[str]:
    """*text* parted by the commas that stand in no brackets; one part that is no member where brackets do not pair."""
    parts, begun, depth = [], 0, 0
    for found in re.finditer(r"[{\[]|[}\]]|, ", text):
        if found[0] == ", ":
            if depth == 0:
                parts.append(text[begun : found.start()])
                begun = found.end()
        else:
            depth += 1 if found[0] in "{[" else -1
            if depth < 0:
                return [""]
    return [*parts, text[begun:]] if depth == 0 and text else [""] if text else []


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
    wrapped=("Records", "Events", "events"),
    shape=_shape,
    tenant=("recipientAccountId",),
    unread=(
        (
            ("Event name", "Event time", "User name"),
            "the console's table, which does not say what was asked for: download the event history as JSON",
        ),
    ),
)
"""AWS CloudTrail: files of `{"Records":[…]}`, one event a line, or as EventBridge and the look-up API carry them."""
