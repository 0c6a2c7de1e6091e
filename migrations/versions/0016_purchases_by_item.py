"""Purchases of an item are found by an index."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

INDEX = "ix_purchases_shop_id_item_normal_purchased_on_id"


def upgrade() -> None:
    columns = ["shop_id", "item_normal", "purchased_on", "id"]
    with op.get_context().autocommit_block():
        # An attempt that broke off leaves one that is of no use.
        op.drop_index(op.f(INDEX), table_name="purchases", if_exists=True, postgresql_concurrently=True)
        op.create_index(op.f(INDEX), "purchases", columns, unique=False, postgresql_concurrently=True)


def downgrade() -> None:
    op.drop_index(op.f(INDEX), table_name="purchases")
