"""Who can sign in as whom: what a password that somebody else chose is worth, and who may choose one."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.desk.office import Office, refused
from watchword.cli.demo.authenticator import SoftAuthenticator
from watchword.core.action import Action
from watchword.core.errors import Conflict, Invalid, Refused
from watchword.core.ids import CaseId, PersonId
from watchword.core.login import is_plain
from watchword.core.person import Delegation, Kind, Role, RoleGrant
from watchword.desk import decisions
from watchword.directories.sandbox import Seed

FIRST, SECOND = "the first password of it", "another password of it"


def test_a_guess_costs_what_rfc_9106_says() -> None:
    """Outside of tests a password is hashed with 64 MiB and three passes (RFC 9106, 4); a login nobody has, too."""
    asked = "from watchword.desk import people as p; print(p._hasher.hash('x')); print(p._NOBODY)"
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout.split()
    assert len(told) == 2
    assert all(one.startswith("$argon2id$v=19$m=65536,t=3,p=4$") for one in told)


def waiting(office: Office) -> CaseId:
    """A factor reset that waits for the manager's approval."""
    case = office.open("mara.lind", Action.FACTOR_RESET, factors=("authenticator_app",))
    office.prove(case, "passkey")
    office.prove(case, "in_person")
    office.ask(case)
    return case


def approve(office: Office, case: CaseId) -> None:
    """Approve as the manager, who is signed in and signs nothing."""
    office.app.desk.decisions.approve(office["boss.one"], case, office.digest(case), "session", office.at)


def test_a_replaced_password_approves_nothing(office: Office) -> None:
    """Who gives an approver another password can sign in as them, so for 30 days it approves nothing."""
    office.app.people.set_password(office["root.admin"], office["boss.one"], FIRST, office.at)
    approve(office, waiting(office))
    office.app.people.set_password(office["root.admin"], office["boss.one"], SECOND, office.at)
    office.wait(days=29)
    case = waiting(office)
    assert refused(lambda: approve(office, case)) == ("young_password",)
    office.wait(days=2)
    later = waiting(office)
    approve(office, later)
    assert office.state(later) == "releasable"


def test_a_password_that_is_taken_away_first_is_replaced_all_the_same(office: Office) -> None:
    """Revoking the old one before giving the new one makes it no beginning."""
    people, boss, root = office.app.people, office["boss.one"], office["root.admin"]
    people.set_password(root, boss, FIRST, office.at)
    people.revoke_credential(root, boss, people.sign_in_of(boss), "forgotten", office.at)
    people.set_password(root, boss, SECOND, office.at)
    case = waiting(office)
    assert refused(lambda: approve(office, case)) == ("young_password",)


def test_a_late_first_password_is_no_beginning(office: Office) -> None:
    """Whoever approved with a key alone is not impersonated by a password given to them later."""
    office.wait(days=3)
    office.app.people.set_password(office["root.admin"], office["boss.one"], FIRST, office.at)
    case = waiting(office)
    assert refused(lambda: approve(office, case)) == ("young_password",)


