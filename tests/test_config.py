"""What the environment must say before anything runs."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from app import create_app
from config import Settings, SettingsError, flask_config, read_settings

KEY = "8f2b1c" * 8
PRODUCTION = {
    "SECRET_KEY": KEY,
    "DATABASE_URL": "sqlite:///tillbook.db",
    "BASE_URL": "https://till.example.com",
}
NAMES = [name.upper() for name in Settings.model_fields]

Read = Callable[..., Settings]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Read:
    """Reads settings from nothing but the given variables; one that is None is not set."""
    monkeypatch.chdir(tmp_path)

    def read_from(**changes: str | None) -> Settings:
        for name in NAMES:
            monkeypatch.delenv(name, raising=False)
        for name, value in (PRODUCTION | changes).items():
            if value is not None:
                monkeypatch.setenv(name, value)
        return read_settings()

    return read_from


def refusal(read: Read, **changes: str | None) -> str:
    with pytest.raises(SettingsError) as refused:
        read(**changes)
    return str(refused.value)


def test_production_is_the_default(read: Read) -> None:
    settings = read()
    assert settings.is_production
    assert settings.is_https
    assert (settings.secret_key, settings.database_url) == (KEY, "sqlite:///tillbook.db")
    assert (settings.log_level, settings.flask_debug) == ("INFO", False)


def test_development_needs_no_address_and_may_debug(read: Read) -> None:
    settings = read(ENVIRONMENT="development", BASE_URL=None, FLASK_DEBUG="1", SECRET_KEY="change-me" * 4)
    assert not settings.is_production
    assert not settings.is_https
    assert settings.flask_debug


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"SECRET_KEY": None}, "SECRET_KEY must be at least 32 bytes"),
        ({"SECRET_KEY": ""}, "SECRET_KEY must be at least 32 bytes"),
        ({"SECRET_KEY": "x" * 31}, "SECRET_KEY must be at least 32 bytes"),
        ({"SECRET_KEY": "change-me-" + KEY}, "SECRET_KEY must be random, not a placeholder"),
        ({"SECRET_KEY": "MY-SECRET-KEY-" + KEY}, "SECRET_KEY must be random, not a placeholder"),
        ({"SECRET_KEY": "placeholder" * 4}, "SECRET_KEY must be random, not a placeholder"),
        ({"DATABASE_URL": None}, "DATABASE_URL must be set, like sqlite:///"),
        ({"DATABASE_URL": ""}, "DATABASE_URL must be set, like sqlite:///"),
        ({"DATABASE_URL": "sqlite://"}, "DATABASE_URL must be set, like sqlite:///"),
        ({"DATABASE_URL": "sqlite:///:memory:"}, "DATABASE_URL must be set, like sqlite:///"),
        *(
            ({"BASE_URL": url}, "BASE_URL must be set, like https://till.example.com")
            for url in (None, "", "till.example.com", "//till.example.com", "https://", "ftp://till.example.com", "/")
        ),
        ({"FLASK_DEBUG": "1"}, "FLASK_DEBUG must be off in production"),
        ({"FLASK_DEBUG": "true"}, "FLASK_DEBUG must be off in production"),
        ({"FLASK_DEBUG": "perhaps"}, "FLASK_DEBUG: "),
        ({"ENVIRONMENT": "staging"}, "ENVIRONMENT: "),
        ({"LOG_LEVEL": "LOUD"}, "LOG_LEVEL: "),
        ({"API_RATE_LIMIT": "often"}, "API_RATE_LIMIT: must be like 6000 per minute"),
        ({"API_RATE_LIMIT": "9 per second; 99 per hour"}, "API_RATE_LIMIT: must be like 6000 per minute"),
        *(
            ({"REDIS_URL": url}, "REDIS_URL must be like redis://localhost:6379/0")
            for url in ("localhost:6379", "redis://", "http://localhost", "memory://", "redis://localhost:port/0")
        ),
        ({"TRUSTED_PROXIES": "-1"}, "TRUSTED_PROXIES: "),
        ({"TRUSTED_PROXIES": "all"}, "TRUSTED_PROXIES: "),
        ({"REGISTRATION": "sometimes"}, "REGISTRATION: "),
        ({"PASSWORD_MIN_LENGTH": "7"}, "PASSWORD_MIN_LENGTH: "),
        ({"PASSWORD_MIN_LENGTH": "129"}, "PASSWORD_MIN_LENGTH: "),
        ({"MAIL_PORT": "0"}, "MAIL_PORT: "),
        ({"MAIL_TLS": "none"}, "MAIL_TLS: "),
        ({"MAIL_SERVER": "mail.example.com"}, "MAIL_FROM must be an e-mail address"),
        ({"MAIL_SERVER": "mail.example.com", "MAIL_FROM": "Tillbook"}, "MAIL_FROM must be an e-mail address"),
        (
            {"ENVIRONMENT": "development", "BASE_URL": None, "MAIL_SERVER": "localhost", "MAIL_FROM": "a@example.com"},
            "BASE_URL must be set",
        ),
        ({"ENVIRONMENT": "development", "SECRET_KEY": None}, "SECRET_KEY must be at least 32 bytes"),
        ({"ENVIRONMENT": "development", "DATABASE_URL": None}, "DATABASE_URL must be set"),
    ],
)
def test_nothing_runs_half_configured(read: Read, changes: dict[str, str | None], words: str) -> None:
    told = refusal(read, **changes)
    assert told.startswith(words)
    assert "\n" not in told
    assert KEY not in told


@pytest.mark.parametrize("url", ["tillbook.db", "postgresql", "mysql://host/db", "postgresql://host:port/db"])
def test_a_database_that_cannot_be_meant_is_told_by_name(read: Read, url: str) -> None:
    assert refusal(read, DATABASE_URL=url).startswith("DATABASE_URL")


def test_an_address_that_cannot_be_read_is_told_by_name(read: Read) -> None:
    assert refusal(read, BASE_URL="https://[till.example.com").startswith("BASE_URL")


def test_the_first_trouble_of_an_empty_environment_is_told(read: Read) -> None:
    told = refusal(read, **dict.fromkeys(PRODUCTION))
    assert told.startswith("SECRET_KEY must be")
    assert "python -c" in told


def test_an_app_is_not_made_of_an_empty_environment(read: Read) -> None:
    refusal(read, **dict.fromkeys(PRODUCTION))
    with pytest.raises(SettingsError):
        create_app()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_an_address_of_postgresql_names_its_driver(read: Read, scheme: str) -> None:
    settings = read(DATABASE_URL=f"{scheme}://till:pass%2Fword@host:5432/till?sslmode=require")
    assert settings.database_url == "postgresql+psycopg2://till:pass%2Fword@host:5432/till?sslmode=require"
    assert flask_config(settings)["SQLALCHEMY_DATABASE_URI"] == settings.database_url


@pytest.mark.parametrize(
    ("base_url", "name", "is_secure"),
    [
        ("https://till.example.com", "__Host-tillbook", True),
        ("HTTPS://till.example.com", "__Host-tillbook", True),
        ("http://till.example.com", "tillbook", False),
    ],
)
def test_the_cookie_is_as_safe_as_the_address(read: Read, base_url: str, name: str, is_secure: bool) -> None:
    config = flask_config(read(BASE_URL=base_url))
    assert config["SESSION_COOKIE_NAME"] == name
    assert config["SESSION_COOKIE_SECURE"] is is_secure
    assert config["SESSION_COOKIE_HTTPONLY"] is True
    assert config["SESSION_COOKIE_SAMESITE"] == "Lax"
    assert config["PREFERRED_URL_SCHEME"] == ("https" if is_secure else "http")


def test_a_browser_is_given_a_host_cookie_over_https(read: Read) -> None:
    """What __Host- asks for: Secure, the whole path and no domain, or browsers throw the cookie away."""
    app = create_app(read(DATABASE_URL="sqlite:///tillbook.db", LOG_LEVEL="ERROR"))
    with app.test_request_context(base_url="https://till.example.com"):
        session = app.session_interface.open_session(app, _request())
        assert session is not None
        session["x"] = 1
        response = app.response_class()
        app.session_interface.save_session(app, session, response)
    [name, *attributes] = response.headers["Set-Cookie"].split("; ")
    assert name.startswith("__Host-tillbook=")
    assert sorted(attributes) == ["HttpOnly", "Path=/", "SameSite=Lax", "Secure"]


def _request():  # type: ignore[no-untyped-def]
    from flask import request

    return request._get_current_object()


def test_a_file_beside_the_app_is_read_and_the_environment_wins(read: Read, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("LOG_LEVEL=WARNING\nBASE_URL=https://other.example.com\nUNKNOWN=1\n")
    settings = read()
    assert settings.log_level == "WARNING"
    assert settings.base_url == "https://till.example.com"


def test_only_hosts_that_are_named_are_answered_in_production(read: Read) -> None:
    assert read(BASE_URL="https://Till.Example.com:8443/x").hosts == ["till.example.com"]
    assert read(TRUSTED_HOSTS=" Other.example.com,,[::1] ").hosts == ["till.example.com", "other.example.com", "::1"]
    assert read(ENVIRONMENT="development").hosts is None


def test_links_that_leave_begin_with_the_base_url(read: Read) -> None:
    assert read(BASE_URL="https://till.example.com/").address == "https://till.example.com"
    assert read(ENVIRONMENT="development", BASE_URL=None).address == "http://127.0.0.1:5000"


def test_the_mail_server_is_as_it_was_set(read: Read) -> None:
    assert flask_config(read())["MAIL_SERVER"] is None
    mail = {"MAIL_SERVER": "mail.example.com", "MAIL_FROM": "Tillbook <till@example.com>"}
    assert flask_config(read(**mail))["MAIL_SERVER"] == {
        "host": "mail.example.com",
        "port": 587,
        "is_implicit_tls": False,
        "user": "",
        "password": "",
    }
    signed = mail | {"MAIL_TLS": "implicit", "MAIL_PORT": "465", "MAIL_USER": "till", "MAIL_PASSWORD": "mail-secret"}
    settings = read(**signed)
    assert "mail-secret" not in repr(settings)
    server = flask_config(settings)["MAIL_SERVER"]
    assert (server["port"], server["is_implicit_tls"]) == (465, True)
    assert (server["user"], server["password"]) == ("till", "mail-secret")


def test_tries_of_the_api_are_counted_where_it_was_set(read: Read) -> None:
    assert flask_config(read())["REDIS_URL"] == ""
    url = "rediss://:password@redis.example.com:6380/1"
    assert flask_config(read(REDIS_URL=url))["REDIS_URL"] == url
    assert "password@" not in repr(read(REDIS_URL=url))


def test_settings_do_not_change_once_they_are_read(read: Read) -> None:
    settings = read()
    with pytest.raises(ValueError, match="frozen"):
        settings.secret_key = "other"  # type: ignore[misc]


def test_the_key_is_not_shown_with_the_settings(read: Read) -> None:
    assert KEY not in repr(read())


def test_values_win_over_the_environment(read: Read) -> None:
    read()
    assert read_settings(log_level="DEBUG").log_level == logging.getLevelName(logging.DEBUG)
