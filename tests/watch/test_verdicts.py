"""Each verdict and each reason: what makes it, and what is close by and does not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from watchword.core.evidence import EvidenceRow
from watchword.core.identity_event import Verdict
from watchword.watch.engine import Engine
from watchword.watch.providers import OKTA, Feed
from watchword.watch.verdicts import REASONS

from .conftest import EXECUTOR, NOON, Classify, Okta

Make = Callable[..., EvidenceRow]


def test_a_whole_chain_is_verified(okta: Okta, evidence: Make, classify: Classify) -> None:
    """With ticket, verifications, approval, release, start and receipt all there, it names case and leaves."""
    row = classify.one(okta(), evidence())
    assert (row.verdict, row.reasons) == (Verdict.VERIFIED, ("whole_chain",))
    assert (row.case, row.ticket, row.leaves) == ("c-0001", "INC001", (3, 4, 5, 6, 7, 8, 9, 10))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"ticket_leaf": None}, "missing:ticket"),
        ({"verify_leaves": ()}, "missing:verification"),
        ({"approve_leaves": ()}, "missing:approval"),
        ({"release_leaf": None}, "missing:release"),
        ({"started_leaf": None}, "missing:start"),
        ({"started": None, "started_leaf": None, "ended": None}, "missing:start"),
        ({"receipt": None}, "missing:receipt"),
        ({"outcome_leaf": None}, "missing:receipt"),
        ({"outcome": None}, "missing:receipt"),
        ({"outcome": "not_done"}, "recorded_as_not_done"),
        ({"expires": NOON - timedelta(minutes=10)}, "expired"),
    ],
)
def test_a_broken_chain_names_its_link(
    okta: Okta, evidence: Make, classify: Classify, fields: dict[str, Any], reason: str
) -> None:
    """Evidence with one link missing makes the event out of policy, and says which link."""
    row = classify.one(okta(), evidence(**fields))
    assert row.verdict is Verdict.OUT_OF_POLICY
    assert reason in row.reasons
    assert row.case == "c-0001"


def test_an_approval_that_is_not_needed_is_not_missed(okta: Okta, evidence: Make, classify: Classify) -> None:
    """A procedure that asks for no approval is whole without one."""
    row = classify.one(okta(), evidence(approve_needed=False, approve_leaves=()))
    assert row.verdict is Verdict.VERIFIED


def test_without_evidence_everything_is_unmatched(okta: Okta, classify: Classify) -> None:
    """With no evidence given, the verdict is unverified, and the reason says that none was given."""
    report = classify([okta()], None)
    assert [row.reasons for row in report.verdicts] == [("no_evidence",)]
    assert report.verdicts[0].verdict is Verdict.UNVERIFIED
    assert not report.has_evidence


def test_somebody_without_a_case_is_unverified(okta: Okta, evidence: Make, classify: Classify) -> None:
    """A reset by an administrator for whom no case speaks is unverified."""
    row = classify.one(okta(actor="00uadmin", target="00uben"), evidence())
    assert (row.verdict, row.reasons, row.case) == (Verdict.UNVERIFIED, ("no_case",), None)


def test_a_case_is_no_cover_for_somebody_else(okta: Okta, evidence: Make, classify: Classify) -> None:
    """What was approved, done within its time by another than the executor, is out of policy: another person."""
    row = classify.one(okta(actor="00uadmin"), evidence())
    assert (row.verdict, row.reasons, row.case) == (Verdict.OUT_OF_POLICY, ("other_actor",), "c-0001")


def test_a_case_that_was_done_explains_nothing_else(okta: Okta, evidence: Make, classify: Classify) -> None:
    """Once the executor's own change is seen, what somebody else does to the account has no case at all."""
    rogue, done = classify([okta(actor="00uadmin", after=-30), okta()], [evidence()]).verdicts
    assert (rogue.verdict, rogue.reasons, rogue.case) == (Verdict.UNVERIFIED, ("other_actor",), None)
    assert done.verdict is Verdict.VERIFIED


def test_the_executor_without_a_released_case_is_unverified(okta: Okta, evidence: Make, classify: Classify) -> None:
    """The executor's own principal is no evidence: without a case for that account it is unverified."""
    row = classify.one(okta(target="00uben", after=7200), evidence())
    assert (row.verdict, row.reasons) == (Verdict.UNVERIFIED, ("no_released_case",))


