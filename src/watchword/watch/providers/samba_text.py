"""Samba's audit as people read it: `dsdb_audit`, `dsdb_password_audit`, `dsdb_group_audit` and `auth_audit`.

Each record is a line behind, or below, the head that Samba's debug log writes. Values stand in brackets and are not
escaped: what comes before any text that people chose is taken where it comes first, and a sign-in whose names look like
more members is not read. The time has a zone by name, which has to be one zone's alone.
"""

from __future__ import annotations

import base64
import re
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from itertools import zip_longest
from zoneinfo import ZoneInfo, available_timezones

from watchword.watch.providers.provider import Json

KINDS = r"(?:DSDB Change|Password Change|Group Change|Auth:|Successful AuthZ:) \["
"""How a record begins."""

# Nothing, the debug log's own head, or that of syslog: behind anything else it is text within a message.
_BEFORE = (
    r"(?:\[\d{4}/\d\d/\d\d [^\]]*\] \S+\(\w*\)"
    r"|(?:<\d+>)?(?:(?:\w{3} +\d+ (?:\d{4} )?[\d:.]{8,15}|\d{4}-\d\d-\d\d[T ]\S+) \S+ )?"
    r"(?:samba|smbd|winbindd|rpcd_\w+)[\w.()-]*(?:\[\d+\])?:|<\d+>1 (?:\S+ ){5}-)?\s*"
)
_RECORD = re.compile(rf"{_BEFORE}(?={KINDS})([\w ]+?:?) (?=\[)(.*)", re.DOTALL)
_CHANGE = re.compile(
    r"\[(\w+)\] at \[([^]]*)\] status \[([^]]*)\] [Rr]emote host \[([^]]*)\] SID \[([^]]*)\] (DN|Group) \[(.*)\]$",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"(?:^| )(add|delete|replace): ([A-Za-z][\w.;-]*) (?=\[|\{| |$)")
_BETWEEN = re.compile(r"(?<=[\]}]) (?=[\[{])")
_CLASSES = re.compile(r"(?:^|(?<=[\]}]) )objectClass ((?:\[[\w-]+\] ?)+)", re.IGNORECASE)
_PASSWORDS = frozenset({"unicodepwd", "userpassword", "cleartextpassword"})
# A name ends in its domain, and a comma that is part of a value is escaped: brackets are not.
_DOMAIN = re.compile(r"(?<!\\),DC=[\w-]+$", re.IGNORECASE)
_END = re.compile(r"\] (attributes|New DN) \[")
# Names in brackets have none: with one, whoever signs in could write the members that follow.
_NAME = r"\[([^\[\]]*)\]"
_AUTH = re.compile(
    rf"\[([^\[\]]*),([^],]*)\] user {_NAME}\\{_NAME} at {_NAME} with {_NAME} status {_NAME} workstation {_NAME} "
    rf"remote host {_NAME} (?:became {_NAME}\\{_NAME} {_NAME}|mapped to {_NAME}\\{_NAME})\. local host {_NAME}"
    rf" *(?:NETLOGON computer {_NAME} trust account {_NAME})?$"
)
_AUTHZ = re.compile(
    rf"\[([^\[\]]*),([^],]*)\] user {_NAME}\\{_NAME} \[(S-[\d-]+)\] at {_NAME} Remote host {_NAME} local host {_NAME}$"
)
_TIME = re.compile(r"\w{3}, (\d\d? \w{3} \d{4} \d\d:\d\d:\d\d\.\d{6}) (\S+)")
# What libldb calls the result codes of RFC 4511; another is "Other".
_CODES = {
    "Success": 0, "Operations error": 1, "Protocol error": 2, "No such attribute": 16, "Constraint violation": 19,
    "Attribute or value exists": 20, "Invalid attribute syntax": 21, "No such object": 32, "Invalid DN syntax": 34,
    "insufficient access rights": 50, "Unwilling to perform": 53, "Entry already exists": 68,
}  # fmt: skip
_EVENTS = {"Reset": 4724, "Change": 4723}


def of_text(line: str) -> Json | None:
    """The record that *line* is, in the shape of Samba's JSON; None when it is none, or does not say when it was."""
    found = _RECORD.match(line.strip())
    if found is None:
        return None
    kind, said = found.groups()
    return {"Auth:": _sign_in, "Successful AuthZ:": _authorization}.get(kind, _change)(said)


def _change(said: str) -> Json | None:
    if (found := _CHANGE.match(said)) is None:
        return None
    act, time, status, peer, sid, what, rest = found.groups()
    change: Json = {
        "statusCode": next((code for name, code in _CODES.items() if name.lower() == status.lower()), 80),
        "status": status,
        "remoteAddress": None if peer == "Unknown" else peer,
        "userSid": None if sid == "(NULL SID)" else sid,
    }
    if what == "Group":
        group, between, user = rest.partition("] User [")
        if not between or "] User [" in user:
            return None
        return _stamped(time, "groupChange", change | {"action": act, "group": group, "user": user})
    if act in _EVENTS:
        return _stamped(time, "passwordChange", change | {"eventId": _EVENTS[act], "action": act, "dn": rest})
    if (parted := _parted(rest)) is None:
        return None
    dn, attributes = parted
    change |= {"operation": act, "dn": dn, "attributes": _attributes(act, attributes)}
    return _stamped(time, "dsdbChange", change)


