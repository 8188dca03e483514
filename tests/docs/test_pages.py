"""Links resolve, decision records are numbered without gaps, the changelog keeps its form, every fault is explained."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args
from urllib.parse import urlsplit

import pytest
from pydantic import BaseModel

from tests.docs.markdown import ROOT, documents, prose
from watchword import __version__
from watchword.core.errors import WatchwordError
from watchword.settings import Settings

_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_SECTIONS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


@pytest.mark.parametrize("document", documents(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_resolve(document: Path) -> None:
    """Every link to a file of the repository, and to a heading in one, leads somewhere."""
    broken = [target for target in _LINK.findall(prose(document)) if not _resolves(document, target)]

    assert not broken


def _resolves(document: Path, target: str) -> bool:
    url = urlsplit(target)
    if url.scheme:
        return url.scheme == "https"
    file = (document.parent / url.path).resolve() if url.path else document
    if not file.is_relative_to(ROOT) or not file.exists():
        return False
    return not url.fragment or url.fragment in {_anchor(h) for h in _HEADING.findall(file.read_text(encoding="utf-8"))}


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def test_decision_records_are_numbered_without_gaps() -> None:
    """`docs/adr` counts 0001, 0002, … and each record begins with a title of the same number."""
    records = sorted((ROOT / "docs" / "adr").glob("*.md"))

    assert [record.name[:5] for record in records] == [f"{n:04}-" for n in range(1, len(records) + 1)]
    assert not [r.name for r in records if not re.match(rf"# (ADR )?0*{int(r.name[:4])}\b", r.read_text("utf-8"))]


def test_the_changelog_keeps_its_form() -> None:
    """Newest first, known sections, one behaviour a line, and this version has its place or is still to come."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    releases = re.findall(r"^## \[([^\]]+)\]", text, re.MULTILINE)
    entries = [line for line in text.partition("\n## ")[2].splitlines()[1:] if line and not line.startswith("#")]

    assert releases[0] == "Unreleased" or releases[0] == __version__
    assert set(re.findall(r"^### (.+)$", text, re.MULTILINE)) <= _SECTIONS
    assert not [line for line in entries if not re.match(r"- .*\.$", line)]


def test_every_fault_is_explained_to_operators() -> None:
    """The operator's page says of each fault what it means and what to do."""
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")

    faults = [kind.fault for kind in WatchwordError.__subclasses__() if kind.__module__ == WatchwordError.__module__]

    assert len(faults) == 5
    assert not [fault for fault in faults if f"| **{fault}** |" not in text]


def test_every_setting_is_explained_to_operators() -> None:
    """The operator's page names every key of `watchword.toml`, and the folder of the file is not one."""
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")

    assert not [key for key in _keys(Settings) if key != "home" and f"`{key}`" not in text]


def _keys(model: type[BaseModel], before: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        parts = tuple(_models(field.annotation))
        for part in parts:
            yield from _keys(part, f"{before}{name}.")
        if not parts:
            yield f"{before}{name}"


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)
