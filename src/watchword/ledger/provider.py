"""The port to whoever holds the key that wraps every other: a file by default, a key service or a hardware module."""

from __future__ import annotations

from typing import Protocol

import msgspec

from watchword.ledger.entry import Retention


class Wrapped(msgspec.Struct, frozen=True, kw_only=True):
    """A data key under a wrapping key: *by* is that key's name and version, *secret* what only its provider undoes."""

    by: str
    secret: bytes


class KeyProvider(Protocol):
    """Wraps data keys, and unwraps those it wrapped.

    Contract, held by `watchword.ledger.contract.KeyProviderContract`:

    - *context* is bound as associated data: what was wrapped under one context does not unwrap under another.
    - Wrapping the same key twice gives two secrets; none of them contains the key.
    - `wrap` uses the newest version of the wrapping key and says which (`Wrapped.by`, at most 200 characters);
      `unwrap` takes what any version wrapped, so that a rotation strands nothing.
    - Only these come out: `Corrupt` when secret or context is not what was wrapped, `Invalid` when the key *by* is none
      of this provider's (the key of another ledger, a version that was destroyed), `Unavailable` when a service does
      not answer. No error holds a key.
    - Safe to use from many threads. A call may be slow: an unwrapped key is kept in memory, within bounds.
    """

    def wrap(self, key: bytes, context: bytes) -> Wrapped:
        """Return the 32-byte *key* wrapped, bound to *context*."""

    def unwrap(self, wrapped: Wrapped, context: bytes) -> bytes:
        """Return the key that `wrap` took."""


def context_of(origin: str, key: str, stream: str, retention: Retention) -> bytes:
    """Return what a data key is bound to: it serves one ledger, one stream and one class, under one id."""
    return msgspec.json.encode(("watchword data key", origin, key, stream, retention))
