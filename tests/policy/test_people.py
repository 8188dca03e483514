"""Who may take which step: every rule of people.cedar permits what it should and forbids what it should."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.policy.sample import ANN, CALM, CEDAR, HOUR, NOON, SCHEMA, delegated, facts, granted, person, rule
from watchword.core.account import AccountClass
from watchword.core.action import Action, Step
from watchword.core.errors import Refused
from watchword.core.ids import CaseId, PersonId
from watchword.core.person import Kind, Role
from watchword.core.ruling import NO_RULE, CaseFacts
from watchword.policy import People, Policy
from watchword.policy.approval_tables import SEATS
from watchword.policy.rows import STEPS

OTHER = PersonId("p-other")
EVERY_PAIR = tuple((a, b) for i, a in enumerate(STEPS) for b in STEPS[i + 1 :])

TAKEN: dict[str, dict[str, Any]] = {
    "open": {"opener": ANN},
    "verify": {"verifiers": (ANN,)},
    "approve": {"approvers": (ANN,)},
    "release": {"releaser": ANN},
    "execute": {"executor": ANN},
}
DOER = {"open": "opener", "verify": "verifier", "approve": "approver", "release": "releaser", "execute": "executor"}
VERB = {"verify": "verifies", "approve": "approves", "release": "releases", "execute": "executes"}


@pytest.mark.parametrize(("done", "wanted"), [(d, w) for d in TAKEN for w in VERB if d != w])
def test_one_person_does_not_take_two_steps_that_are_kept_apart(done: str, wanted: str) -> None:
    """Whoever took one step of a pair is refused the other by the rule named for it, and nobody else is."""
    someone = granted(person(*Role))
    pair = min((done, wanted), (wanted, done), key=lambda p: STEPS.index(p[0]))

    refused = rule(someone, Step(wanted), facts(separate=(pair,), **TAKEN[done]))
    without_the_pair = tuple(p for p in EVERY_PAIR if p != pair)

    assert not refused.allowed
    assert refused.reasons == (f"sod-{DOER[done]}-{VERB[wanted]}",)
    assert rule(someone, Step(wanted), facts(separate=without_the_pair, **TAKEN[done])).allowed
    assert rule(someone, Step(wanted), facts(separate=(pair,))).allowed


@pytest.mark.parametrize("pair", [("open", "approve"), ("verify", "approve"), ("approve", "release")])
def test_to_refuse_is_kept_apart_as_to_approve_is(pair: tuple[str, str]) -> None:
    """A vote is a vote: who may not approve for having taken another step may not refuse either."""
    done = next(s for s in pair if s != "approve")

    ruling = rule(person(*Role), Step.REFUSE, facts(separate=(pair,), **TAKEN[done]))

    assert ruling.reasons == (f"sod-{DOER[done]}-approves",)


@pytest.mark.parametrize("step", [s for s in Step if s not in {Step.WITHDRAW, Step.OBJECT}])
def test_the_subject_takes_no_step(step: Step) -> None:
    """Whatever roles somebody holds, they take no step on the recovery of their own account but call it off."""
    someone = delegated(granted(person(*Role)), "north")

    assert "subject-never-acts" in rule(someone, step, facts(subject=ANN)).reasons
    assert "subject-never-acts" not in rule(someone, step, facts(subject=OTHER)).reasons
    assert "subject-never-acts" not in rule(someone, step, facts(subject=None)).reasons


@pytest.mark.parametrize("step", [Step.WITHDRAW, Step.OBJECT])
def test_the_subject_may_call_it_off(step: Step) -> None:
    """A person with no role at all may withdraw or object to the recovery of their own account, and of no other."""
    assert rule(person(), step, facts(subject=ANN)).reasons == ("subject-calls-off",)
    assert not rule(person(), step, facts(subject=OTHER)).allowed


@pytest.mark.parametrize("step", [Step.VERIFY, Step.APPROVE, Step.REFUSE, Step.RELEASE, Step.REVIEW])
def test_who_proved_does_not_judge(step: Step) -> None:
    """An owner or custodian whose credential proved a case neither verifies, approves, releases nor reviews it."""
    assert rule(person(*Role), step, facts(provers=(ANN,))).reasons == ("prover-never-judges",)
    assert rule(person(*Role), step, facts(provers=(OTHER,))).allowed


@pytest.mark.parametrize("step", [Step.APPROVE, Step.REFUSE])
def test_who_was_recovered_lately_does_not_approve(step: Step) -> None:
    """An approver whose own account was recovered within seven days has no vote; their other steps stand."""
    assert rule(person(*Role), step, facts(recovered=True)).reasons == ("recovered-approver",)
    assert rule(person(*Role), step, facts(recovered=False)).allowed
    assert rule(person(*Role), Step.VERIFY, facts(recovered=True)).allowed


@pytest.mark.parametrize("done", TAKEN)
def test_a_reviewer_took_no_step(done: str) -> None:
    """Review is refused to everyone who took a step, whether or not the procedure names the pair."""
    assert rule(person(*Role), Step.REVIEW, facts(**TAKEN[done])).reasons == ("reviewer-took-a-step",)
    assert rule(person(*Role), Step.REVIEW).allowed


@pytest.mark.parametrize("step", [Step.ERASE_EVIDENCE, Step.LIFT_HOLD])
@pytest.mark.parametrize("hand", [*TAKEN.values(), {"provers": (ANN,)}], ids=[*TAKEN, "prove"])
def test_nobody_erases_what_they_had_a_hand_in(step: Step, hand: dict[str, Any]) -> None:
    """Payloads of a case, and the hold on them, are for others than those who took a step in it."""
    assert rule(person(*Role), step, facts(**hand)).reasons == ("eraser-took-a-step",)
    assert rule(person(*Role), Step.HOLD_EVIDENCE, facts(**hand)).allowed
    assert rule(person(Role.ADMINISTRATOR), step).allowed


@pytest.mark.parametrize("someone", [person(Role.EXECUTOR), person(kind=Kind.SYSTEM)], ids=["executor", "system"])
def test_to_execute_needs_a_grant_for_this_case_now(someone: Any) -> None:
    """The role is not enough: a grant has to be for this very case and in force."""
    assert rule(granted(someone), Step.EXECUTE).allowed
    assert rule(someone, Step.EXECUTE).reasons == ("executor-needs-grant",)
    assert not rule(granted(someone, case=CaseId("c-two")), Step.EXECUTE).allowed
    assert not rule(granted(someone, until=NOON), Step.EXECUTE).allowed
    assert not rule(granted(someone), Step.EXECUTE, facts(case=None)).allowed


def test_a_grant_alone_executes_nothing() -> None:
    """A grant in the hands of somebody who is no executor is worth nothing."""
    ruling = rule(granted(person(Role.AGENT)), Step.EXECUTE)

    assert ruling.reasons == (NO_RULE, "role executor would")


@pytest.mark.parametrize("account_class", AccountClass)
def test_an_outsourced_desk_never_approves(account_class: AccountClass) -> None:
    """A vendor has no vote on any class, by role or by relation."""
    someone = person(*Role, kind=Kind.VENDOR)

    for step in (Step.APPROVE, Step.REFUSE):
        case = facts(account_class, relations=("sponsor",))
        assert rule(someone, step, case).reasons == ("vendor-never-approves",)


@pytest.mark.parametrize("account_class", AccountClass)
def test_an_outsourced_desk_verifies_standard_accounts_only(account_class: AccountClass) -> None:
    """A vendor agent takes in any request, and verifies for the standard class alone."""
    someone = person(Role.AGENT, kind=Kind.VENDOR)

    assert rule(someone, Step.OPEN, facts(account_class)).allowed
    assert rule(someone, Step.LINK_TICKET, facts(account_class)).allowed
    for step in (Step.VERIFY, Step.VALIDATE, Step.HAND_OVER, Step.CLOSE):
        ruling = rule(someone, step, facts(account_class))
        assert ruling.allowed is (account_class is AccountClass.STANDARD)
        assert ruling.allowed or ruling.reasons == ("vendor-works-standard-only",)


@pytest.mark.parametrize("account_class", AccountClass)
def test_an_outsourced_desk_releases_nothing_guarded(account_class: AccountClass) -> None:
    """A vendor neither releases nor executes for executives, finance, administrators, machines or break-glass."""
    open_to_vendors = {AccountClass.STANDARD, AccountClass.CONTRACTOR, AccountClass.EXTERNAL}
    someone = granted(person(Role.EXECUTOR, kind=Kind.VENDOR))

    for step in (Step.RELEASE, Step.EXECUTE):
        ruling = rule(someone, step, facts(account_class))
        assert ruling.allowed is (account_class in open_to_vendors)
        assert ruling.allowed or ruling.reasons == ("vendor-never-releases-guarded",)


@pytest.mark.parametrize(
    "step",
    [
        Step.CONTAIN,
        Step.LIFT_PAUSE,
        Step.BREAK_GLASS,
        Step.REVIEW,
        Step.RELEASE_FREEZE,
        Step.ADMINISTER_PEOPLE,
        Step.ENROL_CREDENTIAL,
        Step.ACTIVATE_POLICY,
    ],
)
def test_an_outsourced_desk_governs_nothing(step: Step) -> None:
    """What decides over others is for employees, whatever role a vendor was given."""
    assert rule(person(*Role, kind=Kind.VENDOR), step).reasons == ("vendor-never-governs",)
    assert rule(person(*Role), step).allowed


@pytest.mark.parametrize("step", Step)
def test_an_ai_only_proposes(step: Step) -> None:
    """An AI agent opens, links, escalates and protects; nothing else, whatever roles and grants it holds."""
    ruling = rule(granted(person(*Role, kind=Kind.AI)), step)

    if step in {Step.OPEN, Step.LINK_TICKET, Step.ESCALATE, Step.PROTECT}:
        assert ruling.allowed
    else:
        assert "ai-only-proposes" in ruling.reasons


@pytest.mark.parametrize("account_class", AccountClass)
def test_an_ai_does_not_lock_out_responders(account_class: AccountClass) -> None:
    """An AI agent's protection stops at administrators, the identity control plane and break-glass."""
    guarded = {AccountClass.PRIVILEGED, AccountClass.IDENTITY_CONTROL, AccountClass.BREAK_GLASS}
    ruling = rule(person(Role.AGENT, kind=Kind.AI), Step.PROTECT, facts(account_class))

    assert ruling.allowed is (account_class not in guarded)
    assert ruling.allowed or ruling.reasons == ("ai-never-touches-responders",)


