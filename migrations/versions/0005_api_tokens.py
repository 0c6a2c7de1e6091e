"""Tokens by which other systems get in."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_tokens",
        sa.Column("shop_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("last_four", sa.String(length=4), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("length(last_four) = 4", name=op.f("ck_api_tokens_last_four_length")),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 100", name=op.f("ck_api_tokens_name_length")),
        sa.ForeignKeyConstraint(
            ["shop_id", "user_id"], ["users.shop_id", "users.id"], name=op.f("fk_api_tokens_shop_id_user_id")
        ),
        sa.PrimaryKeyConstraint("shop_id", "id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_tokens_token_hash")),
    )
    op.create_index(op.f("ix_api_tokens_shop_id_user_id"), "api_tokens", ["shop_id", "user_id"], unique=False)


def downgrade() -> None:
    op.drop_table("api_tokens")
