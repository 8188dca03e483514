"""The shipped scenarios that only begin once a recovery is over, played from a recovery that was made.

What is played is who hears of it, what of before still opens the account, and what the account is left with; where the
default policy stops nothing, the test says so as `prove` does.
"""

from __future__ import annotations

import pytest

from tests.desk.office import Office, refused
from tests.desk.test_stories import POLICY, target, verified
from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.core.change import Suspend
from watchword.core.ids import AccountId, CaseId
from watchword.directories.sandbox import SignIn
from watchword.languages.catalogue import words
from watchword.policy.scenarios import load_scenarios

SUSPEND = Suspend(account=AccountId(""))
SECRET = "the old secret of it"
"""What everybody in the office had before."""

APPROVERS = ("boss.one", "ivy.iam", "sam.security")


def made(office: Office, login: str, action: Action) -> CaseId:
    """A recovery from intake to the directory's own answer, by everybody whom the policy asks."""
    case = verified(office, login, action)
    for who in APPROVERS:
        if office.state(case) == "awaiting approval":
            office.approve(case, who)
    office.release(case)  # a passkey waives the hold
    if action is not Action.FACTOR_RESET:  # which hands nothing over
        office.browse(case)
    office.run()
    assert "change.ended" in office.types(case)
    return case


def told(office: Office, case: CaseId, login: str) -> dict[str, list[str]]:
    """By which contact point which notices of *case* went out that say how to object."""
    assert office.app.outbox is not None
    how = words("en")("notice.object", case=case[2:10])
    contacts = office.directory.read(office.native(login)).contacts
    sent = {contact.value: office.app.outbox.sent(contact.value) for contact in contacts}
    return {value: [one.text for one in mails if how in one.text] for value, mails in sent.items()}


def test_s26_the_notice_nobody_sees_in_the_mailbox_is_seen_on_the_phone(office: Office) -> None:
    """Two channels are told the same; who was called by the other one has it taken back, whatever the mailbox does."""
    login = target(office, AccountClass.FINANCE)
    case = made(office, login, Action.FACTOR_RESET)
    heard = told(office, case, login)
    phone, mail = "+4930123450", f"{login}@example.test"
    assert heard[phone]
    assert heard[mail]
    office.app.desk.objections.object(office["ada.agent"], case, "she rang the number on her badge", office.at)
    office.app.desk.objections.object(office["sam.security"], case, "and says so in person as well", office.at)
    office.run()
    assert (office.state(case), office.version(login, SUSPEND)) == ("contained", 1)
    assert office.directory.sign_in(login, SECRET) is SignIn.DISABLED


def test_s26_a_notice_that_nobody_saw_at_all_is_no_consent(office: Office) -> None:
    """Whoever reads the mail can not confirm for the person; unconfirmed, the account is closed within a day."""
    login = target(office, AccountClass.FINANCE)
    case = made(office, login, Action.FACTOR_RESET)
    confirm = office.app.desk.aftercare.confirm
    for mark in (None, "the browser that reads the mail"):
        assert refused(lambda m=mark: confirm(case, "", office.at, mark=m)) == ("other_browser",)  # type: ignore[misc]
    office.pass_by(hours=24)
    office.run()
    assert (office.state(case), office.version(login, SUSPEND)) == ("protected", 1)
    assert office.directory.sign_in(login, SECRET) is SignIn.DISABLED


@pytest.mark.parametrize("action", [Action.PASSWORD_RESET, Action.FACTOR_RESET, Action.TOTAL_LOSS])
def test_s27_new_bank_details_within_the_hour(office: Office, action: Action) -> None:
    """The stolen session is ended with the rest; what a new one does to the payroll is seen by the watch alone.

    The default policy puts an account on probation after a factor was changed, and not after a password: that is what
    `prove` says of S27, and the signal *payroll in probation* has the cases of who acts in it.
    """
    login = target(office, AccountClass.FINANCE)
    office.directory.sign_in(login, SECRET)
    case = made(office, login, action)
    assert office.directory.sessions(office.native(login)) == 0
    account = office.app.registry.account(office.case(case).account)
    assert account.on_probation(office.at) is (action is not Action.PASSWORD_RESET)


def test_s28_the_intruder_who_stays(office: Office) -> None:
    """No session of before outlives the recovery, nor does the password that began it."""
    login = target(office, AccountClass.STANDARD)
    assert office.directory.sign_in(login, SECRET) is SignIn.OK
    assert office.directory.sessions(office.native(login)) == 1
    case = made(office, login, Action.TOTAL_LOSS)
    assert office.directory.sessions(office.native(login)) == 0
    assert office.directory.sign_in(login, SECRET) is SignIn.WRONG
    assert office.take(case)
    assert office.directory.sessions(office.native(login)) == 0


def test_every_scenario_of_afterwards_is_played() -> None:
    """What is judged by its after-care is played here."""
    here = {name.split("_")[1].upper() for name in globals() if name.startswith("test_s")}
    assert here == {scenario.id for scenario in load_scenarios(POLICY) if scenario.judged_by is not None}
