"""What every file of the product has, and how long it may be."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess

import pytest

from tests.house.source import PACKAGE, ROOT, modules, name, place, tree

LONGEST = 450

SOURCES = ("src", "tests", "bench", "tools", "scripts", "docs", ".ci")
TEXT = {
    ".py",
    ".md",
    ".sql",
    ".csv",
    ".yaml",
    ".cedar",
    ".cedarschema",
    ".toml",
    ".html",
    ".css",
    ".js",
    ".svg",
    ".txt",
    "",
}
OUTSIDE = {
    ".ci", ".gitignore", ".importlinter", ".python-version", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile",
    "README.md", "SECURITY.md", "bench", "docs", "pyproject.toml", "scripts", "src", "tests", "tools", "uv.lock",
}  # fmt: skip
"""All that lies in the first folder; the rest has a room of its own in one of these."""

RESERVED = re.compile(r"(^|\.)(test|example|invalid|localhost|example\.(com|org|net))$")

FORMATS = {
    f"{kind}@openssh.com" for kind in ("sk-ecdsa-sha2-nistp256", "webauthn-sk-ecdsa-sha2-nistp256", "sk-ssh-ed25519")
}
"""What SSH calls a kind of key and a kind of signature (RFC 4251 §6), which is written like an address and is none."""


def test_every_module_says_what_it_is() -> None:
    """A module begins with a docstring, the empty `__init__` of a package as well."""
    silent = [name(path) for path in modules(PACKAGE) if not ast.get_docstring(tree(path))]

    assert not silent


def test_every_folder_of_modules_is_a_package() -> None:
    """A folder without `__init__.py` would be invisible to the import contracts."""
    folders = {path.parent for path in modules(PACKAGE)}

    assert not [name(folder) for folder in folders if not (folder / "__init__.py").exists()]


def test_no_file_hides_a_noun() -> None:
    """Past 450 lines a noun is hiding."""
    lengths = {name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in modules(PACKAGE)}

    assert not {file: lines for file, lines in lengths.items() if lines > LONGEST}


def test_nothing_lies_about() -> None:
    """What is kept in the first folder is known by name: an output of some command is no part of the project."""
    git = shutil.which("git")
    told = git and subprocess.run([git, "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if not told or told.returncode:
        pytest.skip("this is no clone that git can read")

    assert {path.partition("/")[0] for path in told.stdout.splitlines()} == OUTSIDE


def test_every_test_says_what_it_proves() -> None:
    """Each test has a docstring: one sentence of behaviour."""
    silent = [
        place(path, node)
        for path in modules(ROOT / "tests")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
        if not (ast.get_docstring(node) or "").rstrip("`\"' ").endswith((".", "?", "!"))
    ]

    assert not silent


def test_people_and_machines_are_plainly_invented() -> None:
    """Every mail address in the repository is in a domain that nobody can own (RFC 2606)."""
    address = re.compile(r"(?<![\w.%+/-])[A-Za-z][\w.+-]*@((?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,})\b")
    real = [
        f"{path.relative_to(ROOT)}: {found.group()}"
        for folder in SOURCES
        for path in sorted((ROOT / folder).rglob("*"))
        if path.is_file() and path.suffix in TEXT and "__pycache__" not in path.parts and "vendor" not in path.parts
        for found in address.finditer(path.read_text(encoding="utf-8", errors="replace"))
        if not RESERVED.search(found.group(1).lower()) and found.group() not in FORMATS
    ]

    assert not real
