"""Shared Signals: what a receiver of our security events finds, verifies with and polls (SSF 1.0, RFC 8936)."""

from __future__ import annotations

import hmac
from typing import Any

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath, RawBody
from litestar.status_codes import HTTP_200_OK, HTTP_204_NO_CONTENT

from watchword.api.bodies import Out
from watchword.core.errors import Invalid
from watchword.reception.given import TheApp
from watchword.reception.problems import NotSignedIn, NotThere
from watchword.watch.outputs.managed import SignalsStream
from watchword.watch.outputs.polling import SignalsPoll


class Verify(msgspec.Struct, frozen=True, kw_only=True):
    """A receiver's wish to see that the stream works; *state* comes back in the event."""

    stream_id: str | None = None
    state: str | None = None


class Transmitter(Out, frozen=True, kw_only=True, omit_defaults=True):
    """What a receiver has to know of the transmitter (SSF 1.0, 7.1); endpoints where one may set up its stream."""

    spec_version: str
    issuer: str
    jwks_uri: str
    delivery_methods_supported: tuple[str, ...]
    default_subjects: str
    authorization_schemes: tuple[dict[str, str], ...]
    configuration_endpoint: str | None = None
    status_endpoint: str | None = None
    add_subject_endpoint: str | None = None
    remove_subject_endpoint: str | None = None
    verification_endpoint: str | None = None


@get("/.well-known/ssf-configuration", sync_to_thread=False, tags=["signals"])
def configuration(app: TheApp) -> Transmitter:
    """Tell what is transmitted, and where its keys are; not there unless security events are an output."""
    if not app.telling.signers:
        raise NotThere
    url = app.settings.console.public_url.rstrip("/")
    return Transmitter(
        spec_version="1_0",
        issuer=url,
        jwks_uri=f"{url}/api/signals/jwks.json",
        delivery_methods_supported=("urn:ietf:rfc:8935", "urn:ietf:rfc:8936"),
        default_subjects="ALL",
        authorization_schemes=({"spec_urn": "urn:ietf:rfc:6750"},),
        **{
            f"{name}_endpoint": f"{url}/api/signals/{path}"
            for name, path in (
                ("configuration", "streams"),
                ("status", "status"),
                ("add_subject", "add-subject"),
                ("remove_subject", "remove-subject"),
                ("verification", "verification"),
            )
            if app.telling.managed
        },
    )


@get("/api/signals/jwks.json", sync_to_thread=False, tags=["signals"])
def keys(app: TheApp) -> Response[bytes]:
    """Give the keys that tokens are verified with."""
    if not app.telling.signers:
        raise NotThere
    found = {signer.kid: signer.public for signer in app.telling.signers}
    return Response(msgspec.json.encode({"keys": [*found.values()]}), media_type="application/jwk-set+json")


class SignalsController(Controller):
    """The polls of receivers, each with the token of its own output."""

    path = "/api/signals/{name:str}"
    tags = ("signals",)
    opt = {"exclude_from_csrf": True}  # noqa: RUF012  (Litestar's own declaration)

    @post("/poll", sync_to_thread=True, status_code=HTTP_200_OK)
    def poll(self, app: TheApp, name: FromPath[str], body: RawBody, request: Request[Any, Any, Any]) -> Response[bytes]:
        """Give what waits, and let go of what is acknowledged."""
        return Response(_stream(app, name, request).answer(body), media_type="application/json")

    @post("/verify", sync_to_thread=True, status_code=HTTP_204_NO_CONTENT)
    def verify(self, app: TheApp, name: FromPath[str], body: RawBody, request: Request[Any, Any, Any]) -> None:
        """Have the next poll find a verification event."""
        stream = _stream(app, name, request)
        try:
            wish = msgspec.json.decode(body or b"{}", type=Verify)
        except msgspec.MsgspecError as error:
            raise Invalid(f"This is no wish to verify: {error}.", "Ask as SSF 1.0 says.", where="body") from error
        if isinstance(stream, SignalsStream):
            raise NotThere  # it has an endpoint of its own
        stream.verify(wish.state)


def _stream(app: TheApp, name: str, request: Request[Any, Any, Any]) -> SignalsPoll | SignalsStream:
    """The stream that the bearer's token is of; who has none learns nothing, not even which streams there are."""
    given = request.headers.get("authorization", "").encode()
    stream, token = app.telling.polled.get(name, (None, ""))
    if not hmac.compare_digest(given, f"Bearer {token}".encode()) or stream is None or not token:
        raise NotSignedIn
    return stream