def _parted(said: str) -> tuple[str, str] | None:
    """The name that a change is about, and its attributes; None where the name does not say where it ends."""
    ends = [found for found in _END.finditer(said) if _DOMAIN.search(said[: found.start()])]
    if not ends:
        return None if _END.search(said) else (said, "")
    attributes = next((said[found.end() :] for found in ends if found[1] == "attributes"), "")
    return said[: ends[0].start()], attributes


def _attributes(act: str, said: str) -> Json:
    """What happened to each attribute. What a value makes look like one more change is taken for one: none is lost."""
    if act == "Add":
        lists = [each.group(1).strip() for each in _CLASSES.finditer(said)]
        classes = [name for each in lists for name in _values(each)]
        # More than one list: a value looks like one, and takes nothing away.
        return {"objectClass": _actions("add", [name for name in classes if len(lists) == 1 or name != "computer"])}
    out: Json = {}
    begun = list(_ATTRIBUTE.finditer(said))
    for found, after in zip_longest(begun, begun[1:]):
        end = len(said) if after is None else after.start()
        changed = _actions(found[1], _values(said[found.end() : end].strip()))
        out.setdefault(found[2].lower(), {"actions": []})["actions"] += changed[
            "actions"
        ]  # as whoever wrote it spelt it
    # That the old password was proven is told by the attributes alone, with no text beside them that could say so too.
    for name in _PASSWORDS & out.keys() if out.keys() - _PASSWORDS else ():
        out[name] = _actions("replace", [])
    return out


def _actions(act: str, values: list[str]) -> Json:
    return {"actions": [{"action": act, "values": [{"value": value} for value in values]}]}


def _values(said: str) -> list[str]:
    """`[a] [b] {base64}`."""
    parts = _BETWEEN.split(said) if said else []
    return [_decoded(part[1:-1]) if part.startswith("{") else part[1:-1] for part in parts]


def _decoded(value: str) -> str:
    with suppress(ValueError):
        return base64.b64decode(value, validate=True).decode()
    return value


def _sign_in(said: str) -> Json | None:
    found = _AUTH.match(said.strip())
    if found is None:
        return None
    service, how, _, client, time, _, status, workstation, peer, _, became, sid, _, mapped = found.groups()[:14]
    return _stamped(time, "Authentication", {
        "status": status, "remoteAddress": None if peer == "NULL" else peer, "serviceDescription": service,
        "authDescription": how, "clientAccount": client, "becameAccount": became, "becameSid": sid,
        "mappedAccount": mapped, "workstation": workstation,
    })  # fmt: skip


def _authorization(said: str) -> Json | None:
    found = _AUTHZ.match(said.strip())
    if found is None:
        return None
    service, how, _, account, sid, time, peer, _ = found.groups()
    return _stamped(time, "Authorization", {
        "remoteAddress": None if peer == "NULL" else peer, "serviceDescription": service, "authType": how,
        "account": account, "sid": sid,
    })  # fmt: skip


def _stamped(said: str, kind: str, record: Json) -> Json | None:
    if (found := _TIME.fullmatch(said)) is None:
        return None
    try:
        local = datetime.strptime(found[1], "%d %b %Y %H:%M:%S.%f")  # noqa: DTZ007  (its zone follows)
    except ValueError:
        return None
    offsets = _offsets(found[2], local.year)
    # A name of several zones is no time, and what is without one is told.
    at = local.replace(tzinfo=timezone(min(offsets))).isoformat() if len(offsets) == 1 else None
    return {"timestamp": at, "type": kind, kind: record}


@lru_cache(64)
def _offsets(name: str, year: int) -> frozenset[timedelta]:
    """How far from UTC clocks were whose zone was called *name* in *year*: several, where it is a name of several."""
    if name in ("UTC", "GMT"):
        return frozenset({timedelta(0)})
    if (number := re.fullmatch(r"([+-]\d\d)(\d\d)?", name)) is not None:
        sign = -1 if name[0] == "-" else 1
        return frozenset({timedelta(hours=int(number[1]), minutes=sign * int(number[2] or 0))})
    if not name.isalpha():
        return frozenset()
    days = [datetime(year, month, 1, 12) for month in range(1, 13)]  # noqa: DTZ001  (a zone is put to it)
    found = (day.replace(tzinfo=ZoneInfo(zone)) for zone in sorted(available_timezones()) for day in days)
    return frozenset(offset for day in found if day.tzname() == name and (offset := day.utcoffset()) is not None)
