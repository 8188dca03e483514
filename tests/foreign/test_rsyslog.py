"""Messages in a real rsyslog: sent over TLS, parsed by it, and what it understood is what was sent."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.watch.rows import FINDINGS, SAMPLES
from tools.authority import Authority
from watchword.watch.formats.alert import Alert
from watchword.watch.outputs.streams import SyslogTls
from watchword.watch.printable import printable

ALERTS = [*map(Alert.of, SAMPLES)]

CONFIG = """
global(workDirectory="{home}" maxMessageSize="64k"
       defaultNetstreamDriverCAFile="{home}/ca.pem"
       defaultNetstreamDriverCertFile="{home}/server.pem"
       defaultNetstreamDriverKeyFile="{home}/server.key"
       parser.escapeControlCharactersOnReceive="off")
module(load="imtcp" StreamDriver.Name="gtls" StreamDriver.Mode="1" StreamDriver.AuthMode="anon")
module(load="mmpstrucdata")
module(load="mmnormalize")
input(type="imtcp" port="{port}" address="127.0.0.1")
action(type="mmpstrucdata")
action(type="mmnormalize" rule=["rule=:%cef:cef%"] path="$!cef")
template(name="seen" type="list" option.jsonf="on") {{
  property(outname="severity" name="syslogseverity" format="jsonf")
  property(outname="facility" name="syslogfacility" format="jsonf")
  property(outname="app" name="app-name" format="jsonf")
  property(outname="msgid" name="msgid" format="jsonf")
  property(outname="version" name="protocol-version" format="jsonf")
  property(outname="at" name="timereported" dateFormat="rfc3339" format="jsonf")
  property(outname="msg" name="msg" format="jsonf")
  property(outname="cef" name="$!cef!cef" format="jsonf")
  property(outname="sd" name="$!rfc5424-sd" format="jsonf")
}}
action(type="omfile" file="{home}/seen.jsonl" template="seen" asyncWriting="off" flushOnTXEnd="on")
"""


class Rsyslog:
    """One that listens on loopback with a configuration of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        authority = Authority("rsyslog")
        certificate, key = authority.issue("localhost", "127.0.0.1")
        for name, content in (("ca.pem", authority.certificate), ("server.pem", certificate), ("server.key", key)):
            (home / name).write_bytes(content)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        (home / "rsyslog.conf").write_text(CONFIG.format(home=home, port=self.port))
        self._out = (home / "rsyslog.out").open("wb")
        self._process = subprocess.Popen(
            ["rsyslogd", "-n", "-f", home / "rsyslog.conf", "-i", home / "rsyslog.pid"],
            stdout=self._out,
            stderr=subprocess.STDOUT,
        )

    def wait(self) -> None:
        """Until it listens."""
        for _ in range(200):
            if self._process.poll() is not None:
                break
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        self.close()
        pytest.fail(f"rsyslog does not listen: {(self.home / 'rsyslog.out').read_text()}")

    def seen(self, count: int) -> list[dict[str, str]]:
        """The first *count* messages it understood."""
        file = self.home / "seen.jsonl"
        for _ in range(200):
            if file.exists() and len(lines := file.read_text(encoding="utf-8").splitlines()) >= count:
                return [json.loads(line) for line in lines]
            time.sleep(0.05)
        raise AssertionError(f"rsyslog wrote {file.read_text() if file.exists() else 'nothing'}")

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(10)
        self._out.close()


@pytest.fixture
def rsyslog(tmp_path: Path) -> Iterator[Rsyslog]:
    """A real rsyslog."""
    if shutil.which("rsyslogd") is None or not Path("/usr/lib/x86_64-linux-gnu/rsyslog/lmnsd_gtls.so").exists():
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail("rsyslog and rsyslog-gnutls must be installed here")
        pytest.skip("rsyslog or rsyslog-gnutls is not installed")
    server = Rsyslog(tmp_path)
    server.wait()
    yield server
    server.close()


def test_rsyslog_reads_what_was_sent(rsyslog: Rsyslog) -> None:
    """Header, every parameter of the structured data and the text, hostile names among them."""
    output = SyslogTls("localhost", rsyslog.port, ca_file=str(rsyslog.home / "ca.pem"))
    output.send(ALERTS)
    output.close()
    for alert, seen in zip(ALERTS, rsyslog.seen(len(ALERTS)), strict=True):
        row, said = alert.row, json.loads(seen["sd"])["watchword@32473"]
        assert (seen["app"], seen["msgid"], seen["version"], seen["facility"]) == ("watchword", row.verdict, "1", "13")
        assert seen["msg"].removeprefix("\ufeff") == f"{alert.title}. {alert.why}."
        sent = {name: getattr(row, name) for name in ("actor", "target", "directory", "address", "case", "ticket")}
        assert {name: said.get(name) for name in sent} == {n: printable(v) if v else None for n, v in sent.items()}


def test_rsyslog_reads_findings(rsyslog: Rsyslog) -> None:
    """As structured data and as CEF: its id, where it is in its life, and what its events share."""
    ca_file = str(rsyslog.home / "ca.pem")
    for shape in ("syslog", "cef"):
        output = SyslogTls("localhost", rsyslog.port, ca_file=ca_file, shape=shape)
        output.send(FINDINGS)
        output.close()
        rsyslog.seen(len(FINDINGS) * (1 if shape == "syslog" else 2))
    seen = rsyslog.seen(2 * len(FINDINGS))
    for alert, plain, cef in zip(FINDINGS, seen, seen[len(FINDINGS) :], strict=False):
        said = json.loads(plain["sd"])["watchword@32473"]
        assert (plain["msgid"], said["finding"], said["status"]) == ("finding", alert.finding, alert.status)
        assert said.get("name") == (printable(alert.name) if alert.name else None)
        read = json.loads(cef["cef"])
        assert read["Name"] == printable(alert.title)
        assert (read["Extensions"]["externalId"], read["Extensions"]["act"]) == (alert.tag, alert.status)


def test_rsyslog_reads_cef(rsyslog: Rsyslog) -> None:
    """Its own CEF parser finds the header and each field, hostile names among them."""
    output = SyslogTls("localhost", rsyslog.port, ca_file=str(rsyslog.home / "ca.pem"), shape="cef")
    output.send(ALERTS)
    output.close()
    for alert, seen in zip(ALERTS, rsyslog.seen(len(ALERTS)), strict=True):
        said = json.loads(seen["cef"])
        assert (said["DeviceVendor"], said["Name"]) == ("Watchword", alert.title)
        fields = said["Extensions"]
        assert (fields["cat"], fields["externalId"]) == (alert.row.verdict, printable(alert.tag))
        assert fields["duser"] == printable(alert.row.target_login or alert.row.target)
        assert fields.get("duid") == (printable(alert.row.target) if alert.row.target_login else None)
        assert fields.get("cs2") == (printable(alert.row.ticket) if alert.row.ticket else None)
