"""Tickets as a ticket system exports them, and what each of them speaks for."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

import msgspec

from watchword.core.errors import Invalid
from watchword.core.identity_event import Canonical
from watchword.mistakes import unread

BEFORE = timedelta(hours=1)
"""How long before its ticket was opened a change may be: people write down what they have just done."""

AFTER = timedelta(hours=1)
"""How long after its ticket was closed a change may be."""

OPEN = timedelta(days=7)
"""How long a ticket that nobody closed speaks for a change."""

COLUMNS = {
    "ticket": ("ticket", "ticket_id", "number", "issue_key", "key", "id", "incident", "case_number", "ticketnumber"),
    "target": (
        "target", "affected_user", "u_affected_user", "affected_account", "custom_field_affected_user", "cf_target",
        "cf_affected_user", "cf_affecteduser", "opened_for", "requested_for", "u_account", "account", "user",
    ),
    "action": ("action", "cf_action", "subcategory", "u_action", "request_type", "customer_request_type"),
    "text": ("text", "short_description", "summary", "subject", "title", "description"),
    "requester": (
        "requester", "caller_id", "caller", "reporter", "requestor", "requestors", "requester_email", "opened_by_user",
    ),
    "agent": (
        "agent", "assigned_to", "assignee", "owner", "resolved_by", "closed_by", "technician", "assigned_agent",
    ),
    "opened": ("opened", "opened_at", "created", "created_at", "sys_created_on", "created_time", "date_opened"),
    "closed": ("closed", "closed_at", "resolved_at", "resolved", "solved_at", "resolution_date", "closed_time"),
}  # fmt: skip
"""What each column may be called (ServiceNow, Jira, Request Tracker, Zendesk and the like), our own name first.

Names are compared in lower case, with `_` for everything that is no letter or digit.
"""

_ACTIONS: tuple[tuple[str, tuple[Canonical, ...]], ...] = (
    (
        r"password|passcode|\bpwd\b|kennwort|passwort|mot de passe|contrase[nñ]a",
        (Canonical.PASSWORD_RESET, Canonical.PASSWORD_EXPIRE, Canonical.ACCOUNT_UNLOCK, Canonical.ACCOUNT_ENABLE),
    ),
    (
        r"unlock|locked|lock-?out|entsperr|gesperrt|d[eé]verrouill|verrouill|desbloque|bloquead",
        (Canonical.ACCOUNT_UNLOCK, Canonical.ACCOUNT_ENABLE),
    ),
    (
        r"\bmfa\b|\b2fa\b|two.?factor|multi.?factor|authenticator|factor|okta verify|yubikey|zweiter faktor",
        (Canonical.FACTOR_RESET, Canonical.FACTOR_RESET_ALL),
    ),
    (r"bypass|temporary access|\btap\b|backup code|scratch code", (Canonical.BYPASS_GRANT,)),
    (r"(phone|mobile) number|recovery (e?mail|phone)|contact|rufnummer", (Canonical.RECOVERY_INFO_CHANGE,)),
    (r"api.?key|client secret|service account secret|access key|certificate|api.?token", (Canonical.TOKEN_REISSUE,)),
    (r"admin(istrator)? (role|right)|privilege|elevat", (Canonical.PRIVILEGE_GRANT,)),
)  # fmt: skip
"""Words of a ticket, and the support actions they ask for, each with what a directory does along with it."""

_FORMATS = ("%d/%b/%y %I:%M %p", "%d/%b/%Y %H:%M", "%a %b %d %H:%M:%S %Y", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M")
_SLASHED = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})[ T](\d{1,2}):(\d\d)(?::(\d\d))?(?:\s*([AaPp][Mm]))?$")


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """One ticket; names are lower case. *actions* has a tuple of events for each support action that it names."""

    ticket: str
    target: str
    agent: str
    actions: tuple[tuple[Canonical, ...], ...]
    opened: datetime
    closed: datetime | None


class TicketPart(msgspec.Struct, frozen=True, kw_only=True):
    """What a ticket speaks for once: one of *actions*, or nothing where it is None, between *since* and *until*."""

    ticket: str
    target: str
    agent: str
    actions: tuple[str, ...] | None
    opened: datetime
    since: datetime
    until: datetime


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A line of an export that is no ticket: where, and why."""

    file: str
    line: int
    reason: str


def parts_of(ticket: Ticket) -> tuple[TicketPart, ...]:
    """One part for each support action the ticket names; one that covers nothing, where it names none."""
    return tuple(
        TicketPart(
            ticket=ticket.ticket,
            target=ticket.target,
            agent=ticket.agent,
            actions=None if actions is None else tuple(str(action) for action in actions),
            opened=ticket.opened,
            since=ticket.opened - BEFORE,
            until=ticket.opened + OPEN if ticket.closed is None else ticket.closed + AFTER,
        )
        for actions in (ticket.actions or (None,))
    )


def once(parts: Iterable[TicketPart]) -> tuple[TicketPart, ...]:
    """*parts*, each once: what an export has in several lines speaks from the first of their times until the last.

    It is whose the line is that ends last.
    """
    found: dict[tuple[str, str, tuple[str, ...] | None], TicketPart] = {}
    for part in parts:
        key = part.ticket, part.target, part.actions
        known = found.setdefault(key, part)
        later, earlier = (part, known) if part.until >= known.until else (known, part)
        found[key] = msgspec.structs.replace(
            later,
            agent=later.agent or earlier.agent,
            opened=min(part.opened, known.opened),
            since=min(part.since, known.since),
        )
    return tuple(found.values())


