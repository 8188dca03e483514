"""Evidence held against a requirement, and the same said in words by brute force."""

from __future__ import annotations

from datetime import timedelta
from itertools import combinations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.sample import (
    ANN,
    CALLBACK,
    COY,
    CYD,
    DAY,
    IN_PERSON,
    KNOWN_VOICE,
    MAIL_CODE,
    METHODS,
    NOON,
    PASSKEY,
    PLAIN,
    TOTP,
    procedure,
)
from tests.core.story import leaf
from watchword.core.action import Action
from watchword.core.ids import PersonId
from watchword.core.requirement import (
    FRESH,
    VOUCHED,
    Evidence,
    Method,
    Requirement,
    Satisfied,
    Shortfall,
    Verify,
    assess,
    counting,
    independent,
    lowered,
    ways_of,
)

COSTS = dict(PLAIN.capability_costs)


def proof(
    method: str, *, prover: PersonId | None = None, age: timedelta = timedelta(0), contact: timedelta | None = None
) -> Evidence:
    """A verification that succeeded *age* before noon, through a contact point that changed *contact* before."""
    return Evidence(
        method=method,
        prover=prover,
        agent=ANN,
        at=NOON - age,
        challenge=method,
        leaf=leaf(len(method)),
        contact_changed_at=None if contact is None else NOON - contact,
    )


def under(way: Verify, *others: Verify) -> Requirement:
    """The plain requirement with these ways to satisfy it."""
    return procedure(verify=(way, *others))


def holds(requirement: Requirement, *evidence: Evidence, freeze: int = 0) -> bool:
    """Whether *evidence* satisfies *requirement* at noon."""
    return isinstance(assess(requirement, evidence, NOON, freeze=freeze), Satisfied)


ONE = Verify(tier="one", min_weight=1, min_methods=1)


@pytest.mark.parametrize("other", sorted(VOUCHED))
def test_a_new_contact_point_takes_an_answer_from_where_it_was_entered(other: str) -> None:
    """Somebody else's word and presence say who asks, and not what was entered where; a code says both."""
    word = msgspec.structs.replace(TOTP, name=other, defeats=(("nobody_has_this",),))
    asked = msgspec.structs.replace(under(ONE), methods=(*METHODS, word))
    change = msgspec.structs.replace(asked, action=Action.RECOVERY_INFO_CHANGE)
    vouched = (proof(other), proof(IN_PERSON.name))
    assert holds(asked, *vouched)
    lacks = assess(change, vouched, NOON)
    assert isinstance(lacks, tuple)
    assert lacks[0].missing == ("one method answered on the page where the new contact point was entered",)
    assert holds(change, *vouched, proof(TOTP.name))
    lacks = assess(change, (proof(IN_PERSON.name),), NOON)
    assert isinstance(lacks, tuple)
    assert lacks[0].missing == ("one method that the software checks",)


def test_two_methods_that_one_capability_defeats_are_not_independent() -> None:
    """A passkey and a code on the same endpoint both fall to whoever holds that endpoint."""
    assert not independent(PASSKEY, TOTP, COSTS)
    assert independent(PASSKEY, MAIL_CODE, COSTS)


def test_dependent_methods_count_once() -> None:
    """Two proofs that fall together are one method and the weight of the heavier."""
    way = Verify(tier="V1", min_weight=4, min_methods=2)
    assert not holds(under(way), proof("passkey"), proof("totp"))
    assert not holds(under(Verify(tier="V1", min_weight=5, min_methods=1)), proof("passkey"), proof("totp"))
    assert holds(under(way), proof("passkey"), proof("totp"), proof("callback"))


def test_sets_of_capabilities_do_not_make_methods_dependent() -> None:
    """Only a capability that defeats a method alone is shared."""
    pair = msgspec.structs.replace(MAIL_CODE, defeats=(("forged_document", "nerve"),))
    assert independent(IN_PERSON, pair, COSTS)


def test_a_dear_capability_may_be_shared_where_policy_tolerates_its_cost() -> None:
    """What costs as much as the tolerance is let pass, what costs less is not, and 0 tolerates nothing."""
    assert independent(PASSKEY, TOTP, COSTS, tolerate_cost=50)
    assert not independent(PASSKEY, TOTP, COSTS, tolerate_cost=51)
    assert not independent(PASSKEY, TOTP, {}, tolerate_cost=1)


def test_two_attested_methods_share_the_agent() -> None:
    """Two words of one agent are never independent."""
    assert not independent(IN_PERSON, KNOWN_VOICE, COSTS)


def test_attested_and_voice_alone_satisfy_nothing() -> None:
    """However little is asked, one method is checked by the software and one is not the voice channel."""
    assert not holds(under(ONE), proof("in_person"))
    assert not holds(under(ONE), proof("callback"))
    assert holds(under(ONE), proof("callback"), proof("in_person"))


