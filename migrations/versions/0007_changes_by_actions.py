"""Changes say by which action and token they were made."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("changes") as changes:
        changes.add_column(sa.Column("action_id", sa.Uuid(), nullable=True))
        changes.add_column(sa.Column("token_id", sa.Uuid(), nullable=True))
        changes.create_check_constraint(
            op.f("ck_changes_by_purchase_or_action"), "by_purchase_id IS NULL OR action_id IS NULL"
        )
        changes.create_foreign_key(
            op.f("fk_changes_shop_id_action_id"), "actions", ["shop_id", "action_id"], ["shop_id", "id"]
        )
        changes.create_foreign_key(
            op.f("fk_changes_shop_id_token_id"), "api_tokens", ["shop_id", "token_id"], ["shop_id", "id"]
        )
    is_set = sa.text("action_id IS NOT NULL")
    op.create_index(
        op.f("ix_changes_shop_id_action_id"),
        "changes",
        ["shop_id", "action_id"],
        unique=False,
        sqlite_where=is_set,
        postgresql_where=is_set,
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_changes_shop_id_action_id"), table_name="changes")
    with op.batch_alter_table("changes") as changes:
        changes.drop_constraint(op.f("fk_changes_shop_id_token_id"), type_="foreignkey")
        changes.drop_constraint(op.f("fk_changes_shop_id_action_id"), type_="foreignkey")
        changes.drop_constraint(op.f("ck_changes_by_purchase_or_action"), type_="check")
        changes.drop_column("token_id")
        changes.drop_column("action_id")
