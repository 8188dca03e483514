"""The project's Markdown, and what its readers are told to type."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_SHELL = ("sh", "console", "bash")


def documents() -> tuple[Path, ...]:
    """Every Markdown file of the repository that people read: at the root and under docs/."""
    return (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")))


def prose(document: Path) -> str:
    """The text of *document* without its fenced blocks."""
    return _FENCE.sub("", document.read_text(encoding="utf-8"))


def commands(document: Path, program: str) -> Iterator[str]:
    """What *document* says to type of *program*, in shell blocks and in `code`, without comments."""
    for language, block in _FENCE.findall(document.read_text(encoding="utf-8")):
        if language in _SHELL:
            yield from said(block, program)
    yield from said("\n".join(_CODE.findall(prose(document))), program)


def said(text: str, program: str) -> Iterator[str]:
    """The lines of *text* that begin with *program*, after a prompt perhaps."""
    for line in text.splitlines():
        command = line.strip().removeprefix("$ ").partition(" #")[0].strip()
        if command == program or command.startswith(f"{program} "):
            yield command
