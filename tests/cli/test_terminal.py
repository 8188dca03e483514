"""What a terminal shows, and what a pipe gets: help of every command, colours, widths, and a password nobody sees."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import subprocess
import termios
import time
from collections.abc import Iterator

import pytest
from cyclopts import App

from tests.cli.conftest import Here
from tests.cli.desk import PASSWORD, PATIENCE_S, WATCHWORD, Desk, Typed
from watchword.cli.main import app


def _commands(of: App, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield before
    for name in of:
        if not name.startswith("-"):
            yield from _commands(of[name], (*before, name))


@pytest.mark.parametrize("command", list(_commands(app)), ids=lambda words: "-".join(words) or "watchword")
def test_every_command_explains_itself(here: Here, command: tuple[str, ...]) -> None:
    """`--help` of every command says how it is typed, and in a sentence what it does."""
    typed = here(*command, "--help")

    assert typed.code == 0
    assert typed.out.startswith(" ".join(("Usage: watchword", *command)))
    assert re.match(r"[A-Z][^.]+\.", typed.out.partition("\n\n")[2])


def test_the_version_is_told(here: Here) -> None:
    """`--version` prints the version and nothing else."""
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*\n", here("--version").out)


def test_a_pipe_gets_whole_lines_and_no_colours(desk: Desk) -> None:
    """What reads a pipe gets each fact on one line, as it is."""
    typed = desk.type("ledger", "fsck", env={"TERM": "xterm-256color"})
    root = desk.type("ledger", "status", "--json").json["root"]

    assert "\x1b" not in typed.out + typed.err
    assert root in typed.out


def test_a_terminal_gets_colours_unless_it_wants_none(desk: Desk) -> None:
    """On a terminal the verdict is green; NO_COLOR turns that off."""
    assert "\x1b[1;32m" in at_terminal(desk, "ledger", "fsck").out
    assert "\x1b[1;32m" not in at_terminal(desk, "ledger", "fsck", env={"NO_COLOR": "1"}).out


def test_a_reader_that_has_enough_is_no_error(desk: Desk) -> None:
    """`… | head` ends quietly."""
    ran = subprocess.run(
        f"'{WATCHWORD}' ledger fsck --json | true",
        cwd=desk.home,
        shell=True,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )

    assert ran.stderr == ""


def test_a_password_is_asked_for_and_not_shown(desk: Desk) -> None:
    """On a terminal the password is asked for; what is typed never appears on it."""
    typed = at_terminal(desk, "case", "list", "--as", "ines", answers=(("Password: ", PASSWORD),))
    wrong = at_terminal(desk, "case", "list", "--as", "ines", answers=(("Password: ", "something else"),))

    assert typed.code == 0, typed.out
    assert PASSWORD not in typed.out
    assert wrong.code == 3
    assert "something else" not in wrong.out


def test_a_new_password_is_asked_for_twice(desk: Desk) -> None:
    """Founding asks twice, and two that differ found nothing."""
    words = ("init", "new", "--origin", "example.test/new", "--administrator", "root")
    differ = at_terminal(desk, *words, answers=(("New password: ", PASSWORD), ("Once more: ", PASSWORD + "!")))
    founded = at_terminal(desk, *words, answers=(("New password: ", PASSWORD), ("Once more: ", PASSWORD)))

    assert differ.code == 2
    assert founded.code == 0, founded.out
    assert PASSWORD not in differ.out + founded.out


def test_no_terminal_and_no_file(desk: Desk) -> None:
    """Where nobody can be asked, nothing is read from elsewhere: the option that helps is named."""
    typed = desk.type("case", "list", "--as", "ines")

    assert typed.code == 2
    assert "--password-file" in typed.err


def test_ctrl_c_at_the_question_ends_it(desk: Desk) -> None:
    """Ctrl-C instead of a password ends the command without a traceback."""
    typed = at_terminal(desk, "case", "list", "--as", "ines", answers=(("Password: ", "\x03"),))

    assert typed.code == 130
    assert "Traceback" not in typed.out


def at_terminal(
    desk: Desk, *words: str, answers: tuple[tuple[str, str], ...] = (), env: dict[str, str] | None = None
) -> Typed:
    """Run `watchword` on a terminal of 80 columns and type each answer when its question is shown."""
    mine, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, b"\x18\x00\x50\x00\x00\x00\x00\x00")
    kept = {k: v for k, v in os.environ.items() if k not in {"NO_COLOR", "COLUMNS", "FORCE_COLOR"}}
    process = subprocess.Popen(
        ["setsid", "--ctty", "--wait", WATCHWORD, *words],
        cwd=desk.home,
        stdin=its,
        stdout=its,
        stderr=its,
        env=kept | {"TERM": "xterm-256color"} | (env or {}),
    )
    os.close(its)
    waiting, seen, shown = list(answers), b"", 0
    deadline = time.monotonic() + PATIENCE_S
    try:
        while time.monotonic() < deadline:
            if select.select([mine], [], [], 0.2)[0]:
                try:
                    seen += os.read(mine, 65536)
                except OSError:  # the other end is closed
                    break
            if waiting and waiting[0][0].encode() in seen[shown:]:
                shown = len(seen)
                # A moment for the echo to be turned off: the question is shown just before.
                select.select([], [], [], 0.1)
                os.write(mine, (waiting.pop(0)[1] + "\n").encode())
        code = process.wait(PATIENCE_S)
    finally:
        process.kill()
        process.wait()
        os.close(mine)
    return Typed(code=code, out=seen.decode(), err="")
