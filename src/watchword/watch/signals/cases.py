"""The cases beside a signal: rows of tables in, expected hits out; at least one it fires on, and one it does not.

A row gives only what matters: the rest has defaults. Times are offsets from a Monday noon (`-2d`, `5min`); `repeat` and
`every` make several rows of one, with `{n}` counting in its texts.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from watchword.core.errors import Invalid
from watchword.core.identity_event import SUPPORT
from watchword.mistakes import mistakes_in
from watchword.watch.signals import SHIPPED, Hit, Signal, tuned
from watchword.watch.signals.sweep import hits_of

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
"""What offsets count from: a Monday."""

_OFFSET = re.compile(r"(-?\d+)(s|min|h|d)")
_UNITS = {"s": "seconds", "min": "minutes", "h": "hours", "d": "days"}
_TIMES = frozenset({"time", "since", "until"})
_UNSAID = re.compile(r"\{\w+\}")
"""A word of the line of evidence that the hit has no fact for."""


class _Case(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    why: str
    happened: tuple[dict[str, Any], ...] = ()
    signed_in: tuple[dict[str, Any], ...] = ()
    activity: tuple[dict[str, Any], ...] = ()
    unseen: tuple[dict[str, Any], ...] = ()
    gap: tuple[dict[str, Any], ...] = ()
    declared: tuple[dict[str, Any], ...] = ()
    parameters: dict[str, int | float | str | list[str] | dict[str, str]] = {}
    hits: tuple[dict[str, str | None], ...] = ()


class _Cases(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    positive: tuple[_Case, ...] = Field(min_length=1)
    negative: tuple[_Case, ...] = Field(min_length=1)


class Failed(msgspec.Struct, frozen=True, kw_only=True):
    """A case that does not hold: which, and what was found instead."""

    signal: str
    why: str
    wanted: tuple[Mapping[str, str | None], ...]
    found: tuple[Hit, ...]


def file_of(signal: Signal) -> Path:
    """Where the cases of *signal* lie."""
    return signal.file.with_suffix(".cases.yaml")


def check(signal: Signal) -> tuple[int, tuple[Failed, ...]]:
    """How many cases of *signal* there are, and those that do not hold.

    `Invalid` names the file where there are none, or not one of each kind.
    """
    file = file_of(signal)
    try:
        written = yaml.safe_load(file.read_text(encoding="utf-8"))
        cases = _Cases.model_validate(written)
    except FileNotFoundError:
        raise Invalid(
            "The signal has no cases.", "Write one it fires on, and one it does not.", where=str(file)
        ) from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise Invalid(f"This is no YAML: {error.problem}.", "Correct that line.", where=f"{file}:{line}") from error
    except ValidationError as error:
        raise Invalid(*mistakes_in(error, _Cases, written)[0].sentences, where=str(file)) from error
    failed = []
    for case in (*cases.positive, *cases.negative):
        fires = case in cases.positive
        if fires != bool(case.hits):
            raise Invalid(
                f"The case {case.why!r} {'expects no hit' if fires else 'expects hits'}.",
                "What fires has `hits`, what does not has none.",
                where=str(file),
            )
        with _tables() as con:
            _fill(con, case, file)
            found = hits_of(con, tuned(signal, case.parameters))
        if not _equal(case.hits, found) or any(_UNSAID.search(hit.why) for hit in found):
            failed.append(Failed(signal=signal.name, why=case.why, wanted=case.hits, found=found))
    return len(cases.positive) + len(cases.negative), tuple(failed)


def _equal(wanted: tuple[Mapping[str, str | None], ...], found: tuple[Hit, ...]) -> bool:
    """Whether each wanted hit is found, and nothing besides."""
    left = [{**msgspec.structs.asdict(hit), "why": hit.why} for hit in found]
    for each in wanted:
        match = next((hit for hit in left if all((hit[k] or None) == v for k, v in each.items())), None)
        if match is None:
            return False
        left.remove(match)
    return not left


def _tables() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect(config={"threads": 1})
    con.execute("SET TimeZone = 'UTC'")
    con.execute((SHIPPED.parent / "sql" / "tables.sql").read_text(encoding="utf-8"))
    con.execute((SHIPPED / "tables.sql").read_text(encoding="utf-8"))
    return con


def _fill(con: duckdb.DuckDBPyConnection, case: _Case, file: Path) -> None:
    defaults = {"happened": _event, "signed_in": _sign_in, "activity": _step}
    for table in ("happened", "signed_in", "activity", "unseen", "gap", "declared"):
        rows = [row for given in getattr(case, table) for row in _repeated(given)]
        whole = defaults.get(table, lambda row, _: row)
        for number, row in enumerate(rows, 1):
            try:
                values = {k: _time(v) if k in _TIMES else v for k, v in whole(row, number).items()}
                names = ", ".join(f'"{name}"' for name in values)
                marks = ", ".join("?" * len(values))
                con.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(values.values()))
            except (duckdb.Error, ValueError, KeyError) as error:
                raise Invalid(
                    f"In {case.why!r}, row {number} of {table}: {str(error).splitlines()[0]}",
                    "Use the columns of docs/watch/signals.md.",
                    where=str(file),
                ) from error


def _repeated(given: dict[str, Any]) -> Iterator[dict[str, Any]]:
    row = dict(given)
    times, every = int(row.pop("repeat", 1)), _span(row.pop("every", "0s"))
    since = row.get("time", "0s")
    for n in range(times):
        each = {k: v.replace("{n}", str(n)) if isinstance(v, str) else v for k, v in row.items()}
        yield {**each, "time": _time(since) + n * every} if times > 1 else each


def _event(row: dict[str, Any], number: int) -> dict[str, Any]:
    action, by_owner = row["action"], bool(row.get("by_owner"))
    target = row.get("target", "ana")
    actor = row.get("actor", target if by_owner else "agent-1")
    owes = action in SUPPORT and not by_owner and row.get("done", True)
    return {
        "id": f"e{number}", "provider": "okta", "directory": "corp", "subject": target, "family": _families()[action],
        "actor": actor, "actor_subject": actor, "target": target, "time": "0s", "done": True, "by_owner": by_owner,
        "owes": owes, "verdict": "unverified" if owes else "ignored", "reasons": ["no_case"] if owes else [],
        "native_action": action, **row,
    }  # fmt: skip


def _sign_in(row: dict[str, Any], number: int) -> dict[str, Any]:
    target = row.get("target", "ana")
    return {
        "id": f"s{number}", "provider": "okta", "directory": "corp", "subject": target, "target": target, "time": "0s",
        "done": True, "native_action": "sign-in", **row,
    }  # fmt: skip


def _step(row: dict[str, Any], number: int) -> dict[str, Any]:
    account = row.get("account", "ana")
    return {
        "seq": number, "time": "0s", "account": account, "subject": account, "target": account, "person": "p-1",
        "seat": "employee", **row,
    }  # fmt: skip


def _families() -> dict[str, str]:
    with (SHIPPED.parent / "sql" / "actions.csv").open(encoding="utf-8", newline="") as lines:
        return {row["action"]: row["family"] for row in csv.DictReader(lines)}


def _time(value: object) -> datetime:
    return value if isinstance(value, datetime) else NOON + _span(str(value))


def _span(text: str) -> timedelta:
    found = _OFFSET.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no offset such as -2d or 5min")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})
