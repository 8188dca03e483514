"""Managed devices through real TLS: a proxy that asks for a client certificate, and everybody who is no such proxy."""

from __future__ import annotations

import base64
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from tests.desk.office import Office, refused
from tests.methods.devices import DAY, DeviceCa
from tests.notices.conftest import Authority
from watchword.cli.serving import serving
from watchword.core.action import Action
from watchword.core.errors import Invalid, Refused
from watchword.core.ids import CaseId
from watchword.reception import countersign
from watchword.settings import load

MARA, NOAH = "mara.lind", "noah.berg"
HEADER = "x-client-cert"


def escaped(der: bytes) -> str:
    """As nginx writes it."""
    pem = x509.load_der_x509_certificate(der).public_bytes(serialization.Encoding.PEM).decode()
    return quote(pem, safe="")


def rfc9440(der: bytes) -> str:
    """As RFC 9440 has it."""
    return f":{base64.b64encode(der).decode()}:"


class Place:
    """The office behind a proxy on 127.0.0.1 that ends TLS; 127.0.0.2 is nobody's proxy."""

    def __init__(self, office: Office, ca: DeviceCa, tls: Authority, open_: ExitStack) -> None:
        self.office, self.ca, self.tls, self.open = office, ca, tls, open_
        self.console = open_.enter_context(serving(office.app, port=0)).replace("localhost", "127.0.0.1")
        self.form: Callable[[bytes], str] = escaped

    def asked(self, login: str = MARA, action: Action = Action.UNLOCK) -> tuple[CaseId, str]:
        """A case in which the person's device is asked for, and the path that takes the answer."""
        case = self.office.open(login, action)
        challenge = self.office.begin(case, "managed_device")
        token = self.office.app.desk.hand_over.page_token(case)
        return case, f"/api/caller/{case}/{token}/devices/{challenge}"

    def through(self, path: str, device: Path, **headers: str) -> httpx2.Response:
        """What the proxy answers to a connection from *device*, a file with its certificate and key."""
        with self._proxy() as url:
            context = ssl.create_default_context(cafile=str(self.tls.ca_file))
            context.load_cert_chain(device)
            with httpx2.Client(verify=context, trust_env=False) as client:
                return client.post(f"{url}{path}", headers=self.heard(path) | headers)

    def heard(self, path: str) -> dict[str, str]:
        """The header of a browser whose person has checked that it is the desk."""
        cookie = countersign.remembered(self.office.app, CaseId(path.split("/")[3]))
        return {"cookie": f"{cookie.key}={cookie.value}"}

    @contextmanager
    def _proxy(self) -> Iterator[str]:
        place = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # the name is the library's
                connection: Any = self.connection
                shown = place.form(connection.getpeercert(binary_form=True))
                # What the client says of itself under that name is dropped, as a proxy has to.
                kept = {k: v for k, v in self.headers.items() if k.lower() not in (HEADER, "host")}
                answer = httpx2.post(f"{place.console}{self.path}", headers=kept | {HEADER: shown}, trust_env=False)
                self.send_response(answer.status_code)
                self.send_header("content-length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)

            def log_message(self, *_: object) -> None:
                """Silent."""

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.tls.ca_file.with_name("server.pem"))
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=self.ca.pem.decode())
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"https://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


