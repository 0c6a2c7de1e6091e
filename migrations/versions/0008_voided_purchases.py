"""Purchases can be voided, are recorded by tokens too, and keep the answer that a replay repeats."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

CHECKS = {
    "ck_purchases_voided_by_somebody": "(voided_at IS NULL) = (voided_by_id IS NULL)",
    "ck_purchases_reason_to_void": "void_reason IS NULL OR voided_at IS NOT NULL",
    "ck_purchases_void_reason_length": "length(void_reason) BETWEEN 1 AND 500",
}


def upgrade() -> None:
    with op.batch_alter_table("purchases") as purchases:
        # The purchases of before have no answer kept: theirs is made of what is known now.
        purchases.add_column(sa.Column("customer_shown", sa.JSON(), nullable=False, server_default="{}"))
        purchases.add_column(sa.Column("token_id", sa.Uuid(), nullable=True))
        purchases.add_column(sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True))
        purchases.add_column(sa.Column("voided_by_id", sa.Integer(), nullable=True))
        purchases.add_column(sa.Column("void_reason", sa.Text(), nullable=True))
        for name, rule in CHECKS.items():
            purchases.create_check_constraint(op.f(name), rule)
        purchases.create_foreign_key(
            op.f("fk_purchases_shop_id_token_id"), "api_tokens", ["shop_id", "token_id"], ["shop_id", "id"]
        )
        purchases.create_foreign_key(
            op.f("fk_purchases_shop_id_voided_by_id"), "users", ["shop_id", "voided_by_id"], ["shop_id", "id"]
        )


def downgrade() -> None:
    with op.batch_alter_table("purchases") as purchases:
        purchases.drop_constraint(op.f("fk_purchases_shop_id_voided_by_id"), type_="foreignkey")
        purchases.drop_constraint(op.f("fk_purchases_shop_id_token_id"), type_="foreignkey")
        for name in CHECKS:
            purchases.drop_constraint(op.f(name), type_="check")
        for column in ("void_reason", "voided_by_id", "voided_at", "token_id", "customer_shown"):
            purchases.drop_column(column)
