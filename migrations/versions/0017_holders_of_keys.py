"""Whose each key is, what it is limited to, and on which day it was last used; erasures that wait for a second person.

Keys made before have no holder: `recuento key list` says so, and `recuento key rotate --holder` names one.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

COLUMNS: dict[str, Any] = {"holder": sa.String(), "scopes": sa.Text(), "last_used_on": sa.Date()}


def upgrade() -> None:
    for name, kind in COLUMNS.items():
        op.add_column("api_key", sa.Column(name, kind, nullable=True))
    _allow("'identity', 'consent', 'redaction'")


def downgrade() -> None:
    op.execute("DELETE FROM proposal WHERE kind = 'redaction'")
    # A version that knows no limits would let a limited key do all that its role may.
    op.execute("UPDATE api_key SET revoked_at = CURRENT_TIMESTAMP WHERE scopes IS NOT NULL AND revoked_at IS NULL")
    _allow("'identity', 'consent'")
    for name in COLUMNS:
        op.drop_column("api_key", name)


def _allow(kinds: str) -> None:
    with op.batch_alter_table("proposal") as table:
        table.drop_constraint(op.f("ck_proposal_kind"), type_="check")
        table.create_check_constraint(op.f("ck_proposal_kind"), f"kind IN ({kinds})")
