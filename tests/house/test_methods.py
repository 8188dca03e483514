"""Every way to verify a person that policy knows passes the contract that is shipped."""

from __future__ import annotations

import ast
import inspect
from importlib import import_module

from tests.house.source import PACKAGE, ROOT, modules, tree
from watchword.methods.contract import MethodContract
from watchword.policy.bundle import Policy

TESTS = tuple(p.stem for p in modules(ROOT / "tests" / "methods") if p.stem.startswith("test_"))
PORT = {"begin", "check", "recheck", "message"}


def contracts() -> tuple[type[MethodContract], ...]:
    """Every test class that runs the contract: those pytest collects, and no base of theirs."""
    found = (
        each
        for module in TESTS
        for name, each in inspect.getmembers(import_module(f"tests.methods.{module}"), inspect.isclass)
        if name.startswith("Test") and issubclass(each, MethodContract) and not inspect.isabstract(each)
    )
    return tuple(dict.fromkeys(found))


def test_every_method_of_the_policy_passes_the_contract() -> None:
    """The names in the shipped `methods.yaml` are those that a contract class runs for, no more and no less."""
    assert {each.name for each in contracts()} == set(Policy.default().procedures.loaded.methods.methods)


def test_no_class_leaves_a_part_of_the_contract_out() -> None:
    """A method is one by every test of the contract: none is replaced, or taken away, in the class of a method."""
    asked = {name for name in vars(MethodContract) if name.startswith(("test_", "refused"))}
    replaced = {
        f"{each.__name__}.{name}"
        for each in contracts()
        for name in asked
        if getattr(each, name) is not getattr(MethodContract, name)
    }

    assert len(asked) > 12
    assert not replaced


def test_every_adapter_of_the_port_is_run_by_one() -> None:
    """A class in `methods` that has the four doors of the port is what some contract class hands out."""
    doors = {
        node.name
        for path in modules(PACKAGE / "methods")
        if path.stem != "port"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef)
        if {f.name for f in node.body if isinstance(f, ast.FunctionDef)} >= PORT
    }
    run = {
        base.__name__
        for each in contracts()
        for known in vars(import_module(each.__module__)).values()
        if inspect.isclass(known)
        for base in known.__mro__
    }

    assert len(doors) > 8
    assert doors <= run
