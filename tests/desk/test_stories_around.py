"""The shipped scenarios whose abuse begins outside the desk's own steps, played as far as they reach the desk.

At the source of record, at an outsourced desk, at the self-service page, and after a recovery that was right. What each
attacker has is what `scenarios.yaml` says; what they are let do here is all that it can be used for.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest

from tests.desk.office import LONG_AGO, Office, refused
from tests.desk.test_prompts import Phone
from tests.desk.test_stories import ABUSED, ACTIONS, NOT_AT_THE_DESK, POLICY, TARGETS, WISHES, target
from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.core.change import ContactKind, SetContact
from watchword.core.errors import Refused
from watchword.core.ids import AccountId, CaseId
from watchword.core.person import Kind, Role, RoleGrant
from watchword.directories.sandbox import Seed
from watchword.policy.scenarios import load_scenarios

ACCOMPLICE = "noah.berg"
THIEF = {ContactKind.PHONE: "+493099900011", ContactKind.MAIL: "thief@example.test"}

EVERYBODY = pytest.mark.parametrize("account_class", TARGETS, ids=str)
EVERYTHING = pytest.mark.parametrize("action", ACTIONS, ids=str)


def rewritten(office: Office, login: str) -> None:
    """Have the personnel system say since yesterday that phone, mail and manager of *login* are the attacker's."""
    office.app.desk.intake.find("sandbox", login)
    with suppress(Refused):  # a contractor whom nobody sponsors, say
        office.open(login, Action.UNLOCK, ticket="INC-0")  # the record is seen as it was
    office.wait(days=1)
    for kind, value in THIEF.items():
        wish = SetContact(account=AccountId(""), contact=kind, commitment="")
        office.directory.by_hand("hr.sync", office.native(login), wish, value=value)
    office.tamper_directory(f"UPDATE account SET manager = '{ACCOMPLICE}' WHERE login = '{login}'")
    office.wait(hours=20)


@EVERYBODY
@EVERYTHING
def test_s13_the_truth_rewritten_at_its_source(office: Office, account_class: AccountClass, action: Action) -> None:
    """The new phone and mail receive nothing that proves, the new manager neither vouches nor approves, for a month."""
    login = target(office, account_class)
    rewritten(office, login)
    office.admit_all()  # no rung forbids a method here: only its age is against it
    case = office.open(login, action, agent="ada.agent", **WISHES.get(action, {}))
    if action is Action.RECOVERY_INFO_CHANGE:
        office.enter(case, THIEF[ContactKind.PHONE])
    for method in ("call_code", "sms_code", "mail_code"):
        assert refused(lambda m=method: office.begin(case, m)) == ("young_contact",)  # type: ignore[misc]
    assert refused(lambda: office.begin(case, "manager_of_record")) == ("young_manager",)
    assert refused(lambda: office.ask(case))
    # Even a case that was proved honestly has no seat for who is manager since yesterday.
    for method in ("passkey", "in_person"):
        office.prove(case, method)
    with suppress(Refused):
        office.ask(case)
    if office.state(case) == "awaiting approval":
        assert refused(lambda: office.approve(case, ACCOMPLICE))
        assert office.state(case) == "awaiting approval"
        office.run()
        assert "change.started" not in office.types(case)
    assert office.app.outbox is not None
    assert not {sent.recipient for sent in office.app.outbox.sent() if "code is" in sent.text} & set(THIEF.values())


def contractor(office: Office) -> str:
    """A contractor with an account of their own."""
    login = "kim.contract"
    office.directory.seed(
        (
            Seed(
                login=login,
                display_name=login,
                groups=("Contractors",),
                unit="sales",
                mail=f"{login}@example.test",
                contacts_changed_at=LONG_AGO,
                factors=("authenticator_app", "security_key"),
                sponsor="boss.one",
            ),
        )
    )
    office.link(login)
    office._enrol(office["root.admin"], login)
    return login


def supplier(office: Office, *logins: str) -> None:
    """Have a supplier's people sit at the desk, with every role that an agent of ours has, and those of a lead."""
    people, root = office.app.people, office["root.admin"]
    for login in logins:
        person = people.register(root, login=login, name=login, kind=Kind.VENDOR, unit="desk", at=office.at)
        for role in (Role.AGENT, Role.VERIFIER, Role.EXECUTOR, Role.IAM_DUTY):
            people.grant(root, person, RoleGrant(role=role), office.at)


