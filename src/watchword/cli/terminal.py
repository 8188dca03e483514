"""What every command shares: where the settings are, how facts are printed, and which exit code a fault has."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Argument, CycloptsError, MissingArgumentError, Parameter, UnusedCliTokensError
from rich.console import Console
from rich.markup import escape

from watchword.core.errors import Refused, WatchwordError

UNBOUNDED = 10_000
"""Columns of what is no terminal: nothing is folded there, so that a line stays a line for whoever reads it."""


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False, soft_wrap=True)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = UNBOUNDED
    return console


out = _console(stderr=False)
err = _console(stderr=True)

EXIT_CODES = {"corrupt": 1, "invalid": 2, "conflict": 2, "refused": 3, "unavailable": 4}
"""0 done · 1 wrong in what was checked · 2 usage or invalid input · 3 refused by policy · 4 a system did not answer."""

Config = Annotated[Path, Parameter(name=["--config", "-c"], help="The settings file.", env_var="WATCHWORD_CONFIG")]
Json = Annotated[bool, Parameter(name="--json", negative=(), help="Print facts as JSON.")]

CONFIG = Path("watchword.toml")


def print_json(value: object) -> None:
    """One value as JSON on one line."""
    sys.stdout.write(msgspec.json.encode(value, order="sorted").decode() + "\n")


@contextmanager
def faults() -> Iterator[None]:
    """Turn our errors and mistyped commands into words, the way on, and an exit code; the only place that does."""
    try:
        yield
        sys.stdout.flush()
    except WatchwordError as fault:
        raise SystemExit(tell(fault, getattr(fault, "where", ""))) from fault
    except CycloptsError as mistyped:
        asked = " ".join(("watchword", *(mistyped.command_chain or ())))
        _tell("invalid", _words(mistyped, asked), f"See `{asked} --help`.")
        raise SystemExit(EXIT_CODES["invalid"]) from mistyped
    except BrokenPipeError:
        # Whoever read us has enough; what is still buffered must not be written when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None


def _words(mistyped: CycloptsError, asked: str) -> str:
    """What is wrong with a command, where the library's own sentence is about its insides."""
    match mistyped:
        case MissingArgumentError(argument=Argument() as lacking, tokens_so_far=[], keyword=None):
            return f"`{asked}` needs {lacking.name}."
        case UnusedCliTokensError(unused_tokens=[*left]):
            return f"`{asked}` takes nothing more, and there is: {' '.join(left)}"
        case _:
            return str(mistyped)


def tell(fault: WatchwordError, about: str = "") -> int:
    """Say what went wrong *about* whom or what, and the way on; the exit code that stands for it."""
    _tell(fault.fault, f"{about}: {fault.what}" if about else fault.what, fault.remedy)
    if isinstance(fault, Refused) and fault.reasons != (fault.what,):
        err.print(f"  reasons: {escape(', '.join(fault.reasons))}")
    return EXIT_CODES[fault.fault]


def _tell(fault: str, what: str, remedy: str) -> None:
    err.print(f"[bold red]{escape(fault)}[/]: {escape(what)}")
    err.print(f"  [bold]→[/] {escape(remedy)}")
