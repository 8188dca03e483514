"""Who counts as another person: not whoever else may be signed in under that name, and nobody recovered lately."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.desk.forger import plant
from tests.desk.office import SECOND, Office, refused
from tests.desk.test_decisions import asked
from tests.desk.test_vouching import BOSS, MARA, NOAH, named, vouch
from watchword.cli.demo.authenticator import SoftAuthenticator
from watchword.core.action import Action
from watchword.core.ids import CaseId
from watchword.core.person import Role, RoleGrant
from watchword.core.standing import RecoveryCompleted
from watchword.desk.people import fingerprint
from watchword.desk.recording import account_stream
from watchword.directories.sandbox import Seed

FIRST, OTHER = "the first password of it", "another password of it"


def replaced(office: Office, login: str) -> None:
    """Have the first administrator give somebody another password, and so be able to sign in as them."""
    for password in (FIRST, OTHER):
        office.app.people.set_password(office["root.admin"], office[login], password, office.at)


def test_whoever_set_a_password_lends_no_seat_of_theirs(office: Office) -> None:
    """Signed in as the manager an administrator can not approve, and has nobody else sit in the manager's place."""
    replaced(office, "boss.one")
    case = asked(office)
    until = office.at + timedelta(days=7)
    lend = office.app.lending.lend
    told = refused(lambda: lend(office["boss.one"], "noah.berg", "manager_of_record", until, office.at))
    assert told == ("young_password",)
    assert refused(lambda: office.approve(case, "noah.berg"))
    office.wait(days=31)
    lend(office["boss.one"], "noah.berg", "manager_of_record", office.at + timedelta(days=7), office.at)


def test_whoever_set_a_password_confirms_no_key_as_them(strict: Office) -> None:
    """The second administrator, under a password the first one chose, is no second person for a key."""
    boss, keys, confirm = strict["boss.one"], strict.app.approver_keys, strict.app.people.confirm_credential
    link = keys.offer(strict["root.admin"], boss, strict.at)
    begun = keys.options(link.token, link.code, strict.at)
    answer = SoftAuthenticator(strict.origin, counts=False).create(begun.options)
    made = keys.enrol(link.token, link.code, begun.challenge, answer, strict.at)
    replaced(strict, SECOND)
    told = refused(lambda: confirm(strict[SECOND], boss, made.id, fingerprint(made), strict.at))
    assert told == ("young_password",)
    strict.wait(days=31)
    confirm(strict[SECOND], boss, made.id, fingerprint(made), strict.at)


def broken(office: Office) -> CaseId:
    """A privileged account's unlock for which a custodian broke the glass, and another one agreed."""
    case = office.open("piet.priv", Action.UNLOCK)
    office.app.desk.decisions.break_glass(office["cleo.custodian"], case, "nobody can get in", office.at)
    office.approve(case, "cato.custodian")
    office.release(case)
    return case


def refusals(office: Office, case: CaseId) -> object:
    """Why the executor said no, having changed nothing."""
    assert "change.started" not in office.types(case)
    (said,) = (e for e in office.app.ledger.read(f"case/{case}") if e.entry.type == "execution.refused")
    return said.entry.data["reasons"]


def recover(office: Office, login: str) -> None:
    """Have an account of *login*'s recovered just now."""
    if not office.directory.find(login):
        office.directory.seed((Seed(login=login, display_name=login, groups=("All Staff",), unit="desk"),))
    root = office["root.admin"]
    account = office.app.people.link(root, office[login], "sandbox", office.native(login), office.at)
    done = RecoveryCompleted(account=account, case=CaseId("c-before"), action=Action.PASSWORD_RESET, probation_s=0)
    plant(office, account_stream(account), done, root)


