"""On PostgreSQL: triggers that refuse to change evidence, and the role of a desk. On SQLite nothing."""

from __future__ import annotations

from alembic import op

from watchword.ledger.hardening import harden

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Put the guards in place."""
    harden(op.get_bind())


def downgrade() -> None:
    """Refuse: no version of this code lets go of its guards."""
    raise NotImplementedError("The guards are not taken back.")
