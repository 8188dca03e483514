"""Who a connection really comes from, kept before a proxy's word about it is taken."""

from __future__ import annotations

from typing import Any

from litestar.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

PEER = "watchword.peer"
"""Key of the scope that holds the address of the other end of the socket."""

TRUSTED = "127.0.0.1"
"""Whose `X-Forwarded-For` says where a request comes from: a proxy on this machine."""


class KeepsPeer:
    """An ASGI application that notes the socket's other end, then lets a proxy on this machine say whom it is for."""

    def __init__(self, app: ASGIApp) -> None:
        self._app: Any = ProxyHeadersMiddleware(app, trusted_hosts=TRUSTED)  # type: ignore[arg-type]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Note it in the scope; an address that is not known is none."""
        client = scope.get("client")
        scope[PEER] = client[0] if client else ""  # type: ignore[literal-required]
        await self._app(scope, receive, send)


def peer_of(scope: Any) -> str:
    """The address of the socket's other end; empty where nobody noted it."""
    return str(scope.get(PEER, ""))
