"""`watchword ledger`: what the evidence is, and whether it holds together."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter
from msgspec import structs
from rich.markup import escape
from rich.progress import Progress as Bar
from rich.table import Table
from sqlalchemy import make_url

from watchword.cli.case import Asking
from watchword.cli.password import password_of
from watchword.cli.terminal import CONFIG, Config, Json, err, out, print_json
from watchword.core.errors import Corrupt, Invalid, Unavailable
from watchword.ledger.audit import Progress
from watchword.ledger.checkpoint import Checkpoint, SigningKey
from watchword.ledger.export import export
from watchword.ledger.exported import fsck_export
from watchword.ledger.fsck import fsck
from watchword.ledger.leader import Ledger
from watchword.ledger.migration import REVISION
from watchword.ledger.proof import verify
from watchword.ledger.sql import SqlStore
from watchword.ledger.vault import KeyFile
from watchword.settings import Settings, load

app = App(name="ledger")

Custodian = Annotated[Path | None, Parameter(help="A file with that custodian's password, mode 0600; else asked for.")]
Copy = Annotated[Path | None, Parameter(help="A copy of a SQLite ledger; the ledger of the settings otherwise.")]


@app.command
def status(file: Copy = None, /, *, config: Config = CONFIG, json: Json = False) -> None:
    """Show the ledger's name, size and signed checkpoint, after verifying every entry.

    A SQLite ledger has one owner: while `watchword serve` runs, look at a FILE that `watchword ledger copy` made.
    """
    settings = load(config)
    note, checkpoint = _verified(settings, _url(settings, file))
    if json:
        print_json(
            {"origin": checkpoint.origin, "size": checkpoint.size, "root": checkpoint.root.hex(), "checkpoint": note}
        )
        return
    out.print(f"[bold]{escape(checkpoint.origin)}[/]: {checkpoint.size} entries, every one verified\n")
    out.print(escape(note.rstrip()))


@app.command(name="fsck")
def check(
    what: Annotated[Path | None, Parameter(help="A copy of a SQLite ledger, or the folder of an export.")] = None,
    /,
    *,
    vkey: Annotated[str | None, Parameter(help="The verifier key; that of the settings otherwise.")] = None,
    kept: Annotated[Path | None, Parameter(help="A checkpoint you kept, which the ledger must go on from.")] = None,
    config: Config = CONFIG,
    json: Json = False,
) -> None:
    """Recompute everything and name the first bad entry, if there is one (exit code 1).

    A SQLite ledger has one owner: while `watchword serve` runs, check a FILE that `watchword ledger copy` made. With
    --vkey an export is checked without any settings, by anybody who has its folder.
    """
    note = None if kept is None else _text(kept)
    try:
        with _progress("entries") as told:
            if what is not None and what.is_dir():
                report = fsck_export(what, vkey or _key(load(config)).vkey, told, note)
            else:
                settings = load(config)
                keys = KeyFile.load(settings.path(settings.ledger.key_file))
                report = fsck(_url(settings, what), vkey or _key(settings).vkey, keys, told, note)
    except Corrupt as fault:
        if json:
            print_json({"sound": False, "entry": fault.seq, "what": fault.what, "remedy": fault.remedy})
        raise
    if json:
        print_json({"sound": True, "size": report.size, "root": report.root.hex(), "checks": report.checks})
        return
    table = Table("", "what must hold", "what was proved", box=None, pad_edge=False)
    for one in report.checks:
        table.add_row(f"[green]{one.number}[/]", escape(one.what), escape(one.proved))
    out.print(table, soft_wrap=False)
    out.print(f"[bold green]sound[/]: {report.size} entries, root {report.root.hex()[:16]}…")


@app.command(name="export")
def write_export(to: Path, file: Copy = None, /, *, config: Config = CONFIG, json: Json = False) -> None:
    """Write the ledger to the folder TO as C2SP tiles, or bring an earlier export there up to date.

    A SQLite ledger has one owner: while `watchword serve` runs, export a FILE that `watchword ledger copy` made.
    """
    settings = load(config)
    with _opened(settings, _url(settings, file)) as ledger, _progress("tiles") as told:
        done = export(ledger, to, told)
        vkey = str(ledger.verifier)
    size, root = done.checkpoint.size, done.checkpoint.root.hex()
    if json:
        print_json({"size": size, "before": done.before, "files": done.written, "root": root, "vkey": vkey})
        return
    out.print(f"{escape(str(to))}: {size} entries ({done.before} before), {done.written} tiles written")
    out.print(f"verifier key: {escape(vkey)}")


@app.command
def prove(
    seq: int,
    file: Copy = None,
    /,
    *,
    size: Annotated[int | None, Parameter(help="Under the checkpoint of this size, not the latest.")] = None,
    config: Config = CONFIG,
    json: Json = False,
) -> None:
    """Print the proof that entry SEQ is in the ledger, as a c2sp.org/tlog-proof.

    A SQLite ledger has one owner: while `watchword serve` runs, use a FILE that `watchword ledger copy` made.
    """
    settings = load(config)
    with _opened(settings, _url(settings, file)) as ledger:
        proof = ledger.prove(seq, size)
        [appended] = ledger.entries(seq, seq + 1)
        proven = verify(proof, appended.raw, ledger.verifier)
    if json:
        print_json({"index": seq, "leaf": appended.leaf, "size": proven.size, "proof": proof.text()})
    else:
        # Byte for byte, for a file.
        sys.stdout.write(proof.text())


@app.command
def erase(
    *,
    asking: Asking,
    case: Annotated[str | None, Parameter(help="Erase payloads of this case; needs --class and --reason.")] = None,
    retention: Annotated[Literal["short", "identity", "core"] | None, Parameter(name="--class")] = None,
    expired: Annotated[bool, Parameter(negative=(), help="Erase everything whose time is over.")] = False,
    reason: Annotated[Literal["person_asked", "mistake", "authority"] | None, Parameter(help="Why, as a code.")] = None,
    dry_run: Annotated[bool, Parameter(negative=(), help="Only say what would go.")] = False,
) -> None:
    """Erase payloads for good, by case or by time; entries, proofs and signatures stay and verify."""
    if expired == (case is not None):
        raise Invalid("Nothing, or two things, are to be erased.", "Give --expired, or --case with --class.", "erase")
    if case is not None and (retention is None or reason is None):
        raise Invalid("A case is erased by class and for a reason.", "Give --class and --reason.", where="--case")
    if expired and (retention or reason):
        raise Invalid("By time every class goes, and time is the reason.", "Give --expired alone.", where="--expired")
    body = {"case": case, "retention": retention, "why": reason, "dry_run": dry_run}
    with asking.session() as client:
        gone = client.call("POST", "/api/ledger/erasures", body)
    if asking.json:
        print_json({"erased": gone, "dry_run": dry_run})
        return
    if gone:
        table = Table("stream", "class", "payloads", "keys", box=None, pad_edge=False)
        for one in gone:
            table.add_row(escape(one["stream"]), one["retention"], str(one["payloads"]), str(one["keys"]))
        out.print(table, soft_wrap=False)
    payloads = sum(one["payloads"] for one in gone)
    out.print(f"{payloads} payload(s) {'would be' if dry_run else 'were'} erased.")


@app.command
def hold(
    case: str,
    /,
    *,
    asking: Asking,
    reason: Annotated[str, Parameter(help="The matter; kept sealed, as long as the ledger.")] = "",
    lift: Annotated[bool, Parameter(negative=(), help="Agree that the hold ends; it takes two people.")] = False,
) -> None:
    """Put CASE under a legal hold, which keeps all of it from erasure."""
    with asking.session() as client:
        told = client.call("POST", "/api/ledger/holds", {"case": case, "why": reason, "lift": lift})
    if asking.json:
        print_json(told)
    elif lift and told["held"]:
        out.print("One of two: the hold ends when somebody else agrees.")
    else:
        out.print(f"{escape(case)} is {'under a legal hold' if told['held'] else 'held no longer'}.")


@app.command
def copy(to: Path, /, *, config: Config = CONFIG, json: Json = False) -> None:
    """Write a whole copy of a SQLite ledger to TO and verify it, also while `watchword serve` runs."""
    settings = load(config)
    source = _file(settings)
    try:
        # SQLite's own backup: one moment of the ledger, however much is appended meanwhile.
        with (
            os.fdopen(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"),
            closing(sqlite3.connect(f"{source.as_uri()}?mode=ro", uri=True)) as ledger,
            closing(sqlite3.connect(to)) as copied,
        ):
            ledger.backup(copied)
            copied.execute("PRAGMA journal_mode = DELETE")  # one file, and nothing beside it
    except FileExistsError as error:
        raise Invalid(f"{to} is there already.", "Name a new file.", where="TO") from error
    except OSError as error:
        raise Invalid(f"{to} can not be written: {error.strerror}.", "Name a place that is yours.", "TO") from error
    except sqlite3.Error as error:
        to.unlink()
        raise Unavailable(f"{source} can not be copied: {error}.", "Check that it is the ledger, and yours.") from error
    _, checkpoint = _verified(settings, _url(settings, to))
    if json:
        print_json({"copy": str(to), "size": checkpoint.size, "root": checkpoint.root.hex()})
    else:
        out.print(f"{escape(str(to))}: {checkpoint.size} entries, every one verified")


@app.command
def migrate(
    *,
    url: Annotated[str | None, Parameter(help="As whom, and where; `ledger.url` of the settings otherwise.")] = None,
    config: Config = CONFIG,
    json: Json = False,
) -> None:
    """Bring the tables to the version this program needs, and put the guards of PostgreSQL in place again.

    For the owner of the tables, so that the login of the desk need not be one. Reads no key.
    """
    store = SqlStore(url or load(config).database)
    try:
        store.migrate()
        store.harden()
        guards = store.guards()
    finally:
        store.close()
    if json:
        told = [{"part": part, "well": is_well, "told": words} for part, is_well, words in guards]
        print_json({"version": REVISION, "guards": told})
        return
    out.print(f"The tables are of version {REVISION}.")
    for part, is_well, words in guards:
        if part != "login":  # that the owner owns the tables is no finding here
            out.print(f"[{'green' if is_well else 'red'}]{part}[/]: {escape(words)}")


def _verified(settings: Settings, url: str) -> tuple[str, Checkpoint]:
    """The checkpoint of the ledger at *url*, once every entry is verified."""
    with _opened(settings, url) as ledger:
        return ledger.checkpoint


def _opened(settings: Settings, url: str) -> closing[Ledger]:
    """The ledger at *url*, every entry verified, to read."""
    return closing(Ledger.open(url, _key(settings).verifier, None, settings.ledger.origin, sign=False))


def _key(settings: Settings) -> SigningKey:
    return SigningKey.load(settings.path(settings.ledger.signing_key))


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{file} can not be read: {error}.", "Name the file of a checkpoint.", "--kept") from error


@contextmanager
def _progress(what: str) -> Iterator[Progress]:
    """A bar on a terminal, nothing elsewhere."""
    with Bar(console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _url(settings: Settings, file: Path | None) -> str:
    if file is None:
        return settings.database
    if not file.is_file():
        raise Invalid(f"There is no {file}.", "Make a copy with `watchword ledger copy`.", where="FILE")
    return f"sqlite:///{file.resolve()}"


def _file(settings: Settings) -> Path:
    url = make_url(settings.database)
    if url.get_backend_name() != "sqlite" or not url.database:
        raise Invalid("A PostgreSQL ledger is copied by its own tools.", "Use pg_dump or a base backup.", "ledger.url")
    file = Path(url.database)
    if not file.is_file():
        raise Invalid(f"There is no ledger at {file}.", "Found one with `watchword init`.", where="ledger.url")
    return file.resolve()


@app.command
def restored(
    *,
    why: Annotated[str, Parameter(help="What was lost, and how.")],
    first: Annotated[str, Parameter(help="The login of a custodian.")],
    second: Annotated[str, Parameter(help="The login of another.")],
    first_password_file: Custodian = None,
    second_password_file: Custodian = None,
    checkpoint: Annotated[
        Path | None, Parameter(help="The checkpoint that is given up; the one remembered beside the keys otherwise.")
    ] = None,
    config: Config = CONFIG,
    json: Json = False,
) -> None:
    """Go on from an older copy of the ledger, because what witnesses had cosigned since is lost for good.

    Held by two custodians with every process of this ledger stopped. What is given up stays in the ledger; cases that
    were under way end; every directory change of the lost time owes a review.
    """
    from watchword.app import App as Running

    settings = load(config)
    file = checkpoint or settings.path(settings.ledger.witnessed)
    try:
        note = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(
            f"{file} can not be read: {error}.", "Ask a witness's operator for the checkpoint it keeps.", "--checkpoint"
        ) from error
    with Running(settings, executes=False, restoring=True) as running:
        custodians = (
            running.people.sign_in(first, password_of(first_password_file, f"Password of {first}: ")),
            running.people.sign_in(second, password_of(second_password_file, f"Password of {second}: ")),
        )
        restoration = running.ceremony.restore(custodians, note, running.signing_key.verifier, why, running.clock())
        running.follow()
    if json:
        print_json(structs.asdict(restoration))
        return
    out.print(f"Gave up the checkpoint of {restoration.size} entries; the ledger goes on from its own last entry.")
    since, until = (f"{at:%Y-%m-%d %H:%M:%S}" for at in (restoration.since, restoration.until))
    out.print(f"Every directory change from {since} to {until} UTC owes a review.")
    out.print("Have each witness's operator begin anew with this ledger.")
