"""What an insider, a thief of one proof or a database writer might try, and does not get."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from tests.desk.office import Office, refused
from tests.desk.test_afterwards import broken
from tests.desk.test_decisions import asked
from tests.desk.test_executor import forge
from watchword.app import App
from watchword.core.account import AccountClass
from watchword.core.action import Action
from watchword.core.case import Released
from watchword.core.errors import Conflict, Invalid, Refused
from watchword.core.ids import PersonId
from watchword.core.person import Credential, Delegation, Kind, Role, RoleGrant
from watchword.core.requirement import Context
from watchword.core.standing import FailureRecorded
from watchword.desk.asks import Kind as Effect
from watchword.desk.people import GOVERNING
from watchword.desk.roster import Powers
from watchword.policy import bundle

YEAR = timedelta(days=300)
EVERYTHING = '@id("all") permit (principal, action, resource);'
"""A policy that lets anybody do anything."""


def join(office: Office, login: str, *roles: Role, unit: str = "north", kind: Kind = Kind.EMPLOYEE) -> PersonId:
    """Somebody new in *unit*, with *roles* in it."""
    people, administrator = office.app.people, office["root.admin"]
    person = people.register(administrator, login=login, name=login, kind=kind, unit=unit, at=office.at)
    for role in roles:
        people.grant(administrator, person, RoleGrant(role=role, unit=unit), office.at)
    return person


def at_once(*steps: Callable[[], object]) -> list[str]:
    """Take all *steps* at the same moment; returns how each ended, in no order."""
    barrier = threading.Barrier(len(steps))
    ends: list[str] = []

    def take(step: Callable[[], object]) -> None:
        barrier.wait()
        try:
            ends.append(str(step()))
        except (Refused, Conflict) as fault:
            ends.append(fault.fault)

    threads = [threading.Thread(target=take, args=(step,)) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ends


# --- who stands behind an account, and how strictly it is held --------------------------------------------------------


def test_second_group_of_software_does_not_soften_an_account(office: Office) -> None:
    """An administrator's account that somebody puts among the service accounts is held as an administrator's."""
    office.directory.set_groups(office.native("piet.priv"), ("Administrators", "Service Accounts"))
    assert office.case(office.open("piet.priv")).account_class is AccountClass.PRIVILEGED


def test_account_nobody_stands_behind_is_not_recovered(office: Office) -> None:
    """Whose account it is has to be known before a case, or nobody could be kept from their own."""
    assert refused(lambda: office.open("twin.a")) == ("nobody_linked",)
    office.link("twin.a")
    assert office.case(office.open("twin.a")).subject == office["twin.a"]


def test_vendor_is_a_vendor_whatever_they_say(office: Office) -> None:
    """A request that a vendor's agent takes in came over the vendor's desk, whatever channel they name."""
    join(office, "vic.vendor", Role.AGENT, unit="sales", kind=Kind.VENDOR)
    case = office.open(agent="vic.vendor", context=Context(channel="in_person"), ticket=None)
    assert office.case(case).context.channel == "vendor_desk"


# --- what proves ------------------------------------------------------------------------------------------------------


def lost(office: Office) -> None:
    """Mara's app no longer counts."""
    mara, people = office["mara.lind"], office.app.people
    for credential in office.app.registry.person(mara).credentials_of("totp"):
        people.revoke_credential(office["root.admin"], mara, credential.id, "phone lost", office.at)


def enrolled(office: Office, *, said: timedelta = timedelta(0)) -> None:
    """An administrator enrols an authenticator app for Mara and keeps its seed; *said* to be so old already."""
    key = Credential(id=office.app.ledger.pseudonym("k"), method="totp", enrolled_at=office.at - said)
    office.app.people.enrol(
        office["root.admin"], office["mara.lind"], key, office.keys.apps["noah.berg"].hex(), office.at
    )


@pytest.mark.parametrize("said", [timedelta(0), YEAR])
def test_enrolment_of_today_proves_nothing_for_thirty_days(office: Office, said: timedelta) -> None:
    """A way to prove that was added after the first day is worth nothing yet, however old it is said to be."""
    office.wait(days=2)
    lost(office)
    enrolled(office, said=said)
    case = office.open()
    assert refused(lambda: office.begin(case, "totp")) == ("young_contact",)
    office.prove(case, "passkey")
    office.wait(days=30)
    office.prove(office.open(), "totp", who="noah.berg")


