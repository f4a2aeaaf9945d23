"""What somebody wrote with an objection is sealed, and the contact.

A migration knows no secret, so that what lies there in clear goes, and is scrubbed from the files. The objections stay,
and so does whoever is hidden on one.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

COLUMNS = ("words", "contact")


def _empty(column_type: Any) -> None:
    """Delete what was written, and give the columns another type."""
    with op.batch_alter_table("objection", schema=None) as batch_op:
        for name in COLUMNS:
            batch_op.drop_column(name)
    for name in COLUMNS:
        op.add_column("objection", sa.Column(name, column_type, nullable=True))


def upgrade() -> None:
    written = sa.text("SELECT count(*) FROM objection WHERE words IS NOT NULL OR contact IS NOT NULL")
    left = op.get_bind().execute(written).scalar_one()
    _empty(sa.LargeBinary())
    if left:  # as an erasure leaves something, which the server then scrubs
        op.execute("UPDATE head SET erased = revision, scrubbed = 0")


def downgrade() -> None:
    _empty(sa.Text())
