"""The history of what changed on customers and purchases."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "changes",
        sa.Column("shop_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("purchase_id", sa.Uuid(), nullable=True),
        sa.Column("by_purchase_id", sa.Uuid(), nullable=True),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("field", sa.String(length=32), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.CheckConstraint("coalesce(before, '') <> coalesce(after, '')", name=op.f("ck_changes_differs")),
        sa.CheckConstraint(
            "(customer_id IS NULL) <> (purchase_id IS NULL)", name=op.f("ck_changes_customer_or_purchase")
        ),
        sa.ForeignKeyConstraint(
            ["shop_id", "by_purchase_id"],
            ["purchases.shop_id", "purchases.id"],
            name=op.f("fk_changes_shop_id_by_purchase_id"),
        ),
        sa.ForeignKeyConstraint(
            ["shop_id", "customer_id"],
            ["customers.shop_id", "customers.id"],
            name=op.f("fk_changes_shop_id_customer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["shop_id", "purchase_id"],
            ["purchases.shop_id", "purchases.id"],
            name=op.f("fk_changes_shop_id_purchase_id"),
        ),
        sa.ForeignKeyConstraint(
            ["shop_id", "user_id"], ["users.shop_id", "users.id"], name=op.f("fk_changes_shop_id_user_id")
        ),
        sa.PrimaryKeyConstraint("shop_id", "id", name=op.f("pk_changes")),
    )
    op.create_index(op.f("ix_changes_shop_id_by_purchase_id"), "changes", ["shop_id", "by_purchase_id"], unique=False)
    op.create_index(
        op.f("ix_changes_shop_id_customer_id_id"), "changes", ["shop_id", "customer_id", "id"], unique=False
    )
    op.create_index(
        op.f("ix_changes_shop_id_purchase_id_id"), "changes", ["shop_id", "purchase_id", "id"], unique=False
    )


def downgrade() -> None:
    op.drop_table("changes")
