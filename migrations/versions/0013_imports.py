"""Imports: files of purchases, brought in by a browser and taken back as a whole."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

KINDS = "'edit', 'void', 'restore', 'merge', 'split', 'undo'"


def upgrade() -> None:
    with op.batch_alter_table("actions") as actions:
        actions.drop_constraint(op.f("ck_actions_kind"), type_="check")
        actions.create_check_constraint(op.f("ck_actions_kind"), f"kind IN ({KINDS}, 'import')")
    op.create_table(
        "imports",
        sa.Column("shop_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("file_name", sa.String(length=255), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("choices", sa.JSON(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=9), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rows_done", sa.Integer(), nullable=False),
        sa.Column("rows_total", sa.Integer(), nullable=False),
        sa.Column("leaves_wrong_out", sa.Boolean(), nullable=False),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.Column("outcome", sa.JSON(), nullable=True),
        sa.Column("wrong", sa.JSON(), nullable=True),
        sa.Column("verdicts", sa.Text(), nullable=True),
        sa.Column("action_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "status IN ('uploaded', 'checking', 'checked', 'recording', 'recorded')", name=op.f("ck_imports_status")
        ),
        sa.CheckConstraint("length(file_name) BETWEEN 1 AND 255", name=op.f("ck_imports_file_name_length")),
        sa.CheckConstraint(
            "(status = 'recorded') = (action_id IS NOT NULL)", name=op.f("ck_imports_recorded_by_action")
        ),
        sa.ForeignKeyConstraint(
            ["shop_id", "user_id"], ["users.shop_id", "users.id"], name=op.f("fk_imports_shop_id_user_id")
        ),
        sa.ForeignKeyConstraint(
            ["shop_id", "action_id"], ["actions.shop_id", "actions.id"], name=op.f("fk_imports_shop_id_action_id")
        ),
        sa.PrimaryKeyConstraint("shop_id", "id", name=op.f("pk_imports")),
        sa.UniqueConstraint("shop_id", "sha256", name=op.f("uq_imports_shop_id_sha256")),
    )


def downgrade() -> None:
    op.drop_table("imports")
    # The release before knows no imports: what made their purchases count, or took it back, reads as a restore there.
    op.execute("UPDATE actions SET kind = 'restore' WHERE kind = 'import'")
    with op.batch_alter_table("actions") as actions:
        actions.drop_constraint(op.f("ck_actions_kind"), type_="check")
        actions.create_check_constraint(op.f("ck_actions_kind"), f"kind IN ({KINDS})")
