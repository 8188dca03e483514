"""Windows' Security log: EVTX files, XML, and the JSON that forwarders make of it."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree as ET

from watchword.watch.providers.domain import of_machine
from watchword.watch.providers.log_analytics import parsed
from watchword.watch.providers.provider import UNSURE, Json, Provider
from watchword.watch.providers.recased import Spelling, at, nested, text
from watchword.watch.providers.windows_inserts import inserted, is_nameless
from watchword.watch.providers.windows_message import IMITATED, fields_of
from watchword.watch.providers.windows_syslog import begins_at, of_line

# fmt: off
_NAMES = (
    "EventID", "Computer", "Channel", "EventRecordID", "TimeCreated", "Keywords", "SourceName", "SubjectUserSid",
    "SubjectUserName", "SubjectDomainName", "SubjectLogonId", "TargetSid", "TargetUserSid", "TargetUserName",
    "TargetDomainName", "TargetLogonId", "TargetName", "MemberSid", "MemberName", "OldTargetUserName",
    "NewTargetUserName", "IpAddress", "IpPort", "LogonType", "WorkstationName", "LogonGuid", "Status", "SubStatus",
    "ClientName", "ClientAddress", "AccountName", "PasswordLastSet", "UserAccountControl", "UserPrincipalName",
    "SamAccountName", "AllowedToDelegateTo", "SidHistory", "ObjectDN", "ObjectGUID", "ObjectClass",
    "AttributeLDAPDisplayName", "AttributeValue", "OperationType", "OpCorrelationID", "Data", "AuditPolicyChanges",
    "Requester", "Attributes", "AccountExpires", "DnsHostName",
)
# fmt: on
_OTHER = (
    "Hostname",
    "TimeGenerated",
    "EventTime",
    "SystemTime",
    "@timestamp",
    "timestamp",
    "RecordNumber",
    "EventType",
    "Workstation",
    "EventRecordId",
    IMITATED,
)

_APART = ("Message", "Description", "EventData", "event_data", "Payload", "StringInserts", "AllFieldInfo")
"""Members that forwarders keep an event's data in, where they do not lay it flat."""

_SAYS = ("Message", "Description")
"""Members in which forwarders keep its message, Fluentd in the second."""

_COLUMNS = tuple((name, "VARCHAR") for name in (*_NAMES, *(name for name in _OTHER if name != "EventRecordId")))
_NO_REST = frozenset({*(name for name, _ in _COLUMNS), *_APART})
_SPELLING = Spelling(
    _COLUMNS,
    eventcode="EventID",
    computername="Computer",
    machinename="Computer",
    logname="Channel",
    recordid="EventRecordID",
    sourcename="SourceName",
    providername="SourceName",
    eventsourcename="SourceName",
    channel="Channel",
)


def _shape(value: Json) -> tuple[Json, ...] | None:
    """A record as the `evtx` package, Winlogbeat, Wazuh, Sentinel or another forwarder writes it: flat."""
    value = _unflattened(nested(value))
    if isinstance(whole := value.get("System"), str) and whole.lstrip()[:6] == "<Event":  # Fluent Bit, as XML
        return _text(whole.encode("utf-8", "replace"))
    for document in (value, at(value, "document", "data"), value.get("data"), value.get("win")):
        if isinstance(document, dict) and isinstance(document.get("Event"), dict):
            return _one(_from_event(document["Event"]))
    if at(value, "System", "EventID") is not None:  # Velociraptor
        return _one(_from_event(value))
    if isinstance(winlog := value.get("winlog"), dict):
        return _one(_from_beat(value, winlog))
    if isinstance(win := at(value, "data", "win") or value.get("win"), dict):  # Wazuh
        parts = [_SPELLING.of(win.get(name)) for name in ("eventdata", "system")]
        of_both = {_capital(name): each for part in parts if isinstance(part, dict) for name, each in part.items()}
        return _one(of_both | {"TimeCreated": at(win, "system", "systemTime")})
    if isinstance(value.get("Event ID"), str) and isinstance(value.get("Date and Time"), str):
        return _one(_from_viewer(value))
    if isinstance(found := value.get("AllFieldInfo"), dict) and "RuleTitle" in value:  # Hayabusa
        return _one(_from_timeline(value, found))
    event = _SPELLING.of(value)
    for name in ("event_data", "EventData", "UserData"):
        if isinstance(value.get(name), dict):
            listed = at(value, name, "data")  # OpenTelemetry's receiver: an object for each member
            held = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else [value[name]]
            event = {**{key: each for part in held for key, each in _SPELLING.of(part).items()}, **event}
        elif isinstance(inner := parsed(value.get(name)), dict):  # Sentinel's WindowsEvent, exported
            event = {**_SPELLING.of(inner), **event}
        elif isinstance(value.get(name), str) and (data := _element(value[name])) is not None:
            event = {**_data(data), **event}
    if isinstance(payload := parsed(value.get("Payload")), dict):  # as EvtxECmd hands on the data
        event = {**{name: each for name, each in _from_event(payload).items() if each is not None}, **event}
    log = text(event.get("Channel"))
    if "EventID" not in event and log is not None:
        event["EventID"] = value.get("Id")
    number = _number(event)
    event = {**inserted(number, parsed(value.get("StringInserts"))), **event}
    if (source := at(value, "provider", "name")) is not None:
        event.setdefault("SourceName", source)
    message = next((value[name] for name in _SAYS if isinstance(value.get(name), str)), None)
    if message is not None and str(event.get("SourceName")).startswith("AD FS"):
        event.setdefault("Data", message)
    elif message is not None and event.get("SubjectUserSid") is None:
        event = {**fields_of(message, number, log), **event}
    if value.get("StringInserts") and is_nameless(number, event):
        return None
    return _one(event)


