"""What a domain controller itself remembers of each attribute of an object: how often and when it last changed.

`replPropertyMetaData` is a PROPERTY_META_DATA_VECTOR ([MS-DRSR] 5.162, stored as [MS-ADTS] 3.1.1.3.4.3 describes):
two little-endian 64-bit words (version 1; number of entries) and then 48 bytes for each attribute.
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta

import msgspec

from watchword.core.errors import Unavailable

ATTRIBUTES: dict[int, str] = {
    0x00000014: "telephoneNumber",
    0x00150003: "mail",
    0x0015000A: "manager",
    0x00150029: "mobile",
    0x00090008: "userAccountControl",
    0x0009005A: "unicodePwd",
    0x00090060: "pwdLastSet",
    0x00090296: "lockoutTime",
}
"""ATTRTYP of the attributes a recovery touches: the prefixes of the base schema are fixed ([MS-DRSR] 5.16.4)."""

_HEADER = struct.Struct("<QQ")
_ENTRY = struct.Struct("<IIq16sqq")
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)


class Stamp(msgspec.Struct, frozen=True, kw_only=True):
    """*version* rises by one with each change of the attribute; *at* is the time of the last, to the second."""

    version: int
    at: datetime


NEVER = Stamp(version=0, at=_EPOCH)
"""The stamp of an attribute that was never set."""


def stamps(blob: bytes) -> dict[str, Stamp]:
    """Return the stamp of each attribute in `ATTRIBUTES` that *blob* has; `Unavailable` when it is no such vector."""
    try:
        version, count = _HEADER.unpack_from(blob)
        entries = [_ENTRY.unpack_from(blob, _HEADER.size + at * _ENTRY.size) for at in range(count)]
    except struct.error as error:
        raise _unreadable() from error
    if version != 1:
        raise _unreadable()
    return {
        ATTRIBUTES[attribute]: Stamp(version=version, at=_EPOCH + timedelta(seconds=seconds))
        for attribute, version, seconds, *_ in entries
        if attribute in ATTRIBUTES
    }


def _unreadable() -> Unavailable:
    return Unavailable(
        "The directory's replication metadata can not be read.",
        "Check that the bind account may read replPropertyMetaData, and that the server is a domain controller.",
    )
