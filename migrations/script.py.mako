"""${message}

One change, with a downgrade. The release that is running must keep working while it is applied, so it takes up to
three migrations:

1. Add: a column that may be null or has a server default; a table; an index.
2. Backfill: a thousand rows a statement, in one migration or in a command of its own.
3. Constrain, then take away what no running release uses.

On PostgreSQL nothing may wait for a lock for longer than 3 s (env.py sets lock_timeout), nor hold one on a table that
is written to for longer than it takes to read this. So on a table that has rows:

- a CHECK or a foreign key is made with postgresql_not_valid=True, and validated by a migration after it:
  op.execute("ALTER TABLE purchases VALIDATE CONSTRAINT ck_purchases_quantity")
- an index is made with postgresql_concurrently=True, within op.get_context().autocommit_block()
- a column becomes NOT NULL after a CHECK (column IS NOT NULL) was validated.

On SQLite a constraint is changed within op.batch_alter_table(); foreign keys are checked when the migration ends.
Take these rules out of the new file, and leave one sentence that says what changes.
"""

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