def test_another_account_during_an_open_case_is_not_covered(okta: Okta, evidence: Make, classify: Classify) -> None:
    """What was approved for one account and done to another is out of policy: another account than the case is for."""
    row = classify.one(okta(target="00uben"), evidence())
    assert (row.verdict, row.reasons) == (Verdict.OUT_OF_POLICY, ("no_released_case", "other_account"))
    assert row.case == "c-0001"


def test_a_case_done_as_approved_covers_no_other_account(okta: Okta, evidence: Make, classify: Classify) -> None:
    """Where the case's own change is seen, one more of another account in its time is unverified."""
    _, beside = classify([okta(), okta(target="00uben", after=1)], [evidence()]).verdicts
    assert (beside.verdict, beside.reasons) == (Verdict.UNVERIFIED, ("no_released_case", "other_account"))
    assert beside.case is None


@pytest.mark.parametrize("fields", [{"effects": ("account.unlock",)}, {"started": None, "ended": None}])
def test_a_case_for_something_else_is_not_of_another_account(
    okta: Okta, evidence: Make, classify: Classify, fields: dict[str, Any]
) -> None:
    """A case of other effects, or that never started, does not explain what is done to another account."""
    row = classify.one(okta(target="00uben"), evidence(**fields))
    assert (row.verdict, row.case) == (Verdict.UNVERIFIED, None)


def test_what_is_done_after_a_release_ran_out_is_expired(okta: Okta, evidence: Make, classify: Classify) -> None:
    """The executor acts an hour after its release expired unused: the failed link is the time that was approved."""
    unused = evidence(started=None, ended=None, started_leaf=None, outcome=None, outcome_leaf=None, receipt=None)
    row = classify.one(okta(after=5400), unused)
    assert (row.verdict, row.reasons, row.case) == (Verdict.OUT_OF_POLICY, ("expired",), "c-0001")


def test_wider_than_approved_is_out_of_policy(okta: Okta, evidence: Make, classify: Classify) -> None:
    """An action outside what was approved, in the case's time, is out of policy and names the case."""
    row = classify.one(okta("user.mfa.factor.reset_all"), evidence())
    assert (row.verdict, row.reasons, row.case) == (Verdict.OUT_OF_POLICY, ("wider_than_approved",), "c-0001")


def test_wider_than_approved_over_any_connection(okta: Okta, evidence: Make, classify: Classify) -> None:
    """The receipt's transaction speaks for its own change alone: what no approval covers is wider, however it came."""
    covered = evidence(effects=("account.unlock",), transaction="t-unlock")
    row = classify.one(okta(after=1), covered)
    assert (row.verdict, row.reasons, row.case) == (Verdict.OUT_OF_POLICY, ("wider_than_approved",), "c-0001")


def test_one_click_that_does_more_than_approved_is_wider(okta: Okta, evidence: Make, classify: Classify) -> None:
    """A reset hidden in the click of an approved unlock is not covered by the unlock."""
    lines = [
        okta("user.account.unlock_by_admin", transaction={"id": "t"}),
        okta(after=0.1, transaction={"id": "t"}),
    ]
    report = classify(lines, [evidence(effects=("account.unlock",))])
    assert [(row.verdict, row.reasons, row.folded) for row in report.verdicts] == [
        (Verdict.OUT_OF_POLICY, ("wider_than_approved",), 2)
    ]


def test_a_case_is_used_once(okta: Okta, evidence: Make, classify: Classify) -> None:
    """Two resets on one release: the nearest in time is verified, the other used what was already used."""
    report = classify([okta(after=0.5), okta(after=60)], [evidence()])
    assert [row.verdict for row in report.verdicts] == [Verdict.VERIFIED, Verdict.OUT_OF_POLICY]
    assert report.verdicts[1].reasons == ("already_used", "repeat_24h")


def test_two_cases_cover_two_resets(okta: Okta, evidence: Make, classify: Classify) -> None:
    """Each event claims its own evidence where there is one for each."""
    later = timedelta(seconds=60)
    second = evidence(case="c-0002", started=NOON + later - timedelta(seconds=1), ended=NOON + later)
    report = classify([okta(), okta(after=60)], [evidence(), second])
    assert [(row.verdict, row.case) for row in report.verdicts] == [
        (Verdict.VERIFIED, "c-0001"),
        (Verdict.VERIFIED, "c-0002"),
    ]


