"""The console over HTTP while a `with` lasts: uvicorn in a thread, stopped at the end."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import uvicorn
from litestar.types import ASGIApp

from watchword.app import App
from watchword.cli.client import address
from watchword.console import create_console
from watchword.core.errors import Unavailable
from watchword.reception.peer import KeepsPeer
from watchword.web.approve_site import create_site

LOOPBACK = "127.0.0.1"
PATIENCE_S = 15


@contextmanager
def serving(app: App, *, port: int | None = None) -> Iterator[str]:
    """Serve *app* on its configured address (or *port* of loopback, 0 for any free one); yields the URL.

    Raise `Unavailable` when the address is taken or the console does not start.
    """
    host = app.settings.console.host if port is None else LOOPBACK
    page = app.settings.approvals
    with ExitStack() as stack:
        console = KeepsPeer(create_console(app), app.settings.console.proxies)
        listener = _listener(host, app.settings.console.port if port is None else port, "[console]")
        stack.enter_context(_running(console, listener, "console"))
        if port is None and page.port is not None:
            site = create_site(app.settings)
            stack.enter_context(_running(site, _listener(page.host, page.port, "[approvals]"), "approver's page"))
        yield address("localhost" if host == LOOPBACK else host, listener.getsockname()[1])


@contextmanager
def _running(site: ASGIApp, listener: socket.socket, name: str) -> Iterator[None]:
    """*site* on *listener*, in a thread of its own, until the `with` ends."""
    config = uvicorn.Config(site, proxy_headers=False, log_config=None, access_log=False, server_header=False)
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


def _listener(host: str, port: int, part: str) -> socket.socket:
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
