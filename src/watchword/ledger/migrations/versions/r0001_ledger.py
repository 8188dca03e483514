"""The first tables: entry, head, checkpoint, effect, payload."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from watchword.ledger.merkle import empty_root

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_INDEX = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables, and the head of an empty ledger that nobody opened yet."""
    op.create_table(
        "entry",
        sa.Column("idx", _INDEX, primary_key=True, autoincrement=False),
        sa.Column("stream", sa.Text, nullable=False),
        sa.Column("version", _INDEX, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("bytes", sa.LargeBinary, nullable=False),
        sa.Column("leaf", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("stream", "version", name="entry_stream_version"),
        sa.CheckConstraint("idx >= 0", name="entry_idx"),
    )
    head = op.create_table(
        "head",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("size", _INDEX, nullable=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.Column("last_at", sa.String(24)),
        sa.Column("note", sa.Text, nullable=False),
        sa.CheckConstraint("id = 1", name="head_one_row"),
    )
    op.create_table(
        "checkpoint",
        sa.Column("size", _INDEX, primary_key=True, autoincrement=False),
        sa.Column("note", sa.Text, nullable=False),
    )
    op.create_table(
        "effect",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("stream", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("due_at", sa.String(24), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("lease_owner", sa.Text),
        sa.Column("lease_until", sa.String(24)),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("asked_by", _INDEX),
    )
    op.create_index("effect_due", "effect", ["state", "due_at"])
    op.create_index("effect_stream", "effect", ["stream"])
    op.create_table(
        "payload",
        sa.Column("commitment", sa.String(64), primary_key=True),
        sa.Column("stream", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("retention", sa.String(16), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.bulk_insert(head, [{"id": 1, "size": 0, "root": empty_root(), "last_at": None, "note": ""}])


def downgrade() -> None:
    """Refuse: evidence is never dropped by a migration."""
    raise NotImplementedError("The ledger's first tables are not taken back; restore an older copy instead.")
