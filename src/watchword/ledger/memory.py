"""What witnesses saw of the ledger last, kept in a file apart from the database, so that both have to be put back."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from watchword.core.errors import Corrupt, Unavailable
from watchword.ledger.checkpoint import VerifierKey, verify

_REMEDY = (
    "Put its latest copy back. Where there is none, see that every witness answers, then move the file away: from then "
    "on they alone say what they saw."
)


class Memory:
    """A checkpoint note that *verifier*'s key signed, in the file at *path*. Processes of one host may share it."""

    def __init__(self, path: Path, verifier: VerifierKey) -> None:
        self.path = path
        self._verifier = verifier

    def read(self) -> tuple[int, bytes] | None:
        """Return size and root of what is kept, None when nothing is; `Corrupt` when that is no note of this ledger."""
        try:
            note = self.path.read_bytes().decode()
        except FileNotFoundError:
            return None
        except UnicodeDecodeError as error:
            raise Corrupt(f"{self.path} is no checkpoint: it is not UTF-8.", _REMEDY) from error
        except OSError as error:
            raise self._closed("read", error) from error
        try:
            checkpoint = verify(note, self._verifier)
        except Corrupt as error:
            raise Corrupt(f"{self.path} is no checkpoint of this ledger: {error.what}", _REMEDY) from error
        return checkpoint.size, checkpoint.root

    def keep(self, note: str, *, unless: Callable[[int, bytes], bool]) -> None:
        """Keep *note* durably in the place of what is kept, *unless* that says no to its size and root."""
        with self._alone():
            kept = self.read()
            if kept is not None and unless(*kept):
                return
            try:
                self._replace(note.encode())
            except OSError as error:
                raise self._closed("written", error) from error

    def _replace(self, data: bytes) -> None:
        folder = self.path.parent
        with tempfile.NamedTemporaryFile(dir=folder, prefix=f".{self.path.name}-", delete=False) as file:
            beside = Path(file.name)
            try:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                beside.replace(self.path)
            except OSError:
                beside.unlink(missing_ok=True)
                raise
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """While it lasts no other process replaces the file: an earlier checkpoint never takes a later one's place."""
        try:
            lock = os.open(self.path.with_name(f"{self.path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise self._closed("written", error) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _closed(self, done: str, error: OSError) -> Unavailable:
        return Unavailable(
            f"{self.path} can not be {done}: {error.strerror}.",
            "Let whoever runs Watchword own the file and its folder.",
        )
