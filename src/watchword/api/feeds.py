"""Where services that call bring their events: `/api/feeds/NAME`, for the sources of `watchword.toml`.

What is answered with success is durable. Each kind of caller shows in its own way who it is; none has a session.
"""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath, RawBody
from litestar.status_codes import HTTP_200_OK

from watchword.api.bodies import Out
from watchword.core.errors import Unavailable
from watchword.reception.given import Now, TheApp
from watchword.reception.problems import NotThere
from watchword.watch.sources.hooks import LONGEST, OktaHook
from watchword.watch.sources.ssf import PushReceiver, Rejected


class Spooled(Out, frozen=True, kw_only=True):
    """How many events of the delivery are durable now that were not before."""

    events: int


class FeedController(Controller):
    """The feeds that are called."""

    path = "/api/feeds/{feed:str}"
    tags = ("watch",)
    opt = {"exclude_from_csrf": True}  # noqa: RUF012  (Litestar's own declaration)

    @get("", sync_to_thread=True)
    def verify(self, app: TheApp, feed: FromPath[str], request: Request[Any, Any, Any]) -> Response[dict[str, str]]:
        """Answer Okta's one-time verification of an event hook."""
        caller = app.watching.calls.get(feed)
        if not isinstance(caller, OktaHook):
            raise NotThere
        return Response({"verification": caller.challenge(_headers(request))})

    @post("", sync_to_thread=True, status_code=HTTP_200_OK, request_max_body_size=LONGEST)
    def deliver(
        self, app: TheApp, at: Now, feed: FromPath[str], body: RawBody, request: Request[Any, Any, Any]
    ) -> Response[Any]:
        """Take what a service brings.

        A security event token is answered as RFC 8935 says: 202, or 400 with `err` and `description`. Anything else is
        answered with how many events were taken; 401 when it is not from whom we agreed with, 409 when it came before.
        """
        caller = app.watching.calls.get(feed)
        if caller is None:
            raise NotThere
        try:
            taken = caller.take(body, _headers(request), at)
        except Rejected as rejected:
            told = {"err": rejected.code, "description": rejected.description}
            return Response(
                msgspec.json.encode(told),
                status_code=400,
                media_type="application/json",
                headers={"content-language": "en"},
            )
        except OSError as error:
            raise Unavailable("The delivery could not be kept.", "Deliver it again.") from error
        if isinstance(caller, PushReceiver):
            return Response(b"", status_code=202, media_type="application/json")
        return Response(Spooled(events=taken))


def _headers(request: Request[Any, Any, Any]) -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers.items()}
