"""Protective actions: they only take away, with one check, within a budget; what waits for a "not me" waits anew."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.desk.office import STAFF, Office, refused
from watchword.core.action import Action
from watchword.core.errors import Invalid
from watchword.core.ids import CaseId, PersonId
from watchword.core.person import Kind, Role, RoleGrant
from watchword.core.protection import SHIELDS_A_DAY
from watchword.directories.sandbox import Seed, SignIn


def protect(
    office: Office, case: CaseId, who: str = "ben.agent", *, lock: bool = True, factors: tuple[str, ...] = ()
) -> None:
    """Take access away."""
    office.app.desk.protection.protect(
        office[who], case, "their phone was stolen", office.at, lock=lock, factors=factors
    )


def hired(office: Office, login: str, kind: Kind) -> PersonId:
    """Somebody more at the desk."""
    people, root = office.app.people, office["root.admin"]
    person = people.register(root, login=login, name=login, kind=kind, unit="desk", at=office.at)
    people.grant(root, person, RoleGrant(role=Role.AGENT), office.at)
    return person


def test_one_proof_takes_access_away_at_once(office: Office) -> None:
    """Nobody approves and nothing waits: the executor disables the account, and the case is over."""
    case = office.open()
    assert refused(lambda: protect(office, case)) == ("unchecked",)
    office.prove(case, "totp")
    protect(office, case)
    assert office.state(case) == "protected"
    office.run()
    seen = office.directory.read(office.native("mara.lind"))
    assert not seen.enabled
    assert office.types(case).count("change.ended") == 2
    assert refused(lambda: office.ask(case))[0] == "wrong_state"


def test_a_stolen_factor_answers_nothing_and_the_account_stays_open(office: Office) -> None:
    """The named factor alone is suspended, by the executor, and said so in the directory's own log."""
    office.directory.seed(
        (Seed(login="vera.two", display_name="Vera Two", mail="vera.two@example.test", factors=("app", "key")),)
    )
    office.link("vera.two")
    case = office.open("vera.two", ticket="INC-1")
    protect(office, case, "sam.security", lock=False, factors=("app", "app"))
    office.run()
    seen = office.directory.read(office.native("vera.two"))
    assert (seen.enabled, seen.factors, seen.suspended_factors) == (True, ("app", "key"), ("app",))
    assert office.state(case) == "protected"
    assert office.types(case).count("change.ended") == 2
    assert "user.mfa.factor.suspend" in (office.home / "audit.jsonl").read_text()


def test_a_factor_is_suspended_within_the_same_rules(office: Office) -> None:
    """It needs a proof or duty, is one the account has, and spends the budgets of the account and of who does it."""
    case = office.open("eve.exec")
    assert refused(lambda: protect(office, case, lock=False, factors=("authenticator_app",))) == ("unchecked",)
    with pytest.raises(Invalid, match="It has: authenticator_app"):
        protect(office, case, "sam.security", factors=("another",))
    assert office.state(case) == "verifying"
    for number in range(SHIELDS_A_DAY):
        again = office.open("eve.exec", ticket=f"INC-{number + 2}")
        protect(office, again, "sam.security", lock=False, factors=("authenticator_app",))
    assert refused(lambda: protect(office, case, "ivy.iam", lock=False, factors=("authenticator_app",))) == (
        "protection_budget",
    )


