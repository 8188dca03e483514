"""Has the ledger's checkpoints cosigned, and remembers outside the database what witnesses saw.

A checkpoint that witnesses cosigned can not be taken back: neither by whoever holds the signing key nor by a database
that was put back to an older copy. Both are found here, at the start and each time witnesses are asked.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import structlog

from watchword.core.errors import Corrupt, Invalid, Unavailable
from watchword.core.ids import Seq
from watchword.ledger.checkpoint import VerifierKey, verify
from watchword.ledger.cosignature import Quorum
from watchword.ledger.leader import Ledger
from watchword.ledger.memory import Memory
from watchword.ledger.note import Note, Signature, parse_note, parse_signatures
from watchword.ledger.restoration import given_up, restorations
from watchword.ledger.testimony import Line
from watchword.ledger.witness import Witness

_TRIES = 3
_AWAY_S = 30.0
REMEDY = (
    "Do not go on from this copy: bring the database to the state that was witnessed. If that is lost for good, "
    "two custodians can put this in its place with `watchword ledger restored`; what happened between owes a review."
)

log = structlog.get_logger("watchword.ledger")


class Cosigner:
    """The witnesses of one ledger. Safe to use from many threads; *memory* is a file beside the keys."""

    def __init__(
        self, ledger: Ledger, verifier: VerifierKey, witnesses: tuple[Witness, ...], quorum: Quorum, memory: Path
    ) -> None:
        self._ledger = ledger
        self._verifier = verifier
        self._witnesses = witnesses
        self._quorum = quorum
        self._memory = Memory(memory, verifier)
        self._lock = threading.Lock()
        self._covered = 0
        self._seen: dict[str, int] = {}
        self._kept: dict[str, int] = {}
        self._given: dict[str, Line] = {}  # by each witness, to this process: the latest
        self._away: dict[str, float] = {}

    def start(self) -> None:
        """Hold the ledger against what witnesses saw of it; raise `Corrupt` when it is shorter, or another history.

        A witness that does not answer is passed over: the memory beside the keys still speaks for it.
        """
        remembered = self._memory.read()
        if remembered is not None:
            self._demand_ours(*remembered)
        self.step()

    def step(self) -> int:
        """Have the latest checkpoint cosigned; return the size that a quorum has cosigned by now.

        A witness that did not answer is left alone for half a minute. Raise `Corrupt` when one saw more entries than
        there are, or others.
        """
        with self._lock:
            return self._step(self._here())

    def demand(self, seq: Seq) -> None:
        """Raise `Unavailable` unless entry *seq* is covered by a checkpoint that a quorum of witnesses cosigned.

        Those who did not answer lately are asked last, and only where the others are not enough.
        """
        with self._lock:
            here = self._here()
            away = tuple(w for w in self._witnesses if w not in here)
            if self.covers(seq) or self._step(here) > seq or self._step(away) > seq or self.covers(seq):
                return
        raise Unavailable(
            f"Fewer than {self._quorum.threshold} of {len(self._witnesses)} witnesses have cosigned what was decided.",
            "It is tried again; `watchword doctor` says which witness does not answer.",
        )

    def covers(self, seq: Seq) -> bool:
        """Say whether a quorum has cosigned a checkpoint that covers entry *seq*; nobody is asked, and none waits."""
        return self._covered > seq or self._take_in() > seq

    def note(self, seq: Seq) -> str | None:
        """Return the latest checkpoint of this history over entry *seq* that a quorum cosigned, with its lines."""
        with self._lock:
            if self._take_in() <= seq:
                self._step(self._here())
            for note in self._cosigned(seq):
                if len(self._quorum.cosigners(note)) >= self._quorum.threshold and self._is_ours(note):
                    return note
        return None

    def policy(self) -> str:
        """Return who has to sign a checkpoint, as a C2SP tlog-policy."""
        return self._quorum.policy(self._verifier)

    def look(self) -> Iterator[tuple[str, bool, str]]:
        """Yield of each witness its name, whether it cosigns the latest checkpoint, and what it said."""
        with self._lock:
            note, checkpoint = self._ledger.checkpoint
            for witness in self._witnesses:
                try:
                    self._ask(witness, note, checkpoint.size)
                except (Unavailable, Invalid, Corrupt) as fault:
                    yield witness.name, False, str(fault)
                else:
                    yield witness.name, True, "cosigns"

    def close(self) -> None:
        """Let go of the connections."""
        for witness in self._witnesses:
            witness.close()

    def _here(self) -> tuple[Witness, ...]:
        now = time.monotonic()
        return tuple(w for w in self._witnesses if now >= self._away.get(w.name, now))

    def _step(self, witnesses: tuple[Witness, ...]) -> int:
        """Ask *witnesses*, all at once, so that a slow one costs its own time and not that of the others."""
        note, checkpoint = self._ledger.checkpoint
        size = checkpoint.size
        asked = tuple(w for w in witnesses if self._kept.get(w.name) != size)
        if not asked:
            return self._covered
        with ThreadPoolExecutor(len(asked), "witness") as pool:
            answers = [(w.name, pool.submit(self._ask, w, note, size)) for w in asked]
        lines: dict[str, str] = {}
        forked: Corrupt | None = None
        for name, answer in answers:
            try:
                signature = answer.result()
            except (Unavailable, Invalid) as fault:
                log.warning("witness.away", witness=name, why=fault.what)
                self._away[name] = time.monotonic() + _AWAY_S
            except Corrupt as fault:
                forked = forked or fault
            else:
                if signature is not None:
                    line = lines[name] = signature.line()
                    self._given[name] = Line(size=size, note=note, witness=name, line=line)
        if lines:
            self._ledger.testimony.keep_cosignatures(size, lines)
            self._remember(note + "".join(lines.values()), size)
            self._kept.update(dict.fromkeys(lines, size))
            self._take_in()
        if forked is not None:
            raise forked
        return self._covered

    def _ask(self, witness: Witness, note: str, size: int) -> Signature | None:
        """Return the cosignature of *witness* over *note*; None where another process had a later one cosigned."""
        old = self._seen.get(witness.name, size)
        for _ in range(_TRIES):
            try:
                answer = witness.add(note, old, self._ledger.consistency(old, size) if 0 < old < size else ())
            except Corrupt:
                self._demand_left_behind(witness, old)
                raise
            if isinstance(answer, Signature):
                self._seen[witness.name] = size
                return answer
            if answer.size > size:
                self._beyond(witness, answer.size, size)
                return None
            if answer.size == old == size:
                # c2sp.org/tlog-witness: also the answer to another root of the very size it saw.
                self._demand_left_behind(witness, old)
                raise Corrupt(f"The witness {witness.name} cosigned other {size} entries than these.", REMEDY)
            old = answer.size
        raise Unavailable(f"The witness {witness.name} changed its mind {_TRIES} times.", "It is asked again.")

    def _beyond(self, witness: Witness, seen: int, size: int) -> None:
        """A witness saw more entries than our checkpoint has: another process was quicker, or something went back."""
        if self._ledger.refresh() >= seen:
            return  # the next step asks with the newer checkpoint
        self._demand_left_behind(witness, seen)
        raise Corrupt(
            f"The witness {witness.name} cosigned {seen} entries of this ledger, and here are {size}.", REMEDY
        )

    def _demand_left_behind(self, witness: Witness, seen: int) -> None:
        """Raise `Unavailable`, and nothing worse, when what *witness* saw is what a restoration gave up."""
        joined = self._ledger.testimony.witnessed(witness.name)  # beyond a restoration it has no excuse any more
        if any(seen <= each.size and joined <= seq for seq, each in restorations(self._ledger)):
            raise Unavailable(
                f"The witness {witness.name} is left behind by a restoration: it saw {seen} entries.",
                "Its operator has to begin anew with this ledger.",
            )

    def _take_in(self) -> int:
        """Count what is kept, and what other processes had cosigned: the latest that a quorum signed."""
        for note in self._cosigned(self._covered):
            if len(self._quorum.cosigners(note)) >= self._quorum.threshold and self._is_ours(note):
                self._covered = max(self._covered, verify(note, self._verifier).size)
                break
        return self._covered

    def _cosigned(self, above: int) -> Iterator[str]:
        """Each checkpoint of more than *above* entries with the cosignatures that hold, latest first.

        Those that the database keeps, and those that witnesses just gave: a line that somebody spoiled, or planted
        before the witness spoke, neither counts nor keeps another from counting.
        """
        notes, lines = {}, dict[int, dict[str, str]]()
        for kept in self._ledger.testimony.lines(above):
            if self._holds(kept):
                notes[kept.size] = kept.note
                lines.setdefault(kept.size, {})[kept.witness] = kept.line
        for given in tuple(self._given.values()):
            if given.size > above:
                notes[given.size] = given.note
                lines.setdefault(given.size, {}).setdefault(given.witness, given.line)
        for size in sorted(notes, reverse=True):
            yield notes[size] + "".join(lines[size].values())

    def _holds(self, kept: Line) -> bool:
        """Whether a kept line is the cosignature it is filed as."""
        try:
            alone = Note(text=parse_note(kept.note).text, signatures=parse_signatures(kept.line))
            by = [name for name, _ in self._quorum.cosigners(str(alone))]
        except Corrupt:
            by = []
        if by == [kept.witness] and len(alone.signatures) == 1:
            return True
        log.warning("witness.line_spoiled", witness=kept.witness, size=kept.size)
        return False

    def _is_ours(self, note: str) -> bool:
        checkpoint = verify(note, self._verifier)
        return checkpoint.size <= self._ledger.size and checkpoint.root == self._ledger.root(checkpoint.size)

    def _demand_ours(self, size: int, root: bytes) -> None:
        if size <= self._ledger.size and root == self._ledger.root(size):
            return
        if given_up(self._ledger, size, root) is not None:
            return
        what = (
            f"Witnesses cosigned {size} entries of this ledger, and here are {self._ledger.size}"
            if size > self._ledger.size
            else f"Witnesses cosigned other entries than the first {size} that are here"
        )
        raise Corrupt(f"{what}, says {self._memory.path}.", REMEDY)

    def _remember(self, note: str, size: int) -> None:
        """Keep *note* beside the keys, unless a later one of this history is kept."""

        def is_later(kept: int, root: bytes) -> bool:
            return kept > size and given_up(self._ledger, kept, root) is None

        self._memory.keep(note, unless=is_later)
