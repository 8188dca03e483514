"""Active Directory when things go wrong: certificates, passwords, and lines that are cut."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import pytest

from tests.real.conftest import Connect, Person, password
from tools.samba_rig import BIND_LOGIN, SambaDomain, free_address
from watchword.core.change import ResetPassword
from watchword.core.errors import Invalid, Unavailable
from watchword.core.ids import AccountId
from watchword.directories.port import Confirmation

RESET = ResetPassword(account=AccountId("a-test"))
APPLICATION_DATA = 23  # RFC 8446 §5.1


def test_a_foreign_certificate_is_not_spoken_to(connect: Connect, samba: SambaDomain) -> None:
    """A certificate from an authority we do not trust ends the conversation before the password is sent."""
    samba.forget_audit()
    with pytest.raises(Unavailable, match=r"not trusted.*authority that issued it"):
        connect(ca_file=samba.foreign_ca_file).find("anybody")
    assert BIND_LOGIN not in samba.audit_log.read_text()


def test_a_certificate_for_another_name_is_not_spoken_to(connect: Connect, samba: SambaDomain) -> None:
    """The right authority is not enough: the certificate has to name the host that was asked for."""
    with relay(samba.address, cut_after=100) as port, pytest.raises(Unavailable, match="not trusted"):
        connect(host="127.0.0.1", port=port).find("anybody")


def test_a_wrong_bind_password_says_where_to_correct_it(connect: Connect, tmp_path: Path) -> None:
    """A wrong, an empty and a missing bind password are mistakes of ours, each with the file to look at."""
    wrong, empty = tmp_path / "wrong", tmp_path / "empty"
    wrong.write_text("not the password\n")
    empty.write_text("\n")
    for file, why in ((wrong, "password is wrong"), (empty, "is empty"), (tmp_path / "none", "can not be read")):
        with pytest.raises(Invalid, match=why) as mistake:
            connect(password_file=file).check()
        assert str(file) in str(mistake.value)


def test_a_missing_authority_file_says_so(connect: Connect, tmp_path: Path) -> None:
    """Without the file of authorities nothing is tried."""
    with pytest.raises(Invalid, match="certificate authorities"):
        connect(ca_file=tmp_path / "none.pem").check()


def test_an_empty_password_is_no_anonymous_bind(connect: Connect, tmp_path: Path) -> None:
    """RFC 4513 lets an empty password look like success; here it never leaves the process."""
    (tmp_path / "empty").write_text("")
    with pytest.raises(Invalid, match="empty"):
        connect(password_file=tmp_path / "empty").find("anybody")


def test_a_controller_that_is_down_before_the_change_did_nothing(connect: Connect) -> None:
    """Nobody listening is unavailable in every call."""
    directory = connect(host=free_address())
    with pytest.raises(Unavailable, match="no LDAPS answer"):
        directory.find("anybody")
    with pytest.raises(Unavailable, match="no LDAPS answer"):
        directory.apply(str(uuid4()), RESET, "case/1/reset/1", password())


def test_wherever_the_line_is_cut_the_read_back_tells_the_truth(
    samba: SambaDomain, connect: Connect, person: Person
) -> None:
    """Cut after each message in turn, a reset is unavailable, and `confirm` says what the controller's log says."""
    (account,) = connect().find(person())
    told: list[Confirmation] = []
    for messages in range(1, 20):
        before = connect().before(account.native_id, RESET)
        samba.forget_audit()
        with relay(samba.address, cut_after=messages) as port:
            through = connect(host="localhost", port=port)
            try:
                through.apply(account.native_id, RESET, f"case/1/reset/{messages}", password())
            except Unavailable:
                pass
            else:
                break  # the whole conversation was passed on
        told.append(connect().confirm(account.native_id, RESET, before))
        done = '"action": "Reset"' in samba.audit_log.read_text()
        assert told[-1] is (Confirmation.DONE if done else Confirmation.NOT_DONE)
    assert set(told) == {Confirmation.DONE, Confirmation.NOT_DONE}


@contextmanager
def relay(target: str, *, cut_after: int) -> Iterator[int]:
    """Pass one TLS connection on to port 636 of *target*, and give the port to connect to.

    After *cut_after* encrypted messages of the client it waits for the answer, keeps it, and hangs up on both.
    """
    with socket.create_server(("127.0.0.1", 0)) as door:
        thread = threading.Thread(target=_pass_on, args=(door, target, cut_after), daemon=True)
        thread.start()
        yield door.getsockname()[1]
        with suppress(OSError):
            door.shutdown(socket.SHUT_RDWR)
        thread.join(timeout=10)


def _pass_on(door: socket.socket, target: str, cut_after: int) -> None:
    try:
        client, _ = door.accept()
    except OSError:
        return  # nobody came
    with client, socket.create_connection((target, 636), timeout=5) as server, suppress(OSError):
        sent = 0
        while sent < cut_after:
            readable, _, _ = select.select([client, server], [], [], 5)
            if server in readable:
                answer = server.recv(65536)
                client.sendall(answer)
                if not answer:
                    return
            if client in readable:
                record = _record(client)
                server.sendall(record)
                sent += record[0] == APPLICATION_DATA
        server.settimeout(0.5)
        server.recv(65536)  # the answer is here, and goes nowhere


def _record(client: socket.socket) -> bytes:
    header = _exactly(client, 5)
    return header + _exactly(client, int.from_bytes(header[3:]))


def _exactly(client: socket.socket, size: int) -> bytes:
    parts = b""
    while len(parts) < size:
        part = client.recv(size - len(parts))
        if not part:
            raise ConnectionError("the client hung up")
        parts += part
    return parts
