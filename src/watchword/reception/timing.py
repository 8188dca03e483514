"""How long requests take: by the template of their route, never by their path, which an outsider chooses."""

from __future__ import annotations

import time
from typing import Any

from litestar.types import ASGIApp, Message, Receive, Send

from watchword.metering.metrics import Metrics

ELSEWHERE = "elsewhere"
"""The route of a request for what is not there."""


class Timed:
    """An ASGI application that counts the requests of *app* in *metrics*, and times them to the head of the answer."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Pass it on; what is no request, such as the start of the server, is not counted."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.monotonic()

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = str(scope.get("path_template") or ELSEWHERE)
                self._metrics.requests.labels(route, f"{message['status'] // 100}xx").inc()
                self._metrics.request_seconds.labels(route).observe(time.monotonic() - begun)
            await send(message)

        await self._app(scope, receive, noted)
