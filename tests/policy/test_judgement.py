"""Whether a policy stops the attacker of a scenario, and at which step."""

from __future__ import annotations

import pytest

from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.policy import Policy
from watchword.policy.attack import Analysis, Attack, CellAttacks, Need
from watchword.policy.judgement import Holdings, ScenarioVerdict, judge
from watchword.policy.scenarios import Care, Scenario

SWAP = Need(capability="sim_swap", subject="target")
ADMIN = Need(capability="idp_admin")


def scenario(*has: Need, action: Action, of: AccountClass, judged_by: Care | None = None) -> Scenario:
    """An attacker with *has* in one cell."""
    return Scenario(
        id="T1",
        title="T",
        story="T.",
        has=has,
        classes=(of,),
        actions=(action,),
        step="verify",
        judged_by=judged_by,
        attack=(),
        source="T",
    )


def verdict(
    *has: str,
    action: Action = Action.FACTOR_RESET,
    of: AccountClass = AccountClass.STANDARD,
    attacks: tuple[tuple[Need, ...], ...] = (),
    judged_by: Care | None = None,
) -> ScenarioVerdict:
    """Judge `capability` or `capability@whom` in one cell of the shipped policy that *attacks* reach."""
    needs = tuple(Need(capability=c, subject=s) for c, _, s in (h.partition("@") for h in has))
    cell = CellAttacks(
        account_class=of,
        action=action,
        denied=False,
        attacks=tuple(Attack(needs=n, cost=1, dearest=1) for n in attacks),
        infrastructure=(Attack(needs=(ADMIN,), cost=5, dearest=5, infrastructure=True),),
    )
    analysis = Analysis(policy="sha256:0", cells=(cell,))
    return judge(Policy.default(), analysis, scenario(*needs, action=action, of=of, judged_by=judged_by))


def test_an_attack_whose_needs_are_all_held_goes_through() -> None:
    """Holding every need of an attack, and more besides, is enough; lacking one is not."""
    both = (SWAP, Need(capability="approver_duped", subject="manager_of_record"))

    assert verdict("sim_swap", "approver_duped@manager_of_record", "osint", attacks=(both,)).at == "through"
    assert verdict("sim_swap", attacks=(both,)).stopped


def test_a_way_around_the_desk_is_said_to_be_one() -> None:
    """An infrastructure edge goes through, and the verdict says that it went around the desk."""
    found = verdict("idp_admin")

    assert (found.stopped, found.why) == (False, "idp_admin is enough, around the desk")


def test_the_proof_stops_whoever_holds_part_of_it() -> None:
    """With the number moved, a standard account's one-time password still holds."""
    found = verdict("sim_swap")

    assert (found.at, found.why) == ("verify", "of totp + call_code, totp still holds")


def test_the_approver_stops_whoever_has_the_proof() -> None:
    """With the phone stolen both proofs fall, and the manager still has to approve."""
    found = verdict("device_theft")

    assert (found.at, found.why) == ("approve", "the proof falls, and manager_of_record still has to approve")


def test_the_hold_stops_whoever_has_proof_and_approval() -> None:
    """With proof and approval in hand the person is still told an hour ahead."""
    found = verdict("device_theft", "agent_duped", "approver_duped@manager_of_record", action=Action.TOTAL_LOSS)

    assert (found.at, found.why) == ("hold", "proof and approval fall, and the person is told 60 minutes ahead")


def test_a_denied_cell_stops_with_its_reason() -> None:
    """What the desk refuses is said with the policy's own words."""
    found = verdict("device_theft", action=Action.PRIVILEGED_OVERRIDE)

    assert (found.at, found.why) == ("denied", "the desk refuses: a standard account has no privileged role to lend")


@pytest.mark.parametrize(
    ("held", "care", "action", "stopped", "why"),
    [
        ("mailbox_work", "notify", Action.FACTOR_RESET, True, "2 channels are told, and the attacker holds mail"),
        ("mailbox_work", "notify", Action.UNLOCK, False, "mail is all that is told, and the attacker holds it"),
        ("sim_swap", "revoke_sessions", Action.TOTAL_LOSS, True, "every session is ended where the directory can"),
        ("sim_swap", "revoke_sessions", Action.UNLOCK, False, "no session is ended"),
        ("sim_swap", "probation", Action.PASSWORD_RESET, False, "nothing follows"),
    ],
)
def test_after_care_is_judged_by_what_it_does(held: str, care: Care, action: Action, stopped: bool, why: str) -> None:
    """A notice counts where a channel is left that the attacker does not hold; sessions count where they are ended."""
    found = verdict(held, judged_by=care, action=action)

    assert (found.stopped, found.why) == (stopped, why)


def test_a_probation_that_is_only_recorded_stops_nobody() -> None:
    """Watchword holds no payroll system, and the verdict does not pretend that it does."""
    found = verdict("session_token", judged_by="probation", of=AccountClass.FINANCE)

    assert not found.stopped
    assert "stops nothing by itself" in found.why


def test_a_capability_without_a_name_is_about_no_approver() -> None:
    """Unsaid, a capability is about the target, an agent or nobody; an approver has to be named."""
    unsaid = Holdings((Need(capability="session_token"),))
    named = Holdings((Need(capability="session_token", subject="iam_duty"),))
    anybody = Holdings((Need(capability="session_token", subject="anybody"),))
    subjects = ("target", "agent_1", "", "manager_of_record", "iam_duty_2")

    assert [s for s in subjects if unsaid.covers("session_token", s)] == ["target", "agent_1", ""]
    assert [s for s in subjects if named.covers("session_token", s)] == ["iam_duty_2"]
    assert all(anybody.covers("session_token", s) for s in subjects)
    assert not unsaid.covers("sim_swap", "target")
