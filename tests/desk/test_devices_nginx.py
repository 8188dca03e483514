"""A managed device through a real nginx, set up as docs/verification.md says: what it hands on, and what it drops."""

from __future__ import annotations

import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest

from tests.cli.desk import free_port
from tests.desk.test_devices import HEADER, MARA, NOAH, Place, enrolled, place
from tests.methods.devices import DeviceCa

__all__ = ["place"]  # a fixture

BLOCK = re.compile(r"```nginx\n(.*?)```", re.DOTALL)
NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")

CONFIG = """\
daemon off;
master_process off;
pid {home}/nginx.pid;
error_log {home}/nginx.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate      {server};
        ssl_certificate_key  {server};
{documented}
    }}
}}
"""


@contextmanager
def running(home: Path, port: int, config: str) -> Iterator[str]:
    """A real nginx on loopback, until the block ends."""
    assert NGINX is not None
    home.mkdir()
    (home / "nginx.conf").write_text(config)
    process = subprocess.Popen([NGINX, "-p", home, "-c", home / "nginx.conf", "-e", home / "nginx.log"])
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if process.poll() is not None or probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.02)
        assert process.poll() is None, (home / "nginx.log").read_text()
        yield f"https://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def proxy(place: Place) -> Iterator[str]:
    """A real nginx in front of the console, with the lines of the documentation and nothing else about devices."""
    if NGINX is None:
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail("nginx must be installed here")
        pytest.skip("nginx is not installed")
    found = BLOCK.search(Path("docs/verification.md").read_text(encoding="utf-8"))
    assert found is not None
    for documented in ("/etc/nginx/device-authority.pem", "http://127.0.0.1:8787"):
        assert documented in found[1]
    authority = place.office.home / "devices.pem"
    documented = found[1].replace("/etc/nginx/device-authority.pem", str(authority))
    documented = documented.replace("http://127.0.0.1:8787", place.console)
    home, port = place.office.home / "nginx", free_port()
    server = place.tls.ca_file.with_name("server.pem")
    with running(home, port, CONFIG.format(home=home, port=port, server=server, documented=documented)) as url:
        yield url


def answer(place: Place, url: str, device: Path | None, **headers: str) -> httpx2.Response:
    """What nginx answers to a browser on *device*; None is one without a certificate."""
    context = ssl.create_default_context(cafile=str(place.tls.ca_file))
    if device is not None:
        context.load_cert_chain(device)
    with httpx2.Client(verify=context, trust_env=False) as client:
        return client.post(url, headers=place.heard(httpx2.URL(url).path) | headers)


def test_a_device_proves_through_nginx(place: Place, proxy: str) -> None:
    """A browser with the key of the enrolled device proves its person, by what nginx hands on of the connection."""
    device = enrolled(place, MARA)
    case, path = place.asked()
    seen = answer(place, proxy + path, device)
    assert seen.status_code == 200, seen.text
    assert "method.proved" in place.office.types(case)


def test_nginx_drops_what_a_browser_claims(place: Place, proxy: str) -> None:
    """Somebody else's certificate in the header goes no further than nginx: with an own device or with none."""
    device, theirs = enrolled(place, MARA), enrolled(place, NOAH)
    case, path = place.asked()
    claim = {HEADER: quote(device.read_text().partition("-----BEGIN PRIVATE")[0])}
    assert answer(place, proxy + path, theirs, **claim).json()["reasons"] == ["wrong_answer"]
    assert answer(place, proxy + path, None, **claim).json()["reasons"] == ["no_device"]
    assert "method.proved" not in place.office.types(case)


def test_nginx_lets_no_other_authority_in(place: Place, proxy: str) -> None:
    """A certificate of somebody else's authority ends at nginx, before the console."""
    enrolled(place, MARA)
    case, path = place.asked()
    pem, key = DeviceCa(place.office.at).device_and_key("laptop-elsewhere")
    elsewhere = place.office.home / "elsewhere.pem"
    elsewhere.write_text(pem + key)
    seen = answer(place, proxy + path, elsewhere)
    assert (seen.status_code, "SSL certificate error" in seen.text) == (400, True)
    assert "challenge.missed" not in place.office.types(case)
