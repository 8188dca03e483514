"""Files that hold keys: made for their owner alone, refused when anyone else can read them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from watchword.core.errors import Invalid, Unavailable


def read_private(path: Path) -> bytes:
    """Return the bytes of *path*; raise `Invalid` when group or others have any right on it."""
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & 0o077:
                raise Invalid(
                    f"The key file can be used by others (mode {mode:04o}).", f"Run: chmod 600 {path}", str(path)
                )
            return file.read()
    except FileNotFoundError as error:
        raise Invalid(
            "There is no such file of a key, token or password.",
            "Make it with mode 600, or name the right one; `watchword init` makes the ledger's own keys.",
            str(path),
        ) from error
    except OSError as error:
        raise Unavailable(f"The key file {path} can not be read: {error.strerror}.", "Check its owner.") from error


def write_private(path: Path, content: bytes) -> None:
    """Write *content* durably to a new file of mode 0600; `Invalid` when *path* exists: keys are never replaced."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise Invalid(
            "The key file exists already.", "Name another file, or move this one away first.", str(path)
        ) from error
    except OSError as error:
        raise Unavailable(f"The key file {path} can not be made: {error.strerror}.", "Check its directory.") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
