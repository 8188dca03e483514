"""An observation as files: a page, JSON, and CSV that a spreadsheet shows and does not run."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import msgspec

from watchword.cli.observe_page import html
from watchword.core.errors import Invalid
from watchword.watch.observe import Observation
from watchword.watch.printable import inert, printable


def write_files(folder: Path, seen: Observation, *, now: datetime) -> tuple[Path, ...]:
    """Write `report.html`, `report.json` and the CSV files into *folder*, and name them; `Invalid` when it can not."""
    written: dict[str, str] = {
        "report.html": html(seen, now=now),
        "report.json": msgspec.json.format(msgspec.json.encode(seen, order="sorted"), indent=1).decode() + "\n",
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in written.items():
            (folder / name).write_text(text, encoding="utf-8")
        for name, rows in _tables(seen).items():
            _write_csv(folder / name, rows)
    except OSError as error:
        raise Invalid(f"It can not be written: {error.strerror}.", "Name another folder.", where=str(folder)) from error
    return tuple(folder / name for name in (*written, *_tables(seen)))


def cell(value: object) -> object:
    """*value* for a CSV file: text that a spreadsheet would run begins with an apostrophe, controls are escaped."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, int | float):
        return value
    return inert(printable("|".join(map(str, value)) if isinstance(value, tuple) else str(value)))


def _tables(seen: Observation) -> dict[str, list[dict[str, object]]]:
    by = [
        {"by": breakdown.by, **msgspec.structs.asdict(group)}
        for breakdown in seen.breakdowns
        for group in breakdown.groups
    ]
    rows: dict[str, Iterable[msgspec.Struct]] = {
        "events.csv": seen.events,
        "first.csv": seen.first,
        "native.csv": seen.native,
        "flagged.csv": seen.flagged,
        "weeks.csv": seen.weeks,
        "cells.csv": seen.cells,
    }
    return {**{name: [msgspec.structs.asdict(row) for row in each] for name, each in rows.items()}, "by.csv": by}


def _write_csv(file: Path, rows: list[dict[str, object]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as lines:
        out = csv.writer(lines, quoting=csv.QUOTE_NONNUMERIC)
        if rows:
            out.writerow(rows[0])
        out.writerows([cell(value) for value in row.values()] for row in rows)
