"""The project's own files, parsed once, for the tests of the house."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "watchword"


def modules(folder: Path) -> tuple[Path, ...]:
    """Every Python file under *folder*, sorted."""
    return tuple(sorted(p for p in folder.rglob("*.py") if "__pycache__" not in p.parts))


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of *path*."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def name(path: Path) -> str:
    """*path* as a reader writes it: inside the package, or from the root of the repository."""
    return path.relative_to(PACKAGE if path.is_relative_to(PACKAGE) else ROOT).as_posix()


def place(path: Path, node: ast.stmt | ast.expr | ast.excepthandler) -> str:
    """Where *node* stands, as `file:line`."""
    return f"{name(path)}:{node.lineno}"


def calls(path: Path) -> Iterator[tuple[ast.Call, str]]:
    """Every call in *path* with the dotted name of what is called; a call on something nameless begins with a dot."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            yield node, _dotted(node.func)


def _dotted(node: ast.expr) -> str:
    match node:
        case ast.Name(id=called):
            return called
        case ast.Attribute(value=value, attr=called):
            return f"{_dotted(value)}.{called}"
        case _:
            return ""
