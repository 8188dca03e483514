"""Short codes that are said to somebody, and typed by them where they opened something."""

from __future__ import annotations

import hashlib
import hmac
import unicodedata

DIGITS = 6


def code_of(keyed: str) -> str:
    """Six digits that follow from *keyed*, a value that only the ledger's own key makes."""
    digest = hashlib.sha256(keyed.encode()).digest()
    return f"{int.from_bytes(digest) % 10**DIGITS:0{DIGITS}d}"


def plain(typed: str) -> str | None:
    """*typed* without what people put between digits, and in plain ones; None where it can not be a code."""
    code = "".join(unicodedata.normalize("NFKC", typed[:100]).split()).replace("-", "")
    return code if len(code) == DIGITS and code.isascii() and code.isdigit() else None


def is_code(code: str, typed: str) -> bool:
    """Whether *typed* is *code*, with whatever people put between digits; what can not be a code never is."""
    said = plain(typed)
    return said is not None and hmac.compare_digest(code.encode(), said.encode())