def test_the_connection_decides_before_the_clock(okta: Okta, evidence: Make, classify: Classify) -> None:
    """Of two events, the one whose transaction the receipt names claims the evidence, though the other is nearer."""
    lines = [okta(transaction={"id": "rogue"}), okta(after=5, transaction={"id": "receipt"})]
    report = classify(lines, [evidence(transaction="receipt")])
    assert [row.verdict for row in report.verdicts] == [Verdict.UNVERIFIED, Verdict.VERIFIED]
    assert report.verdicts[0].reasons == ("other_connection",)


@pytest.mark.parametrize(
    ("seconds", "expected"), [(-3600, "outside_window"), (3600, "outside_window"), (90, "whole_chain")]
)
def test_the_window_has_an_end_and_a_lag(
    okta: Okta, evidence: Make, classify: Classify, seconds: int, expected: str
) -> None:
    """Within the lag of the clocks an event belongs to its case; an hour off it is outside the window."""
    assert classify.one(okta(after=seconds), evidence()).reasons == (expected,)


def test_a_day_past_its_case_an_event_has_none(okta: Okta, evidence: Make, classify: Classify) -> None:
    """More than a day from its window a case no longer explains an event, so the event is unverified."""
    row = classify.one(okta(after=2 * 86_400), evidence())
    assert (row.verdict, row.reasons) == (Verdict.UNVERIFIED, ("no_released_case",))


def test_the_lag_can_be_set(okta: Okta, evidence: Make, classify: Classify) -> None:
    """A shorter lag puts the same event outside."""
    row = classify.one(okta(after=90), evidence(), lag=timedelta(seconds=10))
    assert row.reasons == ("outside_window",)


def test_a_failed_attempt_is_kept_and_ignored(okta: Okta, evidence: Make, classify: Classify) -> None:
    """An attempt that failed changed nothing: no reset, no use of the evidence, but a row that says so."""
    report = classify([okta(outcome={"result": "FAILURE"}), okta(after=3)], [evidence()])
    assert [(row.verdict, row.reasons) for row in report.verdicts] == [
        (Verdict.IGNORED, ("attempt_failed",)),
        (Verdict.VERIFIED, ("whole_chain",)),
    ]


def test_an_outcome_nobody_wrote_counts_as_done(okta: Okta, classify: Classify) -> None:
    """A log that does not say how it ended is judged as if the change was made."""
    row = classify.one(okta(outcome=None))
    assert (row.verdict, row.outcome) == (Verdict.UNVERIFIED, "UNKNOWN")


def test_the_owner_is_self_service(okta: Okta, classify: Classify) -> None:
    """Actor and target of one id are the owner, whatever the event is called."""
    row = classify.one(okta("user.mfa.factor.deactivate", actor="00uana"))
    assert (row.verdict, row.reasons) == (Verdict.SELF_SERVICE, ("by_owner",))


def test_two_names_of_one_owner_are_self_service(okta: Okta, classify: Classify, tmp_path: Path) -> None:
    """Where the accounts file gives both names to one account, actor and target are the same owner."""
    accounts = tmp_path / "accounts.csv"
    accounts.write_text("target_keys,class\n00uana|S-1-5-21-9-1105,standard\n", encoding="utf-8")
    row = classify.one(okta(actor="S-1-5-21-9-1105"), accounts=accounts)
    assert row.verdict is Verdict.SELF_SERVICE


def test_a_name_that_two_accounts_have_makes_nobody_an_owner(okta: Okta, classify: Classify, tmp_path: Path) -> None:
    """Whoever has the address of another written beside their own names owns nothing of the other's by that."""
    accounts = tmp_path / "accounts.csv"
    accounts.write_text(
        "keys,class\n00ueve|eve@example.test|00uana@example.test,standard\n00uana|00uana@example.test,standard\n",
        encoding="utf-8",
    )
    assert classify.one(okta(actor="00ueve"), accounts=accounts).verdict is Verdict.UNVERIFIED


def test_what_is_no_support_is_ignored_with_its_reason(okta: Okta, classify: Classify) -> None:
    """A lock takes away and lets nobody in: it has a row, and owes nothing."""
    row = classify.one(okta("user.account.lock"))
    assert (row.verdict, row.reasons) == (Verdict.IGNORED, ("not_support",))


def test_a_repeat_within_a_day_is_suspicious(okta: Okta, classify: Classify) -> None:
    """The second unverified reset of one account within 24 hours is suspicious, the first is not."""
    report = classify([okta(actor="00ua"), okta(actor="00ub", after=86_000)])
    assert [(row.verdict, row.reasons) for row in report.verdicts] == [
        (Verdict.UNVERIFIED, ("no_case",)),
        (Verdict.SUSPICIOUS, ("no_case", "repeat_24h")),
    ]


