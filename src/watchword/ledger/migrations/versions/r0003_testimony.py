"""What outsiders said of checkpoints: cosignatures of witnesses, tokens of time authorities."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_INDEX = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "cosignature",
        sa.Column("size", _INDEX, primary_key=True, autoincrement=False),
        sa.Column("witness", sa.Text, primary_key=True),
        sa.Column("line", sa.Text, nullable=False),
    )
    op.create_table(
        "timestamp",
        sa.Column("size", _INDEX, primary_key=True, autoincrement=False),
        sa.Column("authority", sa.Text, primary_key=True),
        sa.Column("token", sa.LargeBinary, nullable=False),
    )


def downgrade() -> None:
    """Refuse: evidence is never dropped by a migration."""
    raise NotImplementedError("What others said is not taken back; restore an older copy instead.")
