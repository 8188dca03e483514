"""Who a person is outside: the name and date of birth on their documents, held as a salted digest.

What a proofing provider reads from a document is compared with it, and can not be read out of it.
"""

from __future__ import annotations

import unicodedata
from datetime import date

import msgspec

METHOD = "identity_record"
"""`Credential.method` of a person's identity as their documents have it."""


PROOFING = frozenset({"id_proofing", "verifiable_credential"})
"""The methods that send the person to a provider."""


class IdentityMaterial(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`Credential.public`: nothing but that there is one. *record* tells one from the next."""

    record: str


class IdentityRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The payload: HMAC-SHA256 under *salt* of `canonical`, both hexadecimal."""

    salt: str
    digest: str


def canonical(given_name: str, family_name: str, birthdate: str) -> bytes:
    """What is compared: names without case, accents and separators, the date as ISO 8601 writes a calendar day.

    ValueError for a date that is none, or a name without a letter.
    """
    if date.fromisoformat(birthdate).isoformat() != birthdate:  # the same day written as a week's would be another
        raise ValueError(birthdate)
    names = (_plain(given_name), _plain(family_name))
    if not all(names):
        raise ValueError("a name has no letter")
    return msgspec.json.encode((*names, birthdate))


def _plain(name: str) -> str:
    # NFKD takes accents off their letters, so that a document that prints none is the same.
    parts = unicodedata.normalize("NFKD", name)
    return "".join(c for c in parts if c.isalpha()).casefold()
