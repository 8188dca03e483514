"""Time from outside: RFC 3161 tokens over checkpoints. A checkpoint that is stamped was there by that time.

The raw response of the authority is kept. Authorities differ in how they lay out certificates: what the strict parser
refuses is given to `openssl ts`, which reads more shapes; what neither accepts is no token.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import msgspec
import structlog
from cryptography import x509
from rfc3161_client import (
    HashAlgorithm,
    PKIStatus,
    TimestampRequestBuilder,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from watchword.core.errors import Corrupt, Invalid, Unavailable, WatchwordError
from watchword.ledger.leader import Ledger
from watchword.ledger.testimony import Stamped

_LONGEST = 65_536
_REMEDY = "Do not rely on this time; ask the authority for its certificate, or stamp a later checkpoint."
_TIME = re.compile(r"^Time stamp: (\w+ +\d+ [\d:]+)(?:\.\d+)? (\d+) GMT$", re.MULTILINE)
_NONCE = re.compile(r"^Nonce: 0x([0-9A-F]+)$", re.MULTILINE)

log = structlog.get_logger("watchword.ledger")


class Authority(msgspec.Struct, frozen=True, kw_only=True):
    """A time-stamping authority at *url*, trusted through the PEM certificates in *roots*."""

    name: str
    url: str
    roots: Path
    timeout_s: float = 10

    def stamp(self, note: bytes) -> bytes:
        """Return the authority's response over *note*, verified; `Unavailable` when it gives none that holds."""
        query = TimestampRequestBuilder().data(note).hash_algorithm(HashAlgorithm.SHA256).nonce(nonce=True).build()
        headers = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
        try:
            answer = httpx2.post(
                self.url, content=query.as_bytes(), headers=headers, timeout=self.timeout_s, trust_env=False
            )
        except httpx2.HTTPError as error:
            raise self._silent(str(error) or type(error).__name__) from error
        if answer.status_code != 200 or len(answer.content) > _LONGEST:
            raise self._silent(f"it answered with status {answer.status_code} and {len(answer.content)} bytes")
        try:
            verify_token(answer.content, note, self.roots, nonce=query.nonce)
        except Corrupt as error:
            raise self._silent(error.what) from error
        return answer.content

    def _silent(self, why: str) -> Unavailable:
        return Unavailable(
            f"The time authority {self.name} gave no token: {why}.", "It is asked again; check its URL and roots."
        )


def verify_token(response: bytes, message: bytes, roots: Path, *, nonce: int | None = None) -> datetime:
    """Return when an authority under *roots* (PEM) says it saw *message*, from its raw *response*; raise `Corrupt`.

    With *nonce* the token must answer the very question it was drawn for.
    """
    anchors = _anchors(roots)
    try:
        parsed = decode_timestamp_response(response)
    except ValueError:
        return _by_openssl(response, message, roots, nonce)
    if PKIStatus(parsed.status) is PKIStatus.GRANTED_WITH_MODS:
        return _by_openssl(response, message, roots, nonce)
    try:
        # The signer's certificate comes with the token and is found by its signature; only *roots* are trusted.
        VerifierBuilder(roots=anchors, nonce=nonce).build().verify_message(parsed, message)
    except (VerificationError, ValueError) as error:
        raise Corrupt(f"The time-stamp does not hold: {error}.", _REMEDY) from error
    return parsed.tst_info.gen_time.astimezone(UTC)


