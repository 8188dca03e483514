"""What each recovery needs: the plain cells, what raises them, what is refused, and the settings beside the matrix."""

from __future__ import annotations

import msgspec
import pytest

from tests.policy.sample import CALM, METHODS, NOON, PROCEDURES, spoiled
from watchword.core.account import AccountClass
from watchword.core.action import Action, AlertLevel
from watchword.core.errors import Invalid, Refused
from watchword.core.ids import LeafHash, PersonId
from watchword.core.requirement import Context, Evidence, Requirement, Satisfied, assess
from watchword.policy import Policy, Procedures
from watchword.policy.rows import broken_glass
from watchword.policy.sufficient import sufficient
from watchword.policy.tables import VOCABULARY

SHIPPED = Policy.default().procedures
PEOPLE = tuple(c for c in AccountClass if SHIPPED.table.classes[c].proved_by == "subject")


def need(account_class: AccountClass, action: Action, context: Context = CALM, *, repeat: int = 0) -> Requirement:
    """Ask the shipped table."""
    return SHIPPED.require(account_class, action, context, completed_recoveries_7d=repeat)


def proved(*methods: str, provers: int = 1) -> tuple[Evidence, ...]:
    """Fresh evidence of each of *methods*, by so many people."""
    return tuple(
        Evidence(
            method=m,
            prover=PersonId(f"p-{n}"),
            agent=PersonId("p-agent"),
            at=NOON,
            challenge=f"{m}-{n}",
            leaf=LeafHash(f"{m}-{n}"),
        )
        for m in methods
        for n in range(provers)
    )


def test_every_cell_is_answered_or_denied_with_a_way_on() -> None:
    """Of 80 cells 65 are answered and 15 denied, each denial with a reason and what to do instead."""
    answered = {(c, a) for c, a, _ in SHIPPED.answered()}
    denied = {(c, a) for c in AccountClass for a in Action} - answered

    assert (len(answered), len(denied)) == (65, 15)
    for account_class, action in denied:
        with pytest.raises(Refused) as refused:
            need(account_class, action)
        assert refused.value.remedy.startswith("Instead: ")
        assert refused.value.reasons[0].startswith(f"{account_class}.{action}: ")


def test_a_requirement_carries_everything_it_is_judged_by() -> None:
    """A frozen requirement names its cell and policy, and the methods of its class with their costs and no others."""
    people = need(AccountClass.FINANCE, Action.FACTOR_RESET)
    machine = need(AccountClass.SERVICE, Action.SECRET_REISSUE)

    assert people.cell == "finance.factor_reset"
    assert people.policy == SHIPPED.digest == Policy.default().digest
    theirs = {name for name, row in SHIPPED.loaded.methods.methods.items() if row.proves == "subject"}
    assert {m.name for m in people.methods} == theirs >= {"passkey", "totp", "mail_code", "call_code", "in_person"}
    assert {m.name for m in machine.methods} == {"owner_passkey", "workload"}
    assert dict(people.capability_costs)["sim_swap"] == 3
    assert "breakglass_theft" not in dict(people.capability_costs)
    assert people.raised == ()


@pytest.mark.parametrize(
    ("account_class", "action"), [(c, a) for c, a, _ in SHIPPED.answered()], ids=lambda v: str(v.value)
)
def test_presence_alone_satisfies_nothing(account_class: AccountClass, action: Action) -> None:
    """No cell, plain or frozen, is satisfied by what an agent attests, and each can be satisfied by somebody."""
    needed = need(account_class, action)

    assert not isinstance(assess(needed, proved("in_person"), NOON), Satisfied)
    assert sufficient(needed)
    assert sufficient(needed, freeze=1)
    assert sufficient(needed, freeze=2)


@pytest.mark.parametrize("account_class", PEOPLE)
@pytest.mark.parametrize("action", [Action.TOTAL_LOSS, Action.FACTOR_RESET])
def test_who_lost_the_passkey_still_has_a_way(account_class: AccountClass, action: Action) -> None:
    """Somebody without passkey and authenticator who comes in person can be recovered in every class."""
    enough = sufficient(need(account_class, action))

    assert any(not set(way) & {"passkey", "totp"} for way in enough)


