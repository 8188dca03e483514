"""OpenLDAP's logs, read into JSON lines: both overlays' LDIF (accesslog, auditlog), and slapd's own `stats` lines.

One line of JSON is one operation: `type`, `time`, `actor` and `target` (DNs), `result` (LDAP code), `address`, `mods`.
Values are kept only of attributes whose meaning depends on them, so that no secret is written anywhere again.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec

from watchword.watch.shapes_text import EXCERPT, PASSED, Damaged, Shaped

_KEPT_VALUES = frozenset(
    {"objectclass", "member", "uniquemember", "memberuid", "pwdreset", "pwdaccountlockedtime", "nsaccountlock"}
)
# fmt: off
_TOLD = _KEPT_VALUES | {
    "dn", "version", "changetype", "add", "delete", "replace", "increment", "newrdn", "deleteoldrdn",
    "newsuperior", "entrycsn", "entryuuid", "structuralobjectclass", "creatorsname", "createtimestamp",
    "modifiersname", "modifytimestamp", "reqstart", "reqend", "reqtype", "reqsession", "reqauthzid", "reqdn",
    "reqresult", "reqnewrdn", "reqdeleteoldrdn", "reqnewsuperior", "reqmethod", "reqversion",
}
# fmt: on
"""Attributes of a record whose values are kept where it is rejected: those that it is read by."""
_WITHHELD = b"(withheld)"
_CUT = "(the rest was not kept)"
"""What ends a record of which only the beginning is kept: no line of LDIF, so that it is never read as whole."""
_LONGEST = 16 * 1024 * 1024
_HELD = 100_000
"""Operations and connections that are held for what follows; the oldest is let go as it is."""

_HEADER = re.compile(r"# (add|delete|modify|modrdn|unknown) (\d+) (.*?)(?: (IP=\S+|PATH=\S+))?(?: conn=(-?\d+))?$")
_LDIF = re.compile(rb"[A-Za-z][\w.\-]*(;[\w.\-]+)*:")
_MOD = re.compile(r"([^:]+):([-+=#])(?: (.*))?$", re.DOTALL)
_ACTS = {"+": "add", "-": "delete", "=": "replace", "#": "increment"}
_STATS = re.compile(r'([^"]{0,300}?)\bconn=(\d{1,18}) (?:fd=\d+|op=(\d{1,18})) (.*)$', re.DOTALL)
_SLAPD = re.compile(r"[0-9a-f]{8}\b|[A-Z][a-z]{2} [ \d]\d \d\d:|\d{4}-\d\d-\d\d[T ]|@\(#\) |<\d+>|slapd\b")
_QUOTED = re.compile(r'(?:^| )(dn|id|newrdn|newSuperior)="((?:[^"\\]|\\.)*)"')
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ISO = re.compile(r"(?:<\d+>1? ?)?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)")
_HEX = re.compile(r"([0-9a-f]{8})(?:\.([0-9a-f]{8}))? ")
_BSD = re.compile(r"(?:<\d+>)?([A-Z][a-z]{2}) +(\d{1,2}) (\d\d):(\d\d):(\d\d)(?:\.(\d+))? ")
_STARTED = {"MOD": "modify", "ADD": "add", "DEL": "delete", "MODRDN": "modrdn", "BIND": "bind", "PASSMOD": "passmod"}

Operation = dict[str, object]


class SlapdReader:
    """Reads LDIF and `stats` lines of one server; a log may have both, and JSON that carries such lines."""

    def __init__(self) -> None:
        self._lines: list[bytearray] = []
        self._size = 0
        self._begun = 0
        self._header: re.Match[str] | None = None
        self._is_comment = False
        self._bound: dict[int, str] = {}
        self._from: dict[int, str] = {}
        self._open: dict[tuple[int, int], tuple[int, Operation, list[str]]] = {}
        self._asked: dict[int, set[int]] = {}

    def read(self, number: int, line: bytes | None) -> Iterator[Shaped]:
        """The operations that *line* completes."""
        if line is None:
            self._size = _LONGEST + 1
            yield number, None
            return
        line = line.rstrip(b"\r\n")
        if not line.strip():
            yield from self._record()
        elif line[:1] in (b" ", b"\t") and (self._lines or self._is_comment):
            if not self._is_comment:
                self._keep(number, line[1:], folded=True)
        elif line[:1] == b"#":
            yield from self._comment(number, line)
        elif self._lines or _LDIF.match(line):
            # RFC 2849: a record begins with its dn, so that one before it was cut short.
            if line[:3].lower() == b"dn:" and any(not held.startswith(b"version:") for held in self._lines):
                yield from self._record()
            self._keep(number, line)
        elif line[:1] in (b"{", b"["):
            yield from self._json(number, line)
        elif line[:1] == b"\t":  # slapd's own banner goes on so
            yield number, PASSED
        else:
            said = line.decode("utf-8", "replace")
            yield from self._stats(number, said, None, said)

    def end(self) -> Iterator[Shaped]:
        """A record without its end is read as far as it goes; an operation without a result has none."""
        yield from self._record()
        for key in tuple(self._open):
            yield self._done(key, None)

    # -- LDIF (RFC 2849)

    def _comment(self, number: int, line: bytes) -> Iterator[Shaped]:
        header = _HEADER.match(line.decode("utf-8", "replace"))
        if header is not None or line.startswith(b"# end "):
            yield from self._record()
            self._header = header
            self._begun = number
        self._is_comment = True

    def _keep(self, number: int, line: bytes, *, folded: bool = False) -> None:
        self._is_comment = False
        self._size += len(line)
        if not self._lines:
            self._begun = number
        if self._size > _LONGEST:
            self._lines = self._lines or [bytearray(line[:EXCERPT])]
        elif folded:
            self._lines[-1] += line
        else:
            self._lines.append(bytearray(line))  # which grows in place: a value is folded into many lines

    def _record(self) -> Iterator[Shaped]:
        lines = [bytes(line) for line in self._lines]
        header, number, size = self._header, self._begun, self._size
        self._lines, self._header, self._size, self._is_comment = [], None, 0, False
        if not lines:
            return

        def damaged(reason: str) -> Damaged:
            return Damaged(reason=reason, text=_as_kept(lines, header, is_cut=size > _LONGEST))

        if size > _LONGEST:
            yield number, damaged(f"an LDIF record longer than {_LONGEST} bytes")
            return
        try:
            pairs = [_pair(line) for line in lines if not line.startswith(b"version:")]
        except ValueError as error:
            yield number, damaged(f"damaged LDIF: {error}")
            return
        names = {name for name, _ in pairs}
        if pairs and pairs[0][0] != "dn":
            is_result = names <= {"search", "result", "control", "matcheddn", "text", "ref", "pagedresultscookie"}
            yield number, PASSED if is_result else damaged("an LDIF record without its dn")
        elif "reqtype" in names:
            yield number, _whole(_of_accesslog(pairs)) or damaged(_OF_NOTHING)
        elif pairs and pairs[0][1].lower().startswith("reqstart="):
            yield number, damaged("a record of an operation without its reqType")
        elif "changetype" in names or header is not None:
            yield number, _whole(_of_auditlog(pairs, header)) or damaged(_OF_NOTHING)
        else:  # an entry, and no change to one
            yield number, PASSED

    # -- stats lines: what is asked and what comes of it are lines of their own

    def _json(self, number: int, line: bytes) -> Iterator[Shaped]:
        try:
            value = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            value = None
        names = ("MESSAGE", "message", "log", "msg")
        if not isinstance(value, dict) or isinstance(value.get("type"), str):
            yield number, line
            return
        message = next((value[name] for name in names if isinstance(value.get(name), str)), None)
        if message is None:
            yield number, line
            return
        stamps = ("__REALTIME_TIMESTAMP", "@timestamp", "timestamp", "time")
        stamp = next((str(value[name]) for name in stamps if value.get(name)), None)
        yield from self._stats(number, message, stamp, line.decode("utf-8", "replace"))

    def _stats(self, number: int, line: str, stamp: str | None, whole: str) -> Iterator[Shaped]:
        """What *line* completes; it stands in the log as *whole*."""
        found = _STATS.match(line)
        if found is None:
            known = stamp is not None or _SLAPD.match(line)
            yield number, PASSED if known else Damaged(reason="no LDIF and no line of slapd", text=whole[:EXCERPT])
            return
        conn, op, rest = int(found[2]), int(found[3] or -1), found[4]
        verb, _, said = rest.partition(" ")
        key = (conn, op)
        if verb == "RESULT" and key in self._open:
            yield number, PASSED
            code = re.search(r"\berr=(\d{1,9})\b", said)
            yield self._done(key, None if code is None else int(code[1]), whole)
            return
        if verb in _STARTED:
            yield from self._started(number, key, verb, said, stamp or _time_of(line))
            if verb == "MOD":
                self._open[key][2].append(whole)
        elif verb == "ACCEPT":
            address = re.search(r"from (IP|PATH)=(\S+)", said)
            self._remember(self._from, conn, address[2] if address and address[1] == "IP" else "")
            for one in self._asked.get(conn, ()):  # of two threads that write at once, either may come first
                operation = self._open[conn, one][1]
                operation["address"] = operation["address"] or self._from[conn] or None
        elif verb == "PROXYAUTHZ" and key in self._open:
            self._open[key][1]["actor"] = _quoted(said).get("dn", "")
        elif verb == "closed" or rest.startswith("closed"):
            for one in sorted(self._asked.get(conn, ())):
                yield self._done((conn, one), None, whole)
            self._bound.pop(conn, None)
            self._from.pop(conn, None)
        yield number, PASSED

    def _started(self, number: int, key: tuple[int, int], verb: str, said: str, stamp: str | None) -> Iterator[Shaped]:
        named = _quoted(said)
        if key in self._open and not (verb == "PASSMOD" or "dn" in named):  # the attributes, on a line that follows
            _, operation, _ = self._open[key]
            attributes = said.removeprefix("attr=").split()
            operation["mods"] = [{"attribute": name.lower(), "act": None, "values": []} for name in attributes]
            return
        if key in self._open and verb == "BIND":
            self._open[key][1]["target"] = named.get("dn", "")
            return
        if key in self._open:  # a server that was begun anew counts from where it did
            yield self._done(key, None)
        conn, op = key
        bound = self._bound.get(conn, "")
        target = named.get("id", bound) if verb == "PASSMOD" else named.get("dn", "")
        while len(self._open) >= _HELD:
            yield self._done(next(iter(self._open)), None)
        self._asked.setdefault(conn, set()).add(op)
        self._open[key] = (
            number,
            {
                "type": _STARTED[verb],
                "source": "stats",
                "time": stamp,
                "session": str(conn),
                "operation": str(op),
                "actor": target if verb == "BIND" else bound,
                "target": target,
                "address": self._from.get(conn) or None,
                "to": named.get("newrdn"),
                "mods": [],
            },
            [],
        )

    def _done(self, key: tuple[int, int], code: int | None, line: str = "") -> Shaped:
        number, operation, said = self._open.pop(key)
        asked = self._asked.get(key[0], set())
        asked.discard(key[1])
        if not asked:
            self._asked.pop(key[0], None)
        if operation["type"] == "bind" and code is not None and code != 14:  # 14: more steps of it follow
            self._remember(self._bound, key[0], str(operation["target"]) if code == 0 else "")
            operation["actor"] = operation["target"]
        text = "\n".join([*said, line] if line else said)
        return number, _whole({**operation, "result": code}) or Damaged(reason=_OF_NOTHING, text=text[:EXCERPT])

    def _remember(self, what: dict[int, str], conn: int, said: str) -> None:
        while len(what) >= _HELD:
            what.pop(next(iter(what)))
        what[conn] = said


_OF_NOTHING = "a modification that does not say of what"


def _whole(operation: Operation) -> bytes | None:
    """*operation* as a line; None where it does not say what it changed: cut short, or hidden from whoever read it."""
    return None if operation["type"] == "modify" and not operation["mods"] else msgspec.json.encode(operation)


def _as_kept(lines: list[bytes], header: re.Match[str] | None, *, is_cut: bool) -> str:
    """A record of *lines* to be read again: its damage as it is, and no value that it is not read by."""
    kept, size = [] if header is None else [header.string], 0
    is_withheld = False
    for line in lines:
        # What is no line of LDIF may be the rest of the value before it.
        shown = _WITHHELD if is_withheld and b":" not in line and line != b"-" else _without_secret(line)
        is_withheld = shown is not line
        size += len(shown) + 1
        if size > EXCERPT:
            is_cut = True
            break
        kept.append(shown.decode("utf-8", "backslashreplace"))
    return "\n".join([*kept, _CUT] if is_cut else kept)


def _without_secret(line: bytes) -> bytes:
    """*line* itself, or as damaged as it is and without its value, where that has no bearing on what happened."""
    name, colon, _ = line.partition(b":")
    if not colon:  # perhaps a value whose colon was lost
        name, _, rest = line.partition(b" ")
    attribute = name.decode("utf-8", "replace").strip().lower().partition(";")[0]
    if attribute in _TOLD or not (colon or rest):
        return line
    if not colon:
        return name + b" " + _WITHHELD
    try:
        _, value = _pair(line)
    except ValueError:
        return name + b":: " + _WITHHELD
    changed = _MOD.match(value) if attribute == "reqmod" else None
    if attribute == "reqmod" and ":" not in value:
        return line
    if changed is None:
        return name + b": " + _WITHHELD
    if changed[1].lower().partition(";")[0] in _KEPT_VALUES or not changed[3]:
        return line
    return b"%b: %b:%b %b" % (name, changed[1].encode(), changed[2].encode(), _WITHHELD)


def _pair(line: bytes) -> tuple[str, str]:
    """One logical line of LDIF as (attribute in lower case, value); the line `-` is a pair of its own."""
    if line == b"-":
        return "-", ""
    name, colon, value = line.partition(b":")
    if not colon:
        raise ValueError("a line without a colon")
    if value.startswith(b":"):
        try:
            value = base64.b64decode(value[1:].strip(), validate=True)
        except binascii.Error:
            raise ValueError("a value that is no base64") from None
    elif value.startswith(b"<"):
        value = value[1:]
    return name.decode("utf-8", "replace").strip().lower(), value.strip(b" ").decode("utf-8", "replace")


def _change(attribute: str, act: str | None, values: list[str]) -> Operation:
    name = attribute.lower().partition(";")[0]
    return {"attribute": name, "act": act, "values": values if name in _KEPT_VALUES else []}


def _of_accesslog(pairs: list[tuple[str, str]]) -> Operation:
    """An `audit…` object of the accesslog overlay (slapo-accesslog(5))."""
    first = dict(reversed(pairs))
    changes: dict[tuple[str, str], list[str]] = {}
    for name, value in pairs:
        if name == "reqmod" and (found := _MOD.match(value)) is not None:
            changes.setdefault((found[1], _ACTS[found[2]]), []).extend([found[3]] if found[3] else [])
    kind = first["reqtype"].lower()
    extended = kind.startswith(("extended", "{"))
    result = first.get("reqresult", "")
    return {
        "type": "extended" if extended else kind,
        "source": "accesslog",
        "time": first.get("reqstart"),
        "session": first.get("reqsession"),
        "operation": None,
        "actor": first.get("reqdn", "") if kind == "bind" else first.get("reqauthzid", ""),
        "target": first.get("reqdn", ""),
        "address": None,
        "result": int(result) if re.fullmatch(r"[0-9]{1,9}", result) else None,
        "to": first.get("reqnewrdn"),
        "mods": [_change(name, act, values) for (name, act), values in changes.items()],
    }


def _of_auditlog(pairs: list[tuple[str, str]], header: re.Match[str] | None) -> Operation:
    """A change record of the auditlog overlay (slapo-auditlog(5)), which writes only what was done."""
    dn = pairs[0][1]
    kind = next((value for name, value in pairs if name == "changetype"), header[1] if header else "modify").lower()
    rest = [pair for pair in pairs[1:] if pair[0] != "changetype"]
    changes: list[Operation] = []
    if kind == "modify":
        at: Operation | None = None
        for name, value in rest:
            if name == "-":
                at = None
            elif at is None and name in _ACTS.values():
                at = {"attribute": value.lower(), "act": name, "values": []}
                changes.append(at)
            elif at is not None and isinstance(held := at["values"], list):
                held.append(value)
        changes = [_change(str(c["attribute"]), str(c["act"]), list(map(str, c["values"]))) for c in changes]  # type: ignore[call-overload]
    elif kind == "add":
        values: dict[str, list[str]] = {}
        for name, value in rest:
            values.setdefault(name, []).append(value)
        changes = [_change(name, "add", held) for name, held in values.items()]
    own = dict(rest)
    peer = (header[4] or "") if header else ""
    return {
        "type": "modrdn" if kind == "moddn" else kind,
        "source": "auditlog",
        "time": header[2] if header else own.get("modifytimestamp"),
        "session": header[5] if header else None,
        "operation": None,
        "actor": _bound_in(header[3], dn) if header else own.get("modifiersname", own.get("creatorsname", "")),
        "target": dn,
        "address": peer.removeprefix("IP=") if peer.startswith("IP=") else None,
        "result": 0,
        "to": own.get("newrdn"),
        "mods": changes,
    }


def _bound_in(said: str, dn: str) -> str:
    """Who made a change, by a header: the database's suffix and then that DN, either of which may have spaces."""
    lower = dn.lower()
    # A suffix is no longer than what it is the end of, however long the header is.
    for end in (found.start() for found in re.finditer(" ", said[: len(lower) + 1])):
        if lower.endswith(said[:end].lower()):
            return said[end + 1 :]
    return "" if lower.endswith(said.lower()) else said.partition(" ")[2]


def _quoted(said: str) -> dict[str, str]:
    return {name: re.sub(r"\\(.)", r"\1", value) if name == "id" else value for name, value in _QUOTED.findall(said)}


def _time_of(line: str) -> str | None:
    """The time that a line begins with: ISO, slapd's own hexadecimal seconds, or syslog's without a year."""
    if (iso := _ISO.match(line)) is not None:
        return iso[1]
    if (found := _HEX.match(line)) is not None:
        at = datetime.fromtimestamp(int(found[1], 16), UTC) + timedelta(microseconds=int(found[2] or "0", 16) // 1000)
        return at.isoformat()
    if (found := _BSD.match(line)) is None or found[1] not in _MONTHS:
        return None
    now = datetime.now(UTC)
    for year in (now.year, now.year - 1, now.year - 2, now.year - 3, now.year - 4):  # 29 February comes every four
        try:
            day, hour, minute, second = map(int, found.group(2, 3, 4, 5))
            at = datetime(year, _MONTHS.index(found[1]) + 1, day, hour, minute, second, tzinfo=UTC)
        except ValueError:
            continue
        if at <= now + timedelta(days=1):
            return at.isoformat()
    return None
