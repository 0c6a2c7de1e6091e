"""Actions, by which changes are made and taken back together."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "actions",
        sa.Column("shop_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=7), nullable=False),
        sa.Column("undoes_id", sa.Uuid(), nullable=True),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("token_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('edit', 'void', 'restore', 'merge', 'split', 'undo')", name=op.f("ck_actions_kind")
        ),
        sa.CheckConstraint("(kind = 'undo') = (undoes_id IS NOT NULL)", name=op.f("ck_actions_undo_of_something")),
        sa.ForeignKeyConstraint(
            ["shop_id", "user_id"], ["users.shop_id", "users.id"], name=op.f("fk_actions_shop_id_user_id")
        ),
        sa.ForeignKeyConstraint(
            ["shop_id", "token_id"],
            ["api_tokens.shop_id", "api_tokens.id"],
            name=op.f("fk_actions_shop_id_token_id"),
        ),
        sa.ForeignKeyConstraint(
            ["shop_id", "undoes_id"], ["actions.shop_id", "actions.id"], name=op.f("fk_actions_shop_id_undoes_id")
        ),
        sa.PrimaryKeyConstraint("shop_id", "id", name=op.f("pk_actions")),
        sa.UniqueConstraint("shop_id", "undoes_id", name=op.f("uq_actions_shop_id_undoes_id")),
    )


def downgrade() -> None:
    op.drop_table("actions")
