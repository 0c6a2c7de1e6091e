"""The table of contents of Tillbook."""

from flask import Flask
from jinja2 import StrictUndefined

from config import Settings, flask_config, read_database_url, read_settings
from extensions import bootstrap, csrf, db, login, migrate
from models import dialect
from routes import (
    account,
    api,
    auth,
    cli,
    cli_backup,
    cli_import,
    cli_operate,
    corrections,
    customers,
    docs,
    errors,
    exports,
    files,
    formats,
    gate,
    headers,
    health,
    hosts,
    imports,
    merging,
    metrics,
    purchases,
    reports,
    request_log,
    resetting,
    security_log,
    tokens,
)
from routes.api import rates
from routes.reading import FormRequest


def create_app(settings: Settings | None = None) -> Flask:
    """The app, run by these settings or by those of the environment. Raises SettingsError."""
    settings = settings or read_settings()
    app = Flask(__name__)
    app.request_class = FormRequest
    app.config.from_mapping(flask_config(settings))
    set_up_requests(app, settings)
    bind_extensions(app)
    set_up_templates(app)
    register_blueprints(app)
    cli.register(app)
    cli_backup.register(app, read_database_url)
    cli_import.register(app)
    cli_operate.register(app, settings.shown())
    return app


def set_up_requests(app: Flask, settings: Settings) -> None:
    hosts.register(app, names=settings.hosts, proxies=settings.trusted_proxies)
    # Before the extensions look at a request: the log sees every one, and the gate knows who is there.
    request_log.register(app, log_level=settings.log_level, as_json=settings.is_production)
    metrics.register(app)
    security_log.register(app)
    headers.register(app, is_https=settings.is_https)
    gate.register(app)
    rates.register(app)
    errors.register(app)


def bind_extensions(app: Flask) -> None:
    for extension in (db, csrf, bootstrap):
        extension.init_app(app)
    login.init_app(app, add_context_processor=False)  # pages are told who looks at them by the gate
    migrate.init_app(app, db)
    with app.app_context():
        dialect.prepare(db.engine)
        metrics.measure_pool(db.engine)


def set_up_templates(app: Flask) -> None:
    app.jinja_env.undefined = StrictUndefined
    formats.register(app)
    files.register(app)


def register_blueprints(app: Flask) -> None:
    for room in (
        auth,
        resetting,
        account,
        tokens,
        purchases,
        corrections,
        customers,
        merging,
        exports,
        imports,
        reports,
        api,
        docs,
        health,
        metrics,
    ):
        app.register_blueprint(room.bp)
