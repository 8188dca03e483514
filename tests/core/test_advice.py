"""What could be proved next, as the same assessment tells it that decides."""

from __future__ import annotations

from datetime import timedelta
from itertools import combinations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tests.core.sample import CYD, DAY, IN_PERSON, KNOWN_VOICE, METHODS, NOON, PLAIN, STRONGEST, TOTP, procedure
from tests.core.test_requirement import proof, under
from watchword.core.advice import Option, Source, options, singles, within_reach
from watchword.core.requirement import Evidence, Requirement, Satisfied, Shortfall, Verify, assess

WAY = Verify(tier="V3", min_weight=5, min_methods=2)
THERE: dict[str, Source] = {}


def told(
    requirement: Requirement, *evidence: Evidence, sources: dict[str, Source] | None = None, freeze: int = 0
) -> dict[str, Option]:
    """Every method's option at noon, by name."""
    return {o.method: o for o in options(requirement, evidence, NOON, sources or THERE, freeze=freeze)}


def test_a_method_that_shares_what_defeats_the_first_says_with_which_and_what() -> None:
    """After a passkey the code on the same endpoint adds nothing, and the page can say why."""
    found = told(under(Verify(tier="V", min_weight=5, min_methods=2)), proof("passkey"))
    assert found["passkey"].state == "proved"
    assert found["totp"].state == "dependent"
    assert (found["totp"].beside, found["totp"].shares) == (("passkey",), ("endpoint_control@target",))
    assert (found["mail_code"].state, found["mail_code"].completes) == ("ready", True)


def test_it_says_beside_which_of_several_proofs_it_would_change_nothing() -> None:
    """Only those that fall to what it falls to itself are named, and what they have in common."""
    found = told(under(Verify(tier="V", min_weight=20, min_methods=5)), proof("passkey"), proof("mail_code"))
    assert found["totp"].state == "dependent"
    assert (found["totp"].beside, found["totp"].shares) == (("passkey",), ("endpoint_control@target",))


def test_a_shortfall_says_what_a_further_method_must_not_share() -> None:
    """What defeats the counted proof alone is named; what the way tolerates is not."""
    (lacks,) = _missing(under(WAY), proof("passkey"))
    assert (lacks.counted, lacks.apart) == (("passkey",), ("endpoint_control@target",))
    tolerant = msgspec.structs.replace(WAY, tolerate_cost=50)
    (lacks,) = _missing(under(tolerant), proof("callback"))
    assert lacks.apart == ("sim_swap@target",)
    (lacks,) = _missing(under(tolerant), proof("passkey"), proof("totp", age=DAY))
    assert lacks.apart == ()
    (lacks,) = _missing(under(WAY), proof("in_person"))
    assert lacks.apart == ()


def _missing(requirement: Requirement, *evidence: Evidence) -> tuple[Shortfall, ...]:
    answer = assess(requirement, evidence, NOON)
    assert not isinstance(answer, Satisfied)
    return answer


def test_what_is_not_on_record_or_changed_lately_is_told_with_the_day_it_counts_from() -> None:
    """A phone changed three days ago counts from the end of the window, as the requirement has it."""
    changed = NOON - 3 * DAY
    sources = {"callback": Source(there=True, changed_at=changed), "mail_code": Source(there=False)}
    found = told(under(WAY), sources=sources)
    assert (found["callback"].state, found["callback"].counts_from) == ("young", changed + 30 * DAY)
    assert found["mail_code"].state == "absent"
    shorter = msgspec.structs.replace(under(WAY), contact_age_s=2 * 86_400)
    assert told(shorter, sources=sources)["callback"].state == "ready"
    edge = {"callback": Source(there=True, changed_at=NOON - 30 * DAY)}
    assert told(under(WAY), sources=edge)["callback"].state == "ready"
    assert told(under(WAY), sources={"callback": Source()})["callback"].state == "ready"


def test_a_freeze_closes_what_it_closes_and_leaves_the_strongest_way_to_name() -> None:
    """Under a freeze the phishable methods are closed, and the others are held against the strongest way."""
    one, two = (told(under(WAY), freeze=level) for level in (1, 2))
    assert {n for n, o in one.items() if o.state == "closed"} == {"totp", "mail_code", "callback", "known_voice"}
    assert one["passkey"].state == "ready"
    assert {n for n, o in two.items() if o.state == "ready"} == {"passkey", "in_person"}
    assert told(under(WAY), proof("passkey"), freeze=2)["in_person"].completes