def test_new_enrolment_does_not_take_the_place_of_one_that_counts(office: Office) -> None:
    """Somebody who adds an app keeps the one they can prove with until the new one counts."""
    office.wait(days=2)
    enrolled(office, said=timedelta(0))
    office.prove(office.open(), "totp")


def test_delegate_links_nobody_to_an_account_elsewhere(office: Office) -> None:
    """Whose an account of another unit, or of a stricter class, is, a delegate of one unit does not say."""
    people, at = office.app.people, office.at
    people.delegate(
        office["root.admin"], office["ada.agent"], Delegation(unit="north", until=at + timedelta(days=9)), at
    )
    new = people.register(
        office["ada.agent"], login="new.comer", name="New Comer", kind=Kind.EMPLOYEE, unit="north", at=at
    )
    for login in ("temp.nobody", "eve.exec"):
        native = office.app.desk.intake.find("sandbox", login).native_id
        assert refused(partial(people.link, office["ada.agent"], new, "sandbox", native, at))


def test_hand_over_takes_no_weaker_proof_than_the_case(office: Office) -> None:
    """Who has the mailbox but not the passkey that the case was proven with gets nothing."""
    case = office.released()
    office.run()
    assert refused(lambda: office.take(case, "mail_code")) == ("not_proved_before",)
    assert office.take(case)


def test_case_makes_only_so_many_calls(office: Office) -> None:
    """The thirty-first method of a case is not begun and sends nothing."""
    case = office.open()
    for _ in range(30):
        office.begin(case, "call_code")
    assert refused(lambda: office.begin(case, "call_code")) == ("too_many",)


def test_code_proves_one_of_many_cases_at_once(office: Office) -> None:
    """One code of an authenticator app, given for four cases at the same moment, proves one of them."""
    cases = [office.open(ticket=f"INC-{n}") for n in range(4)]
    challenges = [office.begin(case, "totp") for case in cases]
    code = office.totp("mara.lind")
    ends = at_once(
        *(
            lambda c=case, h=challenge: office.answer(c, h, code)
            for case, challenge in zip(cases, challenges, strict=True)
        )
    )
    assert ends.count("proved") == 1, ends
    assert sum(len(office.case(case).evidence) for case in cases) == 1


def test_guesses_at_once_are_counted_one_by_one(office: Office) -> None:
    """Eight wrong answers at the same moment are three, and the challenge is over."""
    case = office.open()
    challenge = office.begin(case, "totp")
    assert at_once(*(lambda: office.answer(case, challenge, "000000") for _ in range(8))) == ["refused"] * 8
    assert [t for t in office.types(case) if t in ("challenge.missed", "method.failed")] == [
        "challenge.missed", "challenge.missed", "method.failed",
    ]  # fmt: skip
    assert refused(lambda: office.answer(case, challenge, office.totp("mara.lind")))


# --- a policy nobody activated ----------------------------------------------------------------------------------------


@pytest.fixture
def drifted(founded: Office, tmp_path: Path) -> Iterator[Office]:
    """An office whose policy on disk became one that lets anybody do anything; nobody activated it."""
    office = founded.copy(tmp_path / "drifted")
    office.close()
    folder = office.home / "policy"
    shutil.copytree(Path(bundle.__file__).parent / "default", folder)
    (folder / "people.cedar").write_text(EVERYTHING)
    office.settings = office.settings.model_copy(update={"policy": Path("policy")})
    office.app = App(office.settings, clock=lambda: office.at)
    yield office
    office.close()


