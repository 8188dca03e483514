"""The migrations make the tables that the code uses."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from tests.ledger.conftest import Place
from watchword.ledger.sql import SqlStore
from watchword.ledger.tables import metadata


def test_migrations_and_tables_agree(place: Place) -> None:
    """A migrated database differs in nothing from the tables in the code, and migrating again changes nothing."""
    store = SqlStore(place.url)
    store.migrate()
    store.migrate()
    store.close()
    engine = create_engine(place.url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": "ledger_version"})
        assert compare_metadata(context, metadata) == []
    engine.dispose()
