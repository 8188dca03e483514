"""Mutation coverage of the pure modules: change one thing at a time, and see whether the tests of the core notice.

    PYTHONPATH=. python tools/mutation.py core/quorum.py core/standing.py
    PYTHONPATH=. python tools/mutation.py --every 4 core/requirement.py     # every fourth mutant, for a quick look
    PYTHONPATH=. python tools/mutation.py core/quorum.py:99,112             # those of two lines, once they have a test

A mutant is one comparison, operator, constant, `not`, condition or raise changed in the syntax tree. The mutated module
takes the place of the real one for the run of the tests named for it below, in a process of its own; the file itself is
never touched. A mutant that makes a test fail or run too long is killed. One that changes the body of a function is
first tried in that function alone, in a process that has read module and tests already; what survives there is tried
again as the others are.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib.abc
import importlib.util
import inspect
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import hypothesis
import msgspec
import pytest
import structlog  # noqa: F401  (loaded before the first child, so that none has to)
from _pytest.main import pytest_runtestloop as run

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "watchword"
WITHIN_S = 30
"""Seconds of a processor that the tests of one mutant may take: however busy the machine is, none is killed by that."""


CASES = (
    "tests/core/test_case_release.py",
    "tests/core/test_case_intake.py",
    "tests/core/test_case_story.py",
    "tests/core/test_case_exceptions.py",
)

FOLD = (
    "tests/core/test_case_fold.py",
    *CASES,
    "tests/core/test_objection.py",
    "tests/core/test_protection.py",
    "tests/core/test_aftercare.py",
    "tests/core/test_contact.py",
    "tests/core/test_hands.py",
    "tests/core/test_execution.py",
)

TESTS = {
    "core/account.py": ("tests/core/test_account.py", "tests/core/test_standing.py"),
    "core/advice.py": ("tests/core/test_advice.py",),
    "core/aftercare.py": ("tests/core/test_aftercare.py",),
    "core/approval.py": ("tests/core/test_approval.py", "tests/core/test_approval_keys.py"),
    "core/case.py": FOLD,
    "core/change.py": ("tests/core/test_change.py", *CASES),
    "core/clearance.py": ("tests/core/test_clearance.py",),
    "core/contact.py": ("tests/core/test_contact.py",),
    "core/decision.py": (
        *CASES,
        "tests/core/test_decision.py",
        "tests/core/test_question.py",
        "tests/core/test_contact.py",
        "tests/core/test_protection.py",
    ),
    "core/downtime.py": ("tests/core/test_downtime.py",),
    "core/execution.py": (*CASES, "tests/core/test_execution.py", "tests/core/test_protection.py"),
    "core/facts.py": ("tests/core/test_facts.py",),
    "core/finding.py": ("tests/core/test_finding.py",),
    "core/fold.py": FOLD,
    "core/gates.py": ("tests/core/test_gates.py", *CASES),
    "core/hands.py": ("tests/core/test_hands.py",),
    "core/host.py": ("tests/core/test_host.py",),
    "core/identity.py": ("tests/core/test_identity.py",),
    "core/loan.py": ("tests/core/test_loan.py",),
    "core/login.py": ("tests/core/test_login.py",),
    "core/objection.py": ("tests/core/test_objection.py", "tests/core/test_aftercare.py"),
    "core/opening.py": ("tests/core/test_case_intake.py", "tests/core/test_opening.py"),
    "core/origin.py": ("tests/core/test_origin.py",),
    "core/passkey.py": ("tests/core/test_approval.py", "tests/core/test_approval_keys.py"),
    "core/own_page.py": ("tests/core/test_person.py",),
    "core/person.py": ("tests/core/test_person.py",),
    "core/progress.py": ("tests/core/test_case_fold.py", "tests/core/test_proving.py", *CASES),
    "core/prompt.py": ("tests/core/test_prompt.py",),
    "core/protection.py": ("tests/core/test_protection.py",),
    "core/proving.py": ("tests/core/test_proving.py", *CASES, "tests/core/test_contact.py"),
    "core/question.py": ("tests/core/test_question.py",),
    "core/quorum.py": ("tests/core/test_quorum_together.py", "tests/core/test_quorum.py"),
    "core/request.py": ("tests/core/test_request.py",),
    "core/requirement.py": (
        "tests/core/test_requirement_lowered.py",
        "tests/core/test_requirement.py",
        "tests/core/test_advice.py",
    ),
    "core/ruling.py": ("tests/core/test_ruling.py",),
    "core/spoken.py": ("tests/core/test_spoken.py",),
    "core/standing.py": ("tests/core/test_standing.py",),
    "core/statement.py": ("tests/core/test_statement.py",),
    "core/visible.py": ("tests/core/test_visible.py",),
    "core/workload.py": ("tests/core/test_workload.py",),
}
"""The tests that have to notice what changes in a module."""

EQUIVALENT = {
    ("core/account.py", "held.rank >= asked.rank", "GtE -> Gt"): "two classes of one rank are one class",
    ("core/advice.py", "zip(then, now, strict=True)", "True -> False"): "both are told of the same alternatives",
    ("core/advice.py", "combinations(further, 2)", "2 -> 3"): "all of them are tried where no few are enough",
    ("core/advice.py", "way.provers for way in ways_of", "1 -> 2"): "where there is no way at all nothing is enough",
    ("core/clearance.py", "<= people.keys()", "LtE -> Lt"): "a pair of steps is never all that there are",
    ("core/decision.py", "raise AssertionError", "raise left out"): "an opening is decided before",
    ("core/execution.py", 'LeafHash("0" * 64)', "64 -> 65"): "it stands for a leaf that nobody looks at",
    ("core/execution.py", "number >= count", "GtE -> Gt"): "with all of its changes done a case is executing no more",
    ("core/login.py", "if login.isascii():", "if never"): "a shorter way to the same answer",
    ("core/origin.py", "min(beyond, 32)", "32 -> 33"): "a minute doubled so often is beyond every longest wait",
    ("core/origin.py", "len(lately) - 1, 16)", "16 -> 17"): "a minute doubled so often is beyond the longest wait",
    ("core/quorum.py", "zip(rule.seats, chosen, strict=True)", "True -> False"): (
        "both callers choose as many votes as there are seats"
    ),
    ("core/requirement.py", "@lru_cache(", "1024 -> 1025"): "how many answers are kept changes none of them",
    ("core/requirement.py", "def ways_of(", "0 -> 1"): "the ways of an account frozen at 1 are those of an open one",
    ("core/requirement.py", "subsets = 1 << len(candidates)", "1 -> 2"): (
        "a subset is looked at twice, or one that lacks no less than all of them and is weaker"
    ),
    ("core/visible.py", "if text.isascii() and", "if never"): "only quicker: nothing of such a text is written out",
    ("core/visible.py", "while place > 0 and", "0 -> 1"): "the first character is then a mark, and no letter either",
    ("core/visible.py", "point <= 0xFF:", "LtE -> Lt"): "U+00FF is a letter, which is not written out",
    ("core/visible.py", "point <= 0xFF:", "255 -> 256"): "U+0100 is a letter, which is not written out",
    ("core/visible.py", "point <= 0xFFFF", "65535 -> 65536"): "U+10000 is a letter, which is not written out",
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


class Mutant(msgspec.Struct, frozen=True, kw_only=True):
    """One change: its line, what was done, the whole *tree*, and the function whose body it is in (None: in none)."""

    line: int
    said: str
    tree: ast.Module
    within: str | None


def mutants(tree: ast.Module) -> Iterator[Mutant]:
    """Every mutant of *tree*."""
    nodes = list(ast.walk(tree))
    # How a struct is made (`frozen=True`) decides nothing that a test of its rules could notice.
    made = {id(k.value) for node in nodes if isinstance(node, ast.ClassDef) for k in node.keywords}
    within = {id(node): name for name, body in _functions(tree) for part in body for node in ast.walk(part)}
    for place, node in enumerate(nodes):
        for said, change in () if id(node) in made else _changes(node):
            other = copy.deepcopy(tree)
            change(list(ast.walk(other))[place])
            ast.fix_missing_locations(other)
            yield Mutant(line=getattr(node, "lineno", 0), said=said, tree=other, within=within.get(id(node)))


def _functions(tree: ast.Module) -> Iterator[tuple[str, list[ast.stmt]]]:
    """Functions and methods by their qualified names, each with its body."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, node.body
        elif isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef):
                    yield f"{node.name}.{inner.name}", inner.body


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


