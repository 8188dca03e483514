"""Duo Mobile over the Auth API v2: a Verified Duo Push, whose code is told by the desk and typed in the app.

Requests are signed as Duo's fifth version of signatures has it: HMAC-SHA512 over date, verb, host, path, query, and the
digests of body and of Duo's own headers, of which none is sent.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from datetime import timedelta
from email.utils import formatdate
from typing import Final
from urllib.parse import quote, urlsplit

import msgspec

from watchword.core.errors import Invalid, Refused, Unavailable
from watchword.methods.outside import Slow, demand_private, exchange
from watchword.methods.provider_push import Outcome, Sent

ID: Final = re.compile(r"D[UP][A-Z0-9]{18}\Z")
"""An id of a user (DU…) or of a phone (DP…) at Duo."""

LIFE: Final = timedelta(minutes=2)
"""How long its prompt can be answered; Duo ends it a minute after it was sent."""

_CODE = re.compile(r"[0-9]{3,6}\Z")
_TRANSACTION = re.compile(r"[A-Za-z0-9-]{1,64}\Z")
_KEY = re.compile(r"[A-Z0-9]{20}\Z")

_OUTCOMES: dict[tuple[str, str], Outcome] = {
    ("allow", "allow"): "approved",
    ("deny", "deny"): "denied",
    ("deny", "fraud"): "denied",
}
"""What a result and its status say. A yes without a prompt (`bypass`, a trusted device) proves nobody."""

_SET_UP = "Check `[duo]` in watchword.toml, and that the application at Duo is an Auth API one this person may use."
_NOTHING = hashlib.sha512(b"").hexdigest()


class Device(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose phone at Duo: the ids of the *user* and of their *device*."""

    user: str
    device: str


class _Phone(msgspec.Struct):
    device: str
    capabilities: tuple[str, ...] = ()


class _Said(msgspec.Struct):
    """What any of the three requests says; each says some of it."""

    result: str = ""
    status: str = ""
    txid: str = ""
    devices: tuple[_Phone, ...] = ()
    code: int | str = msgspec.field(name="verification_code", default="")


class _Answer(msgspec.Struct):
    stat: str
    response: _Said


