"""Sealed disclosures: the personal data beside the ledger, each tied to the commitment an entry carries."""

from __future__ import annotations

import os

import msgspec
from cryptography.exceptions import InvalidTag

from watchword.core.errors import Corrupt
from watchword.ledger.entry import Disclosure, Retention, check_name, commitment_of, disclose, open_disclosure
from watchword.ledger.keyring import DataKey
from watchword.ledger.store import PayloadRow

_SALT_BYTES = 16
_NONCE_BYTES = 12
_REMEDY = "Rely on the entry alone, and find out who can write to the payload table."


def seal_payload(disclosure: Disclosure, *, key: DataKey, origin: str) -> PayloadRow:
    """Return *disclosure* sealed under a new salt and *key*, filed under its commitment; `Invalid` for no name."""
    check_name(disclosure.name, "disclosures")
    disclosed = disclose(disclosure, os.urandom(_SALT_BYTES))
    commitment = commitment_of(disclosed)
    nonce = os.urandom(_NONCE_BYTES)
    place = _place(origin, key.row.stream, commitment, disclosure.name, disclosure.retention)
    return PayloadRow(
        commitment=commitment,
        stream=key.row.stream,
        name=disclosure.name,
        retention=disclosure.retention,
        key=key.row.id,
        sealed=nonce + key.cipher.encrypt(nonce, disclosed, place),
    )


def open_payload(row: PayloadRow, *, key: DataKey, origin: str) -> Disclosure:
    """Return the disclosure sealed in *row*; raise `Corrupt` unless it opens to the row's own commitment and name."""
    return open_disclosure(disclosed_in(row, key=key, origin=origin), row.retention)


def disclosed_in(row: PayloadRow, *, key: DataKey, origin: str) -> bytes:
    """Return the RFC 9901 disclosure sealed in *row*, salt and all; raise `Corrupt` for any other."""
    place = _place(origin, row.stream, row.commitment, row.name, row.retention)
    if (key.row.id, key.row.stream, key.row.retention) != (row.key, row.stream, row.retention):
        raise Corrupt(f"The payload {row.name!r} is filed under a data key of another place.", _REMEDY)
    try:
        disclosed = key.cipher.decrypt(row.sealed[:_NONCE_BYTES], row.sealed[_NONCE_BYTES:], place)
    except (InvalidTag, ValueError) as error:
        raise Corrupt(
            f"The payload {row.name!r} does not open under its data key: it was changed or moved.", _REMEDY
        ) from error
    if commitment_of(disclosed) != row.commitment or open_disclosure(disclosed, row.retention).name != row.name:
        raise Corrupt(f"The payload under {row.commitment} is not what was committed to.", _REMEDY)
    return disclosed


def _place(origin: str, stream: str, commitment: str, name: str, retention: Retention) -> bytes:
    # Bound to its place, a sealed value moved elsewhere does not open.
    return msgspec.json.encode(("watchword payload", origin, stream, commitment, name, retention))
