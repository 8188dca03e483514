"""Sealed disclosures: the personal data beside the ledger, each tied to the commitment an entry carries."""

from __future__ import annotations

import os

from watchword.core.errors import Corrupt
from watchword.ledger.entry import Disclosure, check_name, commitment_of, disclose, open_disclosure
from watchword.ledger.store import PayloadRow
from watchword.ledger.vault import KeyFile

_SALT_BYTES = 16


def seal_payload(disclosure: Disclosure, *, stream: str, keys: KeyFile, origin: str) -> PayloadRow:
    """Return *disclosure* sealed under a new salt, filed under its commitment; `Invalid` for a name that is none."""
    check_name(disclosure.name, "disclosures")
    disclosed = disclose(disclosure, os.urandom(_SALT_BYTES))
    commitment = commitment_of(disclosed)
    place = _place(origin, stream, commitment)
    return PayloadRow(
        commitment=commitment,
        stream=stream,
        name=disclosure.name,
        retention=disclosure.retention,
        sealed=keys.seal(disclosure.name, disclosed, disclosure.retention, place),
    )


def open_payload(row: PayloadRow, *, keys: KeyFile, origin: str) -> Disclosure:
    """Return the disclosure sealed in *row*; raise `Corrupt` unless it opens to the row's own commitment and name."""
    disclosed = keys.open(row.name, row.sealed, row.retention, _place(origin, row.stream, row.commitment))
    disclosure = open_disclosure(disclosed, row.retention)
    if commitment_of(disclosed) != row.commitment or disclosure.name != row.name:
        raise Corrupt(
            f"The payload under {row.commitment} is not what was committed to.",
            "Rely on the entry alone, and find out who can write to the payload table.",
        )
    return disclosure


def _place(origin: str, stream: str, commitment: str) -> bytes:
    # Bound to its place, a sealed value moved elsewhere does not open.
    return f"{origin}\n{stream}\n{commitment}".encode()
