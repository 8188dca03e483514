"""Several native records of one click are one support action, and nothing else is."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchword.core.evidence import EvidenceRow
from watchword.core.identity_event import Canonical, Verdict

from .conftest import Classify, Okta


def _factors(okta: Okta, gaps: tuple[float, ...], **members: Any) -> list[dict[str, Any]]:
    return [okta("user.mfa.factor.deactivate", after=gap, transaction={"id": "t"}, **members) for gap in gaps]


def test_three_factors_of_one_click_are_one_action(okta: Okta, classify: Classify) -> None:
    """An Okta Verify reset fires three records of one transaction: one action, at the first one's time and id."""
    lines = _factors(okta, (0, 0.04, 0.08))
    (row,) = classify(lines).verdicts
    assert (row.id, row.folded, row.action) == (lines[0]["uuid"], 3, Canonical.FACTOR_RESET)


def test_the_strongest_record_names_the_click(okta: Okta, classify: Classify) -> None:
    """`reset_all` beside its deactivations names the action, and is no second kind of change."""
    lines = [*_factors(okta, (0, 0.1)), okta("user.mfa.factor.reset_all", after=0.2, transaction={"id": "t"})]
    (row,) = classify(lines).verdicts
    assert (row.action, row.native_action, row.folded) == (Canonical.FACTOR_RESET_ALL, "user.mfa.factor.reset_all", 3)


def test_more_than_two_seconds_are_two_clicks(okta: Okta, classify: Classify) -> None:
    """The same transaction three seconds later is another action."""
    assert [row.folded for row in classify(_factors(okta, (0, 3))).verdicts] == [1, 1]


def test_another_transaction_actor_target_or_family_is_another_click(okta: Okta, classify: Classify) -> None:
    """Each thing that tells clicks apart keeps records apart."""
    base: dict[str, Any] = {"transaction": {"id": "t"}}
    lines = [
        okta(**base),
        okta(transaction={"id": "other"}),
        okta(actor="00uadmin", **base),
        okta(target="00uben", **base),
        okta("user.mfa.factor.reset_all", **base),
    ]
    assert [row.folded for row in classify(lines).verdicts] == [1] * 5


def test_a_failed_record_is_no_part_of_a_done_click(okta: Okta, classify: Classify) -> None:
    """A factor that could not be removed does not make the others fail, nor the other way round."""
    lines = [*_factors(okta, (0,)), *_factors(okta, (0.1,), outcome={"result": "FAILURE"})]
    assert {row.verdict for row in classify(lines).verdicts} == {Verdict.UNVERIFIED, Verdict.IGNORED}


def test_without_anything_shared_nothing_is_folded(okta: Okta, classify: Classify) -> None:
    """Records that share no transaction stay apart: folding would hide a repeat."""
    lines = [okta(after=n / 10, transaction={"id": "unknown"}) for n in range(3)]
    assert [row.folded for row in classify(lines).verdicts] == [1, 1, 1]


def test_a_new_accounts_first_password_is_no_reset(okta: Okta, classify: Classify) -> None:
    """Making an account, enabling it and giving it a password in one click owes nothing."""
    kinds = ("user.lifecycle.create", "user.lifecycle.activate", "user.account.reset_password")
    lines = [okta(kind, after=n / 10, transaction={"id": "t"}) for n, kind in enumerate(kinds)]
    (row,) = classify(lines).verdicts
    assert (row.verdict, row.reasons, row.action) == (Verdict.IGNORED, ("new_account",), Canonical.ACCOUNT_CREATE)


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (2, 1, 0)])
def test_a_name_that_was_taken_from_another_hides_no_reset(
    okta: Okta, classify: Classify, order: tuple[int, int, int]
) -> None:
    """Whoever makes an account where another was, and takes it away again, may have reset that other one."""
    kinds = ("user.lifecycle.create", "user.lifecycle.delete.completed", "user.account.reset_password")
    lines = [okta(kinds[kind], after=n / 10, transaction={"id": "t"}) for n, kind in enumerate(order)]
    found = {row.action: row.verdict for row in classify(lines).verdicts}
    assert found[Canonical.ACCOUNT_CREATE] is Verdict.UNVERIFIED


@pytest.mark.parametrize(("before", "verdict"), [(61, Verdict.UNVERIFIED), (2, Verdict.IGNORED)])
def test_an_account_that_was_there_is_not_being_made(
    okta: Okta, classify: Classify, before: float, verdict: Verdict
) -> None:
    """What was done to an account a minute before says that it is no new one, whatever a line says beside its reset."""
    kinds = ("user.lifecycle.create", "user.account.reset_password")
    lines = [okta(kind, after=n / 10, transaction={"id": "t"}) for n, kind in enumerate(kinds)]
    lines.append(okta("user.account.lock", after=-before))
    found = {row.action: row.verdict for row in classify(lines).verdicts}
    assert found[Canonical.ACCOUNT_CREATE] is verdict


@settings(max_examples=12)
@given(seed=st.integers(0, 2**32))
def test_the_order_of_lines_does_not_matter(
    classify: Classify, evidence: Callable[..., EvidenceRow], seed: int
) -> None:
    """Whatever events there are, shuffled lines give the same verdicts, reasons and claims."""
    chance, okta = random.Random(seed), Okta()
    kinds = ("user.account.reset_password", "user.mfa.factor.deactivate", "user.account.unlock_by_admin")
    lines = [
        okta(
            chance.choice(kinds),
            actor=chance.choice(("00uexecutor", "00uadmin", "00uana")),
            target=chance.choice(("00uana", "00uben")),
            after=chance.choice((0, 0.1, 1.9, 2, 2.1, 60, 4000)),
            transaction={"id": chance.choice(("t1", "t2", "unknown"))},
            uuid=chance.choice(("a", "b", "c", "d", "e", "f")),
        )
        for _ in range(chance.randrange(2, 14))
    ]
    rows = [evidence(case=f"c-{n}", account=chance.choice(("00uana", "00uben"))) for n in range(3)]
    first = classify(lines, rows).verdicts
    chance.shuffle(lines)
    chance.shuffle(rows)
    assert classify(lines, rows).verdicts == first
