"""Managed devices: the contract, and every certificate that must prove nothing."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from msgspec.structs import replace

from tests.methods.devices import DAY, DeviceCa
from watchword.core.errors import Invalid, Refused
from watchword.core.ids import AccountId, CaseId
from watchword.core.person import Credential
from watchword.methods.contract import AT, SOON, MethodContract
from watchword.methods.managed_device import DeviceAuthority, ManagedDevice
from watchword.methods.port import Ask, MethodPort

CA = DeviceCa(AT)
OWN, OTHER = CA.device("laptop-7"), CA.device("laptop-8")
ASK = Ask(
    challenge="ch-0123456789abcdefghij",
    case=CaseId("c-k3m7q2x5w8z4n6p9r2t5"),
    account=AccountId("a-7f3k"),
    purpose="verify",
    at=AT,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The authority in a file."""
    (tmp_path / "ca.pem").write_bytes(CA.pem)
    return tmp_path


@pytest.fixture
def method(folder: Path) -> ManagedDevice:
    """The method, without a list of what was revoked."""
    return ManagedDevice(DeviceAuthority(folder / "ca.pem"))


def asked(method: ManagedDevice, pem: str = OWN) -> Ask:
    """A challenge to the person of that device."""
    public = method.enrol(pem, AT)
    return replace(ASK, credential=Credential(id="k-1", method="managed_device", enrolled_at=AT, public=public))


def refused(method: ManagedDevice, ask: Ask, pem: str, reason: str = "wrong_answer") -> None:
    """The certificate proves nothing."""
    with pytest.raises(Refused) as caught:
        method.check(ask, pem, SOON)
    assert caught.value.reasons == (reason,)


class TestManagedDevice(MethodContract):
    """A certificate names no challenge: that each is answered once binds it."""

    name = "managed_device"
    bound = False

    @pytest.fixture(autouse=True)
    def _files(self, folder: Path) -> None:
        (folder / "revoked.pem").write_bytes(CA.revoking([]))
        self.made = ManagedDevice(DeviceAuthority(folder / "ca.pem", folder / "revoked.pem"))

    def method(self) -> MethodPort:
        """With a list that revokes nothing."""
        return self.made

    def ask(self) -> Ask:
        """Somebody with a device."""
        return asked(self.made)

    def right(self, method: MethodPort, ask: Ask, at: object) -> str:
        """Their device's."""
        return OWN

    def wrong(self, method: MethodPort, ask: Ask, at: object) -> str:
        """Somebody else's."""
        return OTHER


def test_a_device_of_somebody_else(method: ManagedDevice) -> None:
    """A sound certificate of another person's device is a wrong answer, also with the same name or the same serial."""
    serial = x509.load_pem_x509_certificate(OWN.encode()).serial_number
    for pem in (OTHER, CA.device("laptop-7"), CA.device("laptop-9", serial=serial)):
        refused(method, asked(method), pem)


def test_another_authority(method: ManagedDevice) -> None:
    """A certificate with the very names and serial, issued by somebody else or by itself, proves nothing."""
    serial = x509.load_pem_x509_certificate(OWN.encode()).serial_number
    impostor = DeviceCa(AT)
    refused(method, asked(method), impostor.device("laptop-7", serial=serial))
    lonely = DeviceCa(AT, "laptop-7")
    refused(method, asked(method), lonely.pem.decode())


def test_out_of_its_time(method: ManagedDevice) -> None:
    """An expired certificate, and one of tomorrow, can neither be enrolled nor proven with."""
    expired, coming = CA.device("old", since=-300 * DAY, until=-DAY), CA.device("new", since=DAY)
    for pem in (expired, coming):
        with pytest.raises(Refused):
            method.enrol(pem, AT)
    short = CA.device("short", until=timedelta(seconds=30))
    refused(method, asked(method, short), short)


def test_not_for_clients(method: ManagedDevice) -> None:
    """A server's certificate of the same authority is no device's."""
    with pytest.raises(Refused):
        method.enrol(CA.device("www", usage=ExtendedKeyUsageOID.SERVER_AUTH), AT)


def test_revoked(folder: Path) -> None:
    """A device revoked after it was enrolled proves nothing as soon as the list says so, and what it proved stands."""
    (folder / "revoked.pem").write_bytes(CA.revoking([OTHER]))
    method = ManagedDevice(DeviceAuthority(folder / "ca.pem", folder / "revoked.pem"))
    ask = asked(method)
    proof = method.check(ask, OWN, SOON)
    (folder / "revoked.pem").write_bytes(CA.revoking([OWN, OTHER]))
    refused(method, ask, OWN)
    method.recheck(ask, proof)
    with pytest.raises(Refused):
        method.enrol(OWN, AT)


def test_a_list_that_says_nothing(folder: Path) -> None:
    """Where the list is too old, of tomorrow, of another authority or forged, no device proves."""
    method = ManagedDevice(DeviceAuthority(folder / "ca.pem"))
    ask = asked(method)
    path = folder / "revoked.pem"
    path.write_bytes(CA.revoking([]))
    strict = ManagedDevice(DeviceAuthority(folder / "ca.pem", path))
    for crl in (
        CA.revoking([], at=AT - 40 * DAY),
        CA.revoking([], at=AT + 2 * DAY),
        DeviceCa(AT, "another").revoking([]),
        DeviceCa(AT).revoking([]),
    ):
        path.write_bytes(crl)
        refused(strict, ask, OWN, "not_enrolled")
    path.write_bytes(DeviceCa(AT, "another").revoking([]) + CA.revoking([]))
    assert strict.check(ask, OWN, SOON).method == "managed_device"


def test_two_certificates_are_none(method: ManagedDevice) -> None:
    """Who gives several certificates names no device."""
    refused(method, asked(method), OWN + OTHER)
    with pytest.raises(Invalid, match="no certificate"):
        method.enrol(OWN + OTHER, AT)


@pytest.mark.parametrize("text", [b"", b"nonsense", OWN.encode()])
def test_no_authority(tmp_path: Path, text: bytes) -> None:
    """A file without a root is refused when the method is built, with its setting."""
    (tmp_path / "ca.pem").write_bytes(text)
    with pytest.raises(Invalid) as caught:
        DeviceAuthority(tmp_path / "ca.pem")
    assert caught.value.where == "devices.ca_file"


@pytest.mark.parametrize("text", [b"nonsense", CA.pem])
def test_no_list(folder: Path, text: bytes) -> None:
    """A file that is no list is refused when the method is built, with its setting."""
    (folder / "revoked.pem").write_bytes(text)
    with pytest.raises(Invalid) as caught:
        DeviceAuthority(folder / "ca.pem", folder / "revoked.pem")
    assert caught.value.where == "devices.revoked_file"
