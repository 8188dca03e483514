"""A real witness: torchwood's `litewitness`, whose key lives in an ssh-agent, on a port of loopback."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import httpx2

from watchword.ledger.cosignature import WitnessKey
from watchword.ledger.witness import Witness

EMPTY = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
_VKEY = re.compile(r"\S+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+")


class LiteWitness:
    """One witness process named *name*, in *folder*; `stop` and `start` it as a real one comes and goes."""

    def __init__(self, program: Path, folder: Path, name: str) -> None:
        folder.mkdir()
        self.name = name
        self._program, self._folder = program, folder
        self._agent = folder / "agent"
        self._running: list[subprocess.Popen[bytes]] = []
        self._keep(("ssh-agent", "-D", "-a", str(self._agent)))
        _until(self._agent.exists)
        subprocess.run(("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "key"), cwd=folder, check=True)
        agent = {**os.environ, "SSH_AUTH_SOCK": str(self._agent)}
        subprocess.run(("ssh-add", "-q", "key"), cwd=folder, env=agent, check=True)
        told = subprocess.run(("ssh-keygen", "-lf", "key"), cwd=folder, check=True, capture_output=True, text=True)
        self._fingerprint = told.stdout.split()[1]
        self._port = _free_port()
        self.start()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        listen = f"127.0.0.1:{self._port}"
        names = ("-name", self.name, "-key", self._fingerprint, "-ssh-agent", str(self._agent), "-db", "witness.db")
        self._process = self._keep((str(self._program), *names, "-listen", listen))
        _until(self._answers)

    def stop(self) -> None:
        """Stop it; what it saw stays in its own database."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(10)

    def close(self) -> None:
        """End what was started here."""
        for process in reversed(self._running):
            if process.poll() is None:
                process.terminate()
                process.wait(10)

    def know(self, origin: str, vkey: str) -> None:
        """Do what its operator does to admit a ledger."""
        with closing(sqlite3.connect(self._folder / "witness.db", isolation_level=None)) as database:
            database.execute("INSERT INTO log VALUES (?, 0, ?)", (origin, EMPTY))
            database.execute("INSERT INTO key VALUES (?, ?)", (origin, vkey))

    def forget(self, origin: str) -> None:
        """Do what its operator does to begin anew with a ledger that was restored."""
        with closing(sqlite3.connect(self._folder / "witness.db", isolation_level=None)) as database:
            database.execute("UPDATE log SET tree_size = 0, tree_hash = ? WHERE origin = ?", (EMPTY, origin))

    def key(self) -> WitnessKey:
        """The verifier key that it publishes."""
        found = _VKEY.search(httpx2.get(self.url, trust_env=False).text)
        assert found is not None
        return WitnessKey.parse(found[0])

    def client(self) -> Witness:
        """Our client of it."""
        return Witness(self.key(), self.url, timeout_s=5)

    def _answers(self) -> bool:
        try:
            return httpx2.get(self.url, trust_env=False, timeout=1).status_code == 200
        except httpx2.TransportError:
            return False

    def _keep(self, command: tuple[str, ...]) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(command, cwd=self._folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._running.append(process)
        return process


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _until(there: object, seconds: float = 20) -> None:
    assert callable(there)
    end = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < end, "it did not come up"
        time.sleep(0.05)
