"""Tries to sign in are counted, links set a forgotten password, and a session says what browser it is in."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.LargeBinary(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tries")),
    )
    op.create_index(op.f("ix_tries_subject_at"), "tries", ["subject", "at"], unique=False)
    op.create_index(op.f("ix_tries_at"), "tries", ["at"], unique=False)
    op.create_table(
        "password_resets",
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("shop_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id", "user_id"],
            ["users.shop_id", "users.id"],
            name=op.f("fk_password_resets_shop_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_password_resets")),
    )
    op.create_index(op.f("ix_password_resets_shop_id_user_id"), "password_resets", ["shop_id", "user_id"], unique=False)
    op.add_column("user_sessions", sa.Column("browser", sa.String(length=100), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("user_sessions") as user_sessions:
        user_sessions.drop_column("browser")
    op.drop_table("password_resets")
    op.drop_table("tries")
