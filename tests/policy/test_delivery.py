"""How a credential is delivered, in the attack analysis: a spoken code is a step, and a page costs nothing more."""

from __future__ import annotations

from pathlib import Path

from tests.policy.sample import CEDAR, METHODS, SCHEMA, spoiled
from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.policy import Policy
from watchword.policy.attack import prove
from watchword.policy.bundle import FILES
from watchword.policy.judgement import judge
from watchword.policy.scenarios import load_scenarios

ROW = "    password_reset:       {verify: [V1P, V2B], approve: none, hold: 0,  alert: L0, after: signed_out}"
"""The cell of a standard account."""

ONE_CODE = ROW.replace("[V1P, V2B]", "[V1]")
"""The same where one authenticator is enough, a one-time password too."""

RELAY = """\
scenarios:
  - id: OWN-1
    title: Not a word to the desk
    story: The person is on a page that looks like ours, and what they type there goes on to the desk's own.
    has: [phish_relay]
    classes: [standard]
    actions: [password_reset]
    step: verify
    attack: [T1656]
    source: told at the bar
"""


def delivered(folder: Path, how: str, methods: str = METHODS) -> Policy:
    """The shipped policy, where a standard account's password takes one authenticator and is delivered so."""
    texts = (spoiled(ROW, ONE_CODE.replace("}", f", deliver: {how}}}")), methods, CEDAR, SCHEMA)
    for name, text in zip(FILES, texts, strict=True):
        (folder / name).write_text(text, encoding="utf-8")
    return Policy.load(folder)


def attacks(policy: Policy) -> set[frozenset[str]]:
    """The sets that reach that reset from outside."""
    cells = prove(policy).cells
    (cell,) = (c for c in cells if (c.account_class, c.action) == (AccountClass.STANDARD, Action.PASSWORD_RESET))
    return {frozenset(n.capability for n in attack.needs) for attack in cell.attacks}


def test_a_spoken_code_is_one_step_more(tmp_path: Path) -> None:
    """A relayed code is enough for what a page shows; where a code is said as well, the agent has to fall to it too."""
    page, spoken = attacks(delivered(tmp_path, "page")), attacks(delivered(tmp_path, "spoken"))
    assert frozenset({"phish_relay"}) in page
    assert frozenset({"phish_relay"}) not in spoken
    assert {frozenset({"phish_relay", one}) for one in ("agent_duped", "agent_corrupt")} <= spoken
    assert all(any(less <= more for less in page) for more in spoken)  # it opens nothing


def test_what_is_said_to_fall_to_nothing_is_free(tmp_path: Path) -> None:
    """A policy that does not say what the code falls to is analysed as if nobody said one."""
    silent = "".join(line for line in METHODS.splitlines(keepends=True) if not line.startswith("  spoken:"))
    assert silent != METHODS
    assert attacks(delivered(tmp_path, "spoken", silent)) == attacks(delivered(tmp_path, "page"))


def test_the_scenario_stops_at_the_hand_over(tmp_path: Path) -> None:
    """Whoever has all that proves and never spoke with the desk is stopped there, in words."""
    file = tmp_path / "own.yaml"
    file.write_text(RELAY, encoding="utf-8")
    for how, at in (("page", "through"), ("spoken", "hand_over")):
        policy = delivered(tmp_path, how)
        assert judge(policy, prove(policy), load_scenarios(policy, file)[-1]).at == at
