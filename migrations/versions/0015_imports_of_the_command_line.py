"""The command line reads a file where it lies: the import is there, the file is not."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("imports") as imports:
        imports.alter_column("content", existing_type=sa.LargeBinary(), nullable=True)


def downgrade() -> None:
    # The release before knows these imports as purchases only, which stay.
    op.execute("DELETE FROM imports WHERE content IS NULL")
    with op.batch_alter_table("imports") as imports:
        imports.alter_column("content", existing_type=sa.LargeBinary(), nullable=False)
