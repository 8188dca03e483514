"""The approver's page as files: three of them, static, to be served by the console or by any host of their own.

Nothing in them is secret and nothing changes from one approver to the next: what they show they ask the desk for.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from watchword.settings import Settings

FOLDER = Path(__file__).parent / "approve"

TYPES = {"index.html": "text/html; charset=utf-8", "approve.js": "text/javascript", "approve.css": "text/css"}
"""Every file of the page, and its media type."""


def files_of(settings: Settings) -> dict[str, bytes]:
    """The files by name, for the console that *settings* name."""
    script, style = ((FOLDER / name).read_bytes() for name in ("approve.js", "approve.css"))
    page = (FOLDER / "index.html").read_text(encoding="utf-8")
    for name, value in {
        "policy": _policy(settings),
        "desk": desk_of(settings),
        "script": _integrity(script),
        "style": _integrity(style),
    }.items():
        page = page.replace(f"{{{{ {name} }}}}", value)
    return {"index.html": page.encode(), "approve.js": script, "approve.css": style}


def headers_of(settings: Settings) -> tuple[tuple[str, str], ...]:
    """The headers that whoever serves the files has to send with each of them."""
    return (
        ("content-security-policy", f"{_policy(settings)}; frame-ancestors 'none'"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("permissions-policy", "publickey-credentials-get=(self), publickey-credentials-create=(self), camera=()"),
        ("cache-control", "no-store"),
    )


def digest_of(files: dict[str, bytes]) -> str:
    """SHA-256 over the names and digests of *files*, as `sha256sum` prints them, in hexadecimal."""
    return hashlib.sha256(sums_of(files).encode()).hexdigest()


def sums_of(files: dict[str, bytes]) -> str:
    """What `sha256sum -c` reads."""
    return "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(files.items()))


def desk_of(settings: Settings) -> str:
    """The origin of the console, which the page asks."""
    return settings.console.public_url.rstrip("/")


def _policy(settings: Settings) -> str:
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src {desk_of(settings)}; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )


def _integrity(data: bytes) -> str:
    return f"sha384-{base64.b64encode(hashlib.sha384(data).digest()).decode()}"
