"""What frameworks say of each cell: rules as data, printed beside attack cost and never instead of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.policy.sample import CEDAR, METHODS, SCHEMA, spoiled
from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.core.errors import Invalid
from watchword.policy import Policy
from watchword.policy.bundle import FILES
from watchword.policy.frameworks import Compliance, compliance, load_frameworks

RULE = """\
kinds: {fax_code: [issued_code]}
rules:
  - id: house-1
    framework: House rules
    section: "1"
    says: two channels are told
    classes: [finance]
    actions: [unlock]
    notify: 2
"""


def found(policy: Policy, rule: str, extra: Path | None = None) -> dict[tuple[str, str], Compliance]:
    """Every cell *rule* speaks of."""
    return {(c.account_class, c.action): c for c in compliance(policy, load_frameworks(extra)) if c.rule == rule}


def changed(folder: Path, old: str, new: str) -> Policy:
    """The shipped policy with *old* replaced in its procedures."""
    texts = (spoiled(old, new), METHODS, CEDAR, SCHEMA)
    for name, text in zip(FILES, texts, strict=True):
        (folder / name).write_text(text, encoding="utf-8")
    return Policy.load(folder)


def test_the_default_meets_the_recovery_rules() -> None:
    """Every answered cell meets the recovery rules of NIST at AAL1 and AAL2, and identity before change of PCI."""
    for rule in ("nist-63b-aal1", "nist-63b-aal2", "nist-63b-notice", "pci-8.3.3", "asvs-6.4.2", "asvs-6.4.3"):
        cells = found(Policy.default(), rule)

        assert cells
        assert not [c for c in cells.values() if not c.met], rule


@pytest.mark.parametrize("rule", ["asvs-6.4.4", "nist-63b-aal3"])
def test_where_the_default_falls_short_it_says_with_what(rule: str) -> None:
    """A one-time password and a call replace a lost factor of a standard account: less than at enrolment."""
    cells = found(Policy.default(), rule)

    assert [name for name, c in cells.items() if not c.met] == [("standard", "factor_reset")]
    assert cells["standard", "factor_reset"].why == "totp + call_code is enough here"


def test_one_authenticator_alone_is_no_recovery_at_aal2(tmp_path: Path) -> None:
    """A cell that a one-time password alone satisfies meets AAL1 and not AAL2, and the method is named."""
    old = "factor_reset:         {verify: [V2],      approve: A1,"
    policy = changed(tmp_path, old, old.replace("V2", "V1"))
    cell = ("standard", "factor_reset")

    assert found(policy, "nist-63b-aal1")[cell].met
    assert found(policy, "nist-63b-aal2")[cell].why == "totp is enough here"


def test_fewer_notices_are_told(tmp_path: Path) -> None:
    """After-care that tells one channel falls short of two."""
    policy = changed(tmp_path, "standard_factor:   {notify: 2", "standard_factor:   {notify: 1")

    assert found(policy, "nist-63b-notice")["standard", "total_loss"].why == "1 of 2 channels are told"


def test_a_denied_cell_has_nothing_to_comply_with() -> None:
    """What the desk refuses is in no rule's list."""
    cells = {(c.account_class, c.action) for c in compliance(Policy.default(), load_frameworks())}

    assert (AccountClass.STANDARD, Action.PRIVILEGED_OVERRIDE) not in cells


def test_users_add_rules_and_methods(tmp_path: Path) -> None:
    """A file of one's own adds a rule, and says of a method what it is."""
    file = tmp_path / "house.yaml"
    file.write_text(RULE, encoding="utf-8")

    assert load_frameworks(file).kinds["fax_code"] == ("issued_code",)
    assert found(Policy.default(), "house-1", file)["finance", "unlock"].met is False


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("house-1", "pci-8.3.3", "rules.0.id: pci-8.3.3 is the id of another rule"),
        ("    notify: 2\n", "", "rules.0: this rule asks for nothing"),
        ("[issued_code]", "[issued]", "kinds.fax_code.0: this is not known here"),
        ("[finance]", "[money]", "rules.0.classes.0: this is not known here"),
        ("says:", "sez:", "rules.0.sez: this key is not known here"),
    ],
)
def test_a_mistake_is_told_where_it_stands(tmp_path: Path, old: str, new: str, said: str) -> None:
    """One slip of the pen is told with its path and the file it stands in."""
    file = tmp_path / "house.yaml"
    file.write_text(RULE.replace(old, new), encoding="utf-8")

    with pytest.raises(Invalid) as error:
        load_frameworks(file)

    assert said in str(error.value)
    assert "house.yaml:" in str(error.value)