def test_the_strongest_tier_takes_a_passkey_or_two_contact_points() -> None:
    """V4 is presence with a passkey or with proofing again, or with a call and a mail or a saved code."""
    assert sufficient(need(AccountClass.EXECUTIVE, Action.TOTAL_LOSS)) == (
        ("passkey", "in_person"),
        ("in_person", "id_proofing"),
        ("in_person", "verifiable_credential"),
        ("mail_code", "call_code", "in_person"),
        ("call_code", "recovery_code", "in_person"),
    )


def test_two_methods_on_one_phone_count_for_standard_accounts_only() -> None:
    """A call and a one-time password share the phone that can be stolen: enough for standard, for nobody else."""
    both = proved("totp", "call_code")

    assert isinstance(assess(need(AccountClass.STANDARD, Action.FACTOR_RESET), both, NOON), Satisfied)
    assert not isinstance(assess(need(AccountClass.CONTRACTOR, Action.UNLOCK), both, NOON), Satisfied)


def test_a_one_time_password_does_not_buy_the_phone_number() -> None:
    """No class lets a one-time password alone change where later codes are sent."""
    for account_class in PEOPLE:
        needed = need(account_class, Action.RECOVERY_INFO_CHANGE)
        assert ("totp",) not in sufficient(needed)
        assert needed.hold_s >= 86_400
        assert needed.hold_waived_by == ()


def test_break_glass_is_two_custodians() -> None:
    """One custodian's key proved twice is one custodian; two of them satisfy the ceremony."""
    needed = need(AccountClass.BREAK_GLASS, Action.PASSWORD_RESET)

    assert not isinstance(assess(needed, proved("custodian_passkey"), NOON), Satisfied)
    assert isinstance(assess(needed, proved("custodian_passkey", provers=2), NOON), Satisfied)


@pytest.mark.parametrize(
    ("context", "tier", "approve", "hold_s", "alert"),
    [
        ({}, "V2", "A1", 0, AlertLevel.NOTIFY),
        ({"channel": "walk_in"}, "V2", "A1", 0, AlertLevel.NOTIFY),
        ({"channel": "chat"}, "V2+V3", "A1", 0, AlertLevel.QUEUE),
        ({"channel": "mail"}, "V2+V3", "A1", 0, AlertLevel.QUEUE),
        ({"channel": "vendor_desk"}, "V2", "A2", 0, AlertLevel.QUEUE),
        ({"location": "new"}, "V2+V3", "A1", 0, AlertLevel.NOTIFY),
        ({"location": "abroad"}, "V2+V3", "A1", 0, AlertLevel.QUEUE),
        ({"channel": "portal", "device": "unknown"}, "V2+V3", "A1", 0, AlertLevel.NOTIFY),
        ({"device": "unknown"}, "V2", "A1", 0, AlertLevel.NOTIFY),
        ({"risk": "medium"}, "V2+V3", "A1", 0, AlertLevel.NOTIFY),
        ({"risk": "high"}, "V2+V3", "A2", 14_400, AlertLevel.QUEUE),
        ({"situation": "after_hours"}, "V2", "A2", 0, AlertLevel.QUEUE),
        ({"situation": "outage"}, "V2+V3", "A2", 0, AlertLevel.QUEUE),
        ({"elevated_threat": True}, "V2+V3", "A1", 14_400, AlertLevel.QUEUE),
        ({"risk": "high", "channel": "chat", "elevated_threat": True}, "V2+V3", "A2", 14_400, AlertLevel.QUEUE),
    ],
)
def test_context_raises(
    context: dict[str, str | bool], tier: str, approve: str, hold_s: int, alert: AlertLevel
) -> None:
    """How a request came in raises the cell by what the policy says, and the requirement says why."""
    needed = need(AccountClass.STANDARD, Action.FACTOR_RESET, msgspec.structs.replace(CALM, **context))

    assert [w.tier for w in needed.verify] == [tier]
    assert needed.approve is not None
    assert (needed.approve.name, needed.hold_s, needed.alert) == (approve, hold_s, alert)
    plain = need(AccountClass.STANDARD, Action.FACTOR_RESET)
    assert bool(needed.raised) is (msgspec.structs.replace(needed, raised=()) != plain)


