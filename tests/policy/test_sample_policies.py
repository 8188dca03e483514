"""The two sample policies of the documents: they load, they are sound, and each meets what it is said to meet."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchword.policy import Policy
from watchword.policy.check import check
from watchword.policy.frameworks import compliance, load_frameworks

SAMPLES = Path(__file__).resolve().parents[2] / "docs" / "policies"
NAMES = ("written-fallback", "aal2-letter")


def unmet(name: str) -> set[str]:
    """The rules that some cell of a sample does not meet."""
    return {c.rule for c in compliance(Policy.load(SAMPLES / name), load_frameworks()) if not c.met}


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_is_a_whole_and_sound_policy(name: str) -> None:
    """A sample loads, and `policy check` has nothing to say about it."""
    assert check(SAMPLES / name) == ()


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_is_judged_by_the_same_world(name: str) -> None:
    """Samples add methods of their own, and share what everything else costs, falls to and leads to."""
    ours, theirs = (p.procedures.loaded.methods for p in (Policy.load(SAMPLES / name), Policy.default()))
    shared = ours.methods.keys() & theirs.methods.keys()

    assert ours.model_copy(update={"methods": {}}) == theirs.model_copy(update={"methods": {}})
    assert len(shared) >= 4
    assert {m: ours.methods[m] for m in shared} == {m: theirs.methods[m] for m in shared}


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_lets_the_same_people_act_as_the_default(name: str) -> None:
    """Samples differ in what they ask for, and share the rules of who may act."""
    assert Policy.load(SAMPLES / name).texts[2:] == Policy.default().texts[2:]


def test_the_letter_meets_aal2() -> None:
    """Two codes of different kinds are a recovery at AAL2, and identity is verified before a factor changes."""
    assert not unmet("aal2-letter") & {"nist-63b-aal1", "nist-63b-aal2", "nist-63b-notice", "nist-63b-binding"}
    assert "pci-8.3.3" not in unmet("aal2-letter")


def test_the_written_fallback_meets_pci_and_not_nist() -> None:
    """Knowledge counts for PCI DSS 8.3.3, whose guidance names it, and for neither NIST nor ASVS."""
    assert "pci-8.3.3" not in unmet("written-fallback")
    assert {"nist-63b-aal1", "nist-63b-aal2", "asvs-6.4.2", "asvs-6.4.4"} <= unmet("written-fallback")