class Stamper:
    """Has the latest checkpoint stamped by each authority, again and again, *every* so often."""

    def __init__(self, ledger: Ledger, authorities: tuple[Authority, ...], every: timedelta) -> None:
        self._ledger = ledger
        self._authorities = authorities
        self._every = every
        self._next = {authority.name: datetime.min.replace(tzinfo=UTC) for authority in authorities}
        self._stamped = {authority.name: 0 for authority in authorities}

    def step(self, at: datetime) -> None:
        """Ask those whose time has come; one that gives nothing is asked again at the next step."""
        note, checkpoint = self._ledger.checkpoint
        for authority in self._authorities:
            if at < self._next[authority.name] or checkpoint.size <= self._stamped[authority.name]:
                continue
            try:
                token = authority.stamp(note.encode())
            except (Unavailable, Invalid) as fault:
                log.warning("timestamp.away", authority=authority.name, why=fault.what)
                self._next[authority.name] = at + min(self._every, timedelta(minutes=1))
                continue
            self._ledger.testimony.keep_token(checkpoint.size, authority.name, token)
            self._stamped[authority.name] = checkpoint.size
            self._next[authority.name] = at + self._every

    def look(self) -> Iterator[tuple[str, bool, str]]:
        """Yield of each authority its name, whether its latest token holds, and of when it is."""
        latest = {each.authority: each for each in self._ledger.testimony.stamped()}
        for authority in self._authorities:
            if authority.name not in latest:
                yield authority.name, False, "has stamped no checkpoint yet: it is asked while `watchword serve` runs"
                continue
            try:
                at = self.check(latest[authority.name])
            except WatchwordError as fault:
                yield authority.name, False, str(fault)
            else:
                yield authority.name, True, f"stamped {latest[authority.name].size} entries at {at:%Y-%m-%d %H:%M} UTC"

    def over(self, seq: int) -> tuple[tuple[Stamped, bytes], ...]:
        """Return the earliest token of each authority over a checkpoint with entry *seq*, and its roots (PEM)."""
        first: dict[str, Stamped] = {}
        for each in self._ledger.testimony.stamped(seq):
            first.setdefault(each.authority, each)
        roots = {authority.name: authority.roots for authority in self._authorities}
        return tuple((each, roots[name].read_bytes()) for name, each in first.items() if name in roots)

    def check(self, stamped: Stamped) -> datetime:
        """Return the time in *stamped*; raise `Corrupt` when it does not hold, or its authority is not known here."""
        for authority in self._authorities:
            if authority.name == stamped.authority:
                return verify_token(stamped.token, stamped.note.encode(), authority.roots)
        raise Corrupt(f"No time authority {stamped.authority!r} is configured.", "Name it under [ledger].")


def _anchors(roots: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(roots.read_bytes())
    except OSError as error:
        raise Invalid(f"{roots} can not be read: {error.strerror}.", "Name the file.", "roots") from error
    except ValueError as error:
        raise Invalid(f"{roots} holds no certificates in PEM.", "Name the right file.", "roots") from error


def _by_openssl(response: bytes, message: bytes, roots: Path, nonce: int | None) -> datetime:
    """Have `openssl ts` judge what the strict parser does not read; the time it prints is cut to the second."""
    with tempfile.TemporaryDirectory(prefix="watchword-") as name:
        folder = Path(name)
        (folder / "response").write_bytes(response)
        (folder / "message").write_bytes(message)
        _openssl("-verify", "-in", "response", "-data", "message", "-CAfile", str(roots.absolute()), folder=folder)
        text = _openssl("-reply", "-in", "response", "-text", folder=folder)
    answered = _NONCE.search(text)
    if nonce is not None and (answered is None or int(answered[1], 16) != nonce):
        raise Corrupt("The time-stamp does not hold: it answers another question (nonce).", _REMEDY)
    try:
        told = _TIME.search(text)
        return datetime.strptime(" ".join(told.groups()) if told else "", "%b %d %H:%M:%S %Y").replace(tzinfo=UTC)
    except ValueError as error:
        raise Corrupt("The time-stamp says no time.", _REMEDY) from error


def _openssl(*arguments: str, folder: Path) -> str:
    try:
        done = subprocess.run(  # noqa: S603  (fixed words, and files of ours)
            ("openssl", "ts", *arguments),  # noqa: S607  (the system's own)
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"The time-stamp needs `openssl ts` to be read: {error}.", "Install openssl.") from error
    if done.returncode:
        raise Corrupt(f"The time-stamp does not hold: {done.stderr.strip().splitlines()[:1]}.", _REMEDY)
    return done.stdout