def test_a_forbidden_method_and_one_nobody_needs_any_more_say_so() -> None:
    """A method no open way takes is forbidden; when everything is proved, the rest is unneeded."""
    barred = under(msgspec.structs.replace(WAY, forbid=("totp",)))
    assert told(barred)["totp"].state == "forbidden"
    either = under(msgspec.structs.replace(WAY, forbid=("totp",)), Verify(tier="W", min_weight=9, min_methods=3))
    assert told(either)["totp"].state == "ready"
    done = told(under(WAY), proof("passkey"), proof("mail_code"))
    assert {n for n, o in done.items() if o.state == "proved"} == {"passkey", "mail_code"}
    assert {o.state for o in done.values()} == {"proved", "unneeded"}


def test_what_can_not_be_used_says_so_also_where_nobody_needs_it() -> None:
    """A call in a lane without calls, and a phone changed yesterday; what counted is proved, spent since or not."""
    sources = {
        "callback": Source(there=False, why="Not asked in the text lane."),
        "totp": Source(there=True, changed_at=NOON - DAY),
        "mail_code": Source(there=False),
        "passkey": Source(there=True, changed_at=NOON - DAY),
    }
    done = told(under(WAY), proof("passkey"), proof("mail_code"), sources=sources)
    assert (done["callback"].state, done["callback"].why) == ("absent", "Not asked in the text lane.")
    assert (done["totp"].state, done["totp"].counts_from) == ("young", NOON + 29 * DAY)
    assert {n for n, o in done.items() if o.state == "proved"} == {"passkey", "mail_code"}
    assert done["in_person"].state == "unneeded"


def test_a_second_custodian_is_asked_of_the_method_the_first_one_proved() -> None:
    """Where two people have to prove by one method, the method is still the one to use."""
    way = Verify(tier="V5", min_weight=4, min_methods=1, any_of=(("passkey",),), provers=2)
    found = told(under(way), proof("passkey", prover=CYD))
    assert (found["passkey"].state, found["passkey"].completes) == ("ready", True)


def test_two_attested_methods_have_the_agents_word_in_common() -> None:
    """The second word of one agent is dependent on the first, though no capability is named twice."""
    assert singles(IN_PERSON) & singles(KNOWN_VOICE) == {"agent's word"}
    found = told(under(Verify(tier="V", min_weight=7, min_methods=2)), proof("in_person"))
    assert (found["known_voice"].state, found["known_voice"].shares) == ("dependent", ("agent's word",))


def test_what_brings_the_case_on_comes_first_and_the_strongest_before_the_others() -> None:
    """The order is the one to try: ready and completing, then ready, by weight; then the rest."""
    names = [o.method for o in options(under(WAY), (proof("passkey"),), NOON, THERE)]
    assert names[:3] == ["in_person", "mail_code", "callback"]
    assert names[-1] == "totp" or names.index("totp") > names.index("callback")


def test_what_completes_comes_before_what_weighs_more() -> None:
    """The code that the way asks for ends it; presence weighs more, and leaves the code to be asked for."""
    way = Verify(tier="V", min_weight=6, min_methods=2, any_of=(("mail_code",),))
    first, second, *_ = options(under(way), (proof("passkey"),), NOON, THERE)
    assert (first.method, first.completes) == ("mail_code", True)
    assert (second.method, second.state, second.completes) == ("in_person", "ready", False)


def test_only_what_both_fall_to_is_said_to_be_shared() -> None:
    """What defeats the earlier proof alone, or the later method alone, is no reason against it."""
    app = msgspec.structs.replace(TOTP, name="app", defeats=(("endpoint_control@target",), ("sim_swap@target",)))
    requirement = procedure(verify=(Verify(tier="V", min_weight=4, min_methods=2),), methods=(TOTP, app))
    found = told(requirement, proof("totp"))["app"]
    assert (found.state, found.beside, found.shares) == ("dependent", ("totp",), ("endpoint_control@target",))


@given(st.lists(st.sampled_from([m.name for m in METHODS]), unique=True, max_size=4), st.sampled_from((0, 1, 2)))
def test_advice_never_contradicts_the_assessment(proved: list[str], freeze: int) -> None:
    """Whatever was proved: an option that completes does, and one that is dependent changes no shortfall."""
    requirement = procedure(verify=(WAY, Verify(tier="V1P", min_weight=4, min_methods=1, any_of=(("passkey",),))))
    requirement = msgspec.structs.replace(requirement, strongest=STRONGEST)
    evidence = tuple(proof(name) for name in proved)
    before = assess(requirement, evidence, NOON, freeze=freeze)
    for option in options(requirement, evidence, NOON, THERE, freeze=freeze):
        after = assess(requirement, (*evidence, proof(option.method)), NOON, freeze=freeze)
        if option.state == "ready":
            assert isinstance(after, Satisfied) is option.completes
        if option.state in {"dependent", "closed"}:
            assert not isinstance(before, Satisfied) or option.state == "closed"
            assert _told(after) == _told(before)


