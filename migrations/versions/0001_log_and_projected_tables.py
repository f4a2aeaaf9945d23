"""The log, what is kept beside it, and the projected tables."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from app.db.guards import allow_changes, forbid_changes

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Before the first entry nothing was recorded.
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def upgrade() -> None:
    op.create_table(
        "api_key",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("source", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=True),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("role IN ('reporter', 'reader', 'curator', 'admin')", name=op.f("ck_api_key_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
    )
    with op.batch_alter_table("api_key", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_api_key_source"), ["source"], unique=False)

    op.create_table(
        "blocking_key",
        sa.Column("record", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("record", "key", name=op.f("pk_blocking_key")),
    )
    with op.batch_alter_table("blocking_key", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_blocking_key_key"), ["key"], unique=False)

    op.create_table(
        "case_key",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_case_key")),
    )
    op.create_table(
        "claim",
        sa.Column("key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("since", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("until", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("filed_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=True),
        sa.Column("source_record_id", sa.String(), nullable=True),
        sa.Column("claimant", sa.String(), nullable=True),
        sa.Column("measure", sa.String(), nullable=False),
        sa.Column("country", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("key", "since", name=op.f("pk_claim")),
    )
    with op.batch_alter_table("claim", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_claim_claimant_until"), ["claimant", "until"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_claim_filed_by_source_record_id"), ["filed_by", "source_record_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_claim_id"), ["id"], unique=False)

    op.create_table(
        "consent",
        sa.Column("key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("record", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("publish", sa.String(), nullable=False),
        sa.CheckConstraint("publish IN ('named', 'anonymous', 'counted')", name=op.f("ck_consent_publish")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_consent")),
    )
    with op.batch_alter_table("consent", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_consent_record"), ["record"], unique=False)

    op.create_table(
        "decision",
        sa.Column("key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("a", sa.Uuid(), nullable=False),
        sa.Column("b", sa.Uuid(), nullable=False),
        sa.Column("judgement", sa.String(), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("until", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.CheckConstraint("decided_by IN ('matcher', 'reporter', 'curator')", name=op.f("ck_decision_decided_by")),
        sa.CheckConstraint("judgement IN ('same', 'different', 'unsure')", name=op.f("ck_decision_judgement")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_decision")),
        sa.UniqueConstraint("id", name=op.f("uq_decision_id")),
    )
    with op.batch_alter_table("decision", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_decision_a"), ["a"], unique=False)
        batch_op.create_index(batch_op.f("ix_decision_b"), ["b"], unique=False)

    op.create_table(
        "detainee",
        sa.Column(
            "detainee", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("since", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("until", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("publish", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("rearrested", sa.Boolean(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.CheckConstraint("publish IN ('named', 'anonymous', 'counted')", name=op.f("ck_detainee_publish")),
        sa.CheckConstraint(
            "state IN ('held', 'released', 'house_arrest', 'died', 'unknown')", name=op.f("ck_detainee_state")
        ),
        sa.PrimaryKeyConstraint("detainee", "since", name=op.f("pk_detainee")),
    )
    with op.batch_alter_table("detainee", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_detainee_until"), ["until"], unique=False)

    op.create_table(
        "detainee_personal",
        sa.Column(
            "detainee", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("since", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("until", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("folded_name", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("detainee", "since", name=op.f("pk_detainee_personal")),
    )
    op.create_table(
        "detention",
        sa.Column("spell", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("since", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("until", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column(
            "detainee", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("country", sa.String(), nullable=True),
        sa.Column("designation", sa.String(), nullable=False),
        sa.Column("detained_lo", sa.Integer(), nullable=True),
        sa.Column("detained_hi", sa.Integer(), nullable=True),
        sa.Column("ended_lo", sa.Integer(), nullable=True),
        sa.Column("ended_hi", sa.Integer(), nullable=True),
        sa.Column("held_lo", sa.Integer(), nullable=True),
        sa.Column("held_hi", sa.Integer(), nullable=True),
        sa.Column("has_release", sa.Boolean(), nullable=False),
        sa.Column("disjoint_releases", sa.Boolean(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("spell", "since", name=op.f("pk_detention")),
    )
    with op.batch_alter_table("detention", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_detention_detainee_until"), ["detainee", "until"], unique=False)

    op.create_table(
        "entry",
        sa.Column(
            "revision", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('source', 'facility', 'report', 'identity', 'consent', 'claim', 'redaction', 'signer')",
            name=op.f("ck_entry_kind"),
        ),
        sa.PrimaryKeyConstraint("revision", name=op.f("pk_entry")),
    )
    with op.batch_alter_table("entry", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_entry_recorded_at"), ["recorded_at"], unique=False)

    op.create_table(
        "facility",
        sa.Column("key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("since", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("until", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("names", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("area", sa.String(), nullable=True),
        sa.Column("country", sa.String(), nullable=False),
        sa.Column("point", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("key", "since", name=op.f("pk_facility")),
    )
    with op.batch_alter_table("facility", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_facility_slug_until"), ["slug", "until"], unique=False)

    head = op.create_table(
        "head",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "revision", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("secret_check", sa.String(), nullable=False),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_head_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_head")),
    )
    op.create_table(
        "idempotent_answer",
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("key_digest", sa.String(), nullable=False),
        sa.Column("request_digest", sa.String(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("scope", "key_digest", name=op.f("pk_idempotent_answer")),
    )
    with op.batch_alter_table("idempotent_answer", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_idempotent_answer_created_at"), ["created_at"], unique=False)

    op.create_table(
        "pending_pair",
        sa.Column(
            "decision", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("since", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("until", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column(
            "detainee_a", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column(
            "detainee_b", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.PrimaryKeyConstraint("decision", "since", name=op.f("pk_pending_pair")),
    )
    with op.batch_alter_table("pending_pair", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_pending_pair_detainee_a"), ["detainee_a"], unique=False)
        batch_op.create_index(batch_op.f("ix_pending_pair_detainee_b"), ["detainee_b"], unique=False)

    op.create_table(
        "placement",
        sa.Column("record", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("since", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("until", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column(
            "detainee", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("spell", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("record", "since", name=op.f("pk_placement")),
    )
    with op.batch_alter_table("placement", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_placement_detainee_until"), ["detainee", "until"], unique=False)
        batch_op.create_index(batch_op.f("ix_placement_spell"), ["spell"], unique=False)

    op.create_table(
        "record",
        sa.Column("key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("detainee_id", sa.Uuid(), nullable=False),
        sa.Column("detention_id", sa.Uuid(), nullable=False),
        sa.Column("release_id", sa.Uuid(), nullable=False),
        sa.Column("publish_now", sa.String(), nullable=False),
        sa.Column("redacted", sa.Boolean(), nullable=False),
        sa.CheckConstraint("publish_now IN ('named', 'anonymous', 'counted')", name=op.f("ck_record_publish_now")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_record")),
        sa.UniqueConstraint("detainee_id", name=op.f("uq_record_detainee_id")),
        sa.UniqueConstraint("detention_id", name=op.f("uq_record_detention_id")),
        sa.UniqueConstraint("id", name=op.f("uq_record_id")),
        sa.UniqueConstraint("release_id", name=op.f("uq_record_release_id")),
    )
    with op.batch_alter_table("record", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_record_source"), ["source"], unique=False)

    op.create_table(
        "release",
        sa.Column("spell", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("since", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("until", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column(
            "detainee", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("country", sa.String(), nullable=True),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.CheckConstraint("stage IN ('announced', 'ordered', 'carried_out')", name=op.f("ck_release_stage")),
        sa.CheckConstraint(
            "status IN ('verified', 'contested', 'reported', 'refuted', 'retracted')", name=op.f("ck_release_status")
        ),
        sa.PrimaryKeyConstraint("spell", "since", name=op.f("pk_release")),
    )
    with op.batch_alter_table("release", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_release_detainee_until"), ["detainee", "until"], unique=False)
        batch_op.create_index(batch_op.f("ix_release_until_spell"), ["until", "spell"], unique=False)

    op.create_table(
        "report",
        sa.Column("record", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("since", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("until", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("record", "since", name=op.f("pk_report")),
    )
    with op.batch_alter_table("report", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_report_since"), ["since"], unique=False)

    op.create_table(
        "source",
        sa.Column("key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("since", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("until", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("country", sa.String(), nullable=True),
        sa.Column("independent", sa.Boolean(), nullable=False),
        sa.Column("quarantined", sa.Boolean(), nullable=False),
        sa.Column("definition", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("key", "since", name=op.f("pk_source")),
    )
    with op.batch_alter_table("source", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_source_slug_until"), ["slug", "until"], unique=False)

    op.create_table(
        "spell_personal",
        sa.Column("spell", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("since", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("until", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column(
            "detainee", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("spell", "since", name=op.f("pk_spell_personal")),
    )
    with op.batch_alter_table("spell_personal", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_spell_personal_detainee_until"), ["detainee", "until"], unique=False)

    op.create_table(
        "standing",
        sa.Column("spell", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("since", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("until", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column(
            "detainee", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("lo", sa.Integer(), nullable=True),
        sa.Column("hi", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("country", sa.String(), nullable=True),
        sa.Column("designation", sa.String(), nullable=False),
        sa.Column("independent_verified", sa.Integer(), nullable=False),
        sa.Column("next_hi", sa.Integer(), nullable=True),
        sa.Column("withheld", sa.Boolean(), nullable=False),
        sa.CheckConstraint("stage IN ('announced', 'ordered', 'carried_out')", name=op.f("ck_standing_stage")),
        sa.CheckConstraint(
            "status IN ('verified', 'contested', 'reported', 'refuted', 'retracted')", name=op.f("ck_standing_status")
        ),
        sa.PrimaryKeyConstraint("spell", "stage", "since", name=op.f("pk_standing")),
    )
    with op.batch_alter_table("standing", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_standing_detainee_until"), ["detainee", "until"], unique=False)
        batch_op.create_index(batch_op.f("ix_standing_stage_lo"), ["stage", "lo"], unique=False)

    op.create_table(
        "trait",
        sa.Column("spell", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("since", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("until", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column(
            "detainee", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.PrimaryKeyConstraint("spell", "name", "value", "since", name=op.f("pk_trait")),
    )
    with op.batch_alter_table("trait", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_trait_detainee_until"), ["detainee", "until"], unique=False)
        batch_op.create_index(batch_op.f("ix_trait_name_value"), ["name", "value"], unique=False)

    op.create_table(
        "verification",
        sa.Column("spell", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("object", sa.String(), nullable=False),
        sa.Column("source", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("since", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("until", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column(
            "detainee", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("record", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("independent", sa.Boolean(), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.CheckConstraint("object IN ('detention', 'release')", name=op.f("ck_verification_object")),
        sa.CheckConstraint(
            "verdict IN ('reported', 'verified', 'disputed', 'refuted', 'retracted')",
            name=op.f("ck_verification_verdict"),
        ),
        sa.PrimaryKeyConstraint("spell", "object", "source", "since", name=op.f("pk_verification")),
    )
    with op.batch_alter_table("verification", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_verification_detainee_until"), ["detainee", "until"], unique=False)

    op.create_table(
        "voice",
        sa.Column("spell", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("source", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("since", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("until", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column(
            "detainee", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("independent", sa.Boolean(), nullable=False),
        sa.Column("lo", sa.Integer(), nullable=True),
        sa.Column("hi", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("country", sa.String(), nullable=True),
        sa.Column("designation", sa.String(), nullable=False),
        sa.Column("next_hi", sa.Integer(), nullable=True),
        sa.CheckConstraint("stage IN ('announced', 'ordered', 'carried_out')", name=op.f("ck_voice_stage")),
        sa.CheckConstraint(
            "verdict IN ('reported', 'verified', 'disputed', 'refuted', 'retracted')", name=op.f("ck_voice_verdict")
        ),
        sa.PrimaryKeyConstraint("spell", "stage", "source", "since", name=op.f("pk_voice")),
    )
    with op.batch_alter_table("voice", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_voice_detainee_until"), ["detainee", "until"], unique=False)
        batch_op.create_index(batch_op.f("ix_voice_spell_stage"), ["spell", "stage"], unique=False)
        batch_op.create_index(batch_op.f("ix_voice_stage_source_lo"), ["stage", "source", "lo"], unique=False)

    op.create_table(
        "sealed",
        sa.Column(
            "revision", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("disclosures", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["revision"], ["entry.revision"], name=op.f("fk_sealed_revision_entry")),
        sa.PrimaryKeyConstraint("revision", name=op.f("pk_sealed")),
    )

    op.bulk_insert(
        head,
        [{"id": 1, "revision": 0, "recorded_at": EPOCH, "secret_check": "", "demo": False}],
    )
    forbid_changes(op.get_bind(), "entry")


def downgrade() -> None:
    allow_changes(op.get_bind(), "entry")
    op.drop_table("sealed")
    with op.batch_alter_table("voice", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_voice_stage_source_lo"))
        batch_op.drop_index(batch_op.f("ix_voice_spell_stage"))
        batch_op.drop_index(batch_op.f("ix_voice_detainee_until"))

    op.drop_table("voice")
    with op.batch_alter_table("verification", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_verification_detainee_until"))

    op.drop_table("verification")
    with op.batch_alter_table("trait", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_trait_name_value"))
        batch_op.drop_index(batch_op.f("ix_trait_detainee_until"))

    op.drop_table("trait")
    with op.batch_alter_table("standing", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_standing_stage_lo"))
        batch_op.drop_index(batch_op.f("ix_standing_detainee_until"))

    op.drop_table("standing")
    with op.batch_alter_table("spell_personal", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_spell_personal_detainee_until"))

    op.drop_table("spell_personal")
    with op.batch_alter_table("source", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_source_slug_until"))

    op.drop_table("source")
    with op.batch_alter_table("report", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_report_since"))

    op.drop_table("report")
    with op.batch_alter_table("release", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_release_until_spell"))
        batch_op.drop_index(batch_op.f("ix_release_detainee_until"))

    op.drop_table("release")
    with op.batch_alter_table("record", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_record_source"))

    op.drop_table("record")
    with op.batch_alter_table("placement", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_placement_spell"))
        batch_op.drop_index(batch_op.f("ix_placement_detainee_until"))

    op.drop_table("placement")
    with op.batch_alter_table("pending_pair", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_pending_pair_detainee_b"))
        batch_op.drop_index(batch_op.f("ix_pending_pair_detainee_a"))

    op.drop_table("pending_pair")
    with op.batch_alter_table("idempotent_answer", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_idempotent_answer_created_at"))

    op.drop_table("idempotent_answer")
    op.drop_table("head")
    with op.batch_alter_table("facility", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_facility_slug_until"))

    op.drop_table("facility")
    with op.batch_alter_table("entry", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_entry_recorded_at"))

    op.drop_table("entry")
    with op.batch_alter_table("detention", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_detention_detainee_until"))

    op.drop_table("detention")
    op.drop_table("detainee_personal")
    with op.batch_alter_table("detainee", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_detainee_until"))

    op.drop_table("detainee")
    with op.batch_alter_table("decision", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_decision_b"))
        batch_op.drop_index(batch_op.f("ix_decision_a"))

    op.drop_table("decision")
    with op.batch_alter_table("consent", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_consent_record"))

    op.drop_table("consent")
    with op.batch_alter_table("claim", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_claim_id"))
        batch_op.drop_index(batch_op.f("ix_claim_filed_by_source_record_id"))
        batch_op.drop_index(batch_op.f("ix_claim_claimant_until"))

    op.drop_table("claim")
    op.drop_table("case_key")
    with op.batch_alter_table("blocking_key", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_blocking_key_key"))

    op.drop_table("blocking_key")
    with op.batch_alter_table("api_key", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_api_key_source"))

    op.drop_table("api_key")
