"""Distinct types for the names things go by, so that one can not be passed for another."""

from __future__ import annotations

from typing import NewType

CaseId = NewType("CaseId", str)
"""Random, `c-` and 20 lower-case base32 characters."""

AccountId = NewType("AccountId", str)
"""Random pseudonym of an account, `a-…`: the native id is a payload, never a leaf."""

PersonId = NewType("PersonId", str)
"""Random pseudonym of a person, `p-…`."""

OriginId = NewType("OriginId", str)
"""Keyed pseudonym of where a caller came from (number, address), `o-…`."""

Seq = NewType("Seq", int)
"""Index of an entry in the ledger, from 0, equal to its leaf index."""

LeafHash = NewType("LeafHash", str)
"""RFC 6962 leaf hash of an entry, 64 lower-case hexadecimal characters."""
