"""What the documents, and the errors, tell a reader to type can be typed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import pytest
from cyclopts import App

from tests.docs.markdown import ROOT, commands, documents, said

_MENTION = re.compile(r"`(watchword [a-z][^`]*)`")


@pytest.fixture(scope="module")
def app() -> App:
    """The command line as it is."""
    from watchword.cli.main import app

    return app


def test_make_targets_and_variables_exist() -> None:
    """Every `make` target and variable a document names is in the Makefile."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):(?!=)", makefile, re.MULTILINE))
    variables = set(re.findall(r"\$\(([A-Z]+)\)", makefile))
    words = [
        (document.name, word)
        for document in documents()
        for command in commands(document, "make")
        for word in shlex.split(command)[1:]
    ]

    assert words
    assert not [(at, w) for at, w in words if w.partition("=")[0] not in (variables if "=" in w else targets)]


def test_commands_and_options_exist(app: App) -> None:
    """Every `watchword …` a document names is a command, with the options it is said to have."""
    named = [(document.name, line) for document in documents() for line in commands(document, "watchword")]

    assert named
    assert not [(at, line, wrong) for at, line in named if (wrong := _wrong(app, line))]


def test_remedies_name_commands_that_exist(app: App) -> None:
    """An error that sends a person to a `watchword …` command sends them to one that is there."""
    remedies = [
        (path.name, mention.replace("\n", " "))
        for path in sorted((ROOT / "src").rglob("*.py"))
        for mention in _MENTION.findall(path.read_text(encoding="utf-8"))
    ]

    assert remedies
    assert not [(at, line, wrong) for at, line in remedies if (wrong := _wrong(app, line))]


def test_every_command_is_documented(app: App) -> None:
    """The operator's page names every command there is."""
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")

    assert not [command for command in _commands(app) if command not in text]


def _wrong(app: App, line: str) -> str | None:
    """What is wrong with the command *line*, or None. Words in capitals or angle brackets stand for a value."""
    words = shlex.split(line.replace("…", ""))[1:]
    chain, apps, rest = app.parse_commands(words)
    takes = apps[-1].assemble_argument_collection() if apps[-1].default_command else ()
    if not chain and words and not words[0].startswith("-"):
        return f"no command {words[0]}"
    if rest and not apps[-1].default_command:
        return f"no command {' '.join((*chain, rest[0]))}"
    known = {name for one in takes for name in one.names} | {"--help", "-h", "--version"}
    return next((f"no option {w}" for w in rest if w.startswith("-") and w.partition("=")[0] not in known), None)


def _commands(app: App, before: str = "watchword") -> Iterator[str]:
    for name in app:
        if name.startswith("-"):
            continue
        inner = tuple(_commands(app[name], f"{before} {name}"))
        yield from inner or (f"{before} {name}",)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("$ watchword case list   # the open ones", ["watchword case list"]),
        ("watchword", ["watchword"]),
        ("the watchword of the day", []),
    ],
)
def test_commands_are_found_in_text(text: str, lines: list[str]) -> None:
    """A command is a line that begins with the program's name, with a prompt before it or a comment behind it."""
    assert list(said(text, "watchword")) == lines
