"""Events of Windows as one line of text: what NXLog, Snare, OSSEC and the old agents of Wazuh write to syslog.

NXLog has a record's data as parameters; the others have its head in fields and its data in the message alone, and times
without a zone, which are taken as UTC.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime

from watchword.watch.providers.provider import Json
from watchword.watch.providers.windows_message import fields_of

_TAB = re.compile(r"\t|#011")
"""What is between Snare's fields, and what rsyslog makes of it."""
_SNARE = ("MSWinEventLog", 13)
"""What begins such an event, and how many fields it has at least."""
_OSSEC = re.compile(
    r"(?:^|\b)(?:(\d{4} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) )?(WinEvtLog: )([^:]+): ([A-Z_]+)\((\d+)\): ([^:]+): "
    r"([^:]*): ([^:]*): ([^:]*): (.*)$",
    re.DOTALL,
)
_PARAMETER = re.compile(r'([\w.-]+)="((?:[^"\\\]]|\\.)*+)"')
_NXLOG = re.compile(r'1 (\S+) (\S+) (\S+) \S+ \S+ (\[NXLOG@)\d+((?: [\w.-]+="(?:[^"\\\]]|\\.)*+")++)\]')
"""RFC 5424 with the record's data as parameters; what stands behind them may look like some."""


def begins_at(said: str) -> int:
    """Where in *said* such an event begins; -1 where there is none. What is behind that is text of the event's own."""
    return min((at for marker in _MARKERS if (at := said.find(marker)) >= 0), default=-1)


def of_line(said: str) -> Json | None:
    """The event that *said* is, by the names of the record's own members; None when it is none."""
    begin = begins_at(said)
    read = (
        next((read for marker, read in _MARKERS.items() if said.startswith(marker, begin)), None)
        if begin >= 0
        else None
    )
    return None if read is None else read(said)


def _of_nxlog(said: str) -> Json | None:
    if (found := _NXLOG.search(said)) is None or found.start(4) != begins_at(said):
        return None
    time, computer, source, _, rest = found.groups()
    given = {name: re.sub(r"\\(.)", r"\1", value) for name, value in _PARAMETER.findall(rest)}
    return {"TimeCreated": time, "Computer": computer, "SourceName": source} | given


def _of_snare(said: str) -> Json | None:
    name, least = _SNARE
    head, found, rest = said.partition(name)
    fields = _TAB.split(rest.lstrip(" "))[1:]
    if not found or len(fields) < least:
        return None
    # Between them: criticality, counter, user, kind of SID; category and data.
    _, log, _, time, number, source, _, _, kind, computer, _, _, message = fields[:least]
    return fields_of(message, number.strip(), log.strip()) | {
        "EventID": number.strip(),
        "Channel": log.strip(),
        "SourceName": source.strip(),
        "Computer": computer.strip(),
        "Keywords": kind,
        "TimeCreated": _time(time, "%a %b %d %H:%M:%S %Y") or head.strip(),
    }


def _of_ossec(said: str) -> Json | None:
    if (found := _OSSEC.search(said)) is None or found.start(2) != begins_at(said):
        return None
    time, _, log, kind, number, source, _, _, computer, message = found.groups()
    return fields_of(message, number, log) | {
        "EventID": number,
        "Channel": log,
        "SourceName": source,
        "Computer": computer,
        "Keywords": kind,
        "TimeCreated": _time(time, "%Y %b %d %H:%M:%S") if time else None,
    }


def _time(said: str, form: str) -> str | None:
    with suppress(ValueError):
        return datetime.strptime(" ".join(said.split()), form).replace(tzinfo=UTC).isoformat()
    return None


_MARKERS = {"MSWinEventLog": _of_snare, "[NXLOG@": _of_nxlog, "WinEvtLog: ": _of_ossec}
"""What tells an event of each."""
