"""Vouching: the contract under each name, and an honest no."""

from __future__ import annotations

from typing import ClassVar, Literal

import pytest

from tests.methods import test_passkey as passkeys
from watchword.core.errors import Refused
from watchword.methods.contract import SOON
from watchword.methods.port import MethodPort
from watchword.methods.vouching import Vouching


class Vouched(passkeys.TestPasskey):
    """A signature by somebody else, about the person."""

    name: ClassVar[Literal["manager_of_record", "recovery_contact", "kiosk"]]

    def method(self) -> MethodPort:
        """The method by its name."""
        return Vouching(passkeys.PARTY, self.name)

    @pytest.mark.parametrize("no", ["no", " No\n"])
    def test_no_is_final(self, no: str) -> None:
        """A no needs no passkey, ends the method, and is told to nobody as a wrong key would be."""
        with pytest.raises(Refused) as caught:
            self.method().check(self.ask(), no, SOON)
        assert caught.value.reasons == ("wrong_answer", "final")

    def test_not_as_something_else(self) -> None:
        """What somebody signed as a voucher proves nothing as their own passkey, nor the other way round."""
        ask, plain = self.ask(), passkeys.METHOD
        for given, taken in ((self.method(), plain), (plain, self.method())):
            with pytest.raises(Refused):
                taken.check(ask, self.right(given, ask, SOON), SOON)


class TestManagerOfRecord(Vouched):
    """The manager."""

    name = "manager_of_record"


class TestRecoveryContact(Vouched):
    """The colleague."""

    name = "recovery_contact"


class TestKiosk(Vouched):
    """The supervisor beside the person."""

    name = "kiosk"
