"""Something that is served over HTTP while a `with` lasts: uvicorn in a thread, stopped at the end."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from litestar.types import ASGIApp

from watchword.cli.client import address
from watchword.core.errors import Unavailable
from watchword.metering.metrics import Metrics
from watchword.metrics_part import place_of
from watchword.reception.scraping import create_metrics_site

PATIENCE_S = 15
IDLE_S = 75
"""How long an idle connection is kept: longer than clients and proxies do (nginx: 60 s), so it is they who let go.

A side that closes while the other sends its next request resets that request.
"""


@contextmanager
def running_site(site: ASGIApp, listener: socket.socket, name: str) -> Iterator[None]:
    """*site* on *listener*, in a thread of its own, until the `with` ends."""
    config = uvicorn.Config(
        site,
        proxy_headers=False,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=IDLE_S,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name=name, daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + PATIENCE_S
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                raise Unavailable(f"The {name} did not start.", "Look at the log above for why.")
            thread.join(0.02)
        yield
    finally:
        server.should_exit = True
        thread.join(PATIENCE_S)
        listener.close()


def listener_at(host: str, port: int, part: str) -> socket.socket:
    """A socket on *host* and *port*, which *part* of the settings names; `Unavailable` when that is taken."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise Unavailable(
            f"{address(host, port)} can not be listened on: {error.strerror}.",
            f"Stop what uses the port, or set another under {part} in watchword.toml.",
        ) from error
    return listener


@contextmanager
def measured(metrics: Metrics | None, listen: str | None) -> Iterator[None]:
    """*metrics* on the address *listen* while a `with` lasts, where there are both; `Unavailable` when it is taken."""
    if metrics is None or listen is None:
        yield
        return
    listener = listener_at(*place_of(listen), "[metrics]")
    with running_site(create_metrics_site(metrics), listener, "page of metrics"):
        yield
