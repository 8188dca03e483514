"""Who a connection really comes from, kept before a proxy's word about it is taken."""

from __future__ import annotations

from typing import Any

from litestar.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

PEER = "watchword.peer"
"""Key of the scope that holds the address of the other end of the socket."""


class KeepsPeer:
    """An ASGI application that notes the socket's other end, then lets one of *proxies* say whom it is for.

    Of the addresses in `X-Forwarded-For` the last counts that is none of *proxies*: the client wrote what comes before.
    """

    def __init__(self, app: ASGIApp, proxies: tuple[str, ...]) -> None:
        self._app: Any = ProxyHeadersMiddleware(app, trusted_hosts=list(proxies))  # type: ignore[arg-type]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Note it in the scope; an address that is not known is none."""
        client = scope.get("client")
        scope[PEER] = client[0] if client else ""  # type: ignore[literal-required]
        await self._app(scope, receive, send)


def peer_of(scope: Any) -> str:
    """The address of the socket's other end; empty where nobody noted it."""
    return str(scope.get(PEER, ""))
