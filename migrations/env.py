"""Runs the migrations on the app's own engine, one transaction for each."""

from alembic import context
from flask import current_app

import models  # noqa: F401  (the tables must be known before they are compared)
from models import dialect

db = current_app.extensions["migrate"].db


def run_migrations() -> None:
    if context.is_offline_mode():
        context.configure(dialect_name=db.engine.dialect.name, target_metadata=db.metadata, literal_binds=True)
        with context.begin_transaction():
            context.run_migrations()
        return
    with db.engine.connect() as connection, dialect.tables_may_be_replaced(connection):
        context.configure(connection=connection, target_metadata=db.metadata, transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()


run_migrations()
