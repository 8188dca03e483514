"""Who may read what is measured: whoever shows the token, or, where there is none, whoever is on this machine."""

from __future__ import annotations

from typing import Any

from litestar.types import ASGIApp, Receive

from watchword.core.host import is_loopback
from watchword.metering.metrics import CONTENT_TYPE, Metrics
from watchword.reception.peer import KeepsPeer, peer_of

PATH = "/metrics"

_FORWARDED = {b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip", b"via"}
"""Headers by which a proxy shows: whoever is behind it need not be on this machine, though it is itself."""


def may_scrape(metrics: Metrics, scope: Any) -> bool:
    """Whether the request of *scope*, whose other end `KeepsPeer` noted, may read *metrics*.

    Without a token it has to come from this machine, through no proxy, and by a name of this machine: a page of
    somebody else's that a browser here was led to has another.
    """
    headers = dict(scope["headers"])
    if metrics.is_guarded:
        return metrics.is_token(headers.get(b"authorization", b"").decode("latin-1"))
    if not is_loopback(peer_of(scope)) or _FORWARDED & headers.keys():
        return False
    host = headers.get(b"host", b"").decode("latin-1")
    name = host.partition("]")[0].lstrip("[") if host.startswith("[") else host.partition(":")[0]
    return is_loopback(name)


def create_metrics_site(metrics: Metrics) -> ASGIApp:
    """An ASGI application that has *metrics* and nothing else."""

    async def site(scope: Any, receive: Receive, send: Any) -> None:  # noqa: ARG001
        if scope["type"] != "http":
            return
        status, body = 404, b"There is nothing here but /metrics.\n"
        if scope["path"] == PATH and scope["method"] in {"GET", "HEAD"}:
            status, body = 401, b"Show the token of metrics.token_file as a bearer token.\n"
            if may_scrape(metrics, scope):
                status, body = 200, metrics.text()
        headers = [
            (b"content-type", (CONTENT_TYPE if status == 200 else "text/plain; charset=utf-8").encode()),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
            *(((b"www-authenticate", b"Bearer"),) if status == 401 else ()),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    return KeepsPeer(site, ())
