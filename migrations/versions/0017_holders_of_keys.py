"""Whose each key is, what it is limited to, and on which day it was last used.

Keys made before have no holder: `recuento key list` says so, and `recuento key rotate --holder` names one.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("api_key") as table:
        table.add_column(sa.Column("holder", sa.String(), nullable=True))
        table.add_column(sa.Column("scopes", sa.Text(), nullable=True))
        table.add_column(sa.Column("last_used_on", sa.Date(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("api_key") as table:
        for column in ("last_used_on", "scopes", "holder"):
            table.drop_column(column)