@pytest.mark.parametrize("step", Step)
def test_the_system_only_keeps_books(step: Step) -> None:
    """Watchword's own parts execute what was granted and keep cases moving; they judge nothing."""
    ruling = rule(granted(person(*Role, kind=Kind.SYSTEM)), step)
    books = {Step.EXECUTE, Step.VALIDATE, Step.HAND_OVER, Step.CLOSE, Step.WITHDRAW, Step.PROTECT}

    assert ruling.allowed is (step in books)
    assert ruling.allowed or "system-only-keeps-books" in ruling.reasons


@pytest.mark.parametrize("relation", ["manager_of_record", "second_owner", "sponsor"])
def test_a_relation_approves_without_a_role(relation: str) -> None:
    """The manager, second owner or sponsor of record approves; the owner of record proves and does not."""
    assert rule(person(), Step.APPROVE, facts(relations=(relation,))).reasons == ("relation-approves",)
    assert not rule(person(), Step.APPROVE, facts(relations=("owner_of_record",))).allowed


def test_seats_and_votes_agree() -> None:
    """Exactly the roles that may sit in an approval may cast a vote, so that no approval waits for nobody."""
    people = Policy.default().people
    relations = tuple(
        r
        for r in ("manager_of_record", "owner_of_record", "second_owner", "sponsor")
        if rule(person(), Step.APPROVE, facts(relations=(r,))).allowed
    )

    assert {*relations, *people.permitted[Step.APPROVE]} == set(SEATS)


