"""Signals: what is suspicious though no verdict says so, or says more than a verdict. One small SQL file each.

`NAME.sql` begins with its metadata as TOML in a comment, and is one query over the tables of `tables.sql`. Each row is
a hit; it has the columns `event` (an id, or NULL), `target`, `actor` and `time`, perhaps `caller`, `vendor`, `unit`
to group by, `account`, by which the desk knows the target, and `case`; and whatever else the words of `says` name.
`NAME.cases.yaml` has cases it fires on, and does not.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from watchword.core.errors import Invalid
from watchword.core.finding import Severity
from watchword.forms import form
from watchword.mistakes import mistakes_in

SHIPPED = Path(__file__).parent
"""The folder of the signals that come with Watchword."""

Key = Literal["event", "subject", "actor", "address", "directory", "whole"]
"""What rows have in common that a signal looks at together: each its own, an account, an agent, …; or all of them."""

Value: TypeAlias = int | float | str | timedelta | list[str] | dict[str, str]
"""What a parameter of a signal may be; a table is a MAP to its query."""

_OURS = frozenset({"tables.sql", "whose.sql", "fill.sql", "fill_signed_in.sql", "fill_activity.sql"})
_HEADER = re.compile(r"\A/\*\n(.*?)\n\*/\n", re.DOTALL)
_NAME = re.compile(r"[a-z][a-z0-9_]{2,60}")
_SPAN = re.compile(r"(\d+) (s|min|h|d)")
_UNITS = {"s": "seconds", "min": "minutes", "h": "hours", "d": "days"}
_WORD = re.compile(r"\{(\w+)\}")


def span(text: object) -> object:
    """Text such as `24 h` (s, min, h, d) as a time span; anything else as it is."""
    if isinstance(text, str) and (found := _SPAN.fullmatch(text)):
        return timedelta(**{_UNITS[found[2]]: int(found[1])})
    return text


Span = Annotated[timedelta, BeforeValidator(span)]
Parameter = Annotated[Value, BeforeValidator(span)]


class _Header(BaseModel):
    """The metadata as people write it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = Field(min_length=3, max_length=80)
    says: str = Field(min_length=3)
    runbook: Annotated[str, form("[a-z0-9-]+", "an anchor of docs/watch/signals.md")]
    response: str = ""
    attack: tuple[Annotated[str, form(r"T\d{4}(\.\d{3})?", "a technique such as T1098 or T1098.005")], ...] = Field(
        min_length=1
    )
    severity: Severity
    window: Span
    false_positives: str = Field(min_length=3)
    needs: tuple[Literal["happened", "signed_in", "activity", "evidence"], ...] = Field(min_length=1)
    silent: str = ""
    keyed: Key = "whole"
    parameters: dict[str, Parameter] = {}


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """One signal. *says* is the line of evidence, with `{column}` for what a hit found.

    *runbook* is an anchor of docs/watch/signals.md and *response* what to do first; *attack* are ATT&CK techniques;
    *needs* the tables without which it can not look. *parameters* are bound as `$name`, *window* among them. *silent*
    says until when it finds nothing, where its parameters have to be set first. Where it is *keyed*, rows of two keys
    are no hit together, so that each key may be looked at on another machine.
    """

    name: str
    file: Path
    query: str
    title: str
    says: str
    runbook: str
    attack: tuple[str, ...]
    severity: Severity
    window: timedelta
    false_positives: str
    needs: tuple[str, ...]
    parameters: Mapping[str, Value]
    response: str = ""
    silent: str = ""
    keyed: Key = "whole"


