"""That somebody hears of it: what gets an action done does not by itself hold every channel its notice goes to."""

from __future__ import annotations

from collections.abc import Iterator

from watchword.policy.attack import Analysis, Attack
from watchword.policy.bundle import Policy
from watchword.policy.document import Mistake

TARGET, UNSEEN = "target", "unseen"


def unnoticed(policy: Policy, analysis: Analysis) -> tuple[Mistake, ...]:
    """Return each answered cell that tells somebody and could as well not, with the cheapest attack that shows it.

    What an attacker pays only to keep notices away does not count: there the notice is worth its price.
    """
    return tuple(_unnoticed(policy, analysis))


def _unnoticed(policy: Policy, analysis: Analysis) -> Iterator[Mistake]:
    channels = policy.procedures.loaded.methods.steps.notices
    for cell in analysis.cells:
        asked = policy.procedures.plain(cell.account_class, cell.action)
        if asked is None or not asked.after.notify:
            continue
        for attack in cell.attacks:
            held = _held(attack)
            if all(any(held.issuperset(ways) for ways in falls) for falls in channels.values()):
                needs = " + ".join(map(str, attack.needs))
                yield policy.procedures.loaded.document.mistake(
                    ("procedures", cell.account_class, cell.action, "after"),
                    f"whoever has {needs} (cost {attack.cost}) also holds every channel the notice goes to",
                    "ask for proof by something else than what notices go through, or for an approval",
                )
                break


def _held(attack: Attack) -> frozenset[str]:
    """What is held about the target by the time the action is done, without what only keeps notices away."""
    return frozenset(
        need.capability
        for step in attack.steps
        if step.gives != UNSEEN
        for need in step.needs
        if need.subject == TARGET
    )