def test_a_role_holds_in_its_unit() -> None:
    """A role granted for one unit is worth nothing on a case of another."""
    agent = person(Role.AGENT, unit="north")

    assert rule(agent, Step.OPEN, facts(unit="north")).allowed
    assert not rule(agent, Step.OPEN, facts(unit="south")).allowed


def test_a_role_ends() -> None:
    """A role with an end date is worth nothing from that moment on."""
    agent = person(Role.AGENT, until=NOON)

    assert rule(agent, Step.OPEN, at=NOON - timedelta(seconds=1)).allowed
    assert not rule(agent, Step.OPEN, at=NOON).allowed


def test_delegated_administration_is_one_unit_until_its_end() -> None:
    """A delegate administers people of the delegated unit while the delegation lasts, and takes no other step."""
    delegate = delegated(person(), "north", until=NOON + HOUR)

    assert rule(delegate, Step.ADMINISTER_PEOPLE, facts(unit="north")).reasons == ("delegate-administers-unit",)
    assert rule(delegate, Step.ENROL_CREDENTIAL, facts(unit="north")).allowed
    assert not rule(delegate, Step.ADMINISTER_PEOPLE, facts(unit="south")).allowed
    assert not rule(delegate, Step.ADMINISTER_PEOPLE, facts(unit="north"), at=NOON + HOUR).allowed
    assert not rule(delegate, Step.ACTIVATE_POLICY, facts(unit="north")).allowed
    assert not rule(delegate, Step.ADMINISTER_PEOPLE, facts(unit="north", subject=ANN)).allowed