def test_the_executor_looks_at_the_password_too(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """An approval that was entered though its password was replaced is not acted on."""
    people, root = office.app.people, office["root.admin"]
    case = waiting(office)
    people.set_password(root, office["boss.one"], FIRST, office.at)
    people.set_password(root, office["boss.one"], SECOND, office.at)
    # What a desk of another version, which does not ask, would have written.
    monkeypatch.setattr(decisions, "demand_own_sign_in", lambda *_: None)
    approve(office, case)
    office.release(case)
    office.run()
    assert "change.started" not in office.types(case)
    assert office.directory.read(office.native("mara.lind")).factors == ("authenticator_app", "security_key")


@pytest.fixture
def delegate(office: Office) -> PersonId:
    """Somebody who administers the people of sales."""
    people, root = office.app.people, office["root.admin"]
    person = people.register(root, login="dana.delegate", name="Dana", kind=Kind.EMPLOYEE, unit="desk", at=office.at)
    people.delegate(root, person, Delegation(unit="sales", until=office.at + timedelta(days=90)), office.at)
    return person


@pytest.mark.parametrize("power", ["role", "delegation", "seat"])
def test_a_delegate_does_not_become_who_has_power_elsewhere(office: Office, delegate: PersonId, power: str) -> None:
    """A password of somebody in their unit is not theirs to set where that person has a say in another one."""
    people, root, at = office.app.people, office["root.admin"], office.at
    petra = people.register(delegate, login="petra.sales", name="Petra", kind=Kind.EMPLOYEE, unit="sales", at=at)
    people.set_password(delegate, petra, FIRST, at)
    if power == "role":
        people.grant(root, petra, RoleGrant(role=Role.IAM_DUTY, unit="finance"), at)
    elif power == "delegation":
        people.delegate(root, petra, Delegation(unit="finance", until=at + timedelta(days=9)), at)
    else:
        office.app.people.grant(root, office["ivy.iam"], RoleGrant(role=Role.IAM_DUTY, unit="finance"), at)
        office.app.lending.lend(office["ivy.iam"], "petra.sales", "iam_duty", at + timedelta(days=2), at)
    assert refused(lambda: people.set_password(delegate, petra, SECOND, at))
    people.set_password(root, petra, SECOND, at)


def both(*steps: Callable[[], object]) -> list[object]:
    """What becomes of *steps* that are taken at one time."""
    found: list[object] = []

    def take(step: Callable[[], object]) -> None:
        try:
            found.append(step())
        except (Refused, Conflict) as error:
            found.append(error)

    threads = [threading.Thread(target=take, args=(step,)) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_an_offer_enrols_one_key(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two browsers that take one offer at the same moment, one has its passkey enrolled."""
    keys, person = office.app.approver_keys, office["boss.one"]
    link = keys.offer(office["root.admin"], person, office.at)
    offer = link.token, link.code
    made = []
    for _ in range(2):
        options = keys.options(*offer, office.at)
        made.append((options.challenge, SoftAuthenticator(office.origin).create(options.options)))
    before, gate, plain = (
        len(office.app.registry.person(person).credentials),
        threading.Barrier(2),
        office.app.people.enrol,
    )

    def enrol(*given: object, **named: object) -> None:
        gate.wait(10)
        plain(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(office.app.people, "enrol", enrol)

    def taken(challenge: str, answer: str) -> Callable[[], object]:
        return lambda: keys.enrol(*offer, challenge, answer, office.at)

    found = both(*(taken(*one) for one in made))
    assert sum(isinstance(one, Refused) for one in found) == 1
    assert len(office.app.registry.person(person).credentials) == before + 1


def test_an_account_is_linked_to_one_person(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two links of one account at the same moment the first one counts, and whoever came second is told."""
    office.directory.seed((Seed(login="nina.new", display_name="Nina", groups=("All Staff",), unit="sales"),))
    people, root, native = office.app.people, office["root.admin"], office.native("nina.new")
    two = [
        people.register(root, login=login, name=login, kind=Kind.EMPLOYEE, unit="desk", at=office.at)
        for login in ("nina.one", "nina.two")
    ]
    account = office.app.registry.observe(office.directory.find("nina.new")[0], root, office.at).id
    gate, plain = threading.Barrier(2), people._administer

    def administer(*given: object, **named: object) -> None:
        gate.wait(10)
        plain(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(people, "_administer", administer)

    def linked(person: PersonId) -> Callable[[], object]:
        return lambda: people.link(root, person, "sandbox", native, office.at)

    assert sum(isinstance(one, Conflict) for one in both(*(linked(person) for person in two))) == 1
    links = [e for e in office.app.ledger.entries() if e.entry.type == "account.linked"][-2:]
    assert office.app.names.owner(account) == links[0].entry.data["person"]


def test_a_revoked_ssh_key_is_nobody_elses(office: Office) -> None:
    """A key that signed for one person does not come to sign for another one."""
    public = Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    keys, root = office.app.approver_keys, office["root.admin"]
    made = keys.ssh(root, office["boss.one"], public, office.at)
    office.app.people.revoke_credential(root, office["boss.one"], made.id, "lost", office.at)
    assert refused(lambda: keys.ssh(root, office["ivy.iam"], public, office.at)) == ("shared_key",)


@pytest.mark.parametrize(
    ("login", "plain"),
    [
        ("mara.lind", True),
        ("mära.lind", True),
        ("мара.линд", True),
        ("山田たろう", True),
        ("m\u0430ra.lind", False),  # a Cyrillic letter among Latin ones
        ("\uff4dara.lind", False),  # a full-width letter
        ("mara.lind\u3164", False),  # a letter that shows nothing
        ("mara.lind\u2800", False),
        ("ma\u0308ra", False),  # not in one piece
    ],
)
def test_a_login_is_spelled_in_one_way(login: str, plain: bool) -> None:
    """What looks like another login, or shows less than it has, is not plain."""
    assert is_plain(login) is plain


@pytest.mark.parametrize(
    ("login", "name"),
    [
        ("m\u0430ra", "Mara"),
        ("mara\ufe0f", "Mara"),
        ("mara", "Mara\x1b[2J"),
        ("mara", "Mara\u202earaM"),
        ("mara", "M\na"),
        ("mara", "Ma\u200cra"),
        ("mara", "Mara\u200d"),
        ("mara", "Mara\ufe0f"),
        ("\u0639\u0644\u06cc\u200c\u0631\u0636\u0627", "Alireza"),  # a login is spelled without joiners
    ],
)
def test_nobody_is_registered_under_what_deceives(office: Office, login: str, name: str) -> None:
    """A login that can be taken for another one, and a name that a terminal obeys or turns around, are refused."""
    with pytest.raises(Invalid):
        office.app.people.register(
            office["root.admin"], login=login, name=name, kind=Kind.EMPLOYEE, unit="desk", at=office.at
        )
