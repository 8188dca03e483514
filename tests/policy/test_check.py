"""`policy check`: a table that loads can still be wrong, and is told where."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.policy.sample import METHODS, PROCEDURES, line_of, spoiled
from watchword.core.errors import Invalid
from watchword.policy import Procedures
from watchword.policy.bundle import FILES
from watchword.policy.check import check, findings
from watchword.policy.procedures import DEFAULT


def found(text: str, methods: str = METHODS) -> list[str]:
    """Return the findings on a table that loads, as they are printed."""
    return [str(f) for f in findings(Procedures.load(text, methods))]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped policy."""
    for name in FILES:
        (tmp_path / name).write_bytes((DEFAULT / name).read_bytes())
    return tmp_path


def test_the_shipped_policy_is_sound(folder: Path) -> None:
    """What ships has no finding."""
    assert check(folder) == ()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "    factor_reset:         {verify: [V3],      approve: A2,   hold: 1h,",
            "    factor_reset:         {verify: [V2], approve: A1, hold: 0,",
            "executive asks for less here than contractor",
        ),
        (
            "[none, A1S, A2S, A3S]}",
            "[none, A1S, A2S, A3S], tolerate: {V2: 3}}",
            "only the standard class may pass over",
        ),
        ("methods,                    methods: 2, weight: 4", "methods, methods: 2, weight: 1", "less than V1"),
        ("[none, A1S, A2S, A3S]", "[none, A2S, A1S, A3S]", "higher rung of this ladder has fewer seats"),
        ("A2S: {separate", "A2S: {signed: true, separate", "executive asks for less here than contractor"),
        (
            "  privileged:\n    unlock:               {",
            "  privileged:\n    unlock: {cosigned: true, ",
            "identity_control asks for less here than privileged",
        ),
        ("close_remote: 3, strongest_only: 5", "close_remote: 3, strongest_only: 3", "before they close the remote"),
        ("methods: 2, weight: 7", "methods: 2, weight: 40", "no set of the shipped methods satisfies V4"),
        ("any_of: [[in_person]]", "any_of: [[in_person], [owner_passkey]]", "no set of the shipped methods"),
        ("waived_by: [passkey], alert: L1", "waived_by: [passkey, in_person], alert: L1", "waives its hold of 1:00:00"),
    ],
)  # fmt: skip
def test_a_finding_is_told_with_line_and_remedy(old: str, new: str, said: str) -> None:
    """Each thing that loads and should not stand is found, on its line, with a remedy after the semicolon."""
    told = [f for f in found(spoiled(old, new)) if said in f]

    assert told
    assert all(f.startswith("procedures.yaml:") and "; " in f for f in told)


def test_a_weaker_cell_is_told_on_its_line() -> None:
    """The line of the finding is the line of the weaker cell."""
    text = spoiled(
        "    unlock:               {verify: [V3],      approve: A1, ",
        "    unlock:               {verify: [V1],      approve: A1, ",
    )
    weak = "    unlock:               {verify: [V1],      approve: A1, "

    told = [f for f in found(text) if "privileged asks for less" in f]

    assert told
    assert told[0].startswith(f"procedures.yaml:{line_of(weak, text)}: procedures.privileged.unlock")


OWNERS = "{weight: 3, enforced: true, remote: true, phishable: false, proves: owner"


def test_a_method_distrusted_closes_what_stood_on_it() -> None:
    """Taking weight from a method is followed through to every cell that nobody can satisfy any more."""
    methods = spoiled(OWNERS, OWNERS.replace("3", "0"), METHODS)

    told = found(PROCEDURES, methods)

    assert len([f for f in told if "no set of the shipped methods satisfies VN" in f]) == 9


def test_mistakes_of_all_files_are_listed_together(folder: Path) -> None:
    """A check goes on to people.cedar when procedures.yaml is wrong, and names both."""
    (folder / "procedures.yaml").write_text(spoiled("hold: 1h", "hold: soon"), encoding="utf-8")
    with (folder / "people.cedar").open("a", encoding="utf-8") as file:
        file.write("permit (principal, acton, resource);\n")

    told = [str(m) for m in check(folder)]

    assert any("'soon' is no duration" in m for m in told)
    assert any("people.cedar" in m and "acton" in m for m in told)


def test_what_is_no_yaml_is_one_mistake(folder: Path) -> None:
    """A file that does not parse at all is listed like any other mistake, with its line."""
    (folder / "procedures.yaml").write_text("tiers:\n  - [\n", encoding="utf-8")

    told = check(folder)

    assert [(Path(m.file).name, m.line) for m in told] == [("procedures.yaml", 3)]


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    """A folder without the files is invalid input, not a finding."""
    with pytest.raises(Invalid, match=r"procedures\.yaml"):
        check(tmp_path)