@pytest.mark.parametrize("whose", [lambda _: "mara.lind", contractor], ids=["standard", "contractor"])
def test_s08_the_suppliers_desk_obliges(office: Office, whose: Callable[[Office], str]) -> None:
    """Two seats of an outsourced desk say yes to all they are asked to say yes to, and nothing is changed by it."""
    login = whose(office)
    supplier(office, "vera.vendor", "vito.vendor")
    case = office.open(login, Action.PASSWORD_RESET, agent="vera.vendor")
    with suppress(Refused):
        challenge = office.begin(case, "in_person", agent="vito.vendor")
        office.answer(case, challenge, "passport, front desk", agent="vito.vendor")
    for method in ("passkey", "totp", "mail_code", "call_code"):
        with suppress(Refused):
            challenge = office.begin(case, method, agent="vito.vendor")
            claims = lambda c=challenge: office.answer(case, c, "yes, it was", agent="vito.vendor")  # noqa: E731
            assert refused(claims) == ("wrong_hands",)
    for step in (
        lambda: office.ask(case, agent="vito.vendor"),
        lambda: office.release(case, who="vito.vendor"),
        lambda: office.release(case, who="vera.vendor"),
    ):
        assert refused(step)
    office.pass_by(hours=1)
    assert "change.started" not in office.types(case)
    # Where the person really was there, a supplier's yes is none all the same.
    real = office.open(login, Action.FACTOR_RESET, ticket="INC-2", factors=("authenticator_app",), agent="ada.agent")
    for method in ("passkey", "in_person"):
        office.prove(real, method)
        with suppress(Refused):
            office.ask(real)
            break
    assert office.state(real) == "awaiting approval"
    assert "vendor-never-approves" in refused(lambda: office.approve(real, "vera.vendor"))


def test_s23_prompts_until_the_thumb_gives_in(office: Office) -> None:
    """Forty requests in a night are three prompts an hour, and the tired yes has to be a number that nobody showed."""
    phone = Phone(office, "mara.lind")
    opened, reasons, tired = 0, set(), 0
    for night in range(40):
        office.wait(minutes=10)
        try:
            case = office.open("mara.lind", Action.PASSWORD_RESET, ticket=f"INC-{night}")
            opened += 1
            office.begin(case, "push_number")
        except Refused as refusal:
            reasons |= set(refusal.reasons)
            continue
        tired += 1
        if tired == 3:
            with pytest.raises(Refused) as caught:
                phone.types("42")  # whatever makes it stop
            assert caught.value.reasons[0] == "wrong_answer"
            assert "final" in caught.value.reasons
        assert refused(lambda c=case: office.ask(c))  # type: ignore[misc]
    assert tired <= 3 * 40 * 10 // 60 + 3
    assert reasons
    office.run()
    for row in office.app.steps.cases.rows():
        assert "change.started" not in office.types(row.case.id)
        assert not row.case.evidence


def test_s25_a_session_adds_a_factor(office: Office) -> None:
    """Whoever holds the person's session can open nothing with it: only an agent takes in, and nobody for themself."""
    wish = WISHES[Action.FACTOR_RESET]

    def opens() -> CaseId:
        return office.open("mara.lind", Action.FACTOR_RESET, agent="mara.lind", **wish)

    assert refused(opens)[0] == "no rule permits it"
    office.app.people.grant(office["root.admin"], office["mara.lind"], RoleGrant(role=Role.AGENT), office.at)
    assert refused(opens) == ("subject-never-acts",)
    case = office.open("mara.lind", Action.FACTOR_RESET, **wish)
    for method in ("passkey", "totp"):
        challenge = office.begin(case, method)
        assert refused(lambda c=challenge: office.answer(case, c, "I am signed in"))  # type: ignore[misc]
    assert refused(lambda: office.ask(case))
    office.run()
    assert "change.started" not in office.types(case)


def test_every_scenario_is_played_somewhere() -> None:
    """What is not abused at the desk's own steps is played here, or in `test_stories_after` once a recovery is over."""
    here = {name.split("_")[1].upper() for name in globals() if name.startswith("test_s")}
    shipped = load_scenarios(POLICY)
    at_the_desk = {s.id for s in shipped if s.step in ABUSED} - NOT_AT_THE_DESK
    assert here == {s.id for s in shipped if s.judged_by is None} - at_the_desk