def test_nothing_satisfies_a_requirement_without_evidence() -> None:
    """Even one that asks for nothing needs an enforced method."""
    assert not holds(under(Verify(tier="none", min_weight=0, min_methods=0)))


def test_forbidden_methods_count_for_nothing() -> None:
    """A way may refuse what others take."""
    assert not holds(under(msgspec.structs.replace(ONE, forbid=("totp",))), proof("totp"))


def test_each_demanded_group_is_met() -> None:
    """One of each set has to be among what is counted."""
    way = msgspec.structs.replace(ONE, any_of=(("passkey", "totp"), ("in_person",)))
    assert not holds(under(way), proof("totp"))
    assert holds(under(way), proof("totp"), proof("in_person"))


def test_any_alternative_is_enough_and_is_named() -> None:
    """The first way that holds is the one in the evidence; where none does, each says what it lacks."""
    hard = Verify(tier="hard", min_weight=99, min_methods=1)
    answer = assess(under(hard, ONE), (proof("totp"),), NOON)
    assert isinstance(answer, Satisfied)
    assert (answer.tier, answer.methods) == ("one", ("totp",))
    answer = assess(under(hard), (), NOON)
    assert isinstance(answer, tuple)
    assert [s.tier for s in answer] == ["hard"]


def test_custodians_are_counted_as_people() -> None:
    """Two proofs by one custodian are one custodian; a proof of nobody's is none."""
    way = msgspec.structs.replace(ONE, provers=2)
    assert not holds(under(way), proof("passkey", prover=CYD), proof("passkey", prover=CYD))
    assert not holds(under(way), proof("passkey", prover=CYD), proof("passkey"))
    short = Shortfall(
        tier="one",
        missing=("1 more custodian(s)",),
        counted=("passkey",),
        apart=("endpoint_control@target",),
    )
    assert assess(under(way), (proof("passkey", prover=CYD),), NOON) == (short,)
    assert holds(under(way), proof("passkey", prover=CYD), proof("passkey", prover=COY))


def test_stale_young_and_future_evidence_is_worth_nothing() -> None:
    """Older than a quarter of an hour, through a contact of this month, or not yet happened."""
    assert holds(under(ONE), proof("totp", age=FRESH))
    assert not holds(under(ONE), proof("totp", age=FRESH + timedelta(seconds=1)))
    assert not holds(under(ONE), proof("totp", age=-timedelta(seconds=1)))
    assert not holds(under(ONE), proof("mail_code", contact=29 * DAY))
    assert holds(under(ONE), proof("mail_code", contact=30 * DAY))


def test_a_heavy_method_does_not_hide_two_lighter_ones() -> None:
    """One more proof never makes what held before fall short."""
    way = Verify(tier="V1", min_weight=4, min_methods=2)
    heavy = msgspec.structs.replace(PASSKEY, weight=9, defeats=(("phish@target",), ("mailbox@target",)))
    requirement = procedure(verify=(way,), methods=(heavy, TOTP, MAIL_CODE))
    assert holds(requirement, proof("totp"), proof("mail_code"))
    assert holds(requirement, proof("passkey"), proof("totp"), proof("mail_code"))


def test_a_freeze_closes_the_remote_and_phishable() -> None:
    """Frozen at 1, a code counts for nothing and a passkey does."""
    assert not holds(under(ONE), proof("totp"), freeze=1)
    assert holds(under(ONE), proof("passkey"), freeze=1)


def test_a_freeze_never_closes_the_strongest() -> None:
    """Frozen at 2, only the strongest way counts, and it does."""
    assert not holds(under(ONE), proof("passkey"), freeze=2)
    assert holds(under(ONE), proof("passkey"), proof("in_person"), freeze=2)


names = st.lists(st.sampled_from([m.name for m in METHODS]), unique=True, max_size=6)
ways = st.builds(
    Verify,
    tier=st.just("V"),
    min_weight=st.integers(0, 10),
    min_methods=st.integers(0, 4),
    any_of=st.lists(st.tuples(st.sampled_from([m.name for m in METHODS])), max_size=2).map(tuple),
    forbid=st.lists(st.sampled_from([m.name for m in METHODS]), max_size=1).map(tuple),
    provers=st.integers(1, 2),
    tolerate_cost=st.sampled_from([0, 5, 50]),
)


def in_words(way: Verify, proven: list[str], freeze: int) -> bool:
    """The same in words, by looking at every choice of methods; everybody's prover is one person."""
    open_ = [m for m in METHODS if m.name in proven and m.name not in way.forbid]
    if freeze:
        open_ = [m for m in open_ if not (m.remote and m.phishable)]
    return any(in_words_of(way, chosen) for n in range(1, 7) for chosen in combinations(open_, n))


