"""Group commit: order what waits, write it with its signed checkpoint, and only then believe it."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from watchword.core.errors import Conflict, Corrupt, Invalid, Unavailable, WatchwordError
from watchword.core.ids import LeafHash, Seq
from watchword.ledger import merkle
from watchword.ledger.append import Appended, KeyGone, Late, Request
from watchword.ledger.checkpoint import Checkpoint, SigningKey, VerifierKey, sign
from watchword.ledger.store import Batch, Clash, EffectRow, Lost, Store, Written
from watchword.ledger.verified import REMEDY, SKEW, Stage, Verified, first_change, located


class Committer:
    """Moves the verified state and the stored head together. `commit` and `refresh` exclude each other.

    *state* guards the verified state for readers; it is held only for moments, never while the database writes.
    """

    def __init__(self, store: Store, verifier: VerifierKey, signer: SigningKey | None) -> None:
        self.verified = Verified(verifier.origin)
        self.state = threading.Lock()
        self._store = store
        self.verifier = verifier
        self._signer = signer
        self._moving = threading.Lock()
        self._fault: Corrupt | None = None

    def load(self) -> None:
        """Verify the whole store; sign the checkpoint of an empty ledger that was never opened."""
        with self._moving:
            head, top = self._store.top()
            if not head.note and head.size == 0 and top < 0 and self._signer is not None:
                self._write(Stage(self.verified), ())
            try:
                self._catch_up()
            except Corrupt as error:
                raise self._located(error) from error

    def refresh(self) -> int:
        """Verify and take in what other processes wrote; return the size. Raise `Corrupt` for what nobody signed."""
        with self._moving:
            return self._refresh()

    def look(self) -> int:
        """Like `refresh`, at the cost of one question and without waiting where the head is as this process left it."""
        with self.state:
            size, note = self.verified.size, self.verified.note
        # Exact for the moment of the question: whatever this process adds meanwhile, it adds verified.
        return size if self._store.stands_at(size, note) else self.refresh()

    def commit(self, requests: Sequence[Request]) -> None:
        """Write *requests* in one transaction and answer each; one that can not be written fails alone."""
        with self._moving:
            self._commit(requests)

    def _commit(self, requests: Sequence[Request]) -> None:
        waiting = list(requests)
        try:
            while waiting:
                waiting = self._attempt(waiting)
        except Invalid as error:
            # The database refused a value: find out whose, one request at a time.
            waiting = _unanswered(waiting)
            if len(waiting) > 1:
                for request in waiting:
                    self._commit([request])
            else:
                _fail(waiting, error)
        except Unavailable as error:
            self._settle_unknown(_unanswered(waiting), error)
        except Corrupt as error:
            self._fault = error
            _fail(_unanswered(waiting), error)

    def _attempt(self, waiting: list[Request]) -> list[Request]:
        """Try once; return those that must be tried again."""
        if self._fault is not None:
            raise self._fault
        stage = Stage(self.verified)
        taken = [request for request in waiting if _take(request, stage)]
        if not taken:
            return []
        before = self.verified.size
        outcome = self._write(stage, taken)
        if isinstance(outcome, Clash):
            return [request for request in taken if not _refuse_clash(request, outcome)]
        if isinstance(outcome, Lost):
            if self._refresh() == before:
                raise Corrupt(f"The place of entry {before} is taken by a row nobody signed.", REMEDY, before)
            return taken
        seq = before
        for request in taken:
            request.answer.give(_placed(request, seq))
            seq += len(request.entries)
        return []

    def _write(self, stage: Stage, taken: Sequence[Request]) -> Written | Lost | Clash:
        """Write *taken*, staged in *stage*, and adopt it once it is durable."""
        checkpoint = Checkpoint(origin=self.verifier.origin, size=stage.size, root=stage.frontier.root())
        notes: list[str] = []

        def signed() -> str:
            if self._signer is None:
                raise Invalid("This ledger was opened to read.", "Append through the process that serves it.")
            notes.append(sign(checkpoint, self._signer))
            return notes[-1]

        old = self.verified.size
        outcome = self._store.write(
            Batch(
                old=old,
                size=stage.size,
                root=checkpoint.root,
                last_at=stage.last_at,
                entries=tuple([prepared for request in taken for prepared in request.entries]),
                keys=tuple(key.row for request in taken for key in request.drawn),
                payloads=tuple(row for request in taken for row in request.payloads),
                erase=tuple(one for request in taken for one in request.erase),
                effects=_asked(taken, old),
                settles=tuple(settle for request in taken for settle in request.settles),
                sign=signed,
            )
        )
        if isinstance(outcome, Written):
            with self.state:
                self.verified.adopt(stage, notes[-1], checkpoint)
        return outcome

    def _refresh(self) -> int:
        if self._fault is not None:
            raise self._fault
        try:
            head, top = self._store.top()
            size = self.verified.size
            if head.size == size and top == size - 1 and head.note == self.verified.note:
                return size
            self._catch_up()
        except Corrupt as error:
            self._fault = error
            raise
        return self.verified.size

    def _catch_up(self) -> None:
        with self._store.snapshot() as snapshot:
            head = snapshot.head
            size = self.verified.size
            if head.size < size:
                raise Corrupt(f"Entry {head.size} was verified and is gone: the ledger went back.", REMEDY, head.size)
            stage = Stage(self.verified)
            for row in snapshot.entries(size):
                stage.add_row(row)
            checkpoint = stage.cover(head, self.verifier)
        with self.state:
            self.verified.adopt(stage, head.note, checkpoint)

    def _settle_unknown(self, waiting: list[Request], error: Unavailable) -> None:
        """The database failed, perhaps after it stored the batch: look, and answer by what is there."""
        try:
            self._refresh()
        except (Unavailable, Corrupt) as still:
            _fail(waiting, error if isinstance(still, Unavailable) else still)
            return
        for request in waiting:
            places = [self.verified.places.get(prepared.leaf) for prepared in request.entries]
            if places[0] is None:
                _fail([request], error)
            else:
                request.answer.give(_placed(request, places[0]))

    def _located(self, error: Corrupt) -> Corrupt:
        """Return *error* with the first bad entry, as near as the stored checkpoints tell."""
        if error.seq is not None:
            return error
        with self._store.snapshot() as snapshot:
            leaves = [merkle.hash_leaf(row.raw) for row in snapshot.entries()]
            changed = first_change(snapshot.checkpoints(), merkle.Nodes(leaves), len(leaves), self.verifier)
            return located(error, changed)


def _take(request: Request, stage: Stage) -> bool:
    """Stage *request* if it fits after what is staged; else answer it with the reason."""
    refused = _why_not(request, stage)
    if refused is not None:
        request.answer.fail(refused)
        return False
    for prepared in request.entries:
        stage.add(prepared.leaf, prepared.entry)
    if request.effects:
        stage.effects.update(effect.id for effect in request.effects)
    return True


def _why_not(request: Request, stage: Stage) -> WatchwordError | None:
    for stream, expected in request.expected.items():
        version = stage.version(stream)
        if version != expected:
            return Conflict(
                f"{stream} is at version {version}, not {expected}.", "Read it again and decide again on what it says."
            )
    own: set[bytes] = set()
    last_at = stage.last_at
    for prepared in request.entries:
        if last_at is not None and prepared.entry.at < last_at - SKEW:
            return Late(
                f"The clock went backwards: the entry is of {prepared.entry.at}, the ledger is at {last_at}.",
                "Set this machine's clock right (check its time service), then try again. If it is right, another one "
                "ran ahead: nothing can be written before the time that the ledger is at.",
            )
        last_at = prepared.entry.at if last_at is None else max(last_at, prepared.entry.at)
        for ref in prepared.entry.refs:
            leaf = bytes.fromhex(ref)
            if leaf not in own and not stage.knows(leaf):
                return Invalid(f"No earlier entry has the leaf hash {ref}.", "Refer to entries by their leaf.", "refs")
        own.add(prepared.leaf)
    for effect in request.effects:
        if effect.id in stage.effects:
            return _exists(effect.id)
        if effect.stream not in request.expected and stage.version(effect.stream) < 0:
            return Invalid(f"The effect {effect.id} is for a stream without entries.", "Name its stream.", "effects")
    return None


def _refuse_clash(request: Request, clash: Clash) -> bool:
    if any(row.key in clash.gone for row in request.payloads):
        request.answer.fail(KeyGone("A data key was erased meanwhile.", "Try again: a new one is drawn."))
        return True
    if any(clash.changed.intersection(one.keys) for one in request.erase):
        request.answer.fail(Conflict("What is kept of a stream changed meanwhile.", "Look again, and decide again."))
        return True
    for effect in request.effects:
        if effect.id in clash.effects:
            request.answer.fail(_exists(effect.id))
            return True
    return False


def _exists(effect_id: str) -> Conflict:
    return Conflict(f"The effect {effect_id} exists already.", "Read where it stands before asking again.")


def _asked(taken: Sequence[Request], seq: int) -> tuple[EffectRow, ...]:
    """Return every effect with the index of the entry that asked: the last of its stream in the request, or of all."""
    effects: list[EffectRow] = []
    for request in taken:
        start, seq = seq, seq + len(request.entries)
        if not request.effects:
            continue
        last = {prepared.entry.stream: place for place, prepared in enumerate(request.entries, start)}
        effects.extend(
            EffectRow(
                id=effect.id,
                stream=effect.stream,
                kind=effect.kind,
                due_at=effect.due_at,
                asked_by=Seq(last.get(effect.stream, seq - 1)),
            )
            for effect in request.effects
        )
    return tuple(effects)


def _placed(request: Request, seq: int) -> tuple[Appended, ...]:
    return tuple(
        Appended(seq=Seq(place), leaf=LeafHash(prepared.leaf.hex()), entry=prepared.entry, raw=prepared.raw)
        for place, prepared in enumerate(request.entries, seq)
    )


def _unanswered(requests: Sequence[Request]) -> list[Request]:
    return [request for request in requests if not request.answer.given]


def _fail(requests: Sequence[Request], error: WatchwordError) -> None:
    for request in requests:
        request.answer.fail(error)
