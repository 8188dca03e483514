"""Active Directory, on a real domain controller."""

from __future__ import annotations

from uuid import uuid4

import ldap3
import pytest

from tests.real.conftest import Connect, Person, password
from tools.samba_rig import BASE, BIND_LOGIN, BIND_PASSWORD, BIND_USER, GROUPS, PEOPLE, SambaDomain
from watchword.core.account import AccountClass, Status
from watchword.core.change import ResetPassword, Suspend, Unlock
from watchword.core.errors import Invalid, Refused
from watchword.core.ids import AccountId
from watchword.directories.active_directory import ActiveDirectory
from watchword.directories.contract import DirectoryContract, Stage
from watchword.directories.port import Confirmation

RESET = ResetPassword(account=AccountId("a-test"))


class TestActiveDirectory(DirectoryContract):
    """The contract, on a real domain controller."""

    @pytest.fixture
    def stage(self, samba: SambaDomain, directory: ActiveDirectory, person: Person) -> Stage:
        """A person of this test alone in a real domain."""
        login = person()
        return Stage(
            directory=directory,
            login=login,
            ambiguous="Sam Reed",
            nobody=str(uuid4()),
            lock=lambda native_id: samba.lock_out(directory.read(native_id).login),
            reset_by_hand=lambda native_id: samba.admin_reset(directory.read(native_id).login, password()),
            sign_in=samba.sign_in,
        )


def test_the_receipt_names_the_socket_that_the_controllers_log_names(
    samba: SambaDomain, directory: ActiveDirectory, person: Person
) -> None:
    """The controller logs a reset under the address in our receipt and a SID among our principal keys."""
    (account,) = directory.find(person())
    receipt = directory.apply(account.native_id, RESET, "case/1/reset/1", password())
    theirs = [line for line in samba.audit_log.read_text().splitlines() if f"ipv4:{receipt.socket}" in line]
    (line,) = (line for line in theirs if '"action": "Reset"' in line)
    assert any(key in line.lower() for key in directory.principal_keys if key.startswith("s-1-5-21-"))
    assert any(f'"{key}"' in line.lower() for key in account.keys if key.startswith("cn="))


def test_must_change_does_not_hide_a_second_reset(directory: ActiveDirectory, person: Person) -> None:
    """A reset with must-change twice in a row is confirmed each time, though `pwdLastSet` stays 0 throughout."""
    (account,) = directory.find(person())
    for number in range(2):
        before = directory.before(account.native_id, RESET)
        assert directory.confirm(account.native_id, RESET, before) is Confirmation.NOT_DONE
        directory.apply(account.native_id, RESET, f"case/1/reset/{number}", password())
        assert directory.confirm(account.native_id, RESET, before) is Confirmation.DONE


def test_the_class_comes_from_nested_groups_and_the_strictest_holds(
    directory: ActiveDirectory, groups: dict[str, str], person: Person
) -> None:
    """Someone in a group inside a group has its class, although everybody's own group would give a laxer one."""
    (plain,) = directory.find(person())
    (lead,) = directory.find(person(groups=[groups["nested"]]))
    assert plain.account_class is AccountClass.STANDARD
    assert lead.account_class is AccountClass.IDENTITY_CONTROL


def test_status_unit_manager_and_contacts_are_read(
    samba: SambaDomain, directory: ActiveDirectory, groups: dict[str, str], person: Person
) -> None:
    """A group makes a leaver, attributes give unit and manager, and the controller tells how old a mail address is."""
    (boss,) = directory.find(person())
    login = person(groups=[groups["leavers"]])
    change = {"manager": [(ldap3.MODIFY_REPLACE, [samba.dn(boss.login)])]}
    with samba.administrator() as admin:
        assert admin.modify(samba.dn(login), change)
    (account,) = directory.find(login)
    (mail,) = account.contacts
    assert account.status is Status.LEAVER
    assert account.unit == "Sales"
    assert account.manager == boss.native_id
    assert mail.value == f"{login}@example.test"
    assert mail.changed_at is not None


def test_an_account_in_no_class_has_none(connect: Connect, groups: dict[str, str], person: Person) -> None:
    """Someone in no group that gives a class has none, so that no procedure can match."""
    directory = connect(classes=((groups["control"], AccountClass.IDENTITY_CONTROL),))
    (account,) = directory.find(person())
    assert account.account_class is None


def test_a_class_group_that_is_not_there_stops_everything(connect: Connect, person: Person) -> None:
    """A mistyped group is an error with its name, since its members would silently count as less strict."""
    directory = connect(classes=((f"CN=Identity Operatos,{GROUPS}", AccountClass.IDENTITY_CONTROL),))
    with pytest.raises(Invalid, match="Identity Operatos"):
        directory.find(person())


def test_an_account_under_adminsdholder_is_refused_with_the_way_on(
    samba: SambaDomain, directory: ActiveDirectory, person: Person
) -> None:
    """A protected account says why it is, and a change of it is refused with what to do instead."""
    login = person()
    samba.protect(samba.dn(login))
    (account,) = directory.find(login)
    assert account.protected is not None
    assert "AdminSDHolder" in account.protected
    for change in (RESET, Unlock(account=AccountId("a-test")), Suspend(account=AccountId("a-test"))):
        with pytest.raises(Refused, match="two administrators"):
            directory.apply(account.native_id, change, "case/1/reset/1", password())


def test_the_bind_account_can_do_nothing_else(samba: SambaDomain, person: Person) -> None:
    """The controller itself refuses our bind account every right that a recovery does not need."""
    dn, protected = samba.dn(person()), samba.dn(person())
    samba.protect(protected)
    reset = {"unicodePwd": [(ldap3.MODIFY_REPLACE, [f'"{password()}"'.encode("utf-16-le")])]}
    server = ldap3.Server(samba.address, port=636, use_ssl=True, get_info=ldap3.NONE)
    with ldap3.Connection(server, BIND_USER, BIND_PASSWORD) as ours:
        refused = [
            ours.modify(protected, reset),
            ours.modify(protected, {"lockoutTime": [(ldap3.MODIFY_REPLACE, ["0"])]}),
            ours.modify(dn, {"mail": [(ldap3.MODIFY_REPLACE, ["elsewhere@example.test"])]}),
            ours.modify(f"CN=Domain Admins,CN=Users,{BASE}", {"member": [(ldap3.MODIFY_ADD, [dn])]}),
            ours.modify(f"CN=Administrator,CN=Users,{BASE}", reset),
            ours.add(f"CN=Planted,{PEOPLE}", "user", {"sAMAccountName": "planted"}),
            ours.delete(dn),
        ]
        assert refused == [False] * len(refused)
        assert ours.modify(dn, reset)


def test_missing_rights_are_refused_with_the_command(directory: ActiveDirectory, samba: SambaDomain) -> None:
    """Someone outside the delegated unit can not be reset, and the answer names the command that would delegate it."""
    samba.add_user("outside.unit", password=password(), unit=f"OU=Agents,{BASE}")
    (account,) = directory.find("outside.unit")
    with pytest.raises(Refused, match="dsacl"):
        directory.apply(account.native_id, RESET, "case/1/reset/1", password())


def test_check_counts_what_is_not_delegated(directory: ActiveDirectory, person: Person) -> None:
    """`doctor` sees TLS, the bind identity, the controller, and how many accounts are out of reach."""
    person()
    text = "\n".join(directory.check())
    assert "TLSv1.3" in text
    assert BIND_LOGIN in text
    assert "dc1.corp.example.test" in text
    assert "under AdminSDHolder" in text
    assert "too much" not in text