def _unflattened(value: Json) -> Json:
    """*value* with what Graylog made one name of, of Winlogbeat's members, as Winlogbeat has it."""
    flat = {found[1]: each for name, each in value.items() if (found := _FLATTENED.match(name)) is not None}
    if "event_id" not in flat or isinstance(value.get("winlog"), dict):
        return value
    winlog: Json = {"event_data": {}, "user_data": {}}
    for name, each in flat.items():
        part, _, rest = name.partition("_data_")
        if rest and part in ("event", "user"):
            winlog[f"{part}_data"][rest] = each
        elif name not in ("event_data", "user_data"):
            winlog[name] = each
        elif isinstance(whole := parsed(each), dict):  # all of them as one, beside each
            winlog[name] = {**whole, **winlog[name]}
    winlog.setdefault("time_created", next((value[each] for each in _CREATED if value.get(each)), None))
    return {"winlog": winlog, "event": {"outcome": next((value[each] for each in _OUTCOMES if value.get(each)), None)}}


_FLATTENED = re.compile(r"_?(?:winlogbeat_)?winlog_(\w+)")
_CREATED = ("winlogbeat_@timestamp", "_winlogbeat_@timestamp", "@timestamp", "timestamp")
_OUTCOMES = ("winlogbeat_event_outcome", "_winlogbeat_event_outcome", "event_outcome")


_SHORT = {"Sec": "Security", "Sys": "System", "App": "Application"}
"""Logs as Hayabusa abbreviates them."""


def _from_timeline(row: Json, data: Json) -> Json:
    """A row of Hayabusa's timeline, which has no keywords: whether what was tried was done it does not say."""
    event = _SPELLING.of(data) | {
        "EventID": row.get("EventID"),
        "Channel": _SHORT.get(str(row.get("Channel")), row.get("Channel")),
        "Computer": row.get("Computer"),
        "EventRecordID": row.get("RecordID"),
        "TimeCreated": row.get("Timestamp"),
        "SourceName": row.get("Provider"),
    }
    if _number(event) in _TRIED:
        event[UNSURE] = "a timeline, which does not say whether it was done or failed: give the log itself"
    return event  # type: ignore[no-any-return]


def _from_viewer(row: Json) -> Json:
    """A row that Event Viewer saved: which log it is of only the source tells, and who acted only the message."""
    source = str(row.get("Source"))
    log = {
        "PasswordResetService": "Application",
        "Microsoft-Windows-Security-Auditing": "Security",
        "Microsoft-Windows-Eventlog": "Security",
    }.get(source, source)
    return fields_of(str(row.get("Message")), str(row["Event ID"]).strip(), log) | {
        "EventID": row["Event ID"],
        "Channel": log,
        "SourceName": source,
        "TimeCreated": row["Date and Time"],
        "Keywords": row.get("Keywords") or row.get("Level"),
    }


def _one(event: Json) -> tuple[Json, ...] | None:
    number = _number(event)
    if number is None or not number.isdecimal():
        return None
    flat = {name: _flat(event.get(name)) for name, _ in _COLUMNS if event.get(name) is not None}
    # What no verdict looks at, a rule that was brought along may.
    rest = {name: each for name, each in event.items() if name not in _NO_REST and isinstance(each, str | int | float)}
    one = {**rest, **flat, "EventID": number}
    is_told = UNSURE in one or IMITATED in one
    return (one if is_told or (why := _doubt(one)) is None else {**one, UNSURE: why},)