def test_nothing_goes_on_under_a_policy_nobody_activated(founded: Office, tmp_path: Path) -> None:
    """A released case is not executed, nor anything else done to it, when the policy on disk became another one."""
    office = founded.copy(tmp_path / "office")
    case, fraud = office.released(), office.released("noah.berg")
    office.close()
    folder = office.home / "policy"
    shutil.copytree(Path(bundle.__file__).parent / "default", folder)
    (folder / "people.cedar").write_text(EVERYTHING)
    office.settings = office.settings.model_copy(update={"policy": Path("policy")})
    office.app = App(office.settings, clock=lambda: office.at)
    try:
        decisions = office.app.desk.decisions
        assert refused(lambda: decisions.escalate(office["ada.agent"], case, office.at)) == ("policy_drift",)
        assert refused(lambda: office.release(case, who="mara.lind")) == ("policy_drift",)
        office.run()
        assert office.version("mara.lind") == 0
        assert isinstance(office.case(case), Released)  # put off, not ended: the file can be put right
        decisions.withdraw(office["ada.agent"], case, "the policy was changed", office.at)
        decisions.contain(office["sam.security"], fraud, "the caller was somebody else", office.at)  # it takes away
        assert office.state(fraud) == "contained"
    finally:
        office.close()


def test_policy_that_names_its_own_author_is_not_activated(drifted: Office) -> None:
    """Who may activate is in the ledger; a policy that lets anybody do so finds nobody to begin with."""
    people, life, at = drifted.app.people, drifted.app.activation, drifted.at
    assert refused(lambda: life.propose(drifted["mara.lind"], "a session", at)) == ("not_policy_author",)
    everywhere = RoleGrant(role=Role.ADMINISTRATOR)
    assert refused(lambda: people.grant(drifted["mara.lind"], drifted["noah.berg"], everywhere, at)) == (
        "policy_drift",
    )
    assert refused(lambda: life.propose(drifted["root.admin"], "a session", at))[0] == "unsound_policy"


# --- administration ---------------------------------------------------------------------------------------------------


@pytest.fixture
def delegate(office: Office) -> PersonId:
    """Somebody who administers the people of the north."""
    person = join(office, "dana.delegate", unit="south")
    until = office.at + YEAR
    office.app.people.delegate(office["root.admin"], person, Delegation(unit="north", until=until), office.at)
    return person


@pytest.mark.parametrize(
    "grant",
    [
        RoleGrant(role=Role.AGENT),
        RoleGrant(role=Role.AGENT, unit=""),
        RoleGrant(role=Role.AGENT, unit="south"),
        RoleGrant(role=Role.ADMINISTRATOR, unit="north"),
        RoleGrant(role=Role.POLICY_AUTHOR, unit="north"),
        RoleGrant(role=Role.CUSTODIAN, unit="north"),
        RoleGrant(role=Role.CISO_DELEGATE, unit="north"),
    ],
)
def test_delegate_gives_nothing_beyond_their_unit(office: Office, delegate: PersonId, grant: RoleGrant) -> None:
    """Neither a role that holds everywhere or elsewhere, nor one that governs, to somebody of their own unit."""
    nora = office.app.people.register(
        delegate, login="nora.north", name="Nora", kind=Kind.EMPLOYEE, unit="north", at=office.at
    )
    office.app.people.grant(delegate, nora, RoleGrant(role=Role.AGENT, unit="north"), office.at)
    assert refused(lambda: office.app.people.grant(delegate, nora, grant, office.at))
    assert office.app.registry.person(nora).grants == (RoleGrant(role=Role.AGENT, unit="north"),)


def test_delegate_reaches_nobody_of_another_unit(office: Office, delegate: PersonId) -> None:
    """A role in their unit is not theirs to give to somebody of another, and delegation is not theirs to pass on."""
    people, at = office.app.people, office.at
    nora, sven = join(office, "nora.north"), join(office, "sven.south", unit="south")
    assert refused(lambda: people.grant(delegate, sven, RoleGrant(role=Role.AGENT, unit="north"), at))
    assert refused(lambda: people.delegate(delegate, nora, Delegation(unit="north", until=at + YEAR), at))
    with pytest.raises(Invalid, match="one unit"):
        people.delegate(office["root.admin"], nora, Delegation(unit="", until=at + YEAR), at)