class Hit(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One hit of a signal: on which event (None where no log has one), whom it concerns, who did it, when.

    *facts* are the parameters of the line of evidence; *caller*, *vendor* and *unit* are what else it may be grouped
    by. *account* is the desk's own name of the target: a log gives it another as soon as it has an event of it. *case*
    is the case it is of, where it is of one. *origin* says whether one of our signals found it, or a Sigma rule that
    was brought along. One that *is_governed* is about what the desk's executor did for a case.
    """

    signal: str
    title: str
    severity: Severity
    event: str | None
    target: str
    actor: str
    at: datetime
    account: str | None = None
    caller: str | None = None
    vendor: str | None = None
    unit: str | None = None
    case: str | None = None
    says: str
    facts: tuple[tuple[str, str], ...] = ()
    attack: tuple[str, ...] = ()
    origin: Literal["signal", "sigma"] = "signal"
    is_governed: bool = False

    @property
    def id(self) -> str:
        """The same for the same hit, whenever it is found."""
        about = self.event or f"{self.account or self.target}|{self.actor}|{self.at.isoformat()}"
        return f"{self.signal}/{hashlib.sha256(about.encode()).hexdigest()[:16]}"

    @property
    def why(self) -> str:
        """The line of evidence; a fact that is not there stays in braces."""
        facts = dict(self.facts)
        return _WORD.sub(lambda found: facts.get(found[1], found[0]), self.says)


def read_signals(*folders: Path, settings: Mapping[str, Mapping[str, object]] | None = None) -> tuple[Signal, ...]:
    """Every signal of *folders*, by name, with what *settings* set of their parameters.

    `Invalid` names file and line: of a header that is not whole, a name given twice, a setting nothing takes.
    """
    found: dict[str, Signal] = {}
    for folder in folders:
        if not folder.is_dir():
            raise Invalid("There is no such folder of signals.", "Correct the path.", where=str(folder))
        for file in sorted(folder.glob("*.sql")):
            if folder == SHIPPED and file.name in _OURS:
                continue
            signal = read_signal(file)
            if signal.name in found:
                raise Invalid(
                    f"There is a signal {signal.name!r} already, in {found[signal.name].file.parent}.",
                    "Give this one another name; a shipped one is tuned by its parameters.",
                    where=str(file),
                )
            found[signal.name] = signal
    for name, values in (settings or {}).items():
        if name not in found:
            raise Invalid(
                f"There is no signal {name!r}.",
                "Use a name of `watchword watch signals`.",
                where=f"watch.thresholds.{name}",
            )
        found[name] = tuned(found[name], values)
    return tuple(found[name] for name in sorted(found))


def read_signal(file: Path) -> Signal:
    """One signal from its file; `Invalid` with the line where its header is wrong."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"The signal can not be read: {error}.", "Write SQL in UTF-8.", where=str(file)) from error
    header = _HEADER.match(text)
    if header is None:
        raise _wrong(
            file, 1, "It does not begin with its metadata.", "Begin with `/*`, TOML, and `*/` on lines of their own."
        )
    if not _NAME.fullmatch(file.stem):
        raise _wrong(file, 1, f"{file.stem!r} is no name of a signal.", "Use lower-case letters, digits and _.")
    try:
        raw = tomllib.loads(header[1])
        told = _Header.model_validate(raw)
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"at line (\d+)", str(error))
        line = int(at[1]) + 1 if at else header[0].count("\n")
        raise _wrong(file, line, f"The metadata is no TOML: {error}.", "Correct that line.") from error
    except ValidationError as error:
        first = mistakes_in(error, _Header, raw)[0]
        path = ".".join(part for part in first.path if isinstance(part, str))
        raise _wrong(file, _line_of(header[1], path), *first.sentences) from error
    query = text[header.end() :].strip().removesuffix(";")
    used = set(re.findall(r"\$(\w+)", query))
    parameters: dict[str, Value] = {"window": told.window, **told.parameters}
    if unknown := used - set(parameters):
        name = min(unknown)
        line = text[: text.index(f"${name}", header.end())].count("\n") + 1
        raise _wrong(file, line, f"${name} is no parameter of it.", "Declare it with a default under [parameters].")
    if unused := set(told.parameters) - used:
        name = min(unused)
        raise _wrong(file, _line_of(header[1], f"parameters.{name}"), f"Nothing uses {name}.", "Remove it, or use it.")
    return Signal(
        name=file.stem,
        file=file,
        query=query,
        title=told.title,
        says=told.says,
        runbook=told.runbook,
        response=told.response,
        attack=told.attack,
        severity=told.severity,
        window=told.window,
        false_positives=told.false_positives,
        needs=told.needs,
        silent=told.silent,
        keyed=told.keyed,
        parameters={name: value for name, value in parameters.items() if name in used},
    )


def tuned(signal: Signal, values: Mapping[str, object]) -> Signal:
    """*signal* with *values* for parameters of it, as the settings give them; `Invalid` for what it does not take."""
    parameters = dict(signal.parameters)
    for name, given in values.items():
        where = f"watch.thresholds.{signal.name}.{name}"
        if name not in parameters:
            takes = ", ".join(sorted(parameters)) or "none"
            raise Invalid(f"{signal.name} has no parameter {name!r}.", f"It has: {takes}.", where=where)
        value, default = span(given), parameters[name]
        wanted = (int, float) if isinstance(default, int | float) else type(default)
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise Invalid(f"{given!r} can not be {name}.", f"Give {_like(default)}.", where=where)
        if isinstance(value, dict):
            value = _by_unit(value, where)
        for zone, at in _zones(name, value, where):
            _must_be_zone(zone, at)
        parameters[name] = value
    return msgspec.structs.replace(signal, parameters=parameters, window=_window(parameters, signal.window))


def _like(default: Value) -> str:
    if isinstance(default, timedelta):
        return "a time span such as '24 h'"
    return 'a table such as { berlin = "Europe/Berlin" }' if isinstance(default, dict) else f"like {default!r}"


def _by_unit(table: Mapping[str, object], where: str) -> dict[str, str]:
    """*table* by units in lower case, as they are looked up; `Invalid` for one without a name or a text, or twice."""
    found = dict[str, str]()
    for name, value in table.items():
        unit, at = name.strip().lower(), f"{where}.{name}"
        if not unit:
            raise Invalid("A unit without a name is none.", "Name the unit as the list of accounts does.", where=at)
        if not isinstance(value, str):
            raise Invalid(f"What stands for {name!r} is no text.", "Write it in quotes.", where=at)
        if unit in found:
            raise Invalid(f"{name!r} stands there twice; capitals say nothing.", "Keep one of them.", where=at)
        found[unit] = value
    return found


def _zones(name: str, value: object, where: str) -> Iterator[tuple[str, str]]:
    """The time zones that the parameter *name* has, each with where it stands."""
    if name == "zone":
        yield str(value), where
    elif name == "zones" and isinstance(value, dict):
        yield from ((str(zone), f"{where}.{unit}") for unit, zone in value.items())


def _must_be_zone(name: str, where: str) -> None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Invalid(f"{name!r} is no time zone.", "Give one such as Europe/Berlin, or UTC.", where=where) from error


def _window(parameters: Mapping[str, Value], default: timedelta) -> timedelta:
    value = parameters.get("window", default)
    return value if isinstance(value, timedelta) else default


def _line_of(header: str, path: str) -> int:
    """The line of the file on which the field *path* stands; the first of the header where it stands nowhere."""
    key = path.rpartition(".")[2]
    lines: Iterable[tuple[int, str]] = enumerate(header.splitlines(), start=2)
    return next((number for number, line in lines if re.match(rf"\s*{re.escape(key)}\s*=", line)), 1)


def _wrong(file: Path, line: int, what: str, remedy: str) -> Invalid:
    return Invalid(what, remedy, where=f"{file}:{line}")
