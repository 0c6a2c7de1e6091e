"""Customers carry a note, and may be merged into one another."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("customers") as customers:
        customers.add_column(sa.Column("note", sa.Text(), nullable=True))
        customers.add_column(sa.Column("merged_into_id", sa.Uuid(), nullable=True))
        customers.create_check_constraint(op.f("ck_customers_merged_into_another"), "merged_into_id <> id")
        customers.create_check_constraint(op.f("ck_customers_note_length"), "length(note) BETWEEN 1 AND 2000")
        customers.create_foreign_key(
            op.f("fk_customers_shop_id_merged_into_id"),
            "customers",
            ["shop_id", "merged_into_id"],
            ["shop_id", "id"],
        )
    is_set = sa.text("merged_into_id IS NOT NULL")
    op.create_index(
        op.f("ix_customers_shop_id_merged_into_id"),
        "customers",
        ["shop_id", "merged_into_id"],
        unique=False,
        sqlite_where=is_set,
        postgresql_where=is_set,
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_customers_shop_id_merged_into_id"), table_name="customers")
    with op.batch_alter_table("customers") as customers:
        customers.drop_constraint(op.f("fk_customers_shop_id_merged_into_id"), type_="foreignkey")
        customers.drop_constraint(op.f("ck_customers_note_length"), type_="check")
        customers.drop_constraint(op.f("ck_customers_merged_into_another"), type_="check")
        customers.drop_column("merged_into_id")
        customers.drop_column("note")
