"""Calls and names that must not stand in the product, and the few places where one may."""

from __future__ import annotations

import ast
import re
from fnmatch import fnmatch

from tests.house.source import PACKAGE, calls, modules, name, place, tree

CLOCKS = ("datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns")
EDGES = {
    "app.py": "the composition root hands the clock to everything",
    "cli/*": "a command is an edge",
    "api/*": "a request is an edge",
    "directories/*": "a directory and its simulator have a clock of their own",
    "watch/shapes_slapd.py": "syslog writes no year: a line is of the last one in which its day has been",
}

SLEEPERS = {
    "cli/demo/cast.py": "people of the demo look at a page again after a moment; nobody tells them when it changed",
}

SQL = ("execute", "executemany", "exec_driver_sql", "sql", "text")
ASSEMBLED_SQL = {
    "ledger/engines.py": "a pragma takes no parameter; its value is a constant of that file",
    "ledger/bulk.py": "names of our own tables and columns, for one bulk insert",
    "ledger/hardening.py": "definitions take no parameter; names are quoted by the driver",
    "watch/board.py": "names of our own columns, and a condition for each word; values are bound",
    "watch/correlation.py": "names and types of the evidence schema",
    "watch/reading.py": "a provider's shipped SQL, set into the one statement that reads a log",
    "watch/evidence_diff.py": "names of our own tables, old and new",
    "watch/follow.py": "a setting takes no parameter; the path is quoted",
    "watch/verdicts.py": "names of the verdict schema",
    "watch/window.py": "names of our own tables and columns; a path to attach takes no parameter and is quoted",
    "watch/spark/keys.py": "our own expressions for a partition; their values are bound",
    "watch/spark/rows.py": "names of our own tables and columns",
    "watch/signals/cases.py": "the tables and columns of our own file that a case names; values are bound",
    "watch/signals/sweep.py": "the query of a signal's file, wrapped; and our own column names and types",
}

NOT_NOUNS = ("Manager", "Helper", "Helpers", "Util", "Utils", "Base")


BLANKET = {
    "desk/effects.py": "one effect that our own code fails at would end the desk at each start: told, tried again",
    "metering/metrics.py": "one part that can not be read would take all others with it: told beside them",
    "watch/outputs/delivering.py": "an output that ended would leave its SIEM without alerts: told and tried again",
    "watch/findings.py": "one thing that the ledger refuses would keep all others out: held, told and tried again",
    "watch/sieve.py": "one line of a log would end the watch of all: kept aside with that reason, and counted",
    "watch/keeping.py": "the watch would end because findings have to wait: told and tried again",
}


def test_no_blanket_except() -> None:
    """An error nobody named is never swallowed: a handler for everything raises again; one file has another reason."""
    blanket = [
        place(path, node)
        for path in modules(PACKAGE)
        if name(path) not in BLANKET
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ExceptHandler) and _catches_all(node) and not _raises_again(node)
    ]

    assert not blanket


def _catches_all(handler: ast.ExceptHandler) -> bool:
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(one is None or ast.unparse(one) in {"Exception", "BaseException"} for one in caught)


def _raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and (last.exc is None or last.cause is not None)


def test_the_clock_is_read_at_the_edge() -> None:
    """Time is an argument: only the outermost edge asks what time it is."""
    read = [
        place(path, call)
        for path in modules(PACKAGE)
        if not any(fnmatch(name(path), edge) for edge in EDGES)
        for call, called in calls(path)
        if called.endswith(CLOCKS)
    ]

    assert not read


def test_nothing_sleeps() -> None:
    """Waiting is done on an event that can be set, so that every process stops at once; one file has another reason."""
    asleep = [
        place(path, call)
        for path in modules(PACKAGE)
        if name(path) not in SLEEPERS
        for call, called in calls(path)
        if called in {"time.sleep", "sleep"} and ast.unparse(call.args[0]) != "0"  # 0 only gives up the turn
    ]

    assert not asleep


def test_nothing_is_printed() -> None:
    """What a person reads goes through the console of the command line, what a machine reads through the log."""
    printed = [place(path, call) for path in modules(PACKAGE) for call, called in calls(path) if called == "print"]

    assert not printed


def test_sql_is_text_and_values_are_bound() -> None:
    """No statement is put together from values: the files that assemble one from names are listed, with the reason."""
    assembled = {
        name(path): place(path, call)
        for path in modules(PACKAGE)
        for call, called in calls(path)
        if called.rpartition(".")[2] in SQL and call.args and _assembled(call.args[0])
    }

    assert assembled.keys() == ASSEMBLED_SQL.keys(), assembled


def _assembled(statement: ast.expr) -> bool:
    match statement:
        case ast.JoinedStr(values=values):
            return any(isinstance(v, ast.FormattedValue) for v in values)
        case ast.BinOp(left=left, right=right):
            return any(isinstance(side, ast.Constant | ast.JoinedStr | ast.BinOp) for side in (left, right))
        case ast.Call(func=ast.Attribute(attr="format" | "format_map")):
            return True
        case _:
            return False


def test_secrets_are_compared_in_constant_time() -> None:
    """A digest, code or token is never compared with `==`."""
    secret = re.compile(r"(^|_)(digest|mac|hmac|token|secret|password|otp)$")
    compared = [
        place(path, node)
        for path in modules(PACKAGE)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Compare)
        and any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops)
        and any(secret.search(ast.unparse(side)) for side in (node.left, *node.comparators))
    ]

    assert not compared


def test_names_are_nouns_of_the_field() -> None:
    """No class or module is named for having no name: Manager, Helper, Utils, Base."""
    nameless = [
        place(path, node)
        for path in modules(PACKAGE)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef) and node.name.endswith(NOT_NOUNS)
    ]
    files = [name(path) for path in modules(PACKAGE) if path.stem.title().endswith(NOT_NOUNS)]

    assert not nameless + files