@pytest.mark.parametrize(("target", "seconds"), [("00uana", 86_500), ("00uben", 60)])
def test_no_repeat_after_a_day_or_elsewhere(okta: Okta, classify: Classify, target: str, seconds: int) -> None:
    """A day later, or on another account, is no repeat."""
    report = classify([okta(actor="00ua"), okta(actor="00ua", target=target, after=seconds)])
    assert {row.verdict for row in report.verdicts} == {Verdict.UNVERIFIED}


@pytest.mark.parametrize(("seconds", "is_flagged"), [(3500, True), (3700, False)])
def test_several_kinds_within_an_hour_are_suspicious(
    okta: Okta, classify: Classify, seconds: int, is_flagged: bool
) -> None:
    """A password and then a factor within the hour is how an account is taken; after the hour it is only a repeat."""
    report = classify([okta(actor="00ua"), okta("user.mfa.factor.reset_all", actor="00ua", after=seconds)])
    assert ("many_kinds_1h" in report.verdicts[1].reasons) is is_flagged


@pytest.mark.parametrize("account_class", ["privileged", "identity_control", "break_glass"])
def test_a_privileged_account_is_suspicious(okta: Okta, classify: Classify, tmp_path: Path, account_class: str) -> None:
    """An unverified reset of an account with power is suspicious at once, by any name in the accounts file."""
    accounts = tmp_path / "accounts.csv"
    accounts.write_text(f"target_keys,class\nCN=x|00UANA@example.test,{account_class}\n", encoding="utf-8")
    row = classify.one(okta(actor="00uadmin"), accounts=accounts)
    assert (row.verdict, row.reasons) == (Verdict.SUSPICIOUS, ("no_case", "privileged_target"))


def test_the_class_comes_from_evidence_too(okta: Okta, evidence: Make, classify: Classify) -> None:
    """A class the desk wrote into any case of the account is known to the watch."""
    row = classify.one(okta(actor="00uadmin", after=90_000), evidence(account_class="privileged"))
    assert row.verdict is Verdict.SUSPICIOUS


def test_a_verified_reset_of_a_privileged_account_is_verified(okta: Okta, evidence: Make, classify: Classify) -> None:
    """Suspicion is for what nothing speaks for: a whole chain stays verified."""
    assert classify.one(okta(), evidence(account_class="privileged")).verdict is Verdict.VERIFIED


def test_a_change_said_done_without_an_event_is_reported(okta: Okta, evidence: Make, classify: Classify) -> None:
    """Evidence of a done change, in the time the log covers, that the log does not show, is named."""
    lines = [okta("user.session.start", after=-60), okta("user.session.start", after=60)]
    (unseen,) = classify(lines, [evidence()]).unseen
    assert (unseen.case, unseen.native_id, unseen.change) == ("c-0001", "00uana", "reset_password")


@pytest.mark.parametrize(
    "fields", [{"outcome": "not_done"}, {"ended": NOON + timedelta(hours=1)}, {"directory": "corp"}]
)
def test_what_the_log_could_not_show_is_not_missed(
    okta: Okta, evidence: Make, classify: Classify, fields: dict[str, Any]
) -> None:
    """A change not done, past the log's end, or of another directory, is no gap in this log."""
    lines = [okta("user.session.start", after=-60), okta("user.session.start", after=60)]
    assert classify(lines, [evidence(**fields)], directory="okta").unseen == ()


def test_only_the_evidence_of_the_directory_counts(okta: Okta, evidence: Make, classify: Classify) -> None:
    """Where the directory of the log is named, a case in another directory does not speak for it."""
    assert classify.one(okta(), evidence(directory="corp"), directory="okta").verdict is Verdict.UNVERIFIED


def test_keys_match_whatever_their_case(okta: Okta, evidence: Make, classify: Classify) -> None:
    """Directories do not tell capitals apart in names, nor does the match."""
    row = classify.one(okta(actor=EXECUTOR.upper(), target="00UANA"), evidence())
    assert row.verdict is Verdict.VERIFIED


def test_an_event_without_a_target_still_gets_a_verdict(okta: Okta, evidence: Make, classify: Classify) -> None:
    """A mass expiry names nobody; it is unverified, and two of them are no repeat on one account."""
    lines = [okta("user.lifecycle.password_mass_expiry", target=None, after=n * 10) for n in (1, 2)]
    assert [row.verdict for row in classify(lines, [evidence()]).verdicts] == [Verdict.UNVERIFIED] * 2