_TRIED = ("4723", "4724")
"""Events that are written alike of what was done and what failed, and have nothing else to tell which."""
_IN_WORDS = re.compile(r"[^\W\d_]{3}")
_TELLING = re.compile(
    r"fail|gescheitert|échec|error de auditor|отказ|success|erfolgreich|succès|auditoría correcta|успех"
    r"|info|none|classic|null|(?:^| )(?:8|16)$",
    re.IGNORECASE,
)
"""Words of English, German, French, Spanish and Russian; `windows.sql` has the same."""


def _doubt(event: Json) -> str | None:
    """Why it is not known whether *event* was done: its keywords are of another language, and nothing else says it."""
    if event["EventID"] not in _TRIED or str(event.get("Channel") or "Security").lower() != "security":
        return None
    keywords = str(event.get("Keywords") or "")
    if _IN_WORDS.search(keywords) is None or _TELLING.search(f"{keywords} {event.get('EventType') or ''}".strip()):
        return None
    return f"keywords in a language that is not known: whether it was done or failed is not sure ({keywords[:60]})"


def _number(event: Json) -> str | None:
    """Which event it is; beside that, old services have qualifiers."""
    given = event.get("EventID")
    return text(given.get("id", _flat(given)) if isinstance(given, dict) else given)


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]


