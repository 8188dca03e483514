"""`watchword init`: settings, keys and a founded ledger, or nothing at all."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

from watchword import app as compose
from watchword.cli.sealed import sealed_procedure
from watchword.core.errors import Invalid, WatchwordError
from watchword.desk.people import SHORTEST
from watchword.mistakes import mistakes_in
from watchword.settings import LedgerPart, load

SEALED = "downtime.html"
"""The sealed procedure, to be printed."""

MADE = ("watchword.toml", SEALED, "keys", "ledger.db", "ledger.db.lock", "ledger.db-wal", "ledger.db-shm")
"""What founding writes; a folder that has one of them is somebody's already."""


def found_at(home: Path, *, origin: str, administrator: str, password: str, url: str, port: int) -> str:
    """Write everything into *home* and found the ledger; return the digest of the policy that is active then.

    Raise `Invalid` before anything is written where the input is wrong or *home* holds another Watchword; where
    founding fails, what was written is taken away again, so that it can be tried again.
    """
    if there := [name for name in MADE if (home / name).exists()]:
        raise Invalid(
            f"{home / there[0]} is there already: keys and ledgers are never replaced.",
            "Choose another folder, or move that one away.",
            where="HOME",
        )
    if len(password) < SHORTEST:
        raise Invalid("That password is too short.", f"Use at least {SHORTEST} characters.", where="password")
    if not administrator.strip() or not administrator.isprintable():
        raise Invalid("That is no login.", "Use printable characters.", where="--administrator")
    try:
        LedgerPart(origin=origin, url=url)
    except ValidationError as error:
        (wrong, *_) = mistakes_in(error, LedgerPart, {"origin": origin, "url": url})
        raise Invalid(*wrong.sentences, where=f"--{wrong.where}") from error
    try:
        config = compose.init(home, origin=origin, url=url, port=port)
        settings = load(config)
        (home / SEALED).write_text(sealed_procedure(origin), encoding="utf-8")
        _, digest = compose.found(settings, administrator=administrator, password=password, at=compose.wall_clock())
    except OSError as error:
        _take_away(home)
        raise Invalid(f"{home} can not be written: {error.strerror}.", "Choose a folder of yours.", "HOME") from error
    except WatchwordError:
        _take_away(home)
        raise
    return digest


def _take_away(home: Path) -> None:
    for name in MADE:
        with suppress(OSError):
            shutil.rmtree(home / name) if (home / name).is_dir() else (home / name).unlink()