@pytest.mark.parametrize("published", ["yesterday", "12345-01-01T00:00:00Z", "-44-03-15T00:00:00Z", "infinity"])
def test_a_time_nobody_can_read_is_said(okta: Okta, evidence: Make, classify: Classify, published: str) -> None:
    """An event with an unreadable time is still judged, and says why nothing could match it."""
    row = classify.one(okta(published=published), evidence())
    assert (row.verdict, row.reasons) == (Verdict.UNVERIFIED, ("no_time", "no_released_case"))


HOUR = timedelta(hours=1)
LOST = (NOON - HOUR, NOON + HOUR)


def test_an_event_in_a_gap_of_the_record_says_so(okta: Okta, evidence: Make, classify: Classify) -> None:
    """What nothing speaks for may have been governed in the time that the ledger lost: it says so, and is a finding."""
    lines = [okta(actor="00uadmin", target=f"00u{n}", after=n * 7200) for n in (-1, 0, 1)]
    before, within, after = classify(lines, [evidence()], gaps=[LOST]).verdicts
    assert (before.reasons, after.reasons) == (("no_case",), ("no_case",))
    assert (within.verdict, within.reasons) == (Verdict.UNVERIFIED, ("no_case", "ledger_restored"))
    assert "lost its record" in within.why


def test_every_gap_counts(okta: Okta, evidence: Make, classify: Classify) -> None:
    """A ledger that was restored twice lost two times; what lies between them has no such excuse."""
    lines = [okta(actor="00uadmin", target=f"00u{n}", after=n * 7200) for n in range(3)]
    later = (NOON + 3 * HOUR, NOON + 5 * HOUR)
    reasons = [row.reasons for row in classify(lines, [evidence()], gaps=[LOST, later]).verdicts]
    assert reasons == [("no_case", "ledger_restored"), ("no_case",), ("no_case", "ledger_restored")]


def test_a_gap_takes_nothing_from_what_is_matched(okta: Okta, evidence: Make, classify: Classify) -> None:
    """Evidence speaks for its event whenever that was; what nobody has to vouch for is left alone."""
    lines = [okta(), okta(actor="00ucem", target="00ucem")]
    report = classify(lines, [evidence()], gaps=[LOST])
    assert [row.verdict for row in report.verdicts] == [Verdict.VERIFIED, Verdict.SELF_SERVICE]
    assert not any("ledger_restored" in row.reasons for row in report.verdicts)


def test_a_broken_chain_in_a_gap_is_broken_still(okta: Okta, evidence: Make, classify: Classify) -> None:
    """A case that is there and lacks a link is no matter of the time that was lost."""
    (row,) = classify([okta()], [evidence(release_leaf=None)], gaps=[LOST]).verdicts
    assert (row.verdict, row.reasons) == (Verdict.OUT_OF_POLICY, ("missing:release",))


def test_every_reason_has_words(okta: Okta, evidence: Make, classify: Classify) -> None:
    """A row can say its reasons in words."""
    assert classify.one(okta("user.mfa.factor.reset_all"), evidence()).why == REASONS["wider_than_approved"]


def test_findings_are_what_someone_must_look_at(okta: Okta, evidence: Make, classify: Classify) -> None:
    """Verified, self-service and ignored rows are no findings; the counts add up to every line."""
    lines = [
        okta(),
        okta(actor="00uadmin", target="00uben"),
        okta(actor="00ucem", target="00ucem"),
        okta("user.session.start"),
    ]
    report = classify(lines, [evidence()])
    assert [row.target for row in report.findings] == ["00uben"]
    assert sum(report.counts.values()) == report.lines == 4


def test_evidence_speaks_for_the_feed_of_its_directory_only(
    okta: Okta, evidence: Make, write_log: Callable[..., Path], write_evidence: Callable[..., Path], tmp_path: Path
) -> None:
    """Two directories are judged in one run; the same change in both is verified in the one the case was about."""
    logs = [write_log(tmp_path / name, [okta()]) for name in ("east", "west")]
    feeds = tuple(Feed(provider=OKTA, directory=log.name, files=(log,)) for log in logs)
    table = write_evidence(tmp_path / "table.parquet", [evidence(directory="west")])
    rows = {row.directory: row.verdict for row in Engine().judge(feeds, table).verdicts}
    assert rows == {"east": Verdict.UNVERIFIED, "west": Verdict.VERIFIED}
