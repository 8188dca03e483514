"""A witness over HTTP: it cosigns a checkpoint that follows from every one it saw. https://c2sp.org/tlog-witness."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence

import msgspec

from watchword.core.errors import Corrupt, Invalid, Unavailable
from watchword.ledger.cosignature import WitnessKey
from watchword.ledger.line import Line
from watchword.ledger.note import Signature, parse_note, parse_signatures

_SIZE = re.compile(r"(0|[1-9][0-9]{0,17})\n?")
_MAX_PROOF = 63


class Elsewhere(msgspec.Struct, frozen=True, kw_only=True):
    """The witness last saw this ledger at *size*, which is not what it was asked from."""

    size: int


class Witness:
    """One witness at *url*, known by its *key*. Used from one thread at a time."""

    def __init__(self, key: WitnessKey, url: str, *, timeout_s: float = 10) -> None:
        self.key = key
        self._line = Line(url.rstrip("/") + "/add-checkpoint", within_s=timeout_s)

    @property
    def name(self) -> str:
        """What the witness signs as."""
        return self.key.name

    def add(self, note: str, old: int, proof: Sequence[bytes]) -> Signature | Elsewhere:
        """Have the checkpoint *note* cosigned, with the consistency *proof* from the *old* size the witness has seen.

        Return its cosignature, or where it is when that is not *old*. Raise `Corrupt` when it saw another history;
        `Invalid` when it does not know this ledger or its key; `Unavailable` when it does not answer as witnesses do.
        """
        if len(proof) > _MAX_PROOF:
            raise Invalid(f"A proof of {len(proof)} hashes is longer than any.", "Give the proof from *old*.", "proof")
        lines = "".join(f"{base64.b64encode(each).decode()}\n" for each in proof)
        status, body = self._post(f"old {old}\n{lines}\n{note}".encode())
        match status:
            case 200:
                return self._own(note, body)
            case 409 if size := _SIZE.fullmatch(body):
                return Elsewhere(size=int(size[1]))
            case 422:
                raise Corrupt(
                    f"The witness {self.name} saw another history of this ledger than the one that is here.",
                    "Stop every process of this ledger. Ask the witness's operator for the checkpoint it keeps, and "
                    "find out which copy of the database was written to.",
                )
            case 403:
                raise Invalid(
                    f"The witness {self.name} does not take this ledger's key.",
                    "Give its operator the verifier key that `watchword ledger status` prints.",
                    "witnesses",
                )
            case 404:
                raise Invalid(
                    f"The witness {self.name} does not know this ledger.",
                    "Give its operator the ledger's origin and verifier key; check the URL.",
                    "witnesses",
                )
            case _:
                raise self._silent(f"it answered with status {status}")

    def close(self) -> None:
        """Let go of the connection."""
        self._line.close()

    def _post(self, body: bytes) -> tuple[int, str]:
        try:
            status, content = self._line.post(body)
            return status, content.decode()
        except Unavailable as error:
            raise self._silent(error.what) from error
        except UnicodeDecodeError as error:
            raise self._silent("its answer is no text") from error

    def _own(self, note: str, body: str) -> Signature:
        """The witness's own cosignature among the lines it answered, checked."""
        try:
            text = parse_note(note).text
            own = [s for s in parse_signatures(body) if (s.name, s.key_id) == (self.key.name, self.key.key_id)]
            for signature in own:
                self.key.check(signature, text)
        except Corrupt as error:
            raise self._silent(error.what) from error
        if not own:
            raise self._silent("its answer carries no cosignature of the key it is known by")
        return own[0]

    def _silent(self, why: str) -> Unavailable:
        return Unavailable(
            f"The witness {self.name} did not cosign: {why}.", "It is asked again; check its URL and key if it stays."
        )