def test_delegate_does_not_become_who_governs(office: Office, delegate: PersonId) -> None:
    """The password, the keys and the roles of an administrator are not a delegate's to set, whatever their unit."""
    people, at = office.app.people, office.at
    chief = join(office, "chief.north")
    people.set_password(delegate, chief, "a password for the first day", at)
    people.grant(office["root.admin"], chief, RoleGrant(role=Role.ADMINISTRATOR), at)
    assert refused(lambda: people.set_password(delegate, chief, "known to the delegate", at))
    assert refused(lambda: people.revoke(delegate, chief, Role.ADMINISTRATOR, at))
    key = Credential(id="k-mine", method="totp", enrolled_at=at)
    assert refused(lambda: people.enrol(delegate, chief, key, "00" * 20, at))


def test_what_is_offered_is_what_may_be_done(office: Office, delegate: PersonId) -> None:
    """Powers follow the rules of the steps: a delegate's end where somebody governs, over oneself there are none."""
    roster, registry, at = office.app.roster, office.app.registry, office.at
    root, nora = office["root.admin"], join(office, "nora.north")
    wide, narrow = (roster.powers(actor, registry.person(nora), at) for actor in (root, delegate))
    assert set(wide.gives) == set(Role)
    assert (wide.everywhere, wide.enrols) == (True, True)
    assert set(narrow.gives) == set(Role) - GOVERNING
    assert (narrow.everywhere, narrow.enrols) == (False, True)
    office.app.people.grant(root, nora, RoleGrant(role=Role.REVIEWER), at)
    assert roster.powers(delegate, registry.person(nora), at) == Powers()
    assert roster.powers(root, registry.person(root), at) == Powers()


def test_delegate_does_not_end_what_an_administrator_delegated(office: Office, delegate: PersonId) -> None:
    """Who administers a unit is an administrator's to say, also when it ends."""
    people, at = office.app.people, office.at
    nora = join(office, "nora.north")
    people.delegate(office["root.admin"], nora, Delegation(unit="north", until=at + YEAR), at)
    assert refused(lambda: people.end_delegation(delegate, nora, "north", at))
    people.end_delegation(office["root.admin"], nora, "north", at)
    assert office.app.registry.person(nora).delegated_at(at) == frozenset()


def test_nobody_is_listed_under_a_policy_that_is_not_active(drifted: Office) -> None:
    """A policy on disk that would show everybody to anybody shows nobody until it is activated."""
    roster, root = drifted.app.roster, drifted["root.admin"]
    assert refused(lambda: roster.all(root, drifted.at)) == ("policy_drift",)
    assert refused(lambda: roster.find(root, "mara.lind", drifted.at)) == ("policy_drift",)
    assert not roster.administers(root, drifted.at)


def test_watchwords_own_parts_never_sign_in(office: Office) -> None:
    """The executor gets no password from anybody."""
    executor = office.app.desk.steps.executor
    people = office.app.people
    assert refused(lambda: people.set_password(office["root.admin"], executor, "a very long password", office.at)) == (
        "system",
    )


def test_threat_is_not_ended_by_raising_it(office: Office) -> None:
    """Whoever raises it again can make it last longer, and not shorter."""
    raise_threat, sam = office.app.people.raise_threat, office["sam.security"]
    raise_threat(sam, office.at + timedelta(hours=6), "a campaign", office.at)
    assert refused(lambda: raise_threat(sam, office.at + timedelta(seconds=1), "over", office.at)) == ("lowers",)
    raise_threat(sam, office.at + timedelta(hours=8), "it goes on", office.at)
    office.wait(hours=7)
    assert office.app.registry.posture().elevated(office.at)


def test_old_password_does_not_come_back(office: Office) -> None:
    """Where the payload of the newest password was erased nobody signs in, least of all with the one before."""
    people, administrator = office.app.people, office["root.admin"]
    person = join(office, "pia.north")
    people.set_password(administrator, person, "the one that leaked", office.at)
    people.set_password(administrator, person, "the one that replaced it", office.at)
    assert refused(lambda: people.sign_in("pia.north", "the one that leaked")) == ("sign_in",)
    assert people.sign_in("pia.north", "the one that replaced it") == person
    met = office.tamper(
        "DELETE FROM payload WHERE rowid = (SELECT max(rowid) FROM payload WHERE stream = :stream AND name = 'secret')",
        stream=f"person/{person}",
    )
    assert met == 1
    for password in ("the one that leaked", "the one that replaced it"):
        assert refused(lambda p=password: office.app.people.sign_in("pia.north", p)) == ("sign_in",)  # type: ignore[misc]