def test_two_roles_are_still_one_person() -> None:
    """Somebody who is agent and security duty may do either, and on one executive case only one of the two."""
    both = person(Role.AGENT, Role.SECURITY_DUTY)
    separate = Policy.default().procedures.require(AccountClass.EXECUTIVE, Action.FACTOR_RESET, CALM).separate
    case = facts(AccountClass.EXECUTIVE, separate=separate)

    assert rule(both, Step.VERIFY, case).allowed
    assert rule(both, Step.APPROVE, case).allowed
    verified = facts(AccountClass.EXECUTIVE, separate=separate, verifiers=(ANN,))
    assert rule(both, Step.APPROVE, verified).reasons == ("sod-verifier-approves",)


def test_without_approval_one_agent_may_do_the_whole_case() -> None:
    """Where no approval is asked, one agent who also releases may open, verify and release; review stays apart."""
    one = person(Role.AGENT, Role.EXECUTOR, Role.REVIEWER)
    separate = Policy.default().procedures.require(AccountClass.STANDARD, Action.PASSWORD_RESET, CALM).separate
    case = facts(separate=separate, opener=ANN, verifiers=(ANN,))

    assert rule(one, Step.VERIFY, case).allowed
    assert rule(one, Step.RELEASE, case).allowed
    assert not rule(one, Step.REVIEW, case).allowed


def test_a_refusal_by_default_says_whose_role_would_do() -> None:
    """Where no rule permits, the reasons name the roles that would be permitted."""
    ruling = rule(person(Role.AUDITOR), Step.CONTAIN)

    assert ruling.reasons == (NO_RULE, "role iam_duty would", "role security_duty would")
    with pytest.raises(Refused, match="may not contain"):
        ruling.demand()


def test_an_error_in_any_rule_is_a_refusal() -> None:
    """A rule that fails while it is evaluated refuses, although another one permits."""
    overflow = """
        @id("counts")
        permit (principal, action, resource) when { context.recovered && 9223372036854775807 + 1 > 0 };
    """
    people = People.load(CEDAR + overflow, SCHEMA)
    agent = person(Role.AGENT)

    assert people.rule(agent, Step.OPEN, facts(), NOON).allowed
    failed = people.rule(agent, Step.OPEN, facts(recovered=True), NOON)
    assert not failed.allowed
    assert "overflow" in failed.errors[0]
    with pytest.raises(Refused, match="overflow"):
        failed.demand()


def test_facts_of_a_wrong_kind_are_a_refusal() -> None:
    """What the schema does not allow is refused with the error, not guessed at."""
    wrong: Any = facts(recovered="no")

    ruling = rule(person(Role.AGENT), Step.OPEN, wrong)

    assert not ruling.allowed
    assert ruling.errors
    with pytest.raises(Refused):
        ruling.demand()


def test_strange_names_stay_names() -> None:
    """An id with quotes and newlines in it is an id: it neither breaks the question nor widens the answer."""
    strange = PersonId('p-"} in Role::"agent"\n')
    case = facts(subject=strange, opener=strange, case=CaseId('c-"\\'))

    assert rule(person(Role.AGENT), Step.VERIFY, case).allowed
    assert not rule(person(), Step.VERIFY, case).allowed


def test_who_proposed_a_policy_does_not_confirm_it() -> None:
    """A policy author confirms what another one proposed, and never their own, whatever else they are."""
    someone = person(*Role)

    assert rule(someone, Step.ACTIVATE_POLICY, facts(proposer=ANN)).reasons == ("proposer-never-confirms",)
    assert rule(someone, Step.ACTIVATE_POLICY, facts(proposer=OTHER)).allowed
    assert rule(someone, Step.ACTIVATE_POLICY).allowed
    assert not rule(person(Role.ADMINISTRATOR), Step.ACTIVATE_POLICY, facts(proposer=OTHER)).allowed


def test_an_author_who_was_changed_lately_activates_nothing() -> None:
    """An author whose role or way in was changed within thirty days neither proposes nor confirms."""
    lately = facts(unsettled=True)

    assert rule(person(Role.POLICY_AUTHOR), Step.ACTIVATE_POLICY, lately).reasons == ("author-changed-lately",)
    assert rule(person(*Role), Step.REVIEW, lately).allowed


