"""OpenLDAP, on a real slapd."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from uuid import uuid4

import ldap3
import msgspec
import pytest

from tests.real.conftest import password
from tools.slapd_rig import BASE, EXECUTOR_DN, EXECUTOR_PASSWORD, GROUPS, PEOPLE, STAFF, Slapd
from watchword.core.account import AccountClass, Status
from watchword.core.change import ResetPassword, Suspend, Unlock
from watchword.core.errors import Invalid, Refused, Unavailable
from watchword.core.ids import AccountId
from watchword.directories.contract import DirectoryContract, Stage
from watchword.directories.ldap_session import Endpoint
from watchword.directories.openldap import OpenLdap, OpenLdapSettings
from watchword.directories.port import Confirmation

RESET = ResetPassword(account=AccountId("a-test"))
UNLOCK = Unlock(account=AccountId("a-test"))
SUSPEND = Suspend(account=AccountId("a-test"))
CONTROL = f"cn=identity operators,{GROUPS}"
_numbers = count(1)

Connect = Callable[..., OpenLdap]


@pytest.fixture(scope="module")
def tree(slapd: Slapd) -> Slapd:
    """A tree with people and groups, one of them in another."""
    one = slapd.add_person("sam.reed", password(), name="Sam Reed")
    slapd.add_person("sam.reed2", password(), name="Sam Reed")
    for dn, member in ((f"cn=desk leads,{GROUPS}", one), (CONTROL, f"cn=desk leads,{GROUPS}")):
        assert slapd.modify(f"dn: {dn}\nchangetype: add\nobjectClass: groupOfNames\nmember: {member}\n")
    leavers = f"dn: cn=leavers,{GROUPS}\nchangetype: add\nobjectClass: posixGroup\ngidNumber: 7\nmemberUid: sam.reed2\n"
    assert slapd.modify(leavers)
    return slapd


@pytest.fixture
def connect(tree: Slapd) -> Connect:
    """Make the adapter, with parts of its settings or endpoint replaced."""

    def made(*, classes: tuple[tuple[str, AccountClass], ...] | None = None, **endpoint: object) -> OpenLdap:
        where = Endpoint(
            host=tree.address,
            port=tree.tls_port,
            ca_file=tree.ca_file,
            bind_user=EXECUTOR_DN,
            password_file=tree.password_file,
        )
        return OpenLdap(
            OpenLdapSettings(
                name="ldap",
                base=BASE,
                endpoint=msgspec.structs.replace(where, **endpoint),
                classes=classes or ((STAFF, AccountClass.STANDARD), (CONTROL, AccountClass.IDENTITY_CONTROL)),
                statuses=((f"cn=leavers,{GROUPS}", Status.LEAVER),),
            )
        )

    return made


@pytest.fixture
def directory(connect: Connect) -> OpenLdap:
    """The adapter as it should be configured."""
    return connect()


@pytest.fixture
def person(tree: Slapd) -> str:
    """The login of a person of this test alone."""
    uid = f"person.{next(_numbers)}"
    tree.add_person(uid, password(), name=f"Person {uid}")
    return uid


def dn_of(uid: str) -> str:
    """The DN of a person."""
    return f"uid={uid},{PEOPLE}"


class TestOpenLdap(DirectoryContract):
    """The contract, on a real slapd."""

    @pytest.fixture
    def stage(self, tree: Slapd, directory: OpenLdap, person: str) -> Stage:
        """A person of this test alone in a real tree."""

        def at(native_id: str) -> str:
            return dn_of(directory.read(native_id).login)

        return Stage(
            directory=directory,
            login=person,
            ambiguous="Sam Reed",
            nobody=str(uuid4()),
            lock=lambda native_id: tree.lock_out(at(native_id)),
            reset_by_hand=lambda native_id: tree.set_password(at(native_id), password()),
            sign_in=lambda login, secret: tree.sign_in(dn_of(login), secret),
        )


def test_the_receipt_names_the_socket_that_the_servers_log_names(tree: Slapd, directory: OpenLdap, person: str) -> None:
    """The server logs a reset on the connection from the address in our receipt, bound as our principal."""
    (account,) = directory.find(person)
    receipt = directory.apply(account.native_id, RESET, "case/1/reset/1", password())
    lines = tree.stats_log.read_text().splitlines()
    (accepted,) = (line for line in lines if f"IP={receipt.socket} " in line)
    connection = next(word for word in accepted.split() if word.startswith("conn="))
    theirs = [line.lower() for line in lines if f"{connection} " in line]
    assert any(f'bind dn="{key}"' in line for line in theirs for key in directory.principal_keys)
    assert any(f'passmod id="{account.keys[1]}"' in line for line in theirs)


def test_classes_come_from_groups_in_groups_and_by_uid(directory: OpenLdap, tree: Slapd, person: str) -> None:
    """Nested membership gives a class, `memberUid` a status, and who is in no group has no class."""
    (lead,) = (account for account in directory.find("sam.reed"))
    (leaver,) = directory.find("sam.reed2")
    (plain,) = directory.find(person)
    assert lead.account_class is AccountClass.IDENTITY_CONTROL
    assert leaver.status is Status.LEAVER
    assert plain.account_class is None
    assert tree.modify(f"dn: {STAFF}\nchangetype: modify\nadd: member\nmember: {dn_of(person)}\n")
    assert directory.read(plain.native_id).account_class is AccountClass.STANDARD


@pytest.mark.parametrize(
    ("ldif", "error"),
    [
        ("", Invalid),
        ("objectClass: groupOfURLs\nmemberURL: ldap:///dc=example,dc=test??sub?(uid=*)\n", Invalid),
        ("objectClass: posixGroup\ngidNumber: 8\n", Refused),
    ],
    ids=["not there", "dynamic", "no member shown"],
)
def test_a_class_group_that_says_nothing_stops_everything(
    connect: Connect, tree: Slapd, person: str, ldif: str, error: type[Exception]
) -> None:
    """A group whose members can not be known is an error, since they would silently count as less strict."""
    dn = f"cn=odd {person},{GROUPS}"
    if ldif:
        assert tree.modify(f"dn: {dn}\nchangetype: add\n{ldif}")
    with pytest.raises(error, match="odd"):
        connect(classes=((dn, AccountClass.FINANCE),)).find(person)


def test_wrong_passwords_after_a_reset_leave_it_unknown_and_before_it_not_done(
    tree: Slapd, directory: OpenLdap, person: str
) -> None:
    """What the policy writes of wrong passwords is no reset, and after ours it hides whose the password is."""
    (account,) = directory.find(person)
    before = directory.before(account.native_id, UNLOCK)
    tree.lock_out(dn_of(person))
    assert directory.confirm(account.native_id, UNLOCK, before) is Confirmation.UNKNOWN
    before = directory.before(account.native_id, RESET)
    directory.apply(account.native_id, RESET, "case/1/reset/1", password())
    assert directory.confirm(account.native_id, RESET, before) is Confirmation.DONE
    tree.lock_out(dn_of(person))
    assert directory.confirm(account.native_id, RESET, before) is Confirmation.UNKNOWN


def test_a_reset_whose_must_change_was_lost_is_not_confirmed(tree: Slapd, directory: OpenLdap, person: str) -> None:
    """A crash between our two writes leaves a password that need not be changed: not what was asked for."""
    (account,) = directory.find(person)
    before = directory.before(account.native_id, RESET)
    assert tree.set_password(dn_of(person), password(), dn=EXECUTOR_DN, password=EXECUTOR_PASSWORD)
    assert directory.confirm(account.native_id, RESET, before) is Confirmation.UNKNOWN


def test_a_suspended_account_is_not_opened_by_a_reset(tree: Slapd, directory: OpenLdap, person: str) -> None:
    """Slapd opens a locked account with its new password, so a suspended one gets none."""
    (account,) = directory.find(person)
    directory.apply(account.native_id, SUSPEND, "case/1/suspend/1")
    with pytest.raises(Refused, match="suspended"):
        directory.apply(account.native_id, RESET, "case/1/reset/1", password())
    assert not directory.read(account.native_id).enabled


def test_the_bind_account_can_do_nothing_else(tree: Slapd, person: str) -> None:
    """The server itself refuses our bind account every right that a recovery does not need."""
    dn = dn_of(person)
    with tree.bound(EXECUTOR_DN, EXECUTOR_PASSWORD) as ours:
        refused = [
            ours.modify(dn, {"mail": [(ldap3.MODIFY_REPLACE, ["elsewhere@example.test"])]}),
            ours.modify(STAFF, {"member": [(ldap3.MODIFY_ADD, [dn])]}),
            ours.add(f"uid=planted,{PEOPLE}", "account", {"uid": "planted"}),
            ours.delete(dn),
        ]
        assert refused == [False] * len(refused)
        ours.search(dn, "(objectClass=*)", ldap3.BASE, attributes=["userPassword"])
        assert not ours.response[0]["raw_attributes"]["userPassword"]


def test_missing_rights_are_refused_with_the_rule(tree: Slapd, connect: Connect, person: str) -> None:
    """A bind account without rights can not reset, and the answer has the access rule that would let it."""
    secret = password()
    tree.add_person(f"{person}.reader", secret)
    file = tree.root / f"{person}.password"
    file.write_text(secret)
    reader = connect(bind_user=dn_of(f"{person}.reader"), password_file=file)
    (account,) = reader.find(person)
    for change in (RESET, UNLOCK, SUSPEND):
        with pytest.raises(Refused, match="access to attrs=userPassword"):
            reader.apply(account.native_id, change, "case/1/reset/1", password() if change is RESET else None)


def test_check_says_how_and_what_is_too_much(tree: Slapd, connect: Connect, directory: OpenLdap, person: str) -> None:
    """`doctor` sees TLS and the bind identity, and that a root DN reads what nobody should."""
    text = "\n".join(directory.check())
    assert "TLSv1.3" in text
    assert EXECUTOR_DN in text
    assert "missing" not in text
    assert "too much" not in text
    file = tree.root / f"{person}.root"
    file.write_text("Rig-Adm1nistrator!")
    assert "too much: may read the password hashes" in "\n".join(
        connect(bind_user=f"cn=admin,{BASE}", password_file=file).check()
    )


def test_a_server_that_does_not_answer_is_unavailable(connect: Connect) -> None:
    """Nobody at the port: the error says that nothing was done."""
    with pytest.raises(Unavailable, match="LDAPS"):
        connect(port=1).find("anybody")
