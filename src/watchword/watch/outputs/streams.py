"""Outputs that are no request: syslog over TLS, and files."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Sequence
from pathlib import Path

from watchword.core.errors import Unavailable
from watchword.watch.formats import Render, format_named
from watchword.watch.formats.alert import Alert
from watchword.watch.formats.finding_alert import AnyAlert, FindingAlert
from watchword.watch.formats.syslog import around
from watchword.watch.outputs.finding_files import append_findings
from watchword.watch.verdicts import append_verdicts


class SyslogTls:
    """Syslog over TLS (RFC 5425): each message with its length before it; another *shape* stands in as its text.

    The protocol has no receipt: what TCP took may still be lost with the receiver. So the connection is looked at
    before each batch, and a batch is sent whole again after any fault.
    """

    def __init__(
        self,
        host: str,
        port: int = 6514,
        *,
        ca_file: str | None = None,
        shape: str = "syslog",
        within_s: float = 15,
    ) -> None:
        self._host, self._port, self._within_s = host, port, within_s
        render = format_named(shape)
        self._render: Render = render if shape == "syslog" else lambda alert: around(alert, render(alert))
        self._tls = ssl.create_default_context(cafile=ca_file)
        self._socket: ssl.SSLSocket | None = None

    @property
    def where(self) -> str:
        """See `Output.where`."""
        return f"syslog+tls://{self._host}:{self._port}"

    def send(self, alerts: Sequence[AnyAlert]) -> None:
        """See `Output.send`."""
        try:
            if self._socket is not None and _is_ended(self._socket):
                self.close()
            if self._socket is None:
                plain = socket.create_connection((self._host, self._port), timeout=self._within_s)
                self._socket = self._tls.wrap_socket(plain, server_hostname=self._host)
            for alert in alerts:
                message = self._render(alert)
                self._socket.sendall(f"{len(message)} ".encode() + message)
        except (OSError, ssl.SSLError) as error:
            self.close()
            raise Unavailable(
                f"{self.where} does not answer: {error}.", "Check host, port and certificate; it is tried again."
            ) from error

    def close(self) -> None:
        """See `Output.close`."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _is_ended(connection: ssl.SSLSocket) -> bool:
    """Whether the other side hung up: a syslog server says nothing, so whatever there is to read is an end."""
    connection.settimeout(0)
    try:
        return connection.recv(1) is not None
    except (ssl.SSLWantReadError, BlockingIOError):
        return False
    except OSError:
        return True
    finally:
        connection.settimeout(15)


class LinesFile:
    """Appends one message a line to a file; it is on the disk when `send` returns."""

    def __init__(self, path: Path, shape: str = "jsonl") -> None:
        self._path, self._render = path, format_named(shape)

    @property
    def where(self) -> str:
        """See `Output.where`."""
        return str(self._path)

    def send(self, alerts: Sequence[AnyAlert]) -> None:
        """See `Output.send`."""
        try:
            with self._path.open("ab") as out:
                out.write(b"".join(self._render(alert) + b"\n" for alert in alerts))
                out.flush()
                os.fsync(out.fileno())
        except OSError as error:
            raise Unavailable(
                f"{self._path} can not be written: {error.strerror}.", "Check the path and the room on the disk."
            ) from error

    def close(self) -> None:
        """See `Output.close`."""


class ParquetFolder:
    """Parquet files in a folder, columns as `VerdictRow`; those of findings in `findings` beneath it, see there.

    What is there already is not written again.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def where(self) -> str:
        """See `Output.where`."""
        return str(self._folder)

    def send(self, alerts: Sequence[AnyAlert]) -> None:
        """See `Output.send`."""
        try:
            append_verdicts(self._folder, [one.row for one in alerts if isinstance(one, Alert)])
            append_findings(self._folder / "findings", [one for one in alerts if isinstance(one, FindingAlert)])
        except OSError as error:
            raise Unavailable(
                f"{self._folder} can not be written: {error.strerror}.", "Check the path and the room on the disk."
            ) from error

    def close(self) -> None:
        """See `Output.close`."""
