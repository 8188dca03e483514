"""`watchword serve`: answers, owns its ledger, and ends when it is told to."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from http.client import HTTPConnection

from tests.cli.conftest import Here
from tests.cli.desk import Desk, is_told

# What `Event.wait` holds for a moment, each time it goes to sleep and each time it wakes.
HELD = """
import time
from watchword.cli.ending import until_signalled
stop = until_signalled()
with stop._cond:
    print("held", flush=True)
    time.sleep(1)
stop.wait()
"""


def test_a_second_one_is_told_who_has_the_ledger(desk: Desk) -> None:
    """A SQLite ledger has one owner: the next process is told which one, and how to go on."""
    with desk.served() as running:
        second = desk.type("serve")

        assert is_told(second, 4, f"in use by process {running.pid}", "stop it first")


def test_a_port_that_is_taken_is_told(desk: Desk) -> None:
    """Where something else listens, it says which setting to change, and lets go of the ledger."""
    with socket.create_server(("127.0.0.1", int(desk.url.rpartition(":")[2]))):
        assert is_told(desk.type("serve"), 4, "can not be listened on", "set another under [console]")

    assert desk.type("ledger", "status").code == 0


def test_a_connection_outlasts_what_clients_keep_idle(desk: Desk) -> None:
    """A client that lets go after five idle seconds never has its request reset by a console that closed just then."""
    with desk.served(), closing(HTTPConnection("127.0.0.1", int(desk.url.rpartition(":")[2]), timeout=30)) as line:
        line.request("GET", "/healthz")
        line.getresponse().read()
        kept = line.sock
        time.sleep(5.5)
        line.request("GET", "/healthz")

        assert line.getresponse().status == 200
        assert line.sock is kept


def test_a_stop_of_the_service_manager_is_as_good(desk: Desk) -> None:
    """SIGTERM ends it as Ctrl-C does, with exit code 0, and the ledger is free."""
    with desk.served() as running:
        running.send_signal(signal.SIGTERM)
        running.wait(30)

    assert desk.type("ledger", "status").code == 0


def test_it_ends_whatever_it_is_at_when_it_is_told_to() -> None:
    """The signal may come while the very lock is held that its news needs: it is passed on all the same."""
    with subprocess.Popen([sys.executable, "-c", HELD], stdout=subprocess.PIPE, text=True) as held:
        try:
            assert held.stdout is not None
            assert held.stdout.readline() == "held\n"
            held.send_signal(signal.SIGINT)
            assert held.wait(30) == 0
        finally:
            held.kill()


def test_it_does_not_start_without_its_keys(desk: Desk, here: Here) -> None:
    """A key file that others may read stops it, and it names the command that helps."""
    (desk.home / "keys" / "signing.key").chmod(0o644)

    for command in (("serve",), ("execute", "--once"), ("ledger", "status"), ("ledger", "fsck")):
        assert is_told(here(*command), 2, "can be used by others (mode 0644)", "chmod 600")
