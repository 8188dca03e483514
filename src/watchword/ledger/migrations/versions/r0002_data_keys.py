"""Data keys: a wrapped key for each stream and class, and the key's id beside every payload."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from watchword.core.errors import Invalid

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the key table; refuse a ledger whose payloads were sealed without data keys."""
    if op.get_bind().execute(sa.text("SELECT count(*) FROM payload")).scalar_one():
        raise Invalid(
            "This ledger is of the format before data keys, whose payloads this version does not open.",
            "Found a new ledger with `watchword init`; read this one with the version that wrote it.",
            "ledger.url",
        )
    op.drop_table("payload")
    op.create_table(
        "payload",
        sa.Column("commitment", sa.String(64), primary_key=True),
        sa.Column("stream", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("retention", sa.String(16), nullable=False),
        sa.Column("key", sa.String(32), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_index("payload_key", "payload", ["key"])
    op.create_table(
        "data_key",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("stream", sa.Text, nullable=False),
        sa.Column("retention", sa.String(16), nullable=False),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
        sa.Column("wrapped_by", sa.Text, nullable=False),
        sa.Column("made_at", sa.String(24), nullable=False),
    )
    op.create_index("data_key_stream", "data_key", ["stream"])


def downgrade() -> None:
    """Refuse: evidence is never dropped by a migration."""
    raise NotImplementedError("The key table is not taken back; restore an older copy instead.")