def test_the_default_context_is_the_plain_cell() -> None:
    """A phone call of which nothing more is known needs what the matrix says."""
    for account_class, action, _ in SHIPPED.answered():
        assert need(account_class, action, Context()) == need(account_class, action)


def test_a_raised_approval_keeps_more_people_apart() -> None:
    """When a context asks for two approvers, the pairs kept apart are those of two approvers."""
    plain = need(AccountClass.STANDARD, Action.FACTOR_RESET)
    raised = need(AccountClass.STANDARD, Action.FACTOR_RESET, Context(risk="high"))

    assert ("open", "verify") not in plain.separate
    assert {("open", "verify"), *plain.separate} <= set(raised.separate)


def test_no_proof_waives_the_hold_of_elevated_threat() -> None:
    """Every cell waits four hours at least while it is declared, whatever waives the hold that it has otherwise."""
    free = need(AccountClass.STANDARD, Action.PASSWORD_RESET, Context(elevated_threat=True))
    held = need(AccountClass.STANDARD, Action.RECOVERY_INFO_CHANGE, Context(elevated_threat=True))

    assert (free.hold_s, free.hold_waived_by) == (14_400, ())
    assert (held.hold_s, held.hold_waived_by) == (86_400, ())


@pytest.mark.parametrize("field", VOCABULARY)
def test_a_word_the_policy_does_not_know_is_refused(field: str) -> None:
    """An unknown channel, location, device, risk or situation is invalid, and the words that are known are named."""
    with pytest.raises(Invalid, match=VOCABULARY[field][0]) as error:
        need(AccountClass.STANDARD, Action.UNLOCK, msgspec.structs.replace(CALM, **{field: "elsewhere"}))

    assert error.value.where == field


def test_a_second_recovery_is_raised_and_reviewed_and_a_third_refused() -> None:
    """Within seven days: one tier up and a review within a day, on top of any context; then no more."""
    second = need(AccountClass.STANDARD, Action.FACTOR_RESET, repeat=1)
    both = need(AccountClass.STANDARD, Action.FACTOR_RESET, Context(risk="high"), repeat=1)

    assert [w.tier for w in second.verify] == ["V2+V3"]
    assert second.after.review_s == 86_400
    assert second.raised
    assert [w.tier for w in both.verify] == ["V4"]
    with pytest.raises(Refused, match="recovered 2 times") as refused:
        need(AccountClass.STANDARD, Action.FACTOR_RESET, repeat=2)
    assert "security" in refused.value.remedy


def test_a_deadline_already_shorter_is_kept() -> None:
    """A review that a cell asks for sooner is not put off by a repeat."""
    hasty = spoiled("review: 24h, refuse_from", "review: 2d, refuse_from")
    again = Procedures.load(hasty).require(
        AccountClass.PRIVILEGED, Action.FACTOR_RESET, CALM, completed_recoveries_7d=1
    )

    assert again.after.review_s == 86_400


def test_a_stricter_class_raises_and_a_looser_one_changes_nothing() -> None:
    """A case of an account that turns out to be privileged asks for both cells; the other way round stays."""
    standard = need(AccountClass.STANDARD, Action.FACTOR_RESET)
    privileged = need(AccountClass.PRIVILEGED, Action.FACTOR_RESET)

    raised = SHIPPED.raise_from(standard, privileged)

    assert raised.account_class is AccountClass.PRIVILEGED
    assert raised.cell == "privileged.factor_reset"
    assert [w.tier for w in raised.verify] == ["V4"]
    assert raised.approve is not None
    assert len(raised.approve.seats) == 3
    assert raised.raised == ("raised to privileged.factor_reset",)
    assert SHIPPED.raise_from(privileged, standard).verify == privileged.verify


def test_a_newer_policy_only_adds() -> None:
    """Under a newer policy a running case keeps its own digest and takes on what the newer one asks for beyond it."""
    old = need(AccountClass.STANDARD, Action.FACTOR_RESET)
    cell = "{verify: [V2],      approve: A1,   hold: 0,   alert: L1"
    stricter = Procedures.load(spoiled(cell, "{verify: [V3], approve: A1, hold: 2h, alert: L1"))
    looser = Procedures.load(spoiled(cell, "{verify: [V1], approve: none, hold: 0, alert: L0"))

    raised = SHIPPED.raise_from(old, stricter.require(AccountClass.STANDARD, Action.FACTOR_RESET, CALM))
    kept = SHIPPED.raise_from(old, looser.require(AccountClass.STANDARD, Action.FACTOR_RESET, CALM))

    assert (raised.policy, raised.hold_s, [w.tier for w in raised.verify]) == (old.policy, 7200, ["V2+V3"])
    assert stricter.digest in raised.raised[0]
    assert (kept.hold_s, kept.approve, kept.alert) == (old.hold_s, old.approve, old.alert)
    assert all(any(set(easy) <= set(way) for easy in sufficient(old)) for way in sufficient(kept))