def _flat(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(_flat(each) for each in value)
    if isinstance(value, dict):
        inner = value.get("SystemTime") or value.get("#text") or value.get("Value") or value.get("value")
        return _flat(inner) if inner is not None else " ".join(_flat(each) for each in value.values())
    return "" if value is None else str(value)


def _from_event(event: Json) -> Json:
    """A record as XML has it, from its JSON: elements, and attributes under `#attributes`."""
    system = event["System"] if isinstance(event.get("System"), dict) else {}
    out: Json = {}
    data, user_data = event.get("EventData"), event.get("UserData")
    # User data has one element of its own around its members.
    within = [each for each in user_data.values() if isinstance(each, dict)] if isinstance(user_data, dict) else []
    for part in (data, *within):
        if isinstance(part, dict):
            out |= _SPELLING.of({name: each for name, each in part.items() if not name.startswith("#")})
            if isinstance(named := part.get("Data"), dict | list):
                out |= _named_data(named)
    out |= {name: each for name, each in system.items() if isinstance(each, str | int)}
    for name in ("EventID", "Channel", "Computer", "EventRecordID", "Keywords"):
        if system.get(name) is not None:
            out[name] = system[name]
    out["TimeCreated"] = _attribute(system, "TimeCreated", "SystemTime")
    out["SourceName"] = _attribute(system, "Provider", "Name")
    return out


def _attribute(system: Json, element: str, name: str) -> Any:
    for holder in (at(system, element, "#attributes"), at(system, element), system.get(f"{element}_attributes")):
        if isinstance(holder, dict):
            for key in (name, f"@{name}", name.lower()):
                if isinstance(holder.get(key), str | int | float):
                    return holder[key]
    return system.get(element) if isinstance(system.get(element), str) else None


def _named_data(data: Any) -> Json:
    """`<Data Name="…">` as converters write it: objects with the name and the text, or one object of all."""
    if isinstance(data, dict) and not {"@Name", "Name", "#attributes"} & data.keys():
        return _SPELLING.of(data)  # type: ignore[no-any-return]
    out: Json = {}
    for each in data if isinstance(data, list) else [data]:
        if isinstance(each, dict):
            name = each.get("@Name") or each.get("Name") or at(each, "#attributes", "Name")
            if isinstance(name, str):
                out[name] = next((each[key] for key in ("#text", "text", "content", "Value") if key in each), None)
    return _SPELLING.of(out)  # type: ignore[no-any-return]


def _from_beat(value: Json, winlog: Json) -> Json:
    out: Json = {}
    for name in ("event_data", "user_data"):
        if isinstance(winlog.get(name), dict):
            out |= _SPELLING.of(winlog[name])
    out["EventID"] = winlog.get("event_id") if winlog.get("event_id") is not None else at(value, "event", "code")
    out["EventID"] = out["EventID"].get("id") if isinstance(out["EventID"], dict) else out["EventID"]
    out["Computer"] = winlog.get("computer_name") or at(value, "host", "name")
    out["Channel"] = winlog.get("channel")
    out["EventRecordID"] = winlog.get("record_id")
    out["SourceName"] = winlog.get("provider_name")
    outcome = at(value, "event", "outcome")
    out["Keywords"] = winlog.get("keywords") or outcome
    if outcome is not None:  # its keywords may be of any language
        out["EventType"] = outcome
    # What a pipeline says of a time, it may say of when it read the record.
    times = (winlog.get("time_created"), at(value, "event", "created_at"), value.get("@timestamp"))
    out["TimeCreated"] = next((each for each in times if each), at(value, "event", "created"))
    out.setdefault("IpAddress", at(value, "source", "ip"))
    return out


def _text(line: bytes) -> tuple[Json, ...] | None:
    """One event in XML, whatever stands before it on the line; or as Splunk renders it where XML is not asked for."""
    said = line.decode("utf-8", "replace")
    if (copied := _COPIED.match(said)) is not None:
        return _of_copy(copied[1], said[copied.end() :])
    begin = line.find(b"<Event")
    if begin < 0 or 0 <= begins_at(said) < said.find("<Event"):  # else it is text of that event
        return _classic(said)
    end = line.rfind(b"</Event>")
    root = _element(line[begin : end + 8 if end > begin else None].decode("utf-8", "replace"))
    if root is None or root.tag != "Event":
        return None
    out: Json = {}
    for name in ("EventData", "UserData"):
        if (part := root.find(name)) is not None:
            out |= _data(part)
    system = root.find("System")
    if system is None:
        return None
    for name in ("EventID", "Channel", "Computer", "EventRecordID", "Keywords"):
        out[name] = system.findtext(name)
    for name, attribute in (("TimeCreated", "SystemTime"), ("Provider", "Name")):
        element = system.find(name)
        out["SourceName" if name == "Provider" else name] = None if element is None else element.get(attribute)
    return _one(out)


_COPIED = re.compile(r"\ufeff?\s*(Log Name: [^\n]*\n(?:[A-Z][A-Za-z ]*:[^\n]*\n)+?)Description:", re.ASCII)


def _of_copy(head: str, rest: str) -> tuple[Json, ...] | None:
    """An event as Event Viewer copies it as text: its head, its message, and as a rule its XML, which says more."""
    named = {name: value.strip() for name, _, value in (line.partition(":") for line in head.splitlines())}
    xml = rest.rpartition("\nEvent Xml:")[2].strip()
    # Behind it there is nothing: what has more behind it is a value of the message that looks like it.
    if xml.startswith("<Event") and xml.endswith("</Event>") and (event := _text(xml.encode("utf-8", "replace"))):
        return event if event[0]["EventID"] == named.get("Event ID") else None
    row = {"Source": named.get("Source"), "Event ID": named.get("Event ID", ""), "Date and Time": named.get("Date")}
    return _one(_from_viewer({**row, "Message": rest, "Keywords": named.get("Keywords")}))


_MEMBER = re.compile(r"^(\w+)=(.*)$", re.MULTILINE)


def _classic(said: str) -> tuple[Json, ...] | None:
    """An event as lines of `LogName=Security`, after its time and before its message: a local time, taken as UTC."""
    head, _, message = said.partition("\nMessage=")
    named = {name: value.rstrip(" \t\r") for name, value in _MEMBER.findall(head)}
    if "LogName" not in named or "EventCode" not in named:
        event = of_line(said)
        return None if event is None else _one(_SPELLING.of(event))
    event = fields_of(message, text(named["EventCode"]), named["LogName"]) | _SPELLING.of(named)
    return _one({**event, "TimeCreated": head.lstrip().partition("\n")[0].strip()})


_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_SPACE = re.compile(r"""\sxmlns(:\w+)?=("[^"]*"|'[^']*')""")


def _element(said: str) -> ET.Element | None:
    """*said* as XML without name spaces; None when it is damaged. It never has a document type, so nothing expands."""
    if "<!" in said.replace("<![CDATA[", ""):
        return None
    try:
        root = ET.fromstring(_SPACE.sub("", _ILLEGAL.sub("\ufffd", said)))  # noqa: S314 - no document type gets here
    except ET.ParseError:
        return None
    return root


def _data(part: ET.Element) -> Json:
    out: Json = {}
    loose: list[str] = []
    for element in part.iter():
        if element.tag == "Data" and element.get("Name"):
            out[str(element.get("Name"))] = element.text or ""
        elif element.tag == "Data":
            loose.append("".join(element.itertext()))
        elif element is not part and len(element) == 0:
            out[element.tag.rpartition("}")[2]] = element.text or ""
    if loose:
        out["Data"] = loose
    return _SPELLING.of(out)  # type: ignore[no-any-return]


WINDOWS = Provider(
    name="windows",
    type_key="EventID",
    columns=(*_COLUMNS, *((name, "VARCHAR") for name in _APART)),
    apart=_APART,
    doubt=_doubt,
    wrapped=("value", "records", "events", "Events"),
    shape=_shape,
    text=_text,
    tenant=("Computer", "Hostname"),
    tenant_in=of_machine,
)
"""The Security log of domain controllers and members: one flat object an event is read fastest, as Sentinel's table."""