def in_words_of(way: Verify, chosen: tuple[Method, ...]) -> bool:
    """One choice: pairwise without a shared cheap capability, enough of it, and of every kind that is asked."""
    for a, b in combinations(chosen, 2):
        shared = {c for (c,) in (d for d in a.defeats if len(d) == 1)} & {
            c for (c,) in (d for d in b.defeats if len(d) == 1)
        }
        cheap = [c for c in shared if not way.tolerate_cost or COSTS.get(c, 0) < way.tolerate_cost]
        if cheap or not (a.enforced or b.enforced):
            return False
    return (
        len(chosen) >= way.min_methods
        and sum(m.weight for m in chosen) >= way.min_weight
        and all(any(m.name in group for m in chosen) for group in way.any_of)
        and any(m.enforced for m in chosen)
        and any(not m.voice for m in chosen)
        and way.provers == 1
    )


@settings(max_examples=300)
@given(ways, names, st.integers(0, 1))
def test_assess_agrees_with_the_words(way: Verify, proven: list[str], freeze: int) -> None:
    """Whatever the way and the proofs, the answer is that of the plain reading."""
    evidence = tuple(proof(n, prover=CYD) for n in proven)
    assert holds(under(way), *evidence, freeze=freeze) == in_words(way, proven, freeze)


@given(ways, names, st.sampled_from([m.name for m in METHODS]))
def test_more_evidence_never_hurts(way: Verify, proven: list[str], more: str) -> None:
    """What holds with some proofs holds with one more."""
    evidence = tuple(proof(n, prover=CYD) for n in proven)
    assert not holds(under(way), *evidence) or holds(under(way), *evidence, proof(more, prover=CYD))


@given(ways, names)
def test_a_freeze_never_opens_anything(way: Verify, proven: list[str]) -> None:
    """What a frozen account accepts, an open one does as well."""
    evidence = tuple(proof(n, prover=CYD) for n in proven)
    assert not holds(under(way), *evidence, freeze=1) or holds(under(way), *evidence)


def test_a_shortfall_says_every_missing_thing() -> None:
    """Each lack is one phrase, so that the desk can read them out."""
    way = Verify(tier="V", min_weight=5, min_methods=2, any_of=(("passkey", "totp"),), provers=2)
    missing = (
        "1 more independent method(s)",
        "weight 2 of 5",
        "one of passkey, totp",
        "one method that is not the voice channel",
        "2 more custodian(s)",
    )
    assert assess(under(way), (proof("callback"),), NOON) == (
        Shortfall(tier="V", missing=missing, counted=("callback",), apart=("sim_swap@target",)),
    )


def test_a_requirement_lowers_nothing_of_itself() -> None:
    """The same, or stricter in one part, is a raise."""
    assert lowered(PLAIN, PLAIN) == ()
    assert lowered(PLAIN, msgspec.structs.replace(PLAIN, hold_s=60, hold_waived_by=("passkey",))) == ()


def test_the_voice_channel_is_one_channel() -> None:
    """Two voice methods, one of them enforced, still lack another channel."""
    enforced = msgspec.structs.replace(KNOWN_VOICE, enforced=True)
    requirement = procedure(verify=(ONE,), methods=(CALLBACK, enforced))
    assert not holds(requirement, proof("callback"), proof("known_voice"))


KINDS = {
    "passkey": ("bound_authenticator", "multi_factor"),
    "totp": ("bound_authenticator",),
    "mail_code": ("issued_code",),
    "callback": ("issued_code",),
    "in_person": ("repeated_proofing", "onsite_attended"),
}
SORTED = tuple(msgspec.structs.replace(m, kinds=KINDS.get(m.name, ())) for m in METHODS)


def at_level(aal: int) -> Requirement:
    """One method is enough, if it recovers at this level."""
    return procedure(verify=(msgspec.structs.replace(ONE, aal=aal),), methods=SORTED)


def test_two_issued_codes_are_one_kind_and_recover_nothing_at_aal2() -> None:
    """SP 800-63B-4 §4.2.2.2 asks for codes by different methods; a code and a bound authenticator will do as well."""
    assert not holds(at_level(2), proof("mail_code"), proof("callback"))
    assert holds(at_level(2), proof("mail_code"), proof("totp"))
    assert holds(at_level(2), proof("passkey"))
    assert not holds(at_level(2), proof("totp"))
    assert holds(at_level(0), proof("mail_code"))


def test_aal3_takes_an_attended_session_on_site_or_two_bound_factors_at_once() -> None:
    """What is enough for AAL2 over the telephone is not enough for AAL3, and what is missing is said."""
    assert not holds(at_level(3), proof("mail_code"), proof("totp"))
    assert holds(at_level(3), proof("in_person"), proof("mail_code"))
    assert holds(at_level(3), proof("passkey"))
    answer = assess(at_level(3), (proof("mail_code"), proof("totp")), NOON)
    assert not isinstance(answer, Satisfied)
    assert answer[0].missing == ("proof that recovers an account at AAL3",)


