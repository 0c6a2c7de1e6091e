"""Purchases."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def normal_text(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "purchases",
        sa.Column("shop_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("item", sa.String(length=200), nullable=False),
        sa.Column("item_normal", normal_text(400), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("purchased_on", sa.Date(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("external_id", sa.String(length=100), nullable=True),
        sa.Column("buyer", sa.JSON(), nullable=False),
        sa.Column("matched_on", sa.String(length=11), nullable=True),
        sa.Column("capture_key", sa.String(length=255), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("source", sa.String(length=7), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by_id", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "matched_on IN ('customer_id', 'reference', 'email', 'phone', 'name')", name=op.f("ck_purchases_matched_on")
        ),
        sa.CheckConstraint("purchased_on >= '1900-01-01'", name=op.f("ck_purchases_purchased_on_range")),
        sa.CheckConstraint("source IN ('web', 'api', 'import', 'offline')", name=op.f("ck_purchases_source")),
        sa.CheckConstraint(
            "(amount_minor IS NULL) = (currency IS NULL)", name=op.f("ck_purchases_amount_and_currency")
        ),
        sa.CheckConstraint("amount_minor BETWEEN 0 AND 999999999999", name=op.f("ck_purchases_amount_range")),
        sa.CheckConstraint("length(currency) = 3", name=op.f("ck_purchases_currency_code")),
        sa.CheckConstraint("length(note) BETWEEN 1 AND 2000", name=op.f("ck_purchases_note_length")),
        sa.CheckConstraint("length(item) BETWEEN 1 AND 200", name=op.f("ck_purchases_item_length")),
        sa.CheckConstraint("quantity BETWEEN 1 AND 1000000", name=op.f("ck_purchases_quantity_range")),
        sa.ForeignKeyConstraint(
            ["shop_id", "customer_id"],
            ["customers.shop_id", "customers.id"],
            name=op.f("fk_purchases_shop_id_customer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["shop_id", "recorded_by_id"],
            ["users.shop_id", "users.id"],
            name=op.f("fk_purchases_shop_id_recorded_by_id"),
        ),
        sa.PrimaryKeyConstraint("shop_id", "id", name=op.f("pk_purchases")),
        sa.UniqueConstraint("shop_id", "capture_key", name=op.f("uq_purchases_shop_id_capture_key")),
        sa.UniqueConstraint("shop_id", "external_id", name=op.f("uq_purchases_shop_id_external_id")),
    )
    op.create_index(
        op.f("ix_purchases_shop_id_customer_id_purchased_on_id"),
        "purchases",
        ["shop_id", "customer_id", "purchased_on", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_purchases_shop_id_purchased_on_id"), "purchases", ["shop_id", "purchased_on", "id"], unique=False
    )


def downgrade() -> None:
    op.drop_table("purchases")
