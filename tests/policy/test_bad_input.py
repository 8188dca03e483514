"""Spoiled policy files: every mistake is told at once, with file, line, path and the way on, and nothing is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.policy.sample import CEDAR, METHODS, PROCEDURES, SCHEMA, line_of, spoiled
from watchword.core.errors import Invalid
from watchword.policy import People, Policy, Procedures
from watchword.policy.bundle import FILES
from watchword.policy.document import MAX_BYTES, read
from watchword.policy.procedures import DEFAULT

UNLOCK = "{verify: [V1, V2],  approve: none, hold: 0,   alert: L0, after: told}"


@pytest.mark.parametrize(
    ("old", "new", "path", "said"),
    [
        ("approve: A1, ", "approve: {n: 0}, ", "procedures.standard.factor_reset.approve", "write `approve: none`"),
        ("approve: A1, ", "approve: 0, ", "procedures.standard.factor_reset.approve", "write `approve: none`"),
        ("approve: A1, ", "approve: [], ", "procedures.standard.factor_reset.approve", "write `approve: none`"),
        ("approve: A1,   hold", "hold", "procedures.standard.factor_reset.approve", "write `approve: none`"),
        ("approve: A1, ", "approve: [A1], ", "procedures.standard.factor_reset.approve", "name one of `approvals:`"),
        ("approve: A1, ", "approve: A9, ", "procedures.standard.factor_reset.approve", "not among the approvals"),
        ("approve: A1, ", "approve: AO, ", "procedures.standard.factor_reset.approve", "not on the ladder"),
        ("seats: [[manager_of_record]]}", "seats: []}", "approvals.A1.seats", "approves nothing"),
        ("seats: [[manager_of_record]]}", "seats: [[]]}", "approvals.A1.seats.0", "approves nothing"),
        ("seats: [[sponsor]]}", "seats: [[agent]]}", "approvals.A1S.seats.0.0", "'agent' is no seat"),
        ("seats: [[sponsor]]}", "seats: [[sponser]]}", "approvals.A1S.seats.0.0", "name one of manager_of_record"),
        ("verify: [V1P, V2B]", "verify: [V7]", "procedures.standard.password_reset.verify.0", "use one of V1, V1P"),
        ("verify: [V1P, V2B]", "verify: []", "procedures.standard.password_reset.verify", "at least 1 of them"),
        ("any_of: [[passkey]]", "any_of: [[passkee]]", "tiers.V1P.any_of.0.0", "not among the methods"),
        ("raise_to: V4,", "raise_to: V1,", "tiers.V3.raise_to", "leads back to itself"),
        ("hold: 1h", "hold: 1 hour", "procedures.standard.total_loss.hold", "is no duration"),
        ("hold: 1h", "hold: true", "procedures.standard.total_loss.hold", "is no duration"),
        ("waived_by: [passkey]", "waived_by: [luck]", "procedures.standard.total_loss.waived_by.0", "methods"),
        ("alert: L0", "alert: L9", "procedures.standard.unlock.alert", "'L0', 'L1', 'L2' or 'L3'"),
        ("after: told", "after: tld", "procedures.standard.unlock.after", "use one of told"),
        ("after: told", "afterwards: told", "procedures.standard.unlock.afterwards", "not known here"),
        ('instead: "ask for the role', 'insted: "ask for the role', "privileged_override.insted", "not known here"),
        ("when: {channel: [chat]}", "when: {chanel: [chat]}", "context.0.when.chanel", "not known here"),
        ("when: {channel: [chat]}", "when: {channel: [fax]}", "context.0.when.channel.0", "'walk_in'"),
        ("when: {channel: [chat]}", "when: {}", "context.0.when", "raise every request"),
        ("tier: 1, alert: 1}", "tier: -1, alert: 1}", "context.0.tier", "a context may only raise"),
        ("custodians: 2", "custodians: 1", "break_glass.custodians", "at least 2"),
        ("expires: 4h", "expires: 5h", "break_glass.expires", "at most 14400 seconds"),
        ("grant: 15m", "grant: 16m", "times.grant", "at most 900 seconds"),
        ("protective: {methods: 1", "protective: {methods: 2", "protective.methods", "write 1"),
        ("strongest: VN", "strongest: VX", "classes.service.strongest", "not among the tiers"),
        ("tolerate: {V1: 3", "tolerate: {V8: 3", "classes.standard.tolerate.V8", "not among the tiers"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_where_it_stands(old: str, new: str, path: str, said: str) -> None:
    """One slip of the pen is told with its line, its path and what to write instead."""
    text = spoiled(old, new)

    with pytest.raises(Invalid) as error:
        Procedures.load(text)

    told = [line for line in str(error.value).splitlines() if path in line]
    assert told, str(error.value)
    assert said in told[0]
    assert any(line.strip().startswith("procedures.yaml:") for line in told)


def test_the_line_is_the_line_of_the_mistake() -> None:
    """The line told is the one the mistake stands on."""
    text = spoiled("hold: 72h, alert: L3", "hold: 72, alert: L3")
    line = line_of("hold: 72, alert: L3", text)

    with pytest.raises(Invalid, match=f"procedures.yaml:{line}: procedures.privileged.recovery_info_change.hold"):
        Procedures.load(text)


def test_every_mistake_is_told_at_once() -> None:
    """Four mistakes of four kinds in two files are one error with four lines."""
    text = spoiled("hold: 1h", "hold: soon")
    text = spoiled("seats: [[sponsor]]}", "seats: []}", text)
    text = spoiled("when: {channel: [mail]}", "when: {chanel: [mail]}", text)
    methods = spoiled("[[sim_swap]", "[[sim_swop]", METHODS)

    with pytest.raises(Invalid) as error:
        Procedures.load(text, methods)

    assert "4 mistakes" in str(error.value)
    for said in ("'soon' is no duration", "approves nothing", "chanel", "methods.yaml", "'sim_swop' is no capability"):
        assert said in str(error.value)


def test_a_missing_cell_is_told() -> None:
    """A cell that is not written is a mistake with the way on, not a default."""
    text = spoiled(f"    unlock:               {UNLOCK}\n", "")

    with pytest.raises(
        Invalid, match=r"procedures\.standard\.unlock: this cell is missing; answer it, or write `deny`"
    ):
        Procedures.load(text)


def test_a_missing_class_is_told_once() -> None:
    """A class without a row is one mistake, not one for each of its cells."""
    head, _, rest = PROCEDURES.partition("  external:\n    unlock")
    text = head + rest[rest.index("  executive:\n") :]

    with pytest.raises(Invalid, match="one mistake") as error:
        Procedures.load(text)

    assert "procedures.external: this class is missing" in str(error.value)


def test_a_cell_written_twice_is_told() -> None:
    """The second of two answers to one cell is named with its line; neither wins silently."""
    text = spoiled(
        "    password_reset:       {verify: [V1P,", f"    unlock: {UNLOCK}\n    password_reset:       {{verify: [V1P,"
    )

    with pytest.raises(Invalid, match=f"procedures.yaml:{line_of('    unlock: {', text)}: procedures.standard.unlock"):
        Procedures.load(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a table is expected"),
        ("- a\n- b", "a table is expected"),
        ("just words", "a table is expected"),
        ("tiers: {V1: [", "not YAML"),
        ("tiers:\n\t- tab", "not YAML"),
        ("tiers: 'open", "not YAML"),
        ("a: \x07", "character YAML does not allow"),
        (spoiled("tiers:", "tiers: &all"), "anchor or alias"),
        (spoiled(UNLOCK, "*all"), "anchor or alias"),
        (spoiled("methods: 1,", "methods: !!python/name:os.system 1,"), "tag"),
        (spoiled("methods: 1,", "methods: !!int 1,"), "tag"),
        ("---\ntiers: {}\n---\ntiers: {}", "second document"),
        ("{[a, b]: c}", "key that is no word"),
        ("[" * 50_000, "nesting deeper"),
        ("{a: " * 50_000, "nesting deeper"),
        ("# " + "x" * MAX_BYTES, "larger than"),
    ],
    ids=lambda v: repr(v)[:24],
)
def test_what_is_no_policy_is_refused_whole(text: str, said: str) -> None:
    """Broken, oversized, bottomless or clever YAML is refused with the reason, before anything is built from it."""
    with pytest.raises(Invalid, match=said):
        Procedures.load(text)


def test_words_stay_words() -> None:
    """`no`, `off`, a date and a leading zero are what they look like, not what YAML 1.1 makes of them."""
    document = read("{a: no, b: off, c: 2030-01-01, d: 1e3, e: '7', f: 7, g: true, h: null, i: ~}", "x.yaml")

    assert document.value == {
        "a": "no",
        "b": "off",
        "c": "2030-01-01",
        "d": "1e3",
        "e": "7",
        "f": 7,
        "g": True,
        "h": None,
        "i": None,
    }


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("permit (principal, action, resource)", "unexpected end of input"),
        ('@id("x") permit (principal, acton, resource);', "acton"),
        ('@id("x") permit (principal, action == Action::"opn", resource);', "opn"),
        ('@id("x") permit (principal in Role::"agnt", action, resource);', "agnt"),
        ('@id("x") permit (principal, action, resource) when { principal.clearance > 3 };', "clearance"),
        ('@id("x") permit (principal, action, resource) when { context.recovered == 3 };', "Bool and Long"),
        ('@id("x") permit (principal, action, resource) when { resource.opener == principal };', "opener"),
        ("permit (principal, action, resource);", "no name"),
        ('permit (principal, // @id("z")\naction, resource);', "no name"),
        ('@id("subject-never-acts") forbid (principal, action, resource);', "two rules have this name"),
    ],
)
def test_a_cedar_rule_that_is_wrong_is_told_with_its_line(rule: str, said: str) -> None:
    """Malformed, misspelt, mistyped and unnamed rules keep the policy from loading, each with file and line."""
    text = f"{CEDAR}\n// a comment; with a semicolon\n{rule}\n"

    with pytest.raises(Invalid, match=f"people.cedar:{line_of(rule, text)}: .*{said}"):
        People.load(text, SCHEMA)


def test_every_cedar_mistake_is_told_at_once() -> None:
    """Two wrong rules are two lines."""
    two = '@id("x") permit (principal, acton, resource);\n@id("y") permit (principal, action, resource) when { 3 };'

    with pytest.raises(Invalid, match="2 mistakes"):
        People.load(f"{CEDAR}\n{two}", SCHEMA)


def test_no_rules_are_no_policy() -> None:
    """An empty file permits nothing and is a mistake all the same."""
    with pytest.raises(Invalid, match="no rule"):
        People.load("// nothing here\n", SCHEMA)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("entity Case = {", "entity Case = ", "does not parse"),
        (" activate_policy,\n", " activate,\n", "activate_policy"),
        ('"kind": String', '"kind": Long', "Long and String"),
        ('"action": String', '"action": Long', "step open"),
    ],
)
def test_a_schema_that_does_not_fit_is_refused(old: str, new: str, said: str) -> None:
    """A schema that is broken, lacks a step or types a fact otherwise keeps the policy from loading."""
    with pytest.raises(Invalid, match=said):
        People.load(CEDAR, spoiled(old, new, SCHEMA))


def test_a_rule_that_can_only_fail_is_refused_at_the_start() -> None:
    """A rule that errors on the plainest case never gets to run."""
    broken = '@id("x") permit (principal, action, resource) when { 9223372036854775807 + 1 > 0 };'

    with pytest.raises(Invalid, match="overflow"):
        People.load(f"{CEDAR}\n{broken}", SCHEMA)


def test_a_folder_without_its_files_says_which(tmp_path: Path) -> None:
    """A policy folder that lacks a file, or holds one that is no text, is refused by that file's name."""
    with pytest.raises(Invalid, match=r"procedures\.yaml"):
        Policy.load(tmp_path)
    for name in FILES:
        (tmp_path / name).write_bytes((DEFAULT / name).read_bytes())
    assert Policy.load(tmp_path).digest == Policy.default().digest
    (tmp_path / "methods.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(Invalid, match=r"methods\.yaml.*UTF-8"):
        Policy.load(tmp_path)


def test_the_digest_of_a_bundle_is_over_all_four_files(tmp_path: Path) -> None:
    """A space at the end of any of the four files is another policy."""
    seen = {Policy.default().digest}
    for changed in FILES:
        for name in FILES:
            (tmp_path / name).write_bytes((DEFAULT / name).read_bytes())
        with (tmp_path / changed).open("ab") as file:
            file.write(b"\n")
        seen.add(Policy.load(tmp_path).digest)

    assert len(seen) == 1 + len(FILES)