def test_a_custodian_who_was_recovered_lately_breaks_no_glass(office: Office) -> None:
    """Whoever holds a custodian's account since yesterday is not one of two, until a week is over."""
    recover(office, "cleo.custodian")
    case = office.open("piet.priv", Action.UNLOCK)
    break_glass = office.app.desk.decisions.break_glass
    told = refused(lambda: break_glass(office["cleo.custodian"], case, "nobody can get in", office.at))
    assert told == ("recovered",)
    office.wait(days=8)
    break_glass(office["cleo.custodian"], office.open("piet.priv", Action.UNLOCK), "nobody can get in", office.at)


@pytest.mark.parametrize(("since", "check"), [("revoked", "clearance:roles"), ("recovered", "clearance:recovered")])
def test_the_executor_looks_at_who_broke_the_glass(office: Office, since: str, check: str) -> None:
    """One of the two custodians is no more, or was recovered since: nothing is done on their word."""
    case = broken(office)
    if since == "revoked":
        office.app.people.revoke(office["root.admin"], office["cleo.custodian"], Role.CUSTODIAN, office.at)
    else:
        recover(office, "cleo.custodian")
    office.run()
    assert refusals(office, case) == [check]


def test_a_vote_ends_with_the_role_it_was_given_by(office: Office) -> None:
    """Who was taken off duty is none of two any more, neither for a freeze nor for the threat."""
    people, root = office.app.people, office["root.admin"]
    case = office.open()
    for _ in range(5):
        office.fail(case, "in_person")
    account, agree = office.case(case).account, office.app.desk.decisions.release_freeze
    people.raise_threat(office["sam.security"], office.at + timedelta(days=1), "two vishing calls", office.at)
    assert agree(office["sam.security"], account, office.at) is False
    assert people.lower_threat(office["sam.security"], "a drill", office.at) is False
    people.revoke(root, office["sam.security"], Role.SECURITY_DUTY, office.at)
    assert agree(office["ivy.iam"], account, office.at) is False
    assert people.lower_threat(office["ivy.iam"], "a drill", office.at) is False
    for step in (
        lambda: agree(office["ivy.iam"], account, office.at),
        lambda: people.lower_threat(office["ivy.iam"], "a drill", office.at),
    ):
        assert refused(step) == ("same_person",)
    people.grant(root, office["rex.review"], RoleGrant(role=Role.IAM_DUTY), office.at)
    assert agree(office["rex.review"], account, office.at) is True
    assert people.lower_threat(office["rex.review"], "a drill", office.at) is True


@pytest.mark.parametrize("since", ["named no more", "recovered"])
def test_a_word_that_was_taken_back_carries_nothing(office: Office, since: str) -> None:
    """Whoever vouched was found out while the hold ran: the executor does nothing on what they said."""
    named(office)
    case = office.open(MARA, Action.TOTAL_LOSS)
    office.prove(case, "in_person")
    vouch(office, case, "recovery_contact", NOAH)
    office.ask(case)
    office.approve(case, BOSS)
    office.run()
    office.pass_by(hours=1, minutes=1)
    office.release(case)
    office.browse(case)
    if since == "recovered":
        recover(office, NOAH)
    else:
        (naming,) = office.app.registry.person(office[MARA]).credentials_of("recovery_contact")
        office.app.people.revoke_credential(office["root.admin"], office[MARA], naming.id, "not him", office.at)
    office.run()
    assert refusals(office, case) == ["clearance:word"]


def test_a_custodian_who_is_none_any_more_opens_nothing(office: Office) -> None:
    """Of two custodians' sealed keys one was taken back before anything was done."""
    case = office.open("sealed.one")
    for login in ("cleo.custodian", "cato.custodian"):
        office.prove(case, "custodian_passkey", custodian=login)
    office.ask(case)
    office.approve(case, "dora.ciso")
    office.release(case)
    office.browse(case)
    office.app.people.revoke(office["root.admin"], office["cleo.custodian"], Role.CUSTODIAN, office.at)
    office.run()
    assert refusals(office, case) == ["clearance:word"]
