"""Purchases of an amount, or in a currency, are found by an index."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

INDEX = "ix_purchases_shop_id_currency_amount_minor"


def upgrade() -> None:
    is_set = sa.text("currency IS NOT NULL")
    with op.get_context().autocommit_block():
        # An attempt that broke off leaves one that is of no use.
        op.drop_index(op.f(INDEX), table_name="purchases", if_exists=True, postgresql_concurrently=True)
        op.create_index(
            op.f(INDEX),
            "purchases",
            ["shop_id", "currency", "amount_minor"],
            unique=False,
            sqlite_where=is_set,
            postgresql_where=is_set,
            postgresql_concurrently=True,
        )


def downgrade() -> None:
    op.drop_index(op.f(INDEX), table_name="purchases")
