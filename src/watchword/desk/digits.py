"""Short codes that are said to somebody, and typed by them where they opened something."""

from __future__ import annotations

import hashlib
import hmac

DIGITS = 6


def code_of(keyed: str) -> str:
    """Six digits that follow from *keyed*, a value that only the ledger's own key makes."""
    digest = hashlib.sha256(keyed.encode()).digest()
    return f"{int.from_bytes(digest) % 10**DIGITS:0{DIGITS}d}"


def is_code(code: str, typed: str) -> bool:
    """Whether *typed* is *code*, with whatever people put between digits; in the same time either way."""
    return hmac.compare_digest(code.encode(), "".join(typed.split()).replace("-", "").encode("utf-8", "replace"))
