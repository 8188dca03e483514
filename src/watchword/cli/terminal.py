"""What every command shares: where the settings are, how facts are printed, and which exit code a fault has."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter
from rich.console import Console
from rich.markup import escape

from watchword.core.errors import Refused, WatchwordError
from watchword.settings import Settings, load

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

EXIT_CODES = {"corrupt": 1, "invalid": 2, "conflict": 2, "refused": 3, "unavailable": 4}
"""0 done · 1 wrong in what was checked · 2 usage or invalid input · 3 refused by policy · 4 a system did not answer."""

Config = Annotated[Path, Parameter(name=["--config", "-c"], help="The settings file.")]
Json = Annotated[bool, Parameter(name="--json", negative=(), help="Print facts as JSON.")]

CONFIG = Path("watchword.toml")


def settings_of(config: Path) -> Settings:
    """The settings in *config*."""
    return load(config)


def print_json(value: object) -> None:
    """One value as JSON on one line."""
    sys.stdout.write(msgspec.json.encode(value, order="sorted").decode() + "\n")


@contextmanager
def faults() -> Iterator[None]:
    """Turn our errors into words and an exit code; the only place that exits."""
    try:
        yield
    except WatchwordError as fault:
        err.print(f"[bold red]{escape(fault.fault)}[/]: {escape(_told(fault))}")
        if isinstance(fault, Refused):
            err.print(f"  reasons: {escape(', '.join(fault.reasons))}")
        err.print(f"  [bold]→[/] {escape(fault.remedy)}")
        raise SystemExit(EXIT_CODES[fault.fault]) from fault


def _told(fault: WatchwordError) -> str:
    where = getattr(fault, "where", "")
    return f"{where}: {fault.what}" if where else fault.what