def test_how_long_a_proof_counts_is_the_requirements_to_say() -> None:
    """Five minutes or an hour, to the second, whatever is usual; and from no moment before it was given."""
    for seconds in (300, 3600):
        requirement = procedure(verify=(ONE,), fresh_s=seconds)
        assert holds(requirement, proof("totp", age=timedelta(seconds=seconds)))
        assert not holds(requirement, proof("totp", age=timedelta(seconds=seconds + 1)))
    assert not holds(procedure(verify=(ONE,)), proof("totp", age=timedelta(seconds=-1)))


def test_how_old_a_contact_point_has_to_be_is_the_requirements_to_say() -> None:
    """One that changed yesterday counts where policy says so, and never where it says ninety days."""
    older = procedure(verify=(ONE,), contact_age_s=90 * 86_400)
    assert not holds(older, proof("totp", contact=timedelta(days=90, seconds=-1)))
    assert holds(older, proof("totp", contact=timedelta(days=90)))
    assert holds(procedure(verify=(ONE,)), proof("totp", contact=timedelta(days=30)))


def test_less_freshness_age_or_level_is_less() -> None:
    """A running case is never given longer proofs, younger contact points or a lower level."""
    old = procedure(verify=(msgspec.structs.replace(ONE, aal=2),))
    assert lowered(old, msgspec.structs.replace(old, fresh_s=901)) == ("freshness",)
    assert lowered(old, msgspec.structs.replace(old, contact_age_s=30 * 86_400 - 1)) == ("freshness",)
    assert lowered(old, msgspec.structs.replace(old, verify=(ONE,))) == ("verify",)
    assert not lowered(old, msgspec.structs.replace(old, fresh_s=300, contact_age_s=60 * 86_400))


def test_an_account_is_open_where_no_freeze_is_said() -> None:
    """Methods that a freeze would close count, and every way is one."""
    requirement = under(ONE, Verify(tier="two", min_weight=2, min_methods=2))
    assert isinstance(assess(requirement, (proof("totp"),), NOON), Satisfied)
    assert counting(requirement, (proof("totp"),), NOON) == (proof("totp"),)
    assert counting(requirement, (proof("totp"),), NOON, freeze=1) == ()
    assert ways_of(requirement) == ways_of(requirement, 1) == requirement.verify
    assert ways_of(requirement, 2) == (requirement.strongest,)


def test_of_proofs_that_bring_as_much_the_first_counts() -> None:
    """A code and a TOTP of the same weight on one endpoint: what was proved first is what the desk is told of."""
    twin = msgspec.structs.replace(TOTP, name="twin")
    requirement = procedure(verify=(Verify(tier="V", min_weight=4, min_methods=2),), methods=(TOTP, twin))
    for first, second in (("totp", "twin"), ("twin", "totp")):
        answer = assess(requirement, (proof(first), proof(second)), NOON)
        assert not isinstance(answer, Satisfied)
        assert answer[0].counted == (first,)
        assert answer[0].apart == ("phish@target", "endpoint_control@target")


def test_what_policy_tolerates_to_share_need_not_be_kept_apart() -> None:
    """A capability as dear as the tolerance is no reason against another method; a cheaper or unpriced one is."""
    way = Verify(tier="V", min_weight=9, min_methods=2, tolerate_cost=50)
    answer = assess(under(way), (proof("totp"),), NOON)
    assert not isinstance(answer, Satisfied)
    assert answer[0].apart == ("phish@target",)
    unpriced = msgspec.structs.replace(under(way), capability_costs=())
    answer = assess(unpriced, (proof("totp"),), NOON)
    assert not isinstance(answer, Satisfied)
    assert answer[0].apart == ("phish@target", "endpoint_control@target")
    cheap = procedure(verify=(msgspec.structs.replace(way, tolerate_cost=1),), capability_costs=())
    answer = assess(cheap, (proof("totp"),), NOON)
    assert not isinstance(answer, Satisfied)
    assert answer[0].apart == ("phish@target", "endpoint_control@target")


def test_only_the_proofs_that_carry_it_are_cited() -> None:
    """A forbidden method's leaf is not among the evidence, and the methods are named in one order."""
    way = Verify(tier="V", min_weight=4, min_methods=2, forbid=("passkey",))
    answer = assess(under(way), (proof("totp"), proof("passkey"), proof("mail_code")), NOON)
    assert answer == Satisfied(
        tier="V", leaves=(proof("totp").leaf, proof("mail_code").leaf), methods=("mail_code", "totp")
    )