def _told(answer: object) -> object:
    return tuple(s.missing for s in answer) if isinstance(answer, tuple) else answer


def test_a_proof_fades_at_the_end_of_its_own_time() -> None:
    """A method's own freshness shortens the procedure's, never lengthens it."""
    brief = tuple(msgspec.structs.replace(m, fresh_s=300 if m.name == "totp" else 3600) for m in METHODS)
    requirement = msgspec.structs.replace(PLAIN, methods=brief)
    assert requirement.fresh("totp") == timedelta(minutes=5)
    assert requirement.fresh("passkey") == timedelta(minutes=15)
    assert requirement.fresh() == timedelta(minutes=15)
    assert msgspec.structs.replace(requirement, fresh_s=3600).fresh("totp") == timedelta(minutes=5)


def reached(requirement: Requirement, *evidence: Evidence, absent: str = "", freeze: int = 0) -> bool:
    """Whether what is left, without the methods of *absent*, could be enough at noon."""
    sources = {name: Source(there=False) for name in absent.split()}
    found = options(requirement, evidence, NOON, sources, freeze=freeze)
    return within_reach(requirement, evidence, NOON, found, freeze=freeze)


def test_it_is_told_before_the_call_gets_long_that_nothing_will_be_enough() -> None:
    """What can be begun is held together against every way: a method that adds weight may still lead nowhere."""
    keyed = under(Verify(tier="V1P", min_weight=4, min_methods=1, any_of=(("passkey", "totp"),)))
    assert reached(keyed)
    assert reached(keyed, absent="totp")
    assert not reached(keyed, absent="totp passkey")
    assert told(keyed, sources={n: Source(there=False) for n in ("totp", "passkey")})["in_person"].state == "ready"
    assert reached(keyed, proof("passkey"), absent="totp passkey")
    assert not reached(under(Verify(tier="V", min_weight=99, min_methods=2)))
    assert reached(under(Verify(tier="V", min_weight=6, min_methods=3, tolerate_cost=1)))
    assert reached(under(Verify(tier="V5", min_weight=4, min_methods=2, provers=2)))
    assert reached(under(Verify(tier="V5", min_weight=4, min_methods=2, provers=99)))


def test_two_people_who_prove_one_method_are_two() -> None:
    """A sealed account takes two custodians with one kind of key: before the first of them nothing is out of reach."""
    sealed = under(Verify(tier="V5", min_weight=4, min_methods=1, any_of=(("passkey",),), provers=2))
    others = " ".join(m.name for m in METHODS if m.name != "passkey")
    assert reached(sealed, absent=others)
    assert reached(sealed, proof("passkey"), absent=others)
    assert not reached(sealed, absent=f"{others} passkey")


def test_a_freeze_may_leave_nothing_that_is_enough() -> None:
    """What it closes counts for nothing here either; the strongest way is in reach for as long as it can be taken."""
    coded = under(Verify(tier="V2", min_weight=2, min_methods=1, any_of=(("totp",),)))
    assert reached(coded)
    assert not reached(coded, freeze=1)
    assert reached(coded, freeze=2)
    assert not reached(coded, absent="passkey in_person", freeze=2)


def test_two_that_share_a_capability_are_enough_for_each_other_where_a_third_stands_in() -> None:
    """One that adds nothing to what was proved may replace it: it is thought of with everything else that is left."""
    found = options(under(WAY), (proof("totp"),), NOON, THERE)
    assert {o.method: o.state for o in found}["passkey"] in {"ready", "dependent"}
    assert within_reach(under(WAY), (proof("totp"),), NOON, found)
    coded = under(Verify(tier="V2", min_weight=2, min_methods=1, any_of=(("totp",),)))
    assert within_reach(coded, (), NOON, options(coded, (), NOON, THERE))


@given(st.sets(st.sampled_from([m.name for m in METHODS])), st.integers(min_value=0, max_value=2))
def test_what_is_told_to_be_in_reach_is_reached_and_nothing_else_is(there: set[str], freeze: int) -> None:
    """The same is found by trying every set of what is there through the assessment that decides."""
    requirement = under(WAY, Verify(tier="V1P", min_weight=4, min_methods=1, any_of=(("passkey",),)))
    sources = {m.name: Source(there=m.name in there) for m in METHODS}
    found = options(requirement, (), NOON, sources, freeze=freeze)
    able = sorted(there)
    tried = any(
        isinstance(assess(requirement, tuple(proof(m) for m in chosen), NOON, freeze=freeze), Satisfied)
        for size in range(len(able) + 1)
        for chosen in combinations(able, size)
    )
    assert within_reach(requirement, (), NOON, found, freeze=freeze) == tried
