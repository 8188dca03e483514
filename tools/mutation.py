"""Mutation coverage of the pure modules: change one thing at a time, and see whether the tests of the core notice.

    PYTHONPATH=. python tools/mutation.py core/quorum.py core/standing.py
    PYTHONPATH=. python tools/mutation.py --every 4 core/requirement.py     # every fourth mutant, for a quick look
    PYTHONPATH=. python tools/mutation.py core/quorum.py:99,112             # those of two lines, once they have a test

A mutant is one comparison, operator, constant, `not`, condition or raise changed in the syntax tree. The mutated module
takes the place of the real one for the run of the tests named for it below, in a process of its own; the file itself is
never touched. A mutant that makes a test fail or run too long is killed.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib.abc
import importlib.util
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import hypothesis
import msgspec  # noqa: F401  (loaded before the first child, so that none has to)
import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "watchword"
WITHIN_S = 30

CASES = (
    "tests/core/test_case_release.py",
    "tests/core/test_case_intake.py",
    "tests/core/test_case_story.py",
    "tests/core/test_case_exceptions.py",
)

TESTS = {
    "core/advice.py": ("tests/core/test_advice.py",),
    "core/gates.py": ("tests/core/test_gates.py", *CASES),
    "core/objection.py": ("tests/core/test_objection.py",),
    "core/origin.py": ("tests/core/test_origin.py",),
    "core/prompt.py": ("tests/core/test_prompt.py",),
    "core/proving.py": ("tests/core/test_proving.py", *CASES, "tests/core/test_contact.py"),
    "core/protection.py": ("tests/core/test_protection.py",),
    "core/question.py": ("tests/core/test_question.py",),
    "core/quorum.py": ("tests/core/test_quorum_together.py", "tests/core/test_quorum.py"),
    "core/requirement.py": (
        "tests/core/test_requirement_lowered.py",
        "tests/core/test_requirement.py",
        "tests/core/test_advice.py",
    ),
    "core/standing.py": ("tests/core/test_standing.py",),
}
"""The tests that have to notice what changes in a module."""

EQUIVALENT = {
    ("core/advice.py", "zip(then, now, strict=True)", "True -> False"): "both are told of the same alternatives",
    ("core/origin.py", "min(beyond, 32)", "32 -> 33"): "a minute doubled so often is beyond every longest wait",
    ("core/quorum.py", "zip(rule.seats, chosen, strict=True)", "True -> False"): (
        "both callers choose as many votes as there are seats"
    ),
    ("core/requirement.py", "def ways_of(", "0 -> 1"): "the ways of an account frozen at 1 are those of an open one",
}
"""What no test can notice, by the module, words of the line and what is done to it: the reason. It is not counted."""

Change = Callable[[Any], None]
"""What is done to one node of the tree."""

COMPARED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
COUNTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.LShift: ast.RShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}


def mutants(tree: ast.Module) -> Iterator[tuple[int, str, ast.Module]]:
    """Every mutant of *tree*: its line, what was done, and the tree."""
    nodes = list(ast.walk(tree))
    # How a struct is made (`frozen=True`) decides nothing that a test of its rules could notice.
    made = {id(k.value) for node in nodes if isinstance(node, ast.ClassDef) for k in node.keywords}
    for place, node in enumerate(nodes):
        for said, change in () if id(node) in made else _changes(node):
            other = copy.deepcopy(tree)
            change(list(ast.walk(other))[place])
            yield getattr(node, "lineno", 0), said, ast.fix_missing_locations(other)


def _changes(node: ast.AST) -> Iterator[tuple[str, Change]]:
    match node:
        case ast.Compare(ops=[compared]):
            for other in COMPARED.get(type(compared), ()):
                yield f"{type(compared).__name__} -> {other.__name__}", partial(_set, "ops", [other()])
        case ast.BoolOp(op=joined):
            turned = ast.Or() if isinstance(joined, ast.And) else ast.And()
            yield f"{type(joined).__name__} -> {type(turned).__name__}", partial(_set, "op", turned)
        case ast.BinOp(op=counted) if type(counted) in COUNTED and not _is_type(node):
            opposite = COUNTED[type(counted)]
            yield f"{type(counted).__name__} -> {opposite.__name__}", partial(_set, "op", opposite())
        case ast.UnaryOp(op=ast.Not()):
            yield "not left out", _plain
        case ast.Constant(value=bool() as said):
            yield f"{said} -> {not said}", partial(_set, "value", not said)
        case ast.Constant(value=int() as number):
            yield f"{number} -> {number + 1}", partial(_set, "value", number + 1)
        case ast.If():
            yield "if never", partial(_set, "test", ast.Constant(value=False))
        case ast.Raise():
            yield "raise left out", _passed


def _set(name: str, value: object, node: Any) -> None:
    setattr(node, name, value)


def _is_type(node: ast.AST) -> bool:
    """Whether an operator joins types, such as `X | None`: that means nothing when the program runs."""
    return (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.BitOr)
        and any(
            isinstance(side, ast.Constant) or (isinstance(side, ast.Name | ast.Attribute) and _name(side)[:1].isupper())
            for side in (node.left, node.right)
        )
    )


def _name(node: ast.Name | ast.Attribute) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr


def _plain(node: Any) -> None:
    """`not x` becomes `bool(x)`, in place."""
    inner = node.operand
    node.__class__ = ast.Call
    node.__dict__.clear()
    node.__dict__.update(func=ast.Name(id="bool", ctx=ast.Load()), args=[inner], keywords=[])


def _passed(node: Any) -> None:
    node.__class__ = ast.Pass
    node.__dict__.clear()


class Instead(importlib.abc.MetaPathFinder):
    """Loads a module from another file than its own."""

    def __init__(self, name: str, path: Path) -> None:
        self.name, self.path = name, path

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """See `importlib.abc.MetaPathFinder`."""
        del path, target
        return importlib.util.spec_from_file_location(fullname, self.path) if fullname == self.name else None


def killed(module: str, tree: ast.Module, folder: Path, *, told: bool = False) -> bool:
    """Whether the tests of *module* notice the mutated *tree*; what they say is shown where it is to be *told*."""
    mutated = folder / "mutated.py"
    mutated.write_text(ast.unparse(tree), encoding="utf-8")
    child = os.fork()  # the tests' own libraries are loaded once, before
    if child:
        return os.waitpid(child, 0)[1] != 0
    signal.alarm(WITHIN_S)
    sys.meta_path.insert(0, Instead("watchword." + module.removesuffix(".py").replace("/", "."), mutated))
    if not told:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
    ended = 1
    try:
        # The tests' libraries were loaded before, which pytest would warn of, and warnings are errors here.
        loaded = "ignore::pytest.PytestAssertRewriteWarning"
        ended = int(
            pytest.main(
                ["-q", "-x", "-W", loaded, "-p", "no:cacheprovider", *(t for t in TESTS[module] if Path(t).exists())]
            )
        )
    finally:
        os._exit(ended)


def main() -> None:
    """Mutate what is named, print what survived, and end with 1 where less than nine tenths were killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("modules", nargs="*", default=sorted(TESTS))
    parser.add_argument("--every", type=int, default=1)
    given = parser.parse_args()
    poor = False
    # One wrong example is enough to kill a mutant: looking for a smaller one, or another one in each run, is not asked.
    found = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
    hypothesis.settings.register_profile("mutation", phases=found, derandomize=True, database=None, deadline=None)
    hypothesis.settings.load_profile("mutation")
    table = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for named in given.modules:
            module, _, wanted = named.partition(":")
            source = (SOURCE / module).read_text(encoding="utf-8")
            tree = ast.parse(source)
            if killed(module, tree, folder, told=True):
                sys.exit(f"{module}: its own tests fail before anything was changed")
            lines = {int(line) for line in wanted.split(",") if line}
            told = source.splitlines()
            made = [
                one
                for one in list(mutants(tree))[:: given.every]
                if (not lines or one[0] in lines) and not _equivalent(module, told[one[0] - 1], one[1])
            ]
            left = 0
            for line, said, mutant in made:
                if not killed(module, mutant, folder):
                    left += 1
                    print(f"  survived  {module}:{line}  {said}", flush=True)
            table.append((module, len(made), len(made) - left))
            poor |= left > len(made) / 10
    _print(table)
    sys.exit(poor)


def _equivalent(module: str, line: str, said: str) -> bool:
    return any(module == m and words in line and said == done for m, words, done in EQUIVALENT)


def _print(table: list[tuple[str, int, int]]) -> None:
    """Rows of a table in Markdown: each module with its mutants and those killed, and the sum of all."""
    print("| Module | Mutants | Killed | Share |\n|---|---:|---:|---:|")
    whole = ("all", sum(row[1] for row in table), sum(row[2] for row in table))
    for module, made, dead in (*table, whole):
        print(f"| `{module}` | {made} | {dead} | {dead / made:.1%} |")


if __name__ == "__main__":
    main()
