"""What a capture changed on its customer is taken back by an action."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("actions") as actions:
        actions.add_column(sa.Column("undoes_purchase_id", sa.Uuid(), nullable=True))
        actions.drop_constraint(op.f("ck_actions_undo_of_something"), type_="check")
        actions.create_check_constraint(
            op.f("ck_actions_undo_of_something"),
            "(kind = 'undo') = (coalesce(undoes_id, undoes_purchase_id) IS NOT NULL)",
        )
        actions.create_check_constraint(
            op.f("ck_actions_undo_of_one_thing"), "undoes_id IS NULL OR undoes_purchase_id IS NULL"
        )
        actions.create_foreign_key(
            op.f("fk_actions_shop_id_undoes_purchase_id"),
            "purchases",
            ["shop_id", "undoes_purchase_id"],
            ["shop_id", "id"],
        )
        actions.create_unique_constraint(
            op.f("uq_actions_shop_id_undoes_purchase_id"), ["shop_id", "undoes_purchase_id"]
        )


def downgrade() -> None:
    # Without the column these say of nothing that they take it back; what they did stays on the history.
    undone = "SELECT id FROM actions WHERE undoes_purchase_id IS NOT NULL"
    op.execute(f"UPDATE changes SET action_id = NULL WHERE action_id IN ({undone})")  # noqa: S608
    op.execute("DELETE FROM actions WHERE undoes_purchase_id IS NOT NULL")
    with op.batch_alter_table("actions") as actions:
        actions.drop_constraint(op.f("uq_actions_shop_id_undoes_purchase_id"), type_="unique")
        actions.drop_constraint(op.f("fk_actions_shop_id_undoes_purchase_id"), type_="foreignkey")
        actions.drop_constraint(op.f("ck_actions_undo_of_one_thing"), type_="check")
        actions.drop_constraint(op.f("ck_actions_undo_of_something"), type_="check")
        actions.create_check_constraint(
            op.f("ck_actions_undo_of_something"), "(kind = 'undo') = (undoes_id IS NOT NULL)"
        )
        actions.drop_column("undoes_purchase_id")