class DuoMobile:
    """One Duo application at *url* with its *integration* key and *secret*; each exchange within *within_s* seconds.

    Asking what became of a prompt waits at Duo until something does: it is given up after *look_s* seconds.
    """

    def __init__(self, url: str, integration: str, secret: str, *, within_s: float = 10.0, look_s: float = 2.0) -> None:
        """Raise `Invalid` for an address that is no origin or is spoken to in the clear, and for what is no key."""
        demand_private(url, "duo.url")
        parts = urlsplit(url)
        if parts.path.strip("/") or parts.query or parts.fragment:
            raise Invalid(f"{url!r} has a path.", "Write it as https://api-1234abcd.duosecurity.com.", where="duo.url")
        if not _KEY.match(integration):
            raise Invalid("That is no integration key of Duo.", "Copy it from the application.", "duo.integration_key")
        if not secret or not secret.isascii() or not secret.isprintable() or " " in secret:
            raise Invalid("The secret key of Duo is none.", "Put it alone into its file.", where="duo.secret_file")
        self._base = f"{parts.scheme}://{parts.netloc}"
        self._host = parts.hostname or ""
        self._integration = integration
        self._secret = secret.encode()
        self._within_s = within_s
        self._look_s = look_s

    def send(self, target: bytes) -> Sent:
        """See `PromptSender.send`; a push without a code to type, which is approved in one's sleep, is refused."""
        device = _device(target)
        status, body = self._post("preauth", {"user_id": device.user, "client_supports_verified_push": "1"})
        if status == 429 or status >= 500:
            raise _not_taken(status)
        said = _read(status, body)
        phone = next((p for p in said.devices if p.device == device.device), None) if said else None
        if said is None or said.result != "auth" or phone is None or "push" not in phone.capabilities:
            raise Refused(f"Duo does not prompt this person on this device ({status}).", _SET_UP, ("not_sent",))
        if not _CODE.match(str(said.code)) or not _TRANSACTION.match(said.txid):
            raise Refused(
                "Duo would send a push without a code to type, which proves nobody.",
                "Have Verified Duo Push required in the policy of this application, and use another method meanwhile.",
                ("not_sent",),
            )
        push = {"user_id": device.user, "factor": "push", "device": device.device, "async": "1", "txid": said.txid}
        try:
            status, body = self._post("auth", push)
        except Unavailable as silence:
            # It may have gone out. Somebody who is prompted twice for one challenge learns to say yes.
            raise Refused(
                f"Nobody knows whether the prompt was sent. {silence.what}", "Begin the method again.", ("not_sent",)
            ) from silence
        if status == 429:
            raise _not_taken(status)
        sent = _read(status, body)
        if sent is None or not _TRANSACTION.match(sent.txid):
            raise Refused(f"Duo did not send the prompt ({status}).", _SET_UP, ("not_sent",))
        return Sent(transaction=sent.txid, number=str(said.code))

    def outcome(self, target: bytes, transaction: str) -> Outcome:
        """See `PromptSender.outcome`."""
        _device(target)
        if not _TRANSACTION.match(transaction):
            return "over"
        try:
            status, body = self._get("auth_status", {"txid": transaction})
        except Slow:
            return "waiting"
        if status in {400, 404}:
            return "over"
        said = _read(status, body)
        if said is None:
            raise Unavailable(f"Duo does not say what became of the prompt ({status}).", _SET_UP)
        if said.result == "waiting":
            return "waiting"
        return _OUTCOMES.get((said.result, said.status), "over")

    def _post(self, what: str, params: dict[str, str]) -> tuple[int, bytes]:
        body = msgspec.json.encode(dict(sorted(params.items())))
        path = f"/auth/v2/{what}"
        headers = self._headers("POST", path, "", body) | {"Content-Type": "application/json"}
        return exchange("POST", self._base + path, within_s=self._within_s, body=body, headers=headers)

    def _get(self, what: str, params: dict[str, str]) -> tuple[int, bytes]:
        path, query = f"/auth/v2/{what}", "&".join(f"{k}={quote(v, safe='~')}" for k, v in sorted(params.items()))
        headers = self._headers("GET", path, query, b"")
        return exchange("GET", f"{self._base}{path}?{query}", within_s=self._look_s, headers=headers)

    def _headers(self, verb: str, path: str, query: str, body: bytes) -> dict[str, str]:
        date = formatdate()
        signed = signature(self._secret, (date, verb, self._host, path, query), body)
        basic = base64.b64encode(f"{self._integration}:{signed}".encode()).decode()
        return {"Date": date, "Authorization": f"Basic {basic}"}


def signature(secret: bytes, line: tuple[str, str, str, str, str], body: bytes) -> str:
    """Hex of the signature of one request; *line* is its date, verb, host, path and query, each as it is sent."""
    date, verb, host, path, query = line
    said = "\n".join((date, verb, host.lower(), path, query, hashlib.sha512(body).hexdigest(), _NOTHING))
    return hmac.digest(secret, said.encode(), hashlib.sha512).hex()


def demand_device(device: Device) -> Device:
    """*device* as it is; raise `Invalid` unless both of its ids are ids."""
    for where, start in (("user", "DU"), ("device", "DP")):
        said = getattr(device, where)
        if not ID.match(said) or not said.startswith(start):
            raise Invalid(
                f"That is no id of a {where} at Duo.",
                f"Copy it from the address of its page in the admin panel: {start} and 18 capital letters and digits.",
                where=where,
            )
    return device


def _device(target: bytes) -> Device:
    try:
        return demand_device(msgspec.json.decode(target, type=Device))
    except (msgspec.MsgspecError, UnicodeError, Invalid) as error:
        raise Refused("The enrolment of Duo Mobile is damaged.", "Enrol it again.", ("not_enrolled",)) from error


def _not_taken(status: int) -> Unavailable:
    return Unavailable(f"Duo did not take the prompt ({status}).", "It is tried again.")


def _read(status: int, body: bytes) -> _Said | None:
    """What Duo said where it said yes to the request."""
    try:
        answer = msgspec.json.decode(body, type=_Answer)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    return answer.response if status == 200 and answer.stat == "OK" else None