class Instead(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads a module from another tree than its file has; nothing of it is kept for the next one."""

    def __init__(self, name: str, tree: ast.Module) -> None:
        self.name, self.tree = name, tree

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """See `importlib.abc.MetaPathFinder`."""
        del path, target
        return importlib.util.spec_from_loader(fullname, self) if fullname == self.name else None

    def exec_module(self, module: ModuleType) -> None:
        """See `importlib.abc.Loader`."""
        exec(compile(self.tree, self.name, "exec"), module.__dict__)


class Swapping:
    """Tries the mutants that change the body of one function, each in a child of a process that has read the tests.

    The children need not load anything. What is computed while the tests are read is then computed by the module as it
    is, so that what survives here is tried once more from the beginning.
    """

    def __init__(self, module: str, made: list[Mutant], told: int) -> None:
        self.name, self.made, self.told = name_of(module), made, told

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run the tests once for each mutant, and tell which were noticed."""
        for number, mutant in enumerate(self.made):
            if mutant.within is None or session.testsfailed or not session.items:
                continue
            if child := os.fork():
                if os.waitpid(child, 0)[1]:
                    os.write(self.told, number.to_bytes(4, "big"))
                continue
            signal.setitimer(signal.ITIMER_PROF, WITHIN_S)
            ended = 0
            try:
                _silence()
                swapped(sys.modules[self.name], mutant)
                run(session)
            except session.Failed:
                ended = 1
            except LookupError:  # there is nothing to change in place
                pass
            finally:
                os._exit(ended)
        return True


def swapped(module: ModuleType, mutant: Mutant) -> None:
    """Give one function of *module* the code it has in *mutant*; `LookupError` where it has none of its own."""
    assert mutant.within is not None
    there: Any = module
    for part in mutant.within.split("."):
        there = vars(there)[part]
    there = there.fget if isinstance(there, property) else inspect.unwrap(getattr(there, "__func__", there))
    codes = [compile(mutant.tree, there.__code__.co_filename, "exec")]
    for code in codes:
        codes += [one for one in code.co_consts if isinstance(one, CodeType)]
    new = {code.co_qualname: code for code in codes}[mutant.within]
    if new.co_freevars != there.__code__.co_freevars:
        raise LookupError(mutant.within)
    there.__code__ = new


def noticed(module: str, made: list[Mutant]) -> set[int]:
    """Numbers of those of *made* that the tests of *module* notice; the rest was tried, or can not be, in this way."""
    reads, writes = os.pipe()
    child = os.fork()
    if not child:
        os.close(reads)
        try:
            _silence()
            _pytest(module, Swapping(module, made, writes))
        finally:
            os._exit(0)
    os.close(writes)
    with os.fdopen(reads, "rb") as said:
        numbers = said.read()
    os.waitpid(child, 0)
    return {int.from_bytes(numbers[i : i + 4], "big") for i in range(0, len(numbers), 4)}


def killed(module: str, tree: ast.Module, *, told: bool = False) -> bool:
    """Whether the tests of *module* notice the mutated *tree*; what they say is shown where it is to be *told*."""
    child = os.fork()  # the tests' own libraries are loaded once, before
    if child:
        return os.waitpid(child, 0)[1] != 0
    signal.setitimer(signal.ITIMER_PROF, WITHIN_S)
    sys.meta_path.insert(0, Instead(name_of(module), tree))
    if not told:
        _silence()
    ended = 1
    try:
        ended = int(_pytest(module))
    finally:
        os._exit(ended)


def name_of(module: str) -> str:
    """The name by which the file of a *module* is imported."""
    return "watchword." + module.removesuffix(".py").replace("/", ".")


def _pytest(module: str, *plugins: object) -> int | pytest.ExitCode:
    # The tests' libraries were loaded before, which pytest would warn of, and warnings are errors here.
    loaded = "ignore::pytest.PytestAssertRewriteWarning"
    return pytest.main(["-q", "-x", "-W", loaded, "-p", "no:cacheprovider", *TESTS[module]], plugins)


def _silence() -> None:
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)


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
        # What the children load is compiled once, and no plugin is loaded that none of the tests needs.
        sys.dont_write_bytecode, sys.pycache_prefix = False, name
        os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        for named in given.modules:
            module, _, wanted = named.partition(":")
            source = (SOURCE / module).read_text(encoding="utf-8")
            tree = ast.parse(source)
            if killed(module, tree, told=True):
                sys.exit(f"{module}: its own tests fail before anything was changed")
            lines = {int(line) for line in wanted.split(",") if line}
            told = source.splitlines()
            made = [
                one
                for one in list(mutants(tree))[:: given.every]
                if (not lines or one.line in lines) and not _equivalent(module, told[one.line - 1], one.said)
            ]
            dead = noticed(module, made)
            for number, mutant in enumerate(made):
                if number in dead:
                    continue
                if killed(module, mutant.tree):
                    dead.add(number)
                else:
                    print(f"  survived  {module}:{mutant.line}  {mutant.said}", flush=True)
            table.append((module, len(made), len(dead)))
            poor |= len(made) - len(dead) > len(made) / 10
    _print(table)
    sys.exit(poor)


def _equivalent(module: str, line: str, said: str) -> bool:
    return any(module == m and words in line and said == done for m, words, done in EQUIVALENT)


def _print(table: list[tuple[str, int, int]]) -> None:
    """Rows of a table in Markdown: each module with its mutants and those killed, and the sum of all."""
    print("| Module | Mutants | Killed | Share |\n|---|---:|---:|---:|")
    whole = ("all", sum(row[1] for row in table), sum(row[2] for row in table))
    for module, made, dead in (*table, whole):
        print(f"| `{module}` | {made} | {dead} | {dead / max(made, 1):.1%} |")


if __name__ == "__main__":
    main()
