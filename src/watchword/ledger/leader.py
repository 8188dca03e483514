"""The only door to the ledger: append, read, and the effects that wait.

Any number of threads append; one of them at a time writes what waits, in one transaction with the signed checkpoint,
and answers all (`ledger.lead`). On PostgreSQL any number of processes do this beside each other: whoever moves the head
first wins, the others verify what was written and go on from there.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from watchword.core.errors import Corrupt, Invalid
from watchword.core.ids import LeafHash, Seq
from watchword.ledger.append import Append, Appended, Draft, KeyGone, check_effects, prepare
from watchword.ledger.checkpoint import Checkpoint, SigningKey, VerifierKey, verify
from watchword.ledger.commit import Committer
from watchword.ledger.entry import Disclosure
from watchword.ledger.keyring import Keyring
from watchword.ledger.lead import Lead
from watchword.ledger.payload import disclosed_in, open_payload
from watchword.ledger.proof import Proof
from watchword.ledger.provider import KeyProvider
from watchword.ledger.recent import Recent
from watchword.ledger.sql import SqlStore, no_faults
from watchword.ledger.store import EffectRow, EffectState, Holding, KeyRow, PayloadRow, Settle, Store, Waiting
from watchword.ledger.testimony import Testimony
from watchword.ledger.tiles import HEIGHT, Tile, pack_bundle, width
from watchword.ledger.vault import KeyFile
from watchword.ledger.verified import REMEDY

__all__ = ["Append", "Appended", "Draft", "EffectRow", "EffectState", "Follower", "Ledger", "Settle"]

_READ = 1000
_PSEUDONYM = re.compile(r"[a-z]+")


class Follower(Protocol):
    """Something that is projected from the entries, and says how far it has read."""

    name: str
    position: int

    def follow(self, ledger: Ledger) -> int:
        """Read what is new from `position`, project it, and return the new position."""


class Ledger:
    """A verified, append-only log of entries. Safe to use from many threads."""

    def __init__(
        self, store: Store, committer: Committer, keys: KeyFile | None, keyring: Keyring | None, *, sign: bool
    ) -> None:
        self._store = store
        self._committer = committer
        self._keys = keys
        self._keyring = keyring
        self._recent = Recent()
        self._lead = Lead(committer, store) if sign else None
        self.timed: Callable[[float], None] | None = None
        """Told how many seconds an append took."""

    @classmethod
    def open(
        cls,
        url: str,
        signing_key: SigningKey | VerifierKey,
        keyfile: KeyFile | None,
        origin: str,
        *,
        provider: KeyProvider | None = None,
        sign: bool = True,
        faults: Callable[[str], None] = no_faults,
    ) -> Ledger:
        """Open the ledger at *url* and verify all of it: every entry, the root, and the signed checkpoint.

        Raise `Corrupt`, naming the first bad entry, when anything differs or lies beyond the checkpoint; `Unavailable`
        when the database does not answer or another process owns it. An older copy that is whole in itself passes:
        only somebody who remembers a later checkpoint can tell.

        With *sign* False nothing can be appended and a public key is enough; without *keyfile* no payload opens.
        Data keys are wrapped by *provider*, or by the key file where none is given.
        """
        verifier = signing_key.verifier if isinstance(signing_key, SigningKey) else signing_key
        if verifier.origin != origin:
            raise Invalid(
                f"The key of {verifier.origin} is not that of {origin}.", "Name the ledger's own key.", "origin"
            )
        if sign and (keyfile is None or not isinstance(signing_key, SigningKey)):
            raise Invalid("To append, a ledger needs its signing key and its key file.", "Name both.", "signing_key")
        store = SqlStore(url, read_only=not sign, faults=faults)
        try:
            if sign:
                store.migrate()
            signer = signing_key if sign and isinstance(signing_key, SigningKey) else None
            committer = Committer(store, verifier, signer)
            committer.load()
        except BaseException:
            store.close()
            raise
        wraps = provider or keyfile
        return cls(store, committer, keyfile, None if wraps is None else Keyring(wraps, origin), sign=sign)

    # -- append

    def append(
        self,
        appends: tuple[Append, ...],
        effects: tuple[EffectRow, ...] = (),
        settle: tuple[Settle, ...] = (),
        erase: tuple[Holding, ...] = (),
    ) -> tuple[Appended, ...]:
        """Write all of *appends*, *effects* and *settle*, or nothing, and return the entries in their places.

        *erase* is deleted in the same transaction: the entries that say so and what they say come together or not.

        Raise `Conflict` when a stream is not at its expected version, an effect id exists, or what is to be erased is
        no longer what is kept; `Invalid` for bad input;
        `Unavailable` when the database failed or the clock went backwards: read the stream to see whether it was
        written; `Corrupt` when the ledger no longer holds together, after which nothing is ever appended.
        """
        if not appends:
            if effects:
                raise Invalid("An effect is asked for by an entry.", "Append the entry that asks.", "effects")
            if erase:
                raise Invalid("An erasure is told by an entry.", "Append the entry that tells.", "erase")
            self._store.settle(settle)
            return ()
        if self._lead is None:
            raise Invalid("This ledger was opened to read.", "Append through the process that serves it.")
        if self._keyring is None:
            raise Invalid("This ledger has no key file.", "Name it.", "keyfile")
        begun = time.monotonic()
        while True:
            request = prepare(appends, effects, settle, keyring=self._keyring, erase=erase)
            self._lead.write(request)
            try:
                appended = request.answer.take()
            except KeyGone:
                self._keyring.forget(request.expected)
                continue
            if request.drawn:
                self._keyring.keep(request.drawn)
            if erase:
                self._keyring.forget(one.stream for one in erase)
            self._recent.keep(appended)
            if self.timed is not None:
                self.timed(time.monotonic() - begun)
            return appended

    def refresh(self) -> int:
        """Verify and take in what other processes wrote; return the size. `Corrupt` for a row that nobody signed."""
        return self._committer.refresh()

    # -- read

    @property
    def origin(self) -> str:
        """The ledger's name."""
        return self._committer.verified.checkpoint.origin

    @property
    def size(self) -> int:
        """How many entries are verified and covered."""
        return self._committer.verified.size

    @property
    def checkpoint(self) -> tuple[str, Checkpoint]:
        """The latest verified checkpoint: its signed note, and what it says."""
        with self._committer.state:
            return self._committer.verified.note, self._committer.verified.checkpoint

    @property
    def verifier(self) -> VerifierKey:
        """The public half of the key that signs its checkpoints."""
        return self._committer.verifier

    def covered(self, seq: Seq) -> bool:
        """Say whether entry *seq* is covered by the verified signed checkpoint."""
        return 0 <= seq < self.size

    def look(self) -> int:
        """Like `refresh`, at the cost of one question where nobody else wrote; waits for no append of this process."""
        return self._committer.look()

    def version(self, stream: str) -> int:
        """Return the last verified version of *stream*, -1 without an entry; of others' entries, those `look` met."""
        with self._committer.state:
            return self._committer.verified.version(stream)

    def read(self, stream: str, since: int = 0) -> tuple[Appended, ...]:
        """Return the entries of *stream* in order, from version *since* on, each checked.

        Raise `Corrupt` when one is changed, missing or planted.
        """
        while True:
            with self._committer.state:
                size = self.size
                expected = tuple(self._committer.verified.streams.get(stream, ())[since:])
            rows = self._store.stream(stream, since)
            if not rows or rows[-1].seq < size:
                return self._committer.verified.check_all(rows, expected)
            # Another writer was here since: verify what it wrote, or find that nobody signed it.
            if self.refresh() <= rows[-1].seq:
                raise Corrupt(f"Entry {rows[-1].seq} was never signed.", REMEDY, rows[-1].seq)

    def grown(self, stream: str, since: int) -> tuple[Appended, ...]:
        """Like `read`, but what this process wrote lately is not fetched: it was checked when it was signed."""
        with self._committer.state:
            expected = tuple(self._committer.verified.streams.get(stream, ())[since:])
        kept = self._recent.all_of(expected)
        return self.read(stream, since) if kept is None else kept

    def news(self, start: int) -> Iterator[Appended]:
        """Like `entries` from *start* on, but what this process wrote lately is not fetched."""
        end = self.look()
        kept = self._recent.all_of(range(start, end))
        yield from self.entries(start, end) if kept is None else kept

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[Appended]:
        """Yield the entries from *start* to before *stop* (the end, as of now, when None), each checked."""
        end = self.refresh() if stop is None else min(stop, self.size)
        for chunk in range(max(start, 0), end, _READ):
            limit = min(chunk + _READ, end)
            yield from self._committer.verified.check_all(self._store.range(chunk, limit), range(chunk, limit))

    def find(self, leaf: LeafHash) -> Appended | None:
        """Return the entry whose leaf hash is *leaf*, checked; None when the ledger holds none."""
        seq = self._committer.verified.places.get(bytes.fromhex(leaf))
        return None if seq is None or seq >= self.size else next(self.entries(seq, seq + 1))

    def streams(self, prefix: str = "") -> tuple[str, ...]:
        """Return the names of all streams that start with *prefix*, sorted."""
        with self._committer.state:
            names = list(self._committer.verified.streams)
        return tuple(sorted(name for name in names if name.startswith(prefix)))

    # -- what an outsider can check

    def checkpoint_at(self, size: int) -> tuple[str, Checkpoint]:
        """Return the checkpoint signed at *size*, checked; `Invalid` where none was, `Corrupt` for a false one."""
        note = self._store.checkpoint(size) if 0 <= size <= self.size else None
        if note is None:
            raise Invalid(f"No checkpoint was signed at size {size}.", "Name a size that one was signed at.", "size")
        checkpoint = verify(note, self.verifier)
        if (checkpoint.size, checkpoint.root) != (size, self._committer.verified.nodes.root(size)):
            raise Corrupt(f"The checkpoint stored for size {size} is not true of the entries.", REMEDY)
        return note, checkpoint

    def root(self, size: int) -> bytes:
        """Return the root over the first *size* entries; raise `Invalid` when there are fewer."""
        return self._committer.verified.nodes.root(size)

    def prove(self, seq: int, size: int | None = None) -> Proof:
        """Return the proof that entry *seq* stands under the latest checkpoint, or under that of *size*.

        Raise `Invalid` when the checkpoint does not cover the entry, or none was signed at *size*.
        """
        note, checkpoint = self.checkpoint if size is None else self.checkpoint_at(size)
        return Proof(index=seq, path=self._committer.verified.nodes.inclusion(seq, checkpoint.size), note=note)

    def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """Return the proof that the first *old* entries begin the first *new*; `Invalid` outside of 1 to the size."""
        if new > self.size:
            raise Invalid(f"The ledger has {self.size} entries, not {new}.", "Ask for a size up to its own.", "new")
        return self._committer.verified.nodes.consistency(old, new)

    def tile(self, tile: Tile) -> bytes | None:
        """Return the bytes of *tile*, its entries checked; None when the ledger does not reach as far."""
        if tile.width > width(tile.level, tile.index, self.size):
            return None
        stop = tile.start + tile.width
        if tile.level is None:
            return pack_bundle([appended.raw for appended in self.entries(tile.start, stop)])
        return b"".join(self._committer.verified.nodes.row(HEIGHT * tile.level, tile.start, stop))

    # -- payloads and pseudonyms

    def open_payload(self, commitment: str) -> Disclosure | None:
        """Return what *commitment* commits to, None when it was erased; `Corrupt` when the payload is another."""
        rows = self._store.payloads((commitment,))
        return self._open(*rows[0]) if rows else None

    def disclosures(self, appended: Appended) -> dict[str, str]:
        """Return name and value of each payload of *appended* that is still there."""
        opened = (self._open(row, key) for row, key in self._store.payloads(appended.entry.sd))
        return {disclosure.name: disclosure.value for disclosure in opened}

    def openings(self, appended: Appended) -> dict[str, str]:
        """Return by name the RFC 9901 disclosure, salt and all, of each payload of *appended* that is still there."""
        keyring = self._need_keyring()
        return {
            row.name: disclosed_in(row, key=keyring.open(key), origin=self.origin).decode()
            for row, key in self._store.payloads(appended.entry.sd)
        }

    def _open(self, row: PayloadRow, key: KeyRow) -> Disclosure:
        return open_payload(row, key=self._need_keyring().open(key), origin=self.origin)

    def holdings(self, stream: str | None = None) -> tuple[Holding, ...]:
        """Return what is kept of *stream*, or of every stream: data keys and payloads by class."""
        return self._store.holdings(stream)

    def disclosed(self, holding: Holding) -> tuple[tuple[str, str], ...]:
        """Return each payload of *holding* as its commitment and its RFC 9901 disclosure, salt and all."""
        keyring = self._need_keyring()
        return tuple(
            (row.commitment, disclosed_in(row, key=keyring.open(key), origin=self.origin).decode())
            for row, key in self._store.sealed_under(holding.keys)
        )

    def pseudonym(self, prefix: str) -> str:
        """Return a new random id: *prefix* (lower-case letters), a hyphen, and 20 base32 characters (100 bits)."""
        if not _PSEUDONYM.fullmatch(prefix):
            raise Invalid(f"{prefix!r} can not start a pseudonym.", "Use lower-case letters, such as 'a'.", "prefix")
        return f"{prefix}-{_base32(os.urandom(13))}"

    def keyed(self, purpose: str, value: str) -> str:
        """Return the pseudonym of *value* for *purpose*: 20 base32 characters of an HMAC, equal for equal values."""
        return _base32(hmac.digest(self._need_keys().derive(purpose), value.encode(), hashlib.sha256))

    def _need_keys(self) -> KeyFile:
        if self._keys is None:
            raise Invalid("This ledger was opened without its key file.", "Name the key file.", "keyfile")
        return self._keys

    def _need_keyring(self) -> Keyring:
        if self._keyring is None:
            raise Invalid("This ledger was opened without its key file.", "Name the key file.", "keyfile")
        return self._keyring

    # -- effects: hints about what is due; nothing trusts them

    def claim(
        self, now: datetime, owner: str, lease: timedelta, kinds: tuple[str, ...], limit: int = 1
    ) -> tuple[EffectRow, ...]:
        """Lease to *owner* up to *limit* rows of *kinds* that are due, or whose lease ran out; counts the attempt."""
        return self._store.claim(now, owner, lease, kinds, limit)

    def effects(self, state: EffectState | None = None) -> tuple[EffectRow, ...]:
        """Return the effect rows in *state*, or all, in order of due time."""
        return self._store.effects(state)

    def waiting(self, at: datetime, late: timedelta) -> tuple[Waiting, ...]:
        """Count by kind what is due at *at* and not done; of a great many, the first `MOST_WAITING` due."""
        return self._store.waiting(at, at - late)

    def effects_named(self, ids: tuple[str, ...]) -> tuple[EffectRow, ...]:
        """Return those of *ids* that are there."""
        return self._store.effects_named(ids) if ids else ()

    def ask_again(self, effects: tuple[EffectRow, ...]) -> tuple[str, ...]:
        """Insert those rows of *effects* that are gone, and return their ids; one that is there stays as it is.

        They were asked for by an entry (*asked_by*) when it was appended; only that makes them rows of this ledger.
        """
        self._demand_asked(effects)
        return self._store.ask_again(effects) if effects else ()

    def put_right(self, effects: tuple[EffectRow, ...]) -> None:
        """Make rows that are there, and say what no runner left them saying, what they were when asked for."""
        self._demand_asked(effects)
        if effects:
            self._store.put_right(effects)

    def _demand_asked(self, effects: tuple[EffectRow, ...]) -> None:
        check_effects(effects)
        for effect in effects:
            with self._committer.state:
                places = self._committer.verified.streams.get(effect.stream, ())
                asked = effect.asked_by is not None and effect.asked_by in places
            if not asked:
                raise Invalid(f"No entry of {effect.stream} asked for {effect.id}.", "Name it in asked_by.", "effects")

    def reschedule(self, effect_id: str, due_at: datetime) -> None:
        """Make an effect due at *due_at* and end its lease."""
        self._store.reschedule(effect_id, due_at)

    def cancel_effects(self, stream: str) -> int:
        """Cancel the effects of *stream* that nobody has claimed; return how many. A claimed one must be read back."""
        return self._store.cancel_effects(stream)

    @property
    def testimony(self) -> Testimony:
        """What outsiders said of checkpoints; whoever reads it checks it."""
        return self._store.testimony

    def guards(self) -> tuple[tuple[str, bool, str], ...]:
        """Return what the database says of its own guards: name, whether it is well, what was found. No proof."""
        return self._store.guards()

    def copy_to(self, path: Path) -> None:
        """Write a copy that `fsck` can check while this ledger goes on; SQLite only, `Invalid` elsewhere."""
        self._store.copy_to(path)

    def close(self) -> None:
        """Finish what waits, then let go of the database."""
        if self._lead is not None:
            self._lead.close()
        self._store.close()


def _base32(random: bytes) -> str:
    return base64.b32encode(random).decode().lower()[:20]
