"""Google Cloud's log entries, as a sink hands them on: what they say of accounts, of their keys and of groups."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from watchword.watch.providers.log_analytics import parsed
from watchword.watch.providers.power import lends_power
from watchword.watch.providers.provider import Json
from watchword.watch.providers.recased import at, text

_SERVICES = {"admin.googleapis.com": "admin", "login.googleapis.com": "login", "oauth2.googleapis.com": "token"}
_KEEP_IDENTITIES = frozenset({"cloudidentity.googleapis.com", "iam.googleapis.com", "identitytoolkit.googleapis.com"})
"""Services of a sink whose methods are in the catalogue one by one; one that is not there is told."""
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z]|2sv|3lo)|(?<=[A-Z])(?=[A-Z][a-z])")
"""Where a method's name has a new word, which an event's has behind a line: `generate2svScratchCodes`."""
_POWERFUL = re.compile(r"^roles/(owner|editor)$|^roles/(iam|resourcemanager)\.|admin", re.IGNORECASE)
"""Roles on a project, a folder or the organisation that let whoever has them help themselves to more."""
_HMAC_KEY = re.compile(r"hmacKeys?\.(create|update|delete)$|\.(Create|Update|Delete)HmacKey$")
"""Keys of Cloud Storage that somebody who has one uses as a service account."""
_OF_THE_LOG = re.compile(
    r"\.(?:ConfigServiceV2\.((?:Delete|Update)(?:Sink|Bucket)|(?:Create|Update)Exclusion|UpdateSettings)(?:Async)?"
    r"|LoggingServiceV2\.(DeleteLog))$"
)
"""What is asked of Cloud Logging that may leave less of the log, or less of it to whoever it is sent to."""
_OF_TRUST = {
    "iap.googleapis.com": re.compile(r"\.UpdateIapSettings$"),
    "accesscontextmanager.googleapis.com": re.compile(
        r"\.(?:Create|Update|Delete|Replace)(?:AccessLevels?|AccessPolicy|GcpUserAccessBinding)$"
    ),
    "orgpolicy.googleapis.com": re.compile(r"\.OrgPolicy\.(?:Create|Update|Delete)Policy$"),
    "cloudresourcemanager.googleapis.com": re.compile(r"(?:^|\.)(?:Set|Clear)OrgPolicy$"),
}
"""What says who gets past, from where, and which keys and domains may be trusted at all."""
_CONSTRAINT = re.compile(r"(?:/policies/|constraints/)([\w.]+)")
_ON_IDENTITY = re.compile(r"iam\b|compute\.(?:managed\.)?requireOsLogin", re.IGNORECASE)
_SERVICE_ACCOUNT = re.compile(r"(?<![\w.-])[\w.-]+@(?:[\w.-]+\.)?gserviceaccount\.com")
_IS_SERVICE_ACCOUNT = re.compile(r"[@.]gserviceaccount\.com$", re.IGNORECASE)
_NAMED_BY = re.compile(r"(?:serviceAccounts|subjects)/([^/]+)")
_ASKED_BY_ANYBODY = (".GetOobCode", ".SignUp")
_SET = (
    ("password", "password"),
    ("passwordHash", "password"),
    ("email", "email"),
    ("phoneNumber", "phone"),
    ("customAttributes", "claims"),
    ("validSince", "sessions"),
    ("linkProviderUserInfo", "link"),
)
"""What `SetAccountInfo` was asked to set, and how its event is called for that."""


def from_cloud(entry: Json) -> tuple[Json, ...] | None:
    """The activity in a log *entry* of Google Cloud; None when it is none of a service's."""
    whole = at(entry, "gcp", "audit", "flattened")  # as Elastic keeps it, where that is asked for
    entry = {"timestamp": entry.get("@timestamp"), **whole} if at(whole, "protoPayload") is not None else entry
    payload = _payload(entry)
    if payload is None:
        return _from_request(entry) if _is_request(entry) else None
    service, called = text(payload.get("serviceName")), text(payload.get("methodName"))
    if service is None or (service not in _SERVICES and called is None):
        return None
    # A sink takes what all of the organisation's services write.
    keeps = service in _KEEP_IDENTITIES
    application = _SERVICES.get(service) or (service.partition(".")[0] if keeps else "gcp")
    found = at(payload, "metadata", "event")
    events = [event_of(each) for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    named = [each for each in events if each is not None]
    if not named and not keeps and (told := _of_another(service, str(called), payload)):
        application, named = service.partition(".")[0], told
    elif not named:
        named = _events(application, str(called), entry, payload)
    principal = _person_behind(payload) or text(at(payload, "authenticationInfo", "principalEmail"))
    subject = text(at(payload, "authenticationInfo", "principalSubject"))
    return (
        {
            "id": {
                "time": microseconds(at(payload, "metadata", "activityId", "timeUsec"))
                or entry.get("timestamp", entry.get("@timestamp")),
                "uniqueQualifier": at(payload, "metadata", "activityId", "uniqQualifier")
                or entry.get("insertId", at(entry, "event", "id")),
                "applicationName": application,
            },
            "actor": {"email": principal, "key": subject, "callerType": "USER" if principal or subject else "KEY"},
            "ipAddress": at(payload, "requestMetadata", "callerIp"),
            "events": named,
        },
    )


def _person_behind(payload: Json) -> str | None:
    """Who acts as the service account that made the call: the first whom Google knows, where that is a person."""
    chain = at(payload, "authenticationInfo", "serviceAccountDelegationInfo")
    said = (
        text(at(each, "firstPartyPrincipal", "principalEmail")) for each in (chain if isinstance(chain, list) else [])
    )
    return next((each for each in said if each is not None and not _IS_SERVICE_ACCOUNT.search(each)), None)


def is_entry(value: Json) -> bool:
    """Whether *value* is an entry of an audit log, or of what users ask of Identity Platform."""
    return _payload(value) is not None or _is_request(value)


def of_table(row: Json) -> Json | None:
    """The entry that a *row* of Sentinel's `GCPAuditLogs` (`…V2_CL`) or `GCPIAM` was made of; None when it is none."""
    if isinstance(payload := parsed(row.get("ProtoPayload")), dict):
        when, where = row.get("Timestamp") or row.get("TimeGenerated"), parsed(row.get("Resource"))
        return {"insertId": row.get("InsertId"), "timestamp": when, "resource": where, "protoPayload": payload}
    if text(row.get("MethodName")) is None or text(row.get("ServiceName")) is None or "InsertId" not in row:
        return None
    who = parsed(row.get("AuthenticationInfo"))
    mail = text(row.get("PrincipalEmail")) or text(row.get("AuthInfoPrincipalEmail"))
    deltas = parsed(row.get("ServiceDataPolicyDeltaBindingDeltas"))
    status = parsed(row.get("Status"))
    return {
        "insertId": row["InsertId"],
        "timestamp": row.get("Timestamp") or row.get("TimeGenerated"),
        "resource": {"labels": {"email_id": row.get("ResourceLabelsEmailId")}},
        "protoPayload": {
            "serviceName": row["ServiceName"],
            "methodName": row["MethodName"],
            "resourceName": row.get("GCPResourceName"),
            "authenticationInfo": {
                "principalEmail": mail or at(who, "principalEmail"),
                "serviceAccountDelegationInfo": parsed(row.get("AuthInfoServiceAccountDelegationInfo"))
                or at(who, "serviceAccountDelegationInfo"),
                "principalSubject": row.get("AuthInfoPrincipalSubject") or at(who, "principalSubject"),
            },
            "requestMetadata": parsed(row.get("RequestMetadata")) or {"callerIp": row.get("RequestMetadataCallerIp")},
            "request": parsed(row.get("Request")) or {"name": row.get("RequestName")},
            "response": parsed(row.get("Response"))
            or {"email": row.get("ResponseEmail"), "name": row.get("ResponseName")},
            "metadata": parsed(row.get("Metadata")),
            "serviceData": parsed(row.get("ServiceData")) or {"policyDelta": {"bindingDeltas": deltas or None}},
            # Told in any of three columns, each by itself; words for it are no success either.
            "status": {"code": row.get("StatusCode") or _in_words(status) or text(row.get("StatusMessage"))}
            | (status if isinstance(status, dict) and status else {}),
        },
    }


def _in_words(status: object) -> str | None:
    """A status that is words, and not what has a code."""
    return text(status) if not isinstance(status, dict | list) else None


def _payload(entry: Json) -> Json | None:
    """What an entry says, as Cloud Logging has it, or as a sink writes it to BigQuery."""
    if isinstance(payload := entry.get("protoPayload"), dict):
        return payload
    if isinstance(own := at(entry, "gcp", "audit"), dict):
        return _of_elastic(entry, own)
    if not isinstance(row := entry.get("protopayload_auditlog"), dict):
        return None
    texts = {name: parsed(row.get(f"{name}Json")) for name in ("request", "response", "metadata")}
    return {**row, **texts, "serviceData": row.get("servicedata_v1_iam")}


def _of_elastic(document: Json, own: Json) -> Json:
    """What a document of Elastic's integration was made of, where it does not keep the entry's text."""
    has_failed = text(at(document, "event", "outcome")) == "failure"
    mail = text(at(document, "client", "user", "email"))
    return {
        "serviceName": text(at(document, "service", "name")) or own.get("service_name"),
        "methodName": text(at(document, "event", "action")) or own.get("method_name"),
        "authenticationInfo": {
            "principalEmail": mail or at(own, "authentication_info", "principal_email"),
            "principalSubject": at(document, "client", "user", "id"),
            "serviceAccountDelegationInfo": at(own, "authentication_info", "service_account_delegation_info"),
        },
        "requestMetadata": {"callerIp": at(document, "source", "ip")},
        "resourceName": own.get("resource_name"),
        "request": own.get("request"),
        "response": own.get("response"),
        "metadata": own.get("metadata"),
        "status": own.get("status") or ({"code": "unknown"} if has_failed else None),
    }


def _is_request(entry: Json) -> bool:
    called = text(at(entry, "jsonPayload", "methodName"))
    return called is not None and called.startswith("google.cloud.identitytoolkit.")


def _is_proven(payload: Json) -> bool:
    """Whether who asked showed that the account is theirs: by a token, a code that was sent to them, or a password.

    An application's key is public, and with it anybody asks for a link or an account in whose name they like, or asks
    for something else and is refused. A link that is handed over rather than sent is an administrator's.
    """
    return not _failed(payload) and not str(payload["methodName"]).endswith(_ASKED_BY_ANYBODY)


def _from_request(entry: Json) -> tuple[Json, ...]:
    payload: Json = entry["jsonPayload"]
    return (
        {
            "id": {
                "time": entry.get("timestamp"),
                "uniqueQualifier": entry.get("insertId"),
                "applicationName": "identitytoolkit",
            },
            "actor": {"email": _account(payload) if _is_proven(payload) else None, "callerType": "USER"},
            "ipAddress": at(payload, "requestMetadata", "callerIp"),
            "events": _events("identitytoolkit", str(payload["methodName"]), entry, payload),
        },
    )


def _events(application: str, called: str, entry: Json, payload: Json) -> list[Json]:
    """What the method *called* did, an event for each thing and account that it is about."""
    name = _WORDS.sub("_", called.rpartition(".")[2])
    if application == "admin":
        return [_said_of(name.upper(), payload)]
    name = name.lower()
    if application not in ("iam", "cloudidentity", "identitytoolkit"):
        return [_said_of(name, payload)]
    if name == "set_iam_policy" and (deltas := at(payload, "serviceData", "policyDelta", "bindingDeltas")):
        return _bound(name, payload, deltas)
    if application == "cloudidentity":
        return [_membership(name, payload)]
    if application == "identitytoolkit":
        return [_said_of(each, payload, USER_EMAIL=who) for each in _kinds(name, payload) for who in _accounts(payload)]
    return [_said_of(name, payload, USER_EMAIL=_service_account(entry, payload), **_about(payload))]


def _bound(name: str, payload: Json, deltas: Any) -> list[Json]:
    """A role given to or taken from each member that a policy names more or no longer."""
    return [
        _said_of(
            f"{name}/{'revoke' if each.get('action') == 'REMOVE' else 'grant'}",
            payload,
            USER_EMAIL=_member(each.get("member")),
            ROLE_NAME=text(each.get("role")),
        )
        for each in (deltas if isinstance(deltas, list) else [])
        if isinstance(each, dict)
    ] or [_said_of(name, payload)]


def _of_another(service: str, called: str, payload: Json) -> list[Json]:
    """What a service that keeps no accounts did to an account or to the log; none where it did neither."""
    if (trust := _OF_TRUST.get(service)) is not None and trust.search(called):
        name = _WORDS.sub("_", called.rpartition(".")[2]).lower()
        return [_said_of(name, payload, **_about(payload))] if _on_identity(called, payload) else []
    if service == "iap.googleapis.com":
        return _powerful(called, payload)
    if service == "cloudresourcemanager.googleapis.com":
        return [*_powerful(called, payload), *_unlogged(called, payload)]
    if service == "logging.googleapis.com" and (found := _OF_THE_LOG.search(called)):
        # A filter or an exclusion may let less through; switched on again is no less.
        sink = at(payload, "request", "sink")
        asked = text(at(payload, "request", "updateMask"))
        is_on = asked == "disabled" and isinstance(sink, dict) and sink.get("disabled") not in (True, "true")
        name = _WORDS.sub("_", found[1] or found[2]).lower()
        return [_said_of(f"{name}/on" if is_on and name == "update_sink" else name, payload, **_about(payload))]
    if service == "storage.googleapis.com" and (found := _HMAC_KEY.search(called)):
        done = (found[1] or found[2]).lower()
        is_off = done == "update" and "INACTIVE" in (_hmac(payload, "state"), _hmac(payload, "hmacKey", "state"))
        whose = _hmac(payload, "serviceAccountEmail") or _hmac(payload, "hmacKey", "serviceAccountEmail")
        return [_said_of(f"hmac_key/{'off' if is_off else done}", payload, USER_EMAIL=whose, **_about(payload))]
    if service == "oslogin.googleapis.com" and called.endswith(".ImportSshPublicKey"):
        whose = text(at(payload, "request", "parent")) or text(payload.get("resourceName")) or ""
        return [_said_of("import_ssh_public_key", payload, USER_EMAIL=whose.rpartition("users/")[2] or None)]
    if service == "compute.googleapis.com" and _has_new_ssh_keys(payload):
        # It lets in whoever has it, to one machine or to all of a project, under whichever name it says.
        return [_said_of("ssh_keys/set", payload, USER_EMAIL=text(payload.get("resourceName")))]
    return []


def _on_identity(called: str, payload: Json) -> bool:
    """Whether a policy of the organisation is about identities; one that does not say of what could be."""
    if "Policy" not in called.rpartition(".")[2] or "AccessPolicy" in called:
        return True
    paths = (("resourceName",), ("request", "name"), ("request", "policy", "name"), ("request", "policy", "constraint"))
    said = [text(at(payload, *path)) or "" for path in (*paths, ("request", "constraint"))]
    named = [found[1] for each in said if (found := _CONSTRAINT.search(each))]
    return not named or any(_ON_IDENTITY.match(each) for each in named)


def _has_new_ssh_keys(payload: Json) -> bool:
    deltas = [at(payload, "metadata", f"{of}MetadataDelta") for of in ("project", "instance")]
    keys = [at(each, f"{done}MetadataKeys") for each in deltas for done in ("added", "modified")]
    keys += [at(payload, "request", f"Metadata Keys {done}") for done in ("Added", "Modified")]
    return any("ssh-keys" in each or "sshKeys" in each for each in keys if isinstance(each, list))


def _hmac(payload: Json, *path: str) -> str | None:
    parts = (("request",), ("response",), ("response", "metadata"), ("metadata",))
    found = (text(at(payload, *part, *path)) for part in parts)
    return next((each for each in found if each is not None), None)


def _unlogged(called: str, payload: Json) -> list[Json]:
    """Whose acts, or which kind of them, a policy leaves out of the log from now on."""
    deltas = at(payload, "serviceData", "policyDelta", "auditConfigDeltas")
    if not called.endswith("SetIamPolicy") or not isinstance(deltas, list):
        return []
    less = [
        each
        for each in deltas
        if isinstance(each, dict) and (each.get("action") == "REMOVE") is not bool(text(each.get("exemptedMember")))
    ]
    return [_said_of("set_iam_policy/less logged", payload, **_about(payload))] if less else []


def _powerful(called: str, payload: Json) -> list[Json]:
    if not called.endswith("SetIamPolicy"):
        return []
    deltas = at(payload, "serviceData", "policyDelta", "bindingDeltas")
    if isinstance(deltas, list):
        power = [each for each in deltas if _POWERFUL.search(text(at(each, "role")) or "")]
        return _bound("set_iam_policy", payload, power) if power else []
    if payload.get("serviceData") is not None:
        return []
    # A pipeline lost what is new in the policy: it may be any role that the whole of it lends.
    bindings = at(payload, "request", "policy", "bindings")
    roles = [text(at(each, "role")) or "" for each in bindings] if isinstance(bindings, list) else [None]
    power = [each for each in roles if each is None or _POWERFUL.search(each)]
    return [_said_of("set_iam_policy/grant", payload, ROLE_NAME=power[0], **_about(payload))] if power else []


def _membership(name: str, payload: Json) -> Json:
    delta = at(payload, "metadata", "membershipDelta")
    group = _member(at(payload, "metadata", "group")) or (text(payload.get("resourceName")) or "").rpartition("/")[2]
    if not isinstance(delta, dict):
        return _said_of(name, payload, GROUP_EMAIL=group)
    deltas = delta.get("roleDeltas")
    roles = [each for each in deltas if isinstance(each, dict)] if isinstance(deltas, list) else []
    is_less = bool(roles) and all(each.get("action") == "REMOVE" for each in roles)
    kind = f"{name}/{'remove' if is_less else 'add'}"
    # Of a group its name alone tells whether it lends power.
    kind += " privileged" if lends_power(group) else ""
    return _said_of(kind, payload, USER_EMAIL=_member(delta.get("member")), ROLE_NAME=group)


def _kinds(name: str, payload: Json) -> list[str]:
    """What a method of Identity Platform did, told by what it was asked for where its name does not."""
    asked = payload.get("request")
    asked = asked if isinstance(asked, dict) else {}
    if name.startswith("sign_in_with") or name == "finalize_mfa_sign_in":
        return ["sign_in_failure" if _failed(payload) else "sign_in"]
    if name == "get_oob_code":
        kind = (text(asked.get("requestType")) or text(asked.get("reqType")) or "").lower()
        # Whoever is handed the link is let in by it, or to the address that it changes.
        is_handed = asked.get("returnOobLink") is True and kind != "verify_email"
        return [f"{name}/returned" if is_handed else f"{name}/{kind}" if kind else name]
    if name != "set_account_info":
        return [name]
    kinds = {kind: None for member, kind in _SET if asked.get(member) not in (None, "", [], {})}
    if isinstance(disabled := asked.get("disableUser"), bool):
        kinds["disable" if disabled else "enable"] = None
    if isinstance(mfa := asked.get("mfa"), dict):
        kinds["mfa" if mfa.get("enrollments") else "mfa_removed"] = None
    return [f"{name}/{kind}" for kind in kinds] or [name]


def _accounts(payload: Json) -> list[str | None]:
    ids = at(payload, "request", "localIds")
    users = at(payload, "request", "users")
    several = [text(each) for each in ids] if isinstance(ids, list) else []
    several += [
        text(each.get("email")) or text(each.get("localId"))
        for each in (users if isinstance(users, list) else [])
        if isinstance(each, dict)
    ]
    return [each for each in several if each is not None] or [_account(payload)]


def _account(payload: Json) -> str | None:
    """Whom a request of Identity Platform is about; an address that it sets is not the one it had."""
    sets = str(payload.get("methodName")).endswith(".SetAccountInfo")
    paths = [(part, name) for name in ("email", "localId") for part in ("request", "response")]
    found = [text(at(payload, *path)) for path in (reversed(paths) if sets else paths)]
    return next((each for each in found if each is not None), None)


def _service_account(entry: Json, payload: Json) -> str | None:
    labelled = text(at(entry, "resource", "labels", "email_id"))
    paths = (("response", "email"), ("response", "name"), ("request", "name"), ("resourceName",))
    said = [labelled, *(text(at(payload, *path)) for path in paths)]
    for pattern in (_SERVICE_ACCOUNT, _NAMED_BY):
        for each in said:
            if each is not None and (found := pattern.search(each)):
                return found[found.re.groups]
    return None


def _about(payload: Json) -> dict[str, str | None]:
    return {"RESOURCE_NAME": text(payload.get("resourceName"))}


def _member(value: object) -> str | None:
    """Who a policy or a group calls `user:ana@example.test`."""
    said = text(value)
    return None if said is None else said.removeprefix("deleted:").partition("?uid=")[0].partition(":")[2] or said


def _said_of(name: str, payload: Json, **parameters: str | None) -> Json:
    given: Json = {key: value for key, value in parameters.items() if value}
    status = {"eventStatus": "FAILED"} if _failed(payload) else None
    return {"name": name, "type": None, "status": status, "parameters": parameters_of(given)}


def _failed(payload: Json) -> bool:
    return text(at(payload, "status", "code")) not in (None, "0")


def event_of(value: Json) -> Json | None:
    """An event of an activity, under whichever names for its own and its parameters'; None without a name."""
    name = text(value.get("name")) or text(value.get("eventName"))
    if name is None:
        return None
    given = value.get("parameters", value.get("parameter"))
    if isinstance(given, dict):
        parameters = parameters_of(given)
    else:
        listed = [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []
        parameters = [{**each, "multiValue": each.get("multiValue", each.get("multiStrValue"))} for each in listed]
    status = value.get("status")
    if at(status, "success") is False:
        status = {"eventStatus": "FAILED"}
    return {"name": name, "type": text(value.get("type")), "status": status, "parameters": parameters}


def parameters_of(given: Json) -> list[Json]:
    """The members of *given* as the Reports API lists parameters."""
    many = {name: [_said(part) for part in each] for name, each in given.items() if isinstance(each, list)}
    one = {name: _said(each) for name, each in given.items() if name not in many}
    return [{"name": n, "multiValue": many[n]} if n in many else {"name": n, "value": one[n]} for n in given]


def _said(value: Any) -> str | None:
    return value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else text(value)


def microseconds(value: Any) -> str | None:
    """A time in ISO 8601 for one in microseconds since 1970; None where it is none."""
    said = text(value)
    if said is None or not said.isdecimal():
        return None
    try:
        return datetime.fromtimestamp(int(said) / 1e6, tz=UTC).isoformat()
    except (OverflowError, ValueError, OSError):
        return None
