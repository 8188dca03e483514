"""What `policy check` proves of the whole policy: every context answered once, and nobody alone whoever holds what."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from tests.core.sample import COY, CYD, EXE, GLASS
from tests.core.story import approved, executed, given, glass_broken, opened, released, reviewed, step, ticketed
from tests.policy.sample import CEDAR, METHODS, PROCEDURES, SCHEMA, line_of, spoiled
from watchword.core import command as do
from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.core.quorum import Seat
from watchword.core.requirement import Context, Requirement
from watchword.policy import People, Policy, Procedures
from watchword.policy.bundle import FILES
from watchword.policy.check import _unseated, check, findings
from watchword.policy.contexts import effect_of, every_context, told_apart, words_of
from watchword.policy.document import Mistake
from watchword.policy.procedures import DEFAULT
from watchword.policy.rows import broken_glass
from watchword.policy.separation import separation

SHIPPED = Policy.default().procedures
STATEMENTS = tuple(Policy.default().people.statements)
FORBIDS = tuple(s for s in STATEMENTS if "\nforbid (" in s.text)
OTHERWISE = frozenset(
    {
        # For which classes an outsourced desk, or an AI agent, works.
        "vendor-works-standard-only",
        "vendor-never-releases-guarded",
        "ai-never-touches-responders",
        # No procedure that ships keeps release and execution apart: the executor is a program.
        "sod-releaser-executes",
        "sod-executor-releases",
    }
)
"""Rules whose absence leaves nobody alone under the shipped procedures."""

HELD = tuple(s.name for s in FORBIDS if s.name not in OTHERWISE)


def alone(cedar: str, procedures: Procedures = SHIPPED) -> tuple[Mistake, ...]:
    """Return what the rules in *cedar* leave to one person."""
    return separation(procedures, People.load(cedar, SCHEMA))


def without(name: str) -> str:
    """Return the shipped rules without one of them."""
    (rule,) = (s for s in STATEMENTS if s.name == name)
    return CEDAR.replace(rule.text, "", 1)


# --- contexts ---------------------------------------------------------------------------------------------------------


def asked(procedures: Procedures, cell: tuple[AccountClass, Action], context: Context) -> Requirement:
    """Return what a cell asks for, but for the words that say why."""
    return msgspec.structs.replace(procedures.require(*cell, context), raised=())


def test_contexts_that_come_to_the_same_ask_for_the_same() -> None:
    """Each of the 1,944 contexts asks of some cells of every class exactly what the one that stands for it does."""
    stand_ins = {effect_of(SHIPPED.table, context): context for context in told_apart(SHIPPED.table)}
    contexts = tuple(every_context())
    cells = [(c, a) for c, a, _ in SHIPPED.answered() if a in {Action.TOTAL_LOSS, Action.UNLOCK}]

    assert len(contexts) == 1944
    assert len(stand_ins) == len(told_apart(SHIPPED.table)) < 100
    assert not [
        (cell, context)
        for context in contexts
        for cell in cells
        if asked(SHIPPED, cell, context) != asked(SHIPPED, cell, stand_ins[effect_of(SHIPPED.table, context)])
    ]


def test_a_context_is_not_raised_by_two_rows() -> None:
    """Two rows for the same contexts are one answer written twice, told on the line of the second."""
    row = "  - {why: it is chat once more, when: {channel: [chat]}, tier: 2}\n"
    text = spoiled("  - {why: the request came in by mail,", row + "  - {why: the request came in by mail,")

    told = [f for f in findings(Procedures.load(text, METHODS)) if "same contexts" in f.what]

    assert [f.line for f in told] == [line_of("it is chat once more", text)]
    assert told[0].path == "context.1.when"


def test_a_cell_that_is_weaker_in_one_context_only_is_named() -> None:
    """What is strict enough on a quiet day and not during an outage is found, with the context in words."""
    text = spoiled("[none, A1S, A2S, A3S]}", "[none, A1S, A2S, A3]}")

    told = {f.path: f for f in findings(Procedures.load(text, METHODS)) if "asks for less here than" in f.what}

    assert "procedures.executive.total_loss" in told
    found = told["procedures.executive.total_loss"]
    assert "contractor, which is less strict a class in some contexts (" in found.what
    weak = "    total_loss:           {verify: [V4],      approve: A2,   hold: 4h"
    assert found.line == line_of(weak, text)
    assert not [f for f in findings(Procedures.load(PROCEDURES, METHODS)) if "asks for less" in f.what]


def test_a_policy_that_lets_nobody_be_recovered_twice_is_looked_at_whole() -> None:
    """Where the second recovery is refused already there is no repeat to raise, and nothing stops the check."""
    text = spoiled("refuse_from: 3", "refuse_from: 2")

    assert findings(Procedures.load(text, METHODS)) == ()


def test_an_approval_of_nobody_is_found_wherever_it_comes_from() -> None:
    """Loading refuses seats without roles; a raise that left one empty would be told all the same."""
    asked = SHIPPED.require(AccountClass.EXECUTIVE, Action.TOTAL_LOSS, Context())
    assert asked.approve is not None
    nobody = msgspec.structs.replace(asked.approve, seats=(*asked.approve.seats[:1], Seat(roles=())))

    assert _unseated(asked) == ()
    assert _unseated(msgspec.structs.replace(asked, approve=None)) == ()
    for rule in (nobody, msgspec.structs.replace(asked.approve, seats=())):
        assert _unseated(msgspec.structs.replace(asked, approve=rule)) == ("an approval of nobody",)


def test_a_context_is_said_in_words() -> None:
    """Only what differs from the plainest context is said, so that a finding can be read."""
    assert words_of(Context(location="office", device="managed")) == "the plainest context"
    said = words_of(Context(location="office", device="managed", risk="high", elevated_threat=True))
    assert said == "risk high, elevated threat"


# --- nobody alone -----------------------------------------------------------------------------------------------------


def test_the_shipped_rules_leave_nothing_to_one_person() -> None:
    """Nobody who could take two steps that are kept apart may, and every step has somebody to take it."""
    assert alone(CEDAR) == ()


@pytest.mark.parametrize("name", HELD)
def test_a_rule_that_is_missing_is_named(name: str) -> None:
    """Each rule that keeps people apart, deleted alone, is a finding by its name, with file, line and remedy."""
    told = alone(without(name))

    assert any(re.search(rf"\b{name}\b", f.path) for f in told), [str(f) for f in told]
    assert all(f.file == "people.cedar" and f.line >= 1 and name in f.remedy for f in told if name in f.path)


@pytest.mark.parametrize("name", ["sod-releaser-executes", "sod-executor-releases"])
def test_a_pair_that_another_procedure_keeps_apart_is_held(name: str) -> None:
    """Where a procedure keeps release and execution apart, the rules for that pair have to be there."""
    text = spoiled("pairs: [[open, execute], ", "pairs: [[release, execute], [open, execute], ")

    assert name in {f.path for f in alone(without(name), Procedures.load(text, METHODS))}
    assert not [f for f in alone(without(name)) if f.path == name]


def test_a_rule_with_a_way_round_it_is_found() -> None:
    """A rule that spares one role lets the people through who hold it beside another."""
    rule = 'when { resource.separate.contains("open-verify") && resource has opener && resource.opener == principal }'
    softened = spoiled(f"{rule};", f'{rule}\nunless {{ principal in Role::"verifier" }};', CEDAR)

    (told,) = alone(softened)

    assert told.path == "sod-opener-verifies"
    assert "verifier" in told.what or "every role" in told.what
    permits = [line_of('@id("agent-works-cases")', softened), line_of('@id("verifier-verifies")', softened)]
    assert told.line in permits


def test_a_pair_no_procedure_keeps_apart_is_no_finding() -> None:
    """The rules are held to what procedures ask: where no pair is kept apart, none of its rules is missed."""
    text = re.sub(r"(separate: )(approver_apart|everyone_apart)", r"\1reviewer_apart", PROCEDURES)

    assert alone(without("sod-opener-verifies"), Procedures.load(text, METHODS)) == ()
    assert alone(without("sod-opener-verifies"))


def test_a_pair_only_broken_glass_keeps_apart_is_held() -> None:
    """Where no procedure keeps approval and release apart, two of three people would do once the glass is broken."""
    text = re.sub(r"(separate: )(approver_apart|everyone_apart)", r"\1reviewer_apart", PROCEDURES)
    loose = Procedures.load(text, METHODS)
    for name in ("sod-approver-releases", "sod-releaser-approves"):
        (told,) = [f for f in alone(without(name), loose) if f.path == name]

        assert "of it, the glass broken: " in told.what
        assert told.line > 1
    assert alone(CEDAR, loose) == ()


def test_whoever_broke_the_glass_takes_none_of_the_steps_kept_apart_from_it() -> None:
    """The rules are not told who broke it: the desk's own decisions refuse them what is kept apart from that."""
    glass = SHIPPED.break_glass
    asked = SHIPPED.require(AccountClass.PRIVILEGED, Action.TOTAL_LOSS, Context())
    apart = {step for pair in broken_glass(glass, asked).separate if "break_glass" in pair for step in pair}
    broken = given(opened(), ticketed(), glass_broken(GLASS, CYD))
    agreed = given(approved(COY, "custodian"), start=broken)

    broken.when(approved(CYD, "custodian")).refused("same_person")
    agreed.when(step(do.Release(by=CYD, executor=EXE, changes=agreed.case.changes if agreed.case else ()))).refused(
        "same_person"
    )
    given(released(), executed(), start=agreed).when(reviewed(by=CYD)).refused("same_person")
    assert apart == {"break_glass", "approve", "release", "review"}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("executor-releases", "nobody may release"),
        ("author-activates-policy", "nobody may activate_policy"),
        ("reviewer-reviews", "nobody may review"),
    ],
)
def test_a_step_that_nobody_may_take_is_told(name: str, said: str) -> None:
    """Without the rule that permits a step the desk, or its policy, would stand still."""
    assert said in "\n".join(f.what for f in alone(without(name)))


def test_a_seat_nobody_may_fill_is_told_in_the_table_that_asks_for_it() -> None:
    """An approval by the manager of record, where no rule lets managers approve, is a finding in procedures.yaml."""
    told = [f for f in alone(without("relation-approves")) if f.path == "approvals.A1.seats.0"]

    assert told
    assert told[0].line == line_of("  A1:  {separate")
    assert "manager_of_record" in told[0].what


def test_check_reads_all_of_it_from_a_folder(tmp_path: Path) -> None:
    """`policy check` names a missing rule of people.cedar and a weak cell of procedures.yaml in one go."""
    for name in FILES:
        (tmp_path / name).write_bytes((DEFAULT / name).read_bytes())
    (tmp_path / "people.cedar").write_text(without("sod-verifier-approves"), encoding="utf-8")
    (tmp_path / "procedures.yaml").write_text(spoiled("[none, A1S, A2S, A3S]}", "[none, A1S, A2S, A3]}"), "utf-8")

    told = check(tmp_path)

    assert {Path(f.file).name for f in told} == {"people.cedar", "procedures.yaml"}
    assert "sod-verifier-approves" in {f.path for f in told}