@pytest.fixture
def place(office: Office, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The office with an authority for devices, on which Mara and Noah have one each."""
    office.admit_all()
    ca = DeviceCa(office.at)
    (office.home / "devices.pem").write_bytes(ca.pem)
    (office.home / "revoked.pem").write_bytes(ca.revoking([]))
    config = office.home / "watchword.toml"
    part = '[devices]\nca_file = "devices.pem"\nrevoked_file = "revoked.pem"\nproxies = ["127.0.0.1"]\n'
    config.write_text(config.read_text() + part)
    office.close()
    office.settings = load(config)
    office.app = office._start()
    with ExitStack() as open_:
        yield Place(office, ca, Authority(tmp_path_factory.mktemp("tls")), open_)


def enrolled(place: Place, login: str, **how: Any) -> Path:
    """A device of *login*, enrolled, as a file with its certificate and its key."""
    pem, key = place.ca.device_and_key(f"laptop-{login}", **how)
    place.office.app.enrolment.device(place.office["root.admin"], place.office[login], pem, place.office.at)
    file = place.office.home / f"{login}.device.pem"
    file.write_text(pem + key)
    return file


@pytest.mark.parametrize("form", [escaped, rfc9440])
def test_a_device_proves(place: Place, form: Callable[[bytes], str]) -> None:
    """A connection with the key of the enrolled device proves, in either form of the header; the proof holds later."""
    place.form = form
    device = enrolled(place, MARA)
    case, path = place.asked(action=Action.TOTAL_LOSS)

    assert place.through(path, device).status_code == 200
    assert "method.proved" in place.office.types(case)
    place.office.prove(case, "in_person")
    place.office.ask(case)
    place.office.approve(case, "boss.one")
    place.office.run()  # the hold is counted from its notice
    place.office.pass_by(hours=1, minutes=1)
    place.office.release(case)
    place.office.browse(case)
    place.office.run()
    assert "case.validated" in place.office.types(case)
    assert place.through(path, device).json()["reasons"] == ["replayed"]


def test_a_device_of_somebody_else(place: Place) -> None:
    """A colleague's device is a wrong answer, which counts; the third one fails the method."""
    enrolled(place, MARA)
    theirs = enrolled(place, NOAH)
    case, path = place.asked()
    said = [place.through(path, theirs).json()["reasons"] for _ in range(3)]
    assert said == [["wrong_answer"], ["wrong_answer"], ["wrong_answer", "exhausted"]]
    assert place.office.types(case)[-1] == "method.failed"


def test_a_revoked_device(place: Place) -> None:
    """A device that was revoked after it was enrolled proves nothing, without a restart."""
    device = enrolled(place, MARA)
    pem = device.read_text().partition("-----BEGIN PRIVATE")[0]
    (place.office.home / "revoked.pem").write_bytes(place.ca.revoking([pem]))
    _, path = place.asked()
    assert place.through(path, device).json()["reasons"] == ["wrong_answer"]


def test_an_expired_device(place: Place) -> None:
    """A device whose time is over since proves nothing."""
    device = enrolled(place, MARA, until=5 * DAY)
    place.office.wait(days=6)
    _, path = place.asked()
    certificate = device.read_text().partition("-----BEGIN PRIVATE")[0]
    answer = httpx2.post(
        f"{place.console}{path}", headers={HEADER: quote(certificate)} | place.heard(path), trust_env=False
    )
    assert answer.json()["reasons"] == ["wrong_answer"]


def test_a_header_from_elsewhere(place: Place) -> None:
    """Whoever is not the proxy can write the header, and say that they are, and is not heard; nothing is counted."""
    device = enrolled(place, MARA)
    case, path = place.asked()
    shown = quote(device.read_text().partition("-----BEGIN PRIVATE")[0])
    elsewhere = httpx2.HTTPTransport(local_address="127.0.0.2")
    with httpx2.Client(transport=elsewhere, trust_env=False) as client:
        for claim in ({}, {"x-forwarded-for": "127.0.0.1"}, {"forwarded": "for=127.0.0.1"}):
            answer = client.post(f"{place.console}{path}", headers={HEADER: shown, **claim} | place.heard(path))
            assert (answer.status_code, answer.json()["reasons"]) == (403, ["no_device"])
    assert "challenge.missed" not in place.office.types(case)


def test_the_clients_own_header_is_dropped(place: Place) -> None:
    """A client with a device of its own that writes somebody else's into the header proves what it holds: nothing."""
    device = enrolled(place, MARA)
    theirs = enrolled(place, NOAH)
    case, path = place.asked()
    shown = quote(device.read_text().partition("-----BEGIN PRIVATE")[0])
    answer = place.through(path, theirs, **{HEADER: shown})
    assert answer.json()["reasons"] == ["wrong_answer"]
    assert "method.proved" not in place.office.types(case)


@pytest.mark.parametrize(
    "value", ["", ":", ":::", ":not base64:", "%FF%FE", "-----BEGIN CERTIFICATE-----", "x" * 40_000]
)
def test_no_certificate(place: Place, value: str) -> None:
    """A proxy that hands on nothing, or nonsense, is answered quickly and proves nothing."""
    enrolled(place, MARA)
    _, path = place.asked()
    answer = httpx2.post(f"{place.console}{path}", headers={HEADER: value} | place.heard(path), trust_env=False)
    assert answer.status_code == 403
    assert answer.json()["reasons"][0] in {"no_device", "wrong_answer"}


def test_a_certificate_pasted_into_the_answer(place: Place) -> None:
    """A certificate is no secret: typed on the page, where any code is typed, it proves nothing."""
    device = enrolled(place, MARA)
    case, path = place.asked()
    certificate = device.read_text().partition("-----BEGIN PRIVATE")[0]
    challenge = path.rpartition("/")[2]
    assert refused(lambda: place.office.answer(case, challenge, certificate)) == ("wrong_hands",)


def test_a_device_enrolled_lately(place: Place) -> None:
    """A device enrolled after the first day counts in thirty days."""
    place.office.wait(days=2)
    enrolled(place, MARA)
    case = place.office.open(MARA, Action.UNLOCK)
    assert refused(lambda: place.office.begin(case, "managed_device")) == ("young_contact",)


def test_what_can_not_be_enrolled(place: Place, office: Office) -> None:
    """No certificate, one of another authority, the same one twice, by an agent: each is refused, with the way on."""
    device, admin, mara = place.office.app.enrolment.device, place.office["root.admin"], place.office[MARA]
    with pytest.raises(Invalid, match="no certificate"):
        device(admin, mara, "laptop", place.office.at)
    with pytest.raises(Refused, match="not of this organisation"):
        device(admin, mara, DeviceCa(place.office.at).device("laptop"), place.office.at)
    with pytest.raises(Refused):
        device(place.office["ada.agent"], mara, place.ca.device("laptop"), place.office.at)


def test_without_an_authority(office: Office) -> None:
    """Where no authority for devices is configured there is no such method, and none can be enrolled."""
    case = office.open(MARA, Action.UNLOCK)
    with pytest.raises(Invalid, match="There is no method"):
        office.begin(case, "managed_device")
    with pytest.raises(Invalid, match="No authority"):
        office.app.enrolment.device(office["root.admin"], office[MARA], "x", office.at)


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ('ca_file = "devices.pem"', "given together"),
        ('proxies = ["127.0.0.1"]', "given together"),
        ('ca_file = "devices.pem"\nproxies = ["proxy.example.test"]', "proxies"),
        ('ca_file = "devices.pem"\nproxies = ["127.0.0.1"]\nheader = "X Client"', "header"),
    ],
)
def test_half_a_setting(tmp_path: Path, part: str, said: str) -> None:
    """What would leave the header open to anybody, or devices without an authority, is a mistake in the file."""
    file = tmp_path / "watchword.toml"
    file.write_text(f'[ledger]\norigin = "example.test"\n[devices]\n{part}\n')
    with pytest.raises(Invalid, match=said):
        load(file)