def test_another_action_is_no_raise() -> None:
    """Requirements of two actions can not be joined."""
    with pytest.raises(Invalid, match="same action"):
        SHIPPED.raise_from(need(AccountClass.STANDARD, Action.UNLOCK), need(AccountClass.STANDARD, Action.BYPASS_CODE))


def test_the_digest_is_over_every_byte() -> None:
    """A changed comment in any file is another policy."""
    assert Procedures.load(PROCEDURES).digest != Procedures.load(PROCEDURES + "# note\n").digest
    assert Procedures.load(PROCEDURES, METHODS).digest != Procedures.load(PROCEDURES, METHODS + "# note\n").digest
    assert Procedures.load(PROCEDURES).digest.startswith("sha256:")


def test_the_settings_beside_the_matrix() -> None:
    """Break-glass, freeze, throttle, repeat, protective changes and lifetimes are what the issue asks for."""
    assert SHIPPED.break_glass.custodians == 2
    assert SHIPPED.break_glass.justification
    assert SHIPPED.break_glass.expires_s <= 4 * 3600
    assert SHIPPED.break_glass.review_s <= 24 * 3600
    assert (SHIPPED.freeze.window_s, SHIPPED.freeze.close_remote, SHIPPED.freeze.strongest_only) == (86_400, 3, 5)
    assert SHIPPED.origin.longest_wait_s == 3600
    assert SHIPPED.repeat.refuse_from == 3
    assert (SHIPPED.protective.methods, SHIPPED.protective.hold_s) == (1, 0)
    assert need(AccountClass.STANDARD, Action.UNLOCK).grant_s <= 900
    assert SHIPPED.lifetime(AccountClass.PRIVILEGED, Action.PRIVILEGED_OVERRIDE) == 4 * 3600
    assert SHIPPED.lifetime(AccountClass.SERVICE, Action.PRIVILEGED_OVERRIDE) == 3600
    assert SHIPPED.lifetime(AccountClass.STANDARD, Action.BYPASS_CODE) == 3600
    assert SHIPPED.lifetime(AccountClass.STANDARD, Action.UNLOCK) is None
    assert SHIPPED.lifetime(AccountClass.STANDARD, Action.PRIVILEGED_OVERRIDE) is None


def test_witnesses_stay_asked() -> None:
    """What one cell wants cosigned is cosigned however the case is raised, by class, and when the glass is broken."""
    row = "  privileged:\n    unlock:               {"
    asking = Procedures.load(spoiled(row, f"{row}cosigned: true, "), METHODS)
    plain = asking.require(AccountClass.PRIVILEGED, Action.UNLOCK, CALM)
    risky = asking.require(AccountClass.PRIVILEGED, Action.UNLOCK, Context(risk="high"), completed_recoveries_7d=1)
    lesser = asking.require(AccountClass.EXECUTIVE, Action.UNLOCK, CALM)

    assert plain.cosigned
    assert risky.raised
    assert risky.cosigned
    assert not lesser.cosigned
    assert asking.raise_from(lesser, plain).cosigned
    assert asking.raise_from(plain, lesser).cosigned
    assert broken_glass(asking.break_glass, plain).cosigned
    assert not need(AccountClass.PRIVILEGED, Action.UNLOCK).cosigned


@pytest.mark.parametrize("word", ["yes", "1", "maybe", "null"])
def test_cosigned_is_true_or_false(word: str) -> None:
    """Anything but the two words of YAML is a mistake with its line."""
    row = "  privileged:\n    unlock:               {"
    with pytest.raises(Invalid, match="cosigned"):
        Procedures.load(spoiled(row, f"{row}cosigned: {word}, "), METHODS)