def test_login_with_blanks_is_the_same_login(office: Office) -> None:
    """Nobody is registered as a look-alike of somebody who is known."""
    with pytest.raises(Conflict, match=r"ada\.agent"):
        join(office, " ada.agent ")


# --- rows that nobody asked for, and fraud ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Effect.EXPIRE, Effect.FREEZE, Effect.NOTICE])
def test_forged_row_neither_ends_nor_stops_nor_tells(office: Office, kind: str) -> None:
    """A row for a case in no such state writes no entry, freezes no other case, and sends no word to anybody."""
    case, other = asked(office), office.open("noah.berg")
    office.run()
    assert office.app.outbox is not None
    before, sent = (office.types(case), office.types(other)), len(office.app.outbox.sent())
    forge(office, case, kind)
    office.run()
    assert (office.types(case), office.types(other)) == before
    assert office.app.outbox is not None
    assert len(office.app.outbox.sent()) == sent


def test_only_what_is_contained_stops_others(office: Office) -> None:
    """The freeze of an agent's other cases is refused for a case that nobody found fraudulent."""
    case = office.open()
    assert refused(lambda: office.app.desk.decisions.freeze_related(case, office.at)) == ("not_contained",)


def test_escalated_case_still_expires(office: Office) -> None:
    """A case that was given a longer hold ends when that is over as well, and not before."""
    case = office.open()
    office.app.desk.decisions.escalate(office["ada.agent"], case, office.at)
    hold = office.case(case).requirement.hold_s
    assert hold
    office.pass_by(days=2)
    assert office.state(case) == "verifying"
    office.pass_by(seconds=hold)
    assert office.state(case) == "expired"


def test_who_breaks_the_glass_does_not_release(office: Office) -> None:
    """A custodian who also releases cases takes one of the two steps."""
    executor = RoleGrant(role=Role.EXECUTOR)
    office.app.people.grant(office["root.admin"], office["cleo.custodian"], executor, office.at)
    case = broken(office)
    office.approve(case, "cato.custodian")
    assert refused(lambda: office.release(case, who="cleo.custodian")) == ("same_person",)
    office.release(case)


def test_failure_recorded_meanwhile_is_decided_on(office: Office) -> None:
    """What a decision saw of the account is what the append expects: a failure in between is a lost race."""
    case = office.open()
    loaded = office.app.steps.load(case)
    office.fail(office.open())
    failed = FailureRecorded(account=loaded.case.account, case=case, method="totp")
    with pytest.raises(Conflict):
        office.app.steps.append(loaded, (failed,), office["ada.agent"], office.at, disclosures={})


def test_no_approver_and_no_looker_reviews_what_became_of_it(office: Office) -> None:
    """Whoever agreed before the glass was broken, or let the case go on after it, is no stranger to it."""
    people, root = office.app.people, office["root.admin"]
    for login in ("ivy.iam", "sam.security"):
        people.grant(root, office[login], RoleGrant(role=Role.REVIEWER), office.at)
    case = office.open("piet.priv", Action.TOTAL_LOSS)
    office.prove(case, "in_person")
    office.prove(case, "passkey")
    office.ask(case)
    office.approve(case, "ivy.iam")
    desk = office.app.desk
    desk.decisions.break_glass(office["cleo.custodian"], case, "the plant stands still", office.at)
    desk.objections.object(office["ada.agent"], case, "not me", office.at)
    desk.objections.lift(office["sam.security"], case, "called back", office.at)
    desk.decisions.withdraw(office["ada.agent"], case, "somebody else did it", office.at)

    def review(login: str) -> None:
        desk.decisions.review(office[login], case, sound=True, account_given="looked", at=office.at)

    assert refused(lambda: review("ivy.iam"))
    assert refused(lambda: review("sam.security")) == ("same_person",)
    review("rex.review")
    assert office.case(case).reviewer == office["rex.review"]
