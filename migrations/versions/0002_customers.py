"""Customers, and what each is known by."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def normal_text(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "customers",
        sa.Column("shop_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("name_normal", normal_text(400), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("phone", sa.String(length=64), nullable=True),
        sa.Column("reference", sa.String(length=100), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("(name IS NULL) = (name_normal = '')", name=op.f("ck_customers_name_and_normal_form")),
        sa.CheckConstraint(
            "coalesce(name, email, phone, reference) IS NOT NULL", name=op.f("ck_customers_known_by_something")
        ),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 200", name=op.f("ck_customers_name_length")),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_customers_shop_id")),
        sa.PrimaryKeyConstraint("shop_id", "id", name=op.f("pk_customers")),
    )
    op.create_index(
        op.f("ix_customers_shop_id_name_normal_id"), "customers", ["shop_id", "name_normal", "id"], unique=False
    )
    op.create_table(
        "identities",
        sa.Column("shop_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=9), nullable=False),
        sa.Column("value", normal_text(508), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("kind IN ('reference', 'email', 'phone', 'name')", name=op.f("ck_identities_kind")),
        sa.CheckConstraint("value <> ''", name=op.f("ck_identities_value_not_empty")),
        sa.ForeignKeyConstraint(
            ["shop_id", "customer_id"],
            ["customers.shop_id", "customers.id"],
            name=op.f("fk_identities_shop_id_customer_id"),
        ),
        sa.PrimaryKeyConstraint("shop_id", "kind", "value", name=op.f("pk_identities")),
    )
    op.create_index(op.f("ix_identities_shop_id_customer_id"), "identities", ["shop_id", "customer_id"], unique=False)


def downgrade() -> None:
    op.drop_table("identities")
    op.drop_table("customers")
