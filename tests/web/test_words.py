"""Nothing the desk can do or record is without words for people."""

from __future__ import annotations

from typing import get_args

import pytest

from watchword.core.account import AccountClass
from watchword.core.action import Action, AlertLevel
from watchword.core.change import (
    Change,
    ContactKind,
    GrantOverride,
    IssuePass,
    ReissueSecret,
    ResetFactors,
    ResetPassword,
    RevokeSessions,
    SetContact,
    Suspend,
    SuspendFactors,
    Unlock,
)
from watchword.core.event import CaseEvent
from watchword.core.identity_event import Verdict
from watchword.core.ids import AccountId
from watchword.core.person import Role
from watchword.core.quorum import Rule, Seat
from watchword.core.requirement import Context
from watchword.policy import Policy
from watchword.reception import wording
from watchword.web.board_page import ORDER
from watchword.web.scripts import SCRIPTS

A = AccountId("a-1")


def test_every_event_action_alert_and_verdict_has_words() -> None:
    """A new one without words fails here, and not in front of somebody at the desk."""
    assert set(wording.EVENTS) == {str(kind.__struct_config__.tag) for kind in get_args(CaseEvent)}
    assert set(wording.ACTIONS) == set(Action)
    assert set(wording.ALERTS) == set(AlertLevel)
    assert {verdict for verdict, _ in ORDER} == set(Verdict)


def test_every_method_has_a_title_and_a_script() -> None:
    """Each method of the shipped policy has both, and no script asks for a code."""
    procedures = Policy.default().procedures
    asked = procedures.require(AccountClass.STANDARD, Action.TOTAL_LOSS, Context())
    names = {m.name for m in asked.methods} | {"owner_passkey", "custodian_passkey"}
    assert names <= set(wording.METHODS)
    assert names <= set(SCRIPTS)
    assert not [line for lines in SCRIPTS.values() for line in lines if "read it to me" in line and "not" not in line]


CHANGES: tuple[tuple[Change, str], ...] = (
    (ResetPassword(account=A), "Set a new password, to be changed at sign-in"),
    (Unlock(account=A), "Unlock the account"),
    (ResetFactors(account=A), "Remove every factor"),
    (ResetFactors(account=A, factors=("otp-1", "key-2")), "Remove the factors otp-1, key-2"),
    (
        SetContact(account=A, contact=ContactKind.PHONE, commitment="ab" * 32),
        "Replace the phone number of record with commitment abababababab…",
    ),
    (SetContact(account=A, contact=ContactKind.MAIL), "Replace the mail address of record with what they enter"),
    (IssuePass(account=A), "Issue a temporary pass for 1 h"),
    (ReissueSecret(account=A), "Issue a new secret; the old one ends within 1 d"),
    (GrantOverride(account=A, role="domain-admin"), "Lend the role domain-admin for 1 h"),
    (RevokeSessions(account=A), "End every session"),
    (Suspend(account=A), "Disable the account"),
    (SuspendFactors(account=A, factors=("totp", "push")), "Suspend the factors totp, push"),
    (SuspendFactors(account=A), "Suspend every factor"),
)


@pytest.mark.parametrize(("change", "words"), CHANGES)
def test_a_change_reads_as_what_will_be_done(change: Change, words: str) -> None:
    """An approver reads each parameter of the change, and nothing vaguer."""
    assert wording.change(change) == words


def test_every_kind_of_change_is_said() -> None:
    """No kind of change is missing above."""
    assert {type(change) for change, _ in CHANGES} == set(get_args(Change))


def test_how_a_request_came_in_is_one_sentence() -> None:
    """Unknown things read as unknown, and what raises the requirement is said."""
    assert wording.context(Context()) == "By phone, from an unknown place, on an unknown device, low risk"
    came = Context(channel="chat", location="home", device="managed", situation="after_hours", elevated_threat=True)
    assert wording.context(came).endswith("after hours, under elevated threat")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("1 more independent method(s)", "one more method"),
        ("2 more independent method(s)", "2 more independent methods"),
        ("one of passkey, in_person", "one of passkey or in person"),
        ("one of passkey", "passkey required"),
        ("weight 2 of 5", "weight 2 of 5"),
    ],
)
def test_what_is_missing_names_methods_by_their_titles(words: str, said: str) -> None:
    """The policy's words are made the desk's."""
    assert wording.lacking(words) == said


def test_a_rule_that_has_a_code_for_a_name_is_said_in_words() -> None:
    """What breaks the glass asks for custodians by a rule of that name."""
    assert wording.seats(Rule(name="break_glass", seats=(Seat(roles=(Role.CUSTODIAN,)),))) == "break glass: custodian"


def test_what_policy_asks_has_methods_and_roles_as_every_page_has_them() -> None:
    """Methods by their titles where the line lists some, makers' names with their capitals, roles as they are said."""
    line = "Prove: two methods of weight 4 together, one of them totp or push number, never okta push (V2B)."
    told = "Prove: two methods of weight 4 together, one of them authenticator code or number in a prompt"
    assert wording.named(line) == f"{told}, never number in Okta Verify (V2B)."
    assert wording.named("Hold: 1 hour, waived by ssh key.") == "Hold: 1 hour, waived by SSH key."
    asked = "Approve: manager of record and iam duty, within 4 hours of being asked."
    assert wording.named(asked) == asked.replace("iam", "IAM")