def read_tickets(file: Path, zone: tzinfo = UTC) -> tuple[tuple[Ticket, ...], tuple[Refusal, ...]]:
    """The tickets of a CSV export in UTF-8, and the lines that are none; times without a zone are of *zone*.

    The columns are those of `COLUMNS`; a ticket number, a time of opening, and a target or requester are needed. A
    ticket without a target is about its requester. `Invalid` when the file or its columns can not be used, and when
    nobody can say which of two numbers is the month.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            text = lines.read()
    except (OSError, UnicodeDecodeError) as error:
        raise unread("The tickets", error, "Give CSV in UTF-8.", file) from error
    try:
        reader = csv.DictReader(text.splitlines(keepends=True), delimiter=_delimiter(text))
        columns = _columns(reader.fieldnames or (), file)
        rows = [(reader.line_num, _fields(row, columns)) for row in reader]
    except csv.Error as error:
        raise Invalid(f"The tickets are no CSV: {error}.", "Export them again.", where=str(file)) from error
    times = [row[name] for _, row in rows for name in ("opened", "closed")]
    day_first = _is_day_first(times, file)
    tickets: list[Ticket] = []
    refused: list[Refusal] = []
    for line, row in rows:
        made = _ticket(row, zone, day_first=day_first)
        if isinstance(made, Ticket):
            tickets.append(made)
        elif made:
            refused.append(Refusal(file=str(file), line=line, reason=made))
    return tuple(tickets), tuple(refused)


def actions_of(*texts: str) -> tuple[tuple[Canonical, ...], ...]:
    """What the first of *texts* that names a support action asks for."""
    for text in texts:
        exact = [canonical for canonical in Canonical if canonical.value == text.strip().lower()]
        if exact:
            return ((exact[0],),)
        plain = text.lower().replace("_", " ")
        named = tuple(events for words, events in _ACTIONS if re.search(words, plain))
        if named:
            return _apart(named)
    return ()


def _apart(named: tuple[tuple[Canonical, ...], ...]) -> tuple[tuple[Canonical, ...], ...]:
    """Without those that another one has along: `locked out, reset the password` asks for one change."""
    return tuple(one for one in named if not any(one != other and set(one) <= set(other) for other in named))


def _delimiter(text: str) -> str:
    head = text.partition("\n")[0]
    return max(",;\t", key=head.count)


def _columns(names: Iterable[str], file: Path) -> dict[str, list[str]]:
    """Which columns of the file may hold each of ours, the likeliest first."""
    simple: dict[str, str] = {}
    for name in names:
        simple.setdefault(re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_"), name)
    found = {ours: [simple[name] for name in known if name in simple] for ours, known in COLUMNS.items()}
    missing = [name for name in ("ticket", "opened") if not found[name]]
    if not found["target"] and not found["requester"]:
        missing.append("target")
    if missing:
        raise Invalid(
            f"No column says the {', '.join(missing)} of a ticket.",
            f"Name the columns {', '.join(COLUMNS)}; a target or a requester is enough.",
            where=str(file),
        )
    return found


def _fields(row: dict[str, str], columns: dict[str, list[str]]) -> dict[str, str]:
    """Our columns of a row: of several that may hold one, the first that is not empty."""
    return {
        ours: next((text for name in names if (text := (row.get(name) or "").strip())), "")
        for ours, names in columns.items()
    }


def _ticket(row: dict[str, str], zone: tzinfo, *, day_first: bool) -> Ticket | str:
    """The ticket, or why the row is none; nothing for an empty row."""
    if not any(row.values()):
        return ""
    about = row["target"] or row["requester"]
    opened, closed = (_time(row[name], zone, day_first=day_first) for name in ("opened", "closed"))
    if not row["ticket"]:
        return "it has no number"
    if not about:
        return "it is about nobody"
    if opened is None:
        return "it has no time of opening that can be read"
    if row["closed"] and closed is None:
        return "its time of closing can not be read"
    if closed is not None and closed < opened:
        return "it was closed before it was opened"
    return Ticket(
        ticket=row["ticket"],
        target=about.lower(),
        agent=row["agent"].lower(),
        actions=actions_of(row["action"], row["text"]),
        opened=opened,
        closed=closed,
    )


def _time(text: str, zone: tzinfo, *, day_first: bool) -> datetime | None:
    made = next(_readings(text, zone, day_first=day_first), None) if text else None
    return made.astimezone(UTC) if made is not None and 1990 <= made.year < 2200 else None


def _readings(text: str, zone: tzinfo, *, day_first: bool) -> Iterator[datetime]:
    """Every way *text* can be read as a time."""
    if found := _SLASHED.match(text):
        one, two, year, hour, minute, second, half = found.groups()
        month, day = (two, one) if day_first else (one, two)
        past = int(hour) % 12 + (12 if half.lower() == "pm" else 0) if half else int(hour)
        text = f"{year}-{month:0>2}-{day:0>2} {past:02}:{minute}:{second or '00'}"
    with suppress(ValueError):
        made = datetime.fromisoformat(text)
        yield made if made.tzinfo else made.replace(tzinfo=zone)
    for form in _FORMATS:
        with suppress(ValueError):
            yield datetime.strptime(text, form).replace(tzinfo=zone)


def _is_day_first(texts: Iterable[str], file: Path) -> bool:
    """Whether `03/04/2026` is in April, as the other times of the file tell."""
    pairs = [(int(m[1]), int(m[2])) for text in texts if (m := _SLASHED.match(text))]
    days, months = any(one > 12 for one, _ in pairs), any(two > 12 for _, two in pairs)
    if days != months or not pairs:
        return days
    raise Invalid(
        "Nobody can say which number of a date is the month.",
        "Export times as 2026-03-31 14:05:00.",
        where=str(file),
    )
