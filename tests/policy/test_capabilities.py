"""The algebra of minimal sets: what a worked table of methods falls to, by hand and by the algebra."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.policy.capabilities import FREE, Algebra, Ways
from watchword.policy.methods_tables import CapabilityRow

COSTS = {
    "osint": 1, "hr_data": 1, "agent_duped": 1, "phish_relay": 2, "profile_write": 2, "mailbox_work": 2,
    "session_token": 2, "id_forgery": 2, "approver_duped": 2, "iam_duped": 2, "sim_swap": 3, "device_theft": 3,
    "approver_endpoint": 3,
    "otp_seed_sync": 3, "endpoint_control": 3, "recovery_code_theft": 3, "video_deepfake": 3, "chat_approver": 3,
    "agent_corrupt": 4, "approver_corrupt": 4, "iam_corrupt": 4, "hris_write": 4, "in_person_impostor": 4,
    "wallet_theft": 4, "idp_admin": 5, "vc_issuer": 5,
}  # fmt: skip

METHODS = {
    "manager_name": "osint",
    "security_questions": "hr_data | osint",
    "sms": "sim_swap | phish_relay | device_theft | profile_write | endpoint_control",
    "call_back": "sim_swap | device_theft | hris_write | profile_write",
    "aged_call_back": "sim_swap | device_theft | hris_write",
    "manager_chat": "chat_approver | approver_duped | approver_corrupt",
    "manager_portal": "approver_duped | approver_corrupt | approver_endpoint",
    "iam": "iam_duped | iam_corrupt",
    "saved_code": "recovery_code_theft | phish_relay | endpoint_control",
    "mail_code": "mailbox_work | session_token | phish_relay",
    "totp": "phish_relay | otp_seed_sync | device_theft",
    "numbered_push": "phish_relay | device_theft",
    "live_video": "id_forgery+video_deepfake | agent_duped | agent_corrupt",
    "weak_selfie": "id_forgery",
    "checked_selfie": "id_forgery+video_deepfake",
    "in_person": "in_person_impostor+id_forgery | agent_corrupt",
    "managed_device": "endpoint_control | device_theft | idp_admin",
    "credential_and_face": "wallet_theft+video_deepfake | vc_issuer",
}
"""Methods with no subject, the call-back enforced: what each falls to. An approver's endpoint goes by its own name."""


def algebra(bound: int = 99) -> Algebra:
    """Over the capabilities of the table."""
    return Algebra({name: CapabilityRow(cost=cost) for name, cost in COSTS.items()}, bound)


def falls(over: Algebra, method: str) -> Ways:
    """What one method falls to."""
    ways = METHODS[method].split(" | ")
    return over.either([over.all_of([over.need(c, "") for c in way.split("+")]) for way in ways])


def sets(over: Algebra, ways: Ways) -> dict[frozenset[str], int]:
    """The sets by name, with their cost."""
    return {frozenset(n.capability for n, _ in over.needs_in(mask)): cost for mask, (cost, _) in ways.items()}


@pytest.mark.parametrize(
    ("asked", "count", "cheapest", "cost", "alone"),
    [
        ("manager_name", 1, "osint", 1, "osint"),
        ("security_questions", 2, None, 1, "hr_data osint"),
        ("sms call_back", 5, "profile_write", 2, "profile_write device_theft sim_swap"),
        ("sms call_back manager_chat", 15, "approver_duped profile_write", 4, ""),
        ("saved_code mail_code", 5, "phish_relay", 2, "phish_relay"),
        ("sms totp", 5, "phish_relay", 2, "phish_relay device_theft"),
        ("aged_call_back numbered_push", 3, "device_theft", 3, "device_theft"),
        ("aged_call_back saved_code", 9, None, 5, ""),
        (
            "aged_call_back saved_code manager_portal", 27, "approver_duped device_theft phish_relay", 7, "",
        ),
        ("live_video", 3, "agent_duped", 1, "agent_duped agent_corrupt"),
        ("weak_selfie sms", 5, None, 4, ""),
        (
            "checked_selfie aged_call_back manager_portal iam", 18,
            "approver_duped iam_duped device_theft id_forgery video_deepfake", 12, "",
        ),
        ("in_person managed_device", 6, None, 7, ""),
        ("in_person credential_and_face manager_chat iam", 24, None, 13, ""),
    ],
)  # fmt: skip
def test_the_worked_examples_come_out(asked: str, count: int, cheapest: str | None, cost: int, alone: str) -> None:
    """The published examples, computed with their own assumptions, have these minimal sets and these costs."""
    over = algebra()
    found = sets(over, over.all_of([falls(over, method) for method in asked.split()]))

    assert len(found) == count
    assert min(found.values()) == cost
    assert cheapest is None or found[frozenset(cheapest.split())] == cost
    assert {next(iter(s)) for s in found if len(s) == 1} == set(alone.split())


needs = st.sets(st.sampled_from(sorted(COSTS)), min_size=1, max_size=3)
ways = st.lists(needs, min_size=1, max_size=5)


def smallest(given_sets: set[frozenset[str]]) -> set[frozenset[str]]:
    """Those that contain no other."""
    return {s for s in given_sets if not any(o < s for o in given_sets)}


@given(ways, ways, st.integers(3, 12))
def test_both_is_every_union_and_a_bound_only_cuts_what_is_dear(
    one: list[set[str]], other: list[set[str]], bound: int
) -> None:
    """Joining two lists of sets gives the minimal unions, and with a bound exactly those that cost no more."""
    over = algebra(bound)
    wide = algebra()
    unions = smallest({frozenset(a | b) for a, b in product(one, other)})

    def joined(use: Algebra) -> set[frozenset[str]]:
        sides = [use.either([use.all_of([use.need(c, "") for c in s]) for s in side]) for side in (one, other)]
        return set(sets(use, use.both(*sides)))

    assert joined(wide) == unions
    assert joined(over) == {u for u in unions if sum(COSTS[c] for c in u) <= bound}
    assert over.cut or joined(over) == unions


def test_nothing_needed_is_free_and_no_way_is_none() -> None:
    """An empty requirement falls to nothing at all, one without a way to nobody."""
    over = algebra()

    assert over.all_of([]) == FREE
    assert over.either([]) == {}
    assert over.both({}, over.need("osint", "")) == {}
