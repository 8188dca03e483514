"""Access tokens (OAuth 2.0) of the services that are asked: got with a secret or a signature, kept while they last."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import msgspec

from watchword.core.errors import Unavailable
from watchword.watch.sources.web import Web

_SLACK_S = 60.0


class _Granted(msgspec.Struct):
    access_token: str
    expires_in: float = 3600


class AccessToken:
    """A token from *url*; *form* makes the request for one, each time anew."""

    def __init__(self, web: Web, url: str, form: Callable[[], Mapping[str, str]]) -> None:
        self._web, self._url, self._form = web, url, form
        self._token, self._until = "", 0.0

    def header(self) -> dict[str, str]:
        """The header that carries it. Errors as `Web.ask`."""
        if time.monotonic() >= self._until:
            answer = self._web.ask("POST", self._url, form=self._form())
            try:
                granted = msgspec.json.decode(answer.body, type=_Granted)
            except msgspec.MsgspecError as error:
                raise Unavailable("No token was in the answer.", "Check the address of the token.") from error
            self._token = granted.access_token
            self._until = time.monotonic() + max(granted.expires_in - _SLACK_S, 1.0)
        return {"Authorization": f"Bearer {self._token}"}