def test_a_policy_written_before_two_authors_still_answers() -> None:
    """A schema without the facts of activation rules on everything else, and refuses to confirm."""
    old = "\n".join(line for line in SCHEMA.splitlines() if '"proposer"' not in line and '"unsettled"' not in line)
    cedar = CEDAR
    for name in ("proposer-never-confirms", "author-changed-lately"):
        (text,) = (s.text for s in Policy.default().people.statements if s.name == name)
        cedar = cedar.replace(text, "", 1)
    people, author = People.load(cedar, old), person(Role.POLICY_AUTHOR)

    assert people.rule(author, Step.ACTIVATE_POLICY, facts(), NOON).allowed
    confirming = people.rule(author, Step.ACTIVATE_POLICY, facts(proposer=OTHER), NOON)
    assert not confirming.allowed
    assert confirming.errors


def test_the_forbid_rules_are_these() -> None:
    """A rule that forbids is not dropped unseen: every one is named here, and tried above."""
    forbids = {s.name for s in Policy.default().people.statements if "\nforbid (" in s.text}

    assert forbids == {
        "subject-never-acts",
        "prover-never-judges",
        "recovered-approver",
        "reviewer-took-a-step",
        "eraser-took-a-step",
        "executor-needs-grant",
        "proposer-never-confirms",
        "author-changed-lately",
        "vendor-never-approves",
        "vendor-works-standard-only",
        "vendor-never-releases-guarded",
        "vendor-never-governs",
        "ai-only-proposes",
        "ai-never-touches-responders",
        "system-only-keeps-books",
        *(f"sod-{DOER[done]}-{verb}" for done in TAKEN for wanted, verb in VERB.items() if wanted != done),
    }


NAMED = CEDAR + '@id("somebody") forbid (principal == Person::"p-nobody-here", action, resource);'
SOME = st.sampled_from([ANN, OTHER, PersonId("p-third"), PersonId("p-fourth")])
SEVERAL = st.lists(SOME, max_size=3).map(tuple)
CASES = st.builds(
    facts,
    account_class=st.sampled_from(AccountClass),
    action=st.sampled_from(Action),
    case=st.sampled_from([None, CaseId("c-one"), CaseId("c-two")]),
    subject=st.none() | SOME,
    opener=st.none() | SOME,
    verifiers=SEVERAL,
    provers=SEVERAL,
    approvers=SEVERAL,
    releaser=st.none() | SOME,
    executor=st.none() | SOME,
    proposer=st.none() | SOME,
    separate=st.lists(st.sampled_from(EVERY_PAIR), max_size=4).map(tuple),
    relations=st.lists(st.sampled_from(["manager_of_record", "sponsor", "portal", "portal_alone"]), max_size=2).map(
        tuple
    ),
    recovered=st.booleans(),
    unsettled=st.booleans(),
)


@given(
    case=CASES, step=st.sampled_from(Step), kind=st.sampled_from(Kind), roles=st.sets(st.sampled_from(Role), max_size=3)
)
@settings(max_examples=400)
def test_other_names_are_answered_alike(case: CaseFacts, step: Step, kind: Kind, roles: set[Role]) -> None:
    """What Cedar says of people under other names, asked once for all who stand alike, it says of them by name."""
    someone = granted(person(*roles, kind=kind), CaseId("c-one"))

    assert _RENAMED.rule(someone, step, case, NOON) == _BY_NAME.rule(someone, step, case, NOON)


_RENAMED, _BY_NAME = (People.load(text, SCHEMA) for text in (CEDAR, NAMED))


@pytest.mark.parametrize("written", ['Person::"p-ann"', 'Person :: "p-ann"', 'Person\n::\n"p-ann"'])
def test_a_rule_that_names_somebody_finds_them(written: str) -> None:
    """However a rule spells whom it means, it decides about that person, and about no other who stands alike."""
    people = People.load(f'{CEDAR}@id("ann-is-away") forbid (principal == {written}, action, resource);', SCHEMA)
    ann = person(Role.AGENT)
    other = msgspec.structs.replace(ann, id=OTHER)

    assert people.rule(ann, Step.VERIFY, facts(), NOON).reasons == ("ann-is-away",)
    assert people.rule(other, Step.VERIFY, facts(), NOON).allowed
    assert people.rule(ann, Step.VERIFY, facts(), NOON).reasons == ("ann-is-away",)
