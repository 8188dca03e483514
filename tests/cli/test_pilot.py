"""What docs/pilot.md has an operator write down: systemd takes the service, nginx the address, and the console both."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import ssl
import subprocess
from pathlib import Path

import httpx2
import pytest
from litestar.types import Receive, Scope, Send

from tests.cli.desk import PASSWORD, WATCHWORD, Desk, free_port, make
from tests.desk.test_devices_nginx import CONFIG, running
from tests.notices.conftest import Authority
from watchword.reception.peer import KeepsPeer, peer_of

PAGE = Path("docs/pilot.md")
EXPOSED = 25
"""The most that `systemd-analyze security` may say of the service, of 100; a service without these lines has 92."""


def _block(language: str, beginning: str) -> str:
    """The block of the page in *language* that begins with *beginning*."""
    blocks: list[str] = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (found,) = (block for block in blocks if block.startswith(beginning))
    return found


def _tool(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(f"{name} must be installed here")
        pytest.skip(f"{name} is not installed")
    return found


def test_systemd_takes_the_service(tmp_path: Path) -> None:
    """The unit has no line that systemd does not know, and leaves the service little."""
    analyze = _tool("systemd-analyze")
    unit = _block("systemd", "[Unit]")
    assert "ExecStart=/opt/watchword/.venv/bin/watchword serve" in unit
    file = tmp_path / "watchword.service"
    file.write_text(
        unit.replace("/opt/watchword/.venv/bin/watchword", str(WATCHWORD)).replace("User=watchword", "User=daemon")
    )
    checked = subprocess.run([analyze, "verify", "--man=no", file], capture_output=True, text=True, check=False)
    assert (checked.returncode, [line for line in checked.stderr.splitlines() if file.name in line]) == (0, [])
    weighed = subprocess.run(
        [analyze, "security", "--offline=yes", "--no-pager", f"--threshold={EXPOSED}", file],
        capture_output=True,
        text=True,
        check=False,
    )
    assert weighed.returncode == 0, weighed.stdout + weighed.stderr


def test_the_address_is_reached_through_nginx(tmp_path: Path) -> None:
    """Behind the documented proxy somebody signs in over https, and no header of theirs says where they come from."""
    _tool("nginx")
    tls = Authority(tmp_path)
    home = tmp_path / "desk"
    home.mkdir()
    make(home)
    desk = Desk(home)
    inner = desk.url.rpartition(":")[2]
    written = desk.config.read_text()
    documented = _block("toml", "[console]").replace("8787", inner)
    at = documented.splitlines()
    names = [line.partition(" =")[0] for line in at[1:]]
    kept = [line for line in written.splitlines() if line.partition(" =")[0] not in names]
    desk.config.write_text("\n".join(kept).replace("[console]", documented.rstrip()))

    port = free_port()
    server = _block("nginx", "server {")
    for old, new in (
        ("listen              443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("/etc/nginx/desk.example.test.pem", str(tls.ca_file.with_name("server.pem"))),
        ("/etc/nginx/desk.example.test.key", str(tls.ca_file.with_name("server.pem"))),
        ("http://127.0.0.1:8787", f"http://127.0.0.1:{inner}"),
    ):
        assert old in server
        server = server.replace(old, new)
    place = tmp_path / "nginx"
    begin, _, _ = CONFIG.partition("    server {{")
    config = begin.format(home=place) + server + "}\n"
    context = ssl.create_default_context(cafile=str(tls.ca_file))
    said = {"login": "ines", "password": "wrong wrong wrong"}
    with desk.served(), running(place, port, config) as url, httpx2.Client(verify=context, trust_env=False) as client:
        host = {"host": "desk.example.test"}
        page = client.get(f"{url}/sign-in", headers=host)
        assert page.status_code == 200
        assert page.headers["strict-transport-security"] == "max-age=31536000"
        signed = client.post(f"{url}/api/session", json=said | {"password": PASSWORD}, headers=host)
        assert signed.status_code == 201, signed.text
        assert "; secure" in signed.headers["set-cookie"].lower()
        # Were the header believed, each guess would come from an address of its own, and none would be slowed.
        guesses = [
            client.post(
                f"{url}/api/session", json=said, headers=host | {"x-forwarded-for": f"203.0.113.{n}"}
            ).status_code
            for n in range(14)
        ]
    assert guesses == [401] * 10 + [429] * 4


@pytest.mark.parametrize(
    ("peer", "said", "client"),
    [
        ("192.0.2.10", "203.0.113.9", "203.0.113.9"),
        ("192.0.2.10", "198.51.100.1, 203.0.113.9, 192.0.2.11", "203.0.113.9"),
        ("192.0.2.200", "203.0.113.9", "192.0.2.200"),
        ("127.0.0.1", "203.0.113.9", "127.0.0.1"),
    ],
)
def test_whose_word_counts(peer: str, said: str, client: str) -> None:
    """A proxy that is named says whom a request is for, and nobody else does, the machine itself included."""
    seen: list[str] = []

    async def site(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.extend((str((scope["client"] or ("",))[0]), peer_of(scope)))

    scope = {"type": "http", "client": (peer, 1), "headers": [(b"x-forwarded-for", said.encode())]}
    asyncio.run(KeepsPeer(site, ("192.0.2.0/25",))(scope, None, None))  # type: ignore[arg-type]
    assert seen == [client, peer]
