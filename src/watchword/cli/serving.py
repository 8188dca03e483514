"""The console over HTTP while a `with` lasts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from litestar.types import ASGIApp

from watchword.app import App
from watchword.cli.client import address
from watchword.cli.listening import listener_at, running_site
from watchword.console import create_console
from watchword.reception.peer import KeepsPeer
from watchword.reception.timing import Timed
from watchword.web.approve_site import create_site

LOOPBACK = "127.0.0.1"


@contextmanager
def serving(app: App, *, port: int | None = None) -> Iterator[str]:
    """Serve *app* on its configured address (or *port* of loopback, 0 for any free one); yields the URL.

    Raise `Unavailable` when the address is taken or the console does not start.
    """
    host = app.settings.console.host if port is None else LOOPBACK
    page = app.settings.approvals
    with ExitStack() as stack:
        inner: ASGIApp = create_console(app)
        if app.metrics is not None:
            inner = Timed(inner, app.metrics)
        console = KeepsPeer(inner, app.settings.console.proxies)
        listener = listener_at(host, app.settings.console.port if port is None else port, "[console]")
        stack.enter_context(running_site(console, listener, "console"))
        if port is None and page.port is not None:
            site = create_site(app.settings)
            stack.enter_context(running_site(site, listener_at(page.host, page.port, "[approvals]"), "approver's page"))
        yield address("localhost" if host == LOOPBACK else host, listener.getsockname()[1])
