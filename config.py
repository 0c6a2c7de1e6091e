"""Settings, read once from the environment and, where there is one, from `.env`."""

from email.utils import parseaddr
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from click import ClickException
from limits import parse_many
from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

SECRET_KEY_MIN_BYTES = 32
METRICS_TOKEN_MIN = 16
_DATABASE_ADVICE = "like sqlite:///tillbook.db or postgresql://user:password@host/db"
_BASE_URL_ADVICE = "must be set, like https://till.example.com"
_PLACEHOLDERS = ("change", "secret", "example", "your-", "placeholder")


class SettingsError(ClickException):
    """The environment does not describe a way to run; the message names the setting and the remedy."""


def _driver_named(url: Any) -> Any:
    # Hosts hand out postgres://, which SQLAlchemy no longer knows, and it reads postgresql:// as another driver.
    if isinstance(url, str):
        for scheme in ("postgres://", "postgresql://"):
            if url.startswith(scheme):
                return "postgresql+psycopg2://" + url.removeprefix(scheme)
    return url


def _is_database(url: str) -> bool:
    try:
        parts = make_url(url)
    except (ArgumentError, ValueError):
        return False
    kind = parts.get_backend_name()
    return kind == "postgresql" or (kind == "sqlite" and parts.database not in (None, "", ":memory:"))


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def _is_redis(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("redis", "rediss") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _limit(text: str) -> str:
    try:
        [_] = parse_many(text)
    except ValueError:
        raise ValueError("must be like 6000 per minute") from None
    return text


class Settings(BaseSettings):
    """How this process runs. Production is the default, so that nothing runs half-configured by accident."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True, use_attribute_docstrings=True)

    environment: Literal["development", "production"] = "production"
    """In production, Tillbook starts only when it is told all that it needs, and logs lines of JSON."""
    secret_key: str = Field(default="", repr=False)
    """At least 32 random bytes, which sign cookies and forms. Another one signs everybody out."""
    database_url: Annotated[str, BeforeValidator(_driver_named)] = Field(default="", repr=False)
    """Like postgresql://user:password@host/tillbook, or sqlite:///tillbook.db."""
    base_url: str = ""
    """Where people reach it, like https://till.example.com. Links in e-mails begin with it, cookies are Secure when
    it is https, and in production no other host is answered."""
    trusted_hosts: str = ""
    """Further host names that are answered in production, with commas between them."""
    trusted_proxies: int = Field(default=0, ge=0, le=10)
    """How many proxies in front say truly, by X-Forwarded-For and X-Forwarded-Proto, whom they speak for: 0 to 10.
    With a proxy in front and 0, everybody has the proxy's address, and waits when one has tried too often."""
    registration: Literal["open", "closed"] = "open"
    """Whether anybody opens a shop; when closed, only flask users create does."""
    password_min_length: int = Field(default=8, ge=8, le=64)
    """How many characters a new password has at least: 8 to 64."""
    api_rate_limit: Annotated[str, AfterValidator(_limit)] = "6000 per minute"
    """How often each API token may ask: each worker, or all of them where they have a Redis in common."""
    redis_url: str = Field(default="", repr=False)
    """Like redis://host:6379/0, where the workers count what tokens ask. When it is down, each counts for itself."""
    mail_server: str = ""
    """The SMTP server that sends links to set a forgotten password. Its certificate is verified, and nothing is sent
    in the clear. Without one, flask users reset-link prints such a link."""
    mail_port: int = Field(default=587, ge=1, le=65_535)
    """Its port."""
    mail_tls: Literal["starttls", "implicit"] = "starttls"
    """How it is asked to encrypt."""
    mail_user: str = ""
    """Who signs in there, if anybody."""
    mail_password: str = Field(default="", repr=False)
    """With which password."""
    mail_from: str = ""
    """The sender, like Tillbook <till@example.com>."""
    metrics_token: str = Field(default="", repr=False)
    """What Prometheus sends as its bearer token to read /metrics, of at least 16 characters. Without it nobody can."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """From which level on something is logged."""
    flask_debug: bool = False
    """Pages with the trace of an error, for development only: in production, Tillbook does not start with it."""

    @property
    def is_production(self) -> bool:
        return self.environment == "production"

    @property
    def is_https(self) -> bool:
        return urlsplit(self.base_url).scheme == "https"

    @property
    def address(self) -> str:
        """What links that leave the app begin with: never what a request says of itself."""
        return self.base_url.rstrip("/") or "http://127.0.0.1:5000"

    @property
    def hosts(self) -> list[str] | None:
        """The names that requests may ask for; None for any."""
        if not self.is_production:
            return None
        further = (name.strip(" []").lower() for name in self.trusted_hosts.split(","))
        return [urlsplit(self.base_url).hostname or "", *filter(None, further)]

    def shown(self) -> dict[str, str]:
        """Every setting by its name in the environment, without what is secret."""
        return {name.upper(): _shown(name, str(value)) for name, value in self}

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if len(self.secret_key.encode()) < SECRET_KEY_MIN_BYTES:
            raise ValueError(
                f"SECRET_KEY must be at least {SECRET_KEY_MIN_BYTES} bytes. "
                "Make one with: python -c 'import secrets; print(secrets.token_hex(32))'"
            )
        if not _is_database(self.database_url):
            raise ValueError(f"DATABASE_URL must be set, {_DATABASE_ADVICE}")
        if self.base_url and not _is_address(self.base_url):
            raise ValueError(f"BASE_URL {_BASE_URL_ADVICE}")
        if self.redis_url and not _is_redis(self.redis_url):
            raise ValueError("REDIS_URL must be like redis://localhost:6379/0")
        if self.metrics_token and len(self.metrics_token) < METRICS_TOKEN_MIN:
            raise ValueError(f"METRICS_TOKEN must have at least {METRICS_TOKEN_MIN} characters")
        if self.mail_server:
            self._can_send_mail()
        if self.is_production:
            self._is_fit_for_production()
        return self

    def _can_send_mail(self) -> None:
        if "@" not in parseaddr(self.mail_from)[1]:
            raise ValueError("MAIL_FROM must be an e-mail address, like Tillbook <till@example.com>")
        if not self.base_url:
            raise ValueError(f"BASE_URL {_BASE_URL_ADVICE}: links in e-mails begin with it")

    def _is_fit_for_production(self) -> None:
        if any(word in self.secret_key.lower() for word in _PLACEHOLDERS):
            raise ValueError("SECRET_KEY must be random, not a placeholder")
        if not self.base_url:
            raise ValueError(f"BASE_URL {_BASE_URL_ADVICE}")
        if self.flask_debug:
            raise ValueError("FLASK_DEBUG must be off in production")


def _shown(name: str, value: str) -> str:
    if Settings.model_fields[name].repr or not value:
        return value
    if not name.endswith("_url"):
        return "(set)"
    url = make_url(value)
    hidden = {key: "***" for key in url.query if "pass" in key}
    return url.update_query_dict(hidden).render_as_string()


def read_settings(**values: Any) -> Settings:
    """Settings from the environment; `values` win over it. Raises SettingsError with one line naming the setting."""
    try:
        return Settings(**values)
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(str(part) for part in first["loc"]).upper()
        reason = first["msg"].removeprefix("Value error, ")
        raise SettingsError(f"{name}: {reason}" if name else reason) from None


def read_database_url(text: str) -> str:
    """The address of a database as SQLAlchemy takes it. Raises SettingsError."""
    url: str = _driver_named(text)
    if not _is_database(url):
        raise SettingsError(f"A database is named {_DATABASE_ADVICE}")
    return url


def flask_config(settings: Settings) -> dict[str, Any]:
    """What Flask and its extensions are told, made from the settings."""
    return {
        "SECRET_KEY": settings.secret_key,
        "SQLALCHEMY_DATABASE_URI": settings.database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": {
            "pool_size": 15,
            "max_overflow": 0,  # what is beyond the size would be opened and closed for each request
            "pool_pre_ping": True,
            "pool_timeout": 10,
            "hide_parameters": True,
        },
        # A browser takes a __Host- cookie only over https, for this very host and every path.
        "SESSION_COOKIE_NAME": "__Host-tillbook" if settings.is_https else "tillbook",
        "SESSION_COOKIE_SECURE": settings.is_https,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "METRICS_TOKEN": settings.metrics_token,
        "TRUSTED_PROXIES": settings.trusted_proxies,
        "BASE_URL": settings.base_url,
        "ADDRESS": settings.address,
        "PREFERRED_URL_SCHEME": "https" if settings.is_https else "http",
        # Forms live as long as the session they were made for: a page left open overnight still records.
        "WTF_CSRF_TIME_LIMIT": None,
        "BOOTSTRAP_SERVE_LOCAL": True,
        "MAX_CONTENT_LENGTH": 64_000,
        "API_RATE_LIMIT": settings.api_rate_limit,
        "REDIS_URL": settings.redis_url,
        "PASSWORD_MIN_LENGTH": settings.password_min_length,
        "REGISTRATION_IS_OPEN": settings.registration == "open",
        "MAIL_SERVER": _mail_server(settings),
        "MAIL_FROM": settings.mail_from,
    }


def _mail_server(settings: Settings) -> dict[str, Any] | None:
    if not settings.mail_server:
        return None
    return {
        "host": settings.mail_server,
        "port": settings.mail_port,
        "is_implicit_tls": settings.mail_tls == "implicit",
        "user": settings.mail_user,
        "password": settings.mail_password,
    }