def test_where_a_directory_suspends_no_factor_that_is_said(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is left out in silence: who asks for what the directory can not do is told, and the case goes on."""
    able = office.directory.capabilities() - {"suspend_factors"}
    monkeypatch.setattr(type(office.directory), "capabilities", lambda _: able)
    case = office.open("eve.exec")
    assert refused(lambda: protect(office, case, "sam.security", factors=("authenticator_app",))) == ("no_such_change",)
    protect(office, case, "sam.security")
    assert office.state(case) == "protected"


def test_responder_needs_nobodys_proof(office: Office) -> None:
    """Security on duty acts on a suspicion; who reads along has no such step."""
    case = office.open("piet.priv")
    protect(office, case, "sam.security", lock=False)
    office.run()
    assert office.directory.read(office.native("piet.priv")).enabled
    assert office.state(case) == "protected"
    other = office.open(ticket="INC-2")
    assert refused(lambda: protect(office, other, "rex.review"))[0] == "no rule permits it"


@pytest.mark.parametrize("guard", ["piet.priv", "sam.security", "cleo.custodian", "noah.berg"])
def test_ai_never_takes_access_of_who_guards_recovery(office: Office, guard: str) -> None:
    """An AI agent protects a standard account, and neither a responder's nor a privileged one, whatever was proved."""
    person, root = hired(office, "robot.one", Kind.AI), office["root.admin"]
    if guard in STAFF:
        office.directory.seed((Seed(login=guard, display_name=guard, groups=("All Staff",), unit="sales"),))
        office.app.people.link(root, office[guard], "sandbox", office.native(guard), office.at)
    elif guard == "noah.berg":  # an account of no guarded class, whose owner is on duty in another unit
        duty = RoleGrant(role=Role.SECURITY_DUTY, unit="elsewhere")
        office.app.people.grant(root, office[guard], duty, office.at)
    if guard == "sam.security":
        office._enrol(root, guard)
    standard, guarded = office.open(), office.open(guard, ticket="INC-2")
    office.prove(standard, "passkey")
    office.prove(guarded, "passkey", who=guard)
    protection = office.app.desk.protection
    assert refused(lambda: protection.protect(person, guarded, "odd", office.at)) == ("ai-never-touches-responders",)
    assert office.state(guarded) == "verifying"
    protection.protect(person, standard, "odd", office.at)
    assert office.state(standard) == "protected"
    protect(office, guarded)
    assert office.state(guarded) == "protected"


@pytest.mark.parametrize("how", ["role", "group"])
def test_ai_never_takes_access_of_who_came_to_guard_recovery_meanwhile(office: Office, how: str) -> None:
    """Mara was nobody's guard when her case was opened, and is one when the AI agent acts."""
    robot, root = hired(office, "robot.one", Kind.AI), office["root.admin"]
    case = office.open()
    office.prove(case, "passkey")
    if how == "role":
        office.app.people.grant(root, office["mara.lind"], RoleGrant(role=Role.POLICY_AUTHOR), office.at)
    else:
        native = office.native("mara.lind")
        office.tamper_directory(f"INSERT INTO membership VALUES ('{native}', 'Administrators')")
    protection = office.app.desk.protection
    assert refused(lambda: protection.protect(robot, case, "odd", office.at)) == ("ai-never-touches-responders",)
    protect(office, case)
    assert office.state(case) == "protected"


def test_budget_holds_a_person_and_an_ai_agent(office: Office) -> None:
    """Twenty times a day for a person, five for an AI agent; the day after both may again."""
    robot = hired(office, "robot.one", Kind.AI)
    protection = office.app.desk.protection
    accounts = ("mara.lind", "noah.berg")
    for number in range(5):
        case = office.open(accounts[number // 3], ticket=f"INC-{number}")
        office.prove(case, "passkey")
        protection.protect(robot, case, "odd", office.at)
    case = office.open("olga.owner", ticket="INC-9")
    office.prove(case, "passkey")
    assert refused(lambda: protection.protect(robot, case, "odd", office.at)) == ("protection_budget",)
    protect(office, case)
    office.wait(hours=25)
    again = office.open("boss.one", ticket="INC-10")
    office.prove(again, "passkey")
    protection.protect(robot, again, "odd", office.at)


def test_nobody_is_kept_out_by_being_protected_over_and_over(office: Office) -> None:
    """One account is protected three times within a day, whoever does it."""
    for number in range(SHIELDS_A_DAY):
        case = office.open(ticket=f"INC-{number}")
        protect(office, case, "sam.security")
    case = office.open(ticket="INC-9")
    assert refused(lambda: protect(office, case, "ivy.iam")) == ("protection_budget",)


def test_hold_begins_anew_and_the_cut_channel_counts_for_nothing(office: Office) -> None:
    """A hold that ran for an hour runs its whole length again, and is told by telephone, since the mailbox is cut."""
    case = office.open(action=Action.RECOVERY_INFO_CHANGE, contact="phone")
    office.enter(case)
    office.prove(case, "passkey")
    office.ask(case)
    assert office.state(case) == "holding"
    office.run()
    assert set(office.case(case).told) == {"mail", "phone"}  # type: ignore[attr-defined]
    before = office.case(case).until  # type: ignore[attr-defined]
    office.wait(hours=1)
    protect(office, office.open(ticket="INC-2"), "sam.security")
    office.run()
    now = office.case(case)
    assert now.until == before + (office.at - office.at.replace(hour=9))  # type: ignore[attr-defined]
    assert now.told == ("phone",)  # type: ignore[attr-defined]
    assert office.types(case).count("hold.restarted") == 1
    office.pass_by(hours=23)
    assert office.state(case) == "holding"
    office.pass_by(hours=2)
    assert office.state(case) == "releasable"


def test_hold_that_nobody_could_be_told_of_does_not_end(office: Office) -> None:
    """Where the mailbox was all there is and it was cut, silence is no consent: the case waits, and then expires."""
    native = office.native("mara.lind")
    office.tamper_directory(f"DELETE FROM contact WHERE account = '{native}' AND kind = 'phone'")
    case = office.open(action=Action.RECOVERY_INFO_CHANGE, contact="phone")
    office.enter(case)
    office.prove(case, "passkey")
    office.ask(case)
    office.run()
    protect(office, office.open(ticket="INC-2"), "sam.security")
    office.run()
    office.pass_by(hours=25)
    assert office.state(case) == "holding"
    assert refused(lambda: office.release(case)) == ("untold",)


def untold_hold(office: Office) -> CaseId:
    """A change of Mara's phone that waits; the mailbox is all there is to tell her of it."""
    office.wait(minutes=1)
    case = office.open(action=Action.RECOVERY_INFO_CHANGE, contact="phone", ticket="INC-8")
    office.enter(case)
    office.prove(case, "passkey")
    if office.case(case).requirement.raised:  # a second recovery within the week
        office.prove(case, "in_person")
    office.ask(case)
    office.run()
    office.pass_by(hours=25)
    return case


def test_what_a_containment_cuts_counts_for_nothing_either(office: Office) -> None:
    """A fraud was found and the account suspended: the hold of the next case is told by nobody's mail."""
    native = office.native("mara.lind")
    office.tamper_directory(f"DELETE FROM contact WHERE account = '{native}' AND kind = 'phone'")
    fraud = office.released()
    office.run()
    office.app.desk.decisions.contain(office["sam.security"], fraud, "not hers", office.at)
    office.run()
    assert office.app.outbox is not None
    assert "fraudulent" in office.app.outbox.sent("mara.lind@example.test")[-1].text
    case = untold_hold(office)
    assert office.state(case) == "holding"
    assert refused(lambda: office.release(case)) == ("untold",)


def test_second_objection_cuts_as_well(office: Office) -> None:
    """Access taken back after two signals cuts what a protective action does; where nothing was begun, nothing."""
    begun, unbegun = office.released(), office.open("noah.berg", ticket="INC-2")
    office.run()
    for case in (begun, unbegun):
        for who in ("ben.agent", "sam.security"):
            office.app.desk.objections.object(office[who], case, "not me", office.at)
    assert office.app.registry.account(office.case(begun).account).cut == {"mail"}
    assert not office.app.registry.account(office.case(unbegun).account).cut


def test_a_recovery_opens_no_mailbox_of_a_disabled_account(office: Office) -> None:
    """An unlock went through meanwhile, and the account is disabled all the same: its hold is told by no mail."""
    native = office.native("mara.lind")
    office.tamper_directory(f"DELETE FROM contact WHERE account = '{native}' AND kind = 'phone'")
    protect(office, office.open(ticket="INC-2"), "sam.security")
    office.run()
    unlock = office.open(action=Action.UNLOCK, ticket="INC-3")
    office.prove(unlock, "totp")
    office.ask(unlock)
    office.release(unlock)
    office.run()
    case = untold_hold(office)
    assert office.state(case) == "holding"
    office.tamper_directory(f"UPDATE account SET enabled = 1 WHERE native_id = '{native}'")
    office.pass_by(minutes=6)
    assert office.case(case).told == ("mail",)  # type: ignore[attr-defined]


def test_protected_account_is_not_signed_in_to(office: Office) -> None:
    """The directory turns the thief away, password or not."""
    case = office.open()
    office.prove(case, "passkey")
    protect(office, case)
    office.run()
    assert office.directory.sign_in("mara.lind", "the old secret of it") is SignIn.DISABLED


def test_hold_waits_for_its_notice_and_begins_with_it(office: Office) -> None:
    """While mail and telephone are away nothing elapses and nothing is released; told at last, the whole time runs."""
    case = office.open(action=Action.RECOVERY_INFO_CHANGE, contact="phone")
    office.enter(case)
    office.prove(case, "passkey")
    office.ask(case)
    notifiers = office.app.runner.notices.notifiers
    kept = dict(notifiers)
    notifiers.clear()  # type: ignore[attr-defined]
    for _ in range(25):
        office.pass_by(hours=1)
    assert office.state(case) == "holding"
    assert refused(lambda: office.release(case)) == ("untold",)
    notifiers.update(kept)  # type: ignore[attr-defined]
    office.pass_by(hours=1)
    told = office.at
    assert office.case(case).until == told + timedelta(hours=24)  # type: ignore[attr-defined]
    office.pass_by(hours=23)
    assert office.state(case) == "holding"
    office.pass_by(hours=1)
    assert office.state(case) == "releasable"


def test_account_without_a_mailbox_is_told_by_its_owner(office: Office) -> None:
    """Nobody reads what goes to a service account: the notice of its hold goes to who owns it."""
    case = office.open("svc.backup", Action.TOTAL_LOSS)
    seen = office.directory.read(office.native("olga.owner"))
    loaded = office.case(case)
    assert {c.value for c in office.app.runner.notices._owner(loaded)} == {c.value for c in seen.contacts}
