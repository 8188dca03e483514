"""The certificate a device showed, as a proxy that ended its TLS connection says: taken from that proxy alone."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import textwrap
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from watchword.core.errors import Refused
from watchword.reception.peer import peer_of
from watchword.settings import DevicesPart

_LONGEST = 32_768


def shown_certificate(part: DevicesPart, scope: Any, headers: Mapping[str, str]) -> str:
    """The client certificate in PEM, from the header that *part* names.

    Raise `Refused` when the other end of the socket is none of its proxies, whatever it says, or showed none. The value
    is PEM with `%` escapes (nginx's `$ssl_client_escaped_cert`), or the DER between colons in base64 (RFC 9440).
    """
    value = headers.get(part.header, "")
    if not _is_proxy(part, peer_of(scope)) or not value or len(value) > _LONGEST:
        raise Refused(
            "This page was not opened on a managed device.",
            "Open it on the computer your organisation manages for you, in its usual browser.",
            ("no_device",),
        )
    if not value.startswith(":"):
        return unquote(value)
    try:
        der = base64.b64decode(value.strip(":"), validate=True)
    except (binascii.Error, ValueError):
        return ""
    body = "\n".join(textwrap.wrap(base64.b64encode(der).decode(), 64))
    return f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"


def _is_proxy(part: DevicesPart, peer: str) -> bool:
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    return any(address in ipaddress.ip_network(one) for one in part.proxies)
