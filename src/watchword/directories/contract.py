"""The test that every directory adapter passes: subclass `DirectoryContract` and give it a `stage` fixture.

    class TestMine(DirectoryContract):
        @pytest.fixture
        def stage(self) -> Stage: ...

It needs pytest, and a directory in which accounts may be changed: never one that people use.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Literal

import msgspec
import pytest

from watchword.core.account import DirectoryAccount
from watchword.core.change import (
    Change,
    ContactKind,
    GrantOverride,
    IssuePass,
    Receipt,
    ReissueSecret,
    ResetFactors,
    ResetPassword,
    RevokeSessions,
    SetContact,
    Suspend,
    SuspendFactors,
    Unlock,
)
from watchword.core.errors import Invalid, Refused
from watchword.core.ids import AccountId
from watchword.directories.port import KINDS, Confirmation, Directory, kind_of

_ACCOUNT = AccountId("a-contract")
_CHANGES: tuple[Change, ...] = (
    ResetPassword(account=_ACCOUNT),
    Unlock(account=_ACCOUNT),
    ResetFactors(account=_ACCOUNT),
    SetContact(account=_ACCOUNT, contact=ContactKind.MAIL, commitment="00"),
    IssuePass(account=_ACCOUNT),
    ReissueSecret(account=_ACCOUNT),
    GrantOverride(account=_ACCOUNT, role="helpdesk"),
    RevokeSessions(account=_ACCOUNT),
    Suspend(account=_ACCOUNT),
    SuspendFactors(account=_ACCOUNT),
)
_EFFECT = "case/contract/1"
_NEW_MAIL = "new.address@example.test"
_INJECTIONS = (
    "*",
    "{login}*",
    "*{login}",
    "a*)(uid=*",
    "{login})(objectClass=*",
    "*)(|(cn=*))",
    "{login}\x00",
    "\x00",
    "' OR '1'='1",
    "{login}' --",
    "%",
    "{login}%",
    "\\2a",
    "",
    " ",
    "\ud800",
)


class Stage(msgspec.Struct, kw_only=True):
    """A directory with something in it, and hands that reach it by other ways than the port.

    *login* is an account of this test alone: enabled, not locked, protected by nothing, with a mail address.
    *ambiguous* is a display name that two accounts share, *nobody* a well-formed id of no account. *lock* locks an
    account out; *reset_by_hand* resets its password as an administrator would; both take a native id. *sign_in* tries
    a login with a secret: `must_change` says that the secret is right.
    """

    directory: Directory
    login: str
    ambiguous: str
    nobody: str
    lock: Callable[[str], object]
    reset_by_hand: Callable[[str], object]
    sign_in: Callable[[str, str], Literal["ok", "must_change", "wrong"]]

    def account(self) -> DirectoryAccount:
        """Return the account of this test as it is now."""
        (account,) = self.directory.find(self.login)
        return account

    def apply(self, change: Change, secret: str | None = None) -> Receipt:
        """Apply *change* to the account of this test, with a new secret where it needs one."""
        made = (secret or _secret()) if change.yields_credential else None
        value = _NEW_MAIL if isinstance(change, SetContact) else None
        return self.directory.apply(self.account().native_id, change, _EFFECT, made, value)


class DirectoryContract:
    """What `port` promises, as tests."""

    def test_an_account_is_found_by_every_name_in_any_case(self, stage: Stage) -> None:
        """Login, native id, mail and display name each find the account, whatever the case of the letters."""
        account = stage.account()
        mails = [contact.value for contact in account.contacts if contact.kind == ContactKind.MAIL]
        assert mails
        for name in (account.login, account.native_id, account.display_name, *mails):
            for query in (name, name.upper(), name.lower()):
                assert account in stage.directory.find(query), query

    def test_an_account_is_read_as_it_was_found(self, stage: Stage) -> None:
        """Reading by native id gives what finding gave, and its keys are lower case and hold id and login."""
        account = stage.account()
        assert stage.directory.read(account.native_id) == account
        assert account.directory == stage.directory.name
        assert {account.native_id.lower(), account.login.lower()} <= set(account.keys)
        assert all(key == key.lower() for key in account.keys)

    def test_an_ambiguous_name_gives_every_account(self, stage: Stage) -> None:
        """A display name that two accounts share finds both, so that nobody can be taken for another."""
        found = stage.directory.find(stage.ambiguous)
        assert len({account.native_id for account in found}) == 2

    @pytest.mark.parametrize("text", _INJECTIONS)
    def test_no_text_is_a_pattern(self, stage: Stage, text: str) -> None:
        """Wildcards, brackets, quotes and NUL in a search are plain characters: they find nobody and change nothing."""
        account = stage.account()
        assert stage.directory.find(text.format(login=stage.login)) == ()
        assert stage.account() == account

    @pytest.mark.parametrize("text", ["", "*", "not-an-id", "<SID=S-1-5-18>", "x>,DC=example", "\x00", "\ud800"])
    def test_an_id_of_no_account_is_invalid(self, stage: Stage, text: str) -> None:
        """An id that names nobody is the caller's mistake, in every call that takes one."""
        change = ResetPassword(account=_ACCOUNT)
        for native_id in (stage.nobody, text):
            with pytest.raises(Invalid):
                stage.directory.read(native_id)
            with pytest.raises(Invalid):
                stage.directory.before(native_id, change)
            with pytest.raises(Invalid):
                stage.directory.apply(native_id, change, _EFFECT, _secret())
            with pytest.raises(Invalid):
                stage.directory.confirm(native_id, change, "x=1")

    @pytest.mark.parametrize("change", _CHANGES, ids=kind_of)
    def test_a_change_is_confirmed_only_once_it_was_done(self, stage: Stage, change: Change) -> None:
        """Before it is applied a change is not done, afterwards it is done, and its receipt says by whom and when."""
        if kind_of(change) not in stage.directory.capabilities():
            pytest.skip(f"no {kind_of(change)} in this directory")
        native_id = stage.account().native_id
        if isinstance(change, Unlock):
            stage.lock(native_id)
        before = stage.directory.before(native_id, change)
        assert stage.directory.confirm(native_id, change, before) is Confirmation.NOT_DONE
        receipt = stage.apply(change)
        assert stage.directory.confirm(native_id, change, before) is Confirmation.DONE
        assert receipt.directory == stage.directory.name
        assert receipt.principal.lower() in stage.directory.principal_keys
        assert receipt.at.utcoffset() == timedelta(0)
        assert receipt.before == before != receipt.after

    def test_what_a_directory_can_not_do_is_refused(self, stage: Stage) -> None:
        """Every kind of change outside the capabilities is refused before anything is touched."""
        account = stage.account()
        assert stage.directory.capabilities() <= KINDS
        for change in _CHANGES:
            if kind_of(change) not in stage.directory.capabilities():
                with pytest.raises(Refused):
                    stage.apply(change)
                with pytest.raises(Refused):
                    stage.directory.before(account.native_id, change)
        assert stage.account() == account

    def test_a_reset_password_must_be_changed(self, stage: Stage) -> None:
        """After a reset with must-change the new password is right, and good for nothing but choosing another."""
        secret = _secret()
        stage.apply(ResetPassword(account=_ACCOUNT), secret)
        assert stage.sign_in(stage.login, secret) == "must_change"

    def test_a_reset_without_must_change_signs_in(self, stage: Stage) -> None:
        """After a reset without must-change the new password signs in, and another does not."""
        secret = _secret()
        stage.apply(ResetPassword(account=_ACCOUNT, must_change=False), secret)
        assert stage.sign_in(stage.login, secret) == "ok"
        assert stage.sign_in(stage.login, _secret()) == "wrong"

    def test_a_reset_unlocks(self, stage: Stage) -> None:
        """A person locked out by wrong passwords gets in with the new one."""
        stage.lock(stage.account().native_id)
        stage.apply(ResetPassword(account=_ACCOUNT))
        assert not stage.account().locked

    def test_an_unlock_opens_the_account(self, stage: Stage) -> None:
        """A locked-out account says so, and is open after the unlock."""
        stage.lock(stage.account().native_id)
        assert stage.account().locked
        stage.apply(Unlock(account=_ACCOUNT))
        assert not stage.account().locked

    def test_a_suspended_account_is_disabled(self, stage: Stage) -> None:
        """A suspended account is disabled, and its right password does not sign in."""
        secret = _secret()
        stage.apply(ResetPassword(account=_ACCOUNT, must_change=False), secret)
        stage.apply(Suspend(account=_ACCOUNT))
        assert not stage.account().enabled
        assert stage.sign_in(stage.login, secret) == "wrong"

    def test_a_new_contact_point_is_new(self, stage: Stage) -> None:
        """A replaced mail address is the only one, and its age is known from the moment of the change."""
        change = SetContact(account=_ACCOUNT, contact=ContactKind.MAIL, commitment="00")
        if kind_of(change) not in stage.directory.capabilities():
            pytest.skip("no contact points are changed in this directory")
        receipt = stage.apply(change)
        (mail,) = (contact for contact in stage.account().contacts if contact.kind == ContactKind.MAIL)
        assert mail.value == _NEW_MAIL
        assert mail.changed_at is not None
        assert abs(mail.changed_at - receipt.at) < timedelta(seconds=2)

    def test_somebody_elses_change_is_not_taken_for_ours(self, stage: Stage) -> None:
        """When an administrator resets the same password too, the answer is unknown and not a guess."""
        change = ResetPassword(account=_ACCOUNT)
        native_id = stage.account().native_id
        before = stage.directory.before(native_id, change)
        stage.apply(change)
        stage.reset_by_hand(native_id)
        assert stage.directory.confirm(native_id, change, before) is Confirmation.UNKNOWN

    def test_a_change_without_its_credential_is_invalid(self, stage: Stage) -> None:
        """A reset with no new secret is the caller's mistake, and nothing is done."""
        change = ResetPassword(account=_ACCOUNT)
        native_id = stage.account().native_id
        before = stage.directory.before(native_id, change)
        with pytest.raises(Invalid):
            stage.directory.apply(native_id, change, _EFFECT)
        assert stage.directory.confirm(native_id, change, before) is Confirmation.NOT_DONE

    def test_a_weak_password_is_refused(self, stage: Stage) -> None:
        """A password against the directory's policy is refused, the answer does not hold it, and nothing is done."""
        change = ResetPassword(account=_ACCOUNT)
        native_id = stage.account().native_id
        before = stage.directory.before(native_id, change)
        with pytest.raises(Refused) as refusal:
            stage.directory.apply(native_id, change, _EFFECT, "Zq7!")
        assert "Zq7!" not in str(refusal.value)
        assert stage.directory.confirm(native_id, change, before) is Confirmation.NOT_DONE

    def test_a_receipt_holds_no_secret(self, stage: Stage) -> None:
        """The new credential is nowhere in the receipt, which goes into evidence."""
        secret = _secret()
        assert secret not in repr(stage.apply(ResetPassword(account=_ACCOUNT), secret))

    @pytest.mark.parametrize("before", ["", "0", "unlock=1", "x=y@z", "reset_password=-1", "unicodePwd=1"])
    def test_a_version_of_something_else_is_invalid(self, stage: Stage, before: str) -> None:
        """A version that `before` did not give for this change proves nothing and is not guessed at."""
        with pytest.raises(Invalid):
            stage.directory.confirm(stage.account().native_id, ResetPassword(account=_ACCOUNT), before)

    def test_the_directory_says_what_changed(self, stage: Stage) -> None:
        """A change shows up in what the directory says changed lately, and not in what changed after it."""
        native_id = stage.account().native_id
        receipt = stage.apply(ResetPassword(account=_ACCOUNT))
        assert native_id in {change.native_id for change in stage.directory.changes(receipt.at)}
        later = stage.directory.changes(receipt.at + timedelta(minutes=1))
        assert native_id not in {change.native_id for change in later}

    def test_it_says_how_it_is_reached(self, stage: Stage) -> None:
        """`doctor` gets lines that begin with the directory's name, and evidence gets lower-case names of ours."""
        lines = stage.directory.check()
        assert lines
        assert all(line.startswith(stage.directory.name) for line in lines)
        assert stage.directory.principal_keys
        assert all(key == key.lower() for key in stage.directory.principal_keys)


def _secret() -> str:
    return f"Aa1!{secrets.token_urlsafe(18)}"
