"""Run the migrations on the connection that the store hands over, inside its transaction."""

from __future__ import annotations

from alembic import context

from watchword.ledger.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table="ledger_version",
    transactional_ddl=False,  # the store owns the transaction
)
context.run_migrations()
