"""Customers who changed lately are found by an index."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

INDEX = "ix_customers_shop_id_updated_at"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        # An attempt that broke off leaves one that is of no use.
        op.drop_index(op.f(INDEX), table_name="customers", if_exists=True, postgresql_concurrently=True)
        op.create_index(op.f(INDEX), "customers", ["shop_id", "updated_at"], unique=False, postgresql_concurrently=True)


def downgrade() -> None:
    op.drop_index(op.f(INDEX), table_name="customers")
