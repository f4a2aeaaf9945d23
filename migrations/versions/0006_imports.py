"""Lists on their way in."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "list_import",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source", KEY, autoincrement=False, nullable=False),
        sa.Column("key_id", sa.String(), nullable=True),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("mapping", sa.Text(), nullable=True),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("strict", sa.Boolean(), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rows", sa.Integer(), nullable=True),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("first_revision", KEY, autoincrement=False, nullable=True),
        sa.Column("last_revision", KEY, autoincrement=False, nullable=True),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("questions", sa.Text(), nullable=False),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'checking', 'running', 'done', 'questioned', 'failed')",
            name=op.f("ck_list_import_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_list_import")),
    )
    op.create_index(op.f("ix_list_import_source_digest"), "list_import", ["source", "digest"])
    op.create_index(op.f("ix_list_import_state"), "list_import", ["state"])
    op.create_table(
        "import_row",
        sa.Column("list_import", sa.Uuid(), nullable=False),
        sa.Column("row", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("report", sa.Uuid(), nullable=True),
        sa.Column("revision", KEY, autoincrement=False, nullable=True),
        sa.Column("faults", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('new', 'updated', 'unchanged', 'linked', 'needs_review', 'error')",
            name=op.f("ck_import_row_outcome"),
        ),
        sa.PrimaryKeyConstraint("list_import", "row", name=op.f("pk_import_row")),
    )
    op.create_table(
        "import_file",
        sa.Column("list_import", sa.Uuid(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("list_import", name=op.f("pk_import_file")),
    )
    op.create_table(
        "import_mapping",
        sa.Column("source", KEY, autoincrement=False, nullable=False),
        sa.Column("headings", sa.String(), nullable=False),
        sa.Column("mapping", sa.Text(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("source", "headings", name=op.f("pk_import_mapping")),
    )


def downgrade() -> None:
    for table in ("import_mapping", "import_file", "import_row", "list_import"):
        op.drop_table(table)
