"""Runs the migrations on the app's own engine, one transaction for each, and one deployer at a time."""

from typing import Any

from alembic import context
from flask import current_app

import models  # noqa: F401  (the tables must be known before they are compared)
from models import dialect

db = current_app.extensions["migrate"].db


def run_migrations() -> None:
    if context.is_offline_mode():
        write_migrations(db.engine.dialect.name)
        return
    with dialect.migrating(db.engine) as connection:
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            transaction_per_migration=True,
            on_version_apply=check_rows,
        )
        with context.begin_transaction():
            context.run_migrations()


def write_migrations(dialect_name: str) -> None:
    """For `flask db upgrade --sql`: one transaction with all of them."""
    context.configure(dialect_name=dialect_name, target_metadata=db.metadata, literal_binds=True)
    with context.begin_transaction():
        if limits := dialect.limits_of_migrations(dialect_name):
            context.execute(limits)
        context.run_migrations()


def check_rows(ctx: Any, **_: Any) -> None:
    if ctx.connection is not None:
        dialect.check_foreign_keys(ctx.connection)


run_migrations()
