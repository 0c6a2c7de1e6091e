from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from flask_login import UserMixin
from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from extensions import Base
from models import clock
from models.columns import Instant, normal_text
from models.shop import Shop


class Author(NamedTuple):
    """Who does something: a user, in a browser or by a token."""

    user_id: int
    token_id: UUID | None = None


class User(UserMixin, Base):
    """A person with an account. Belongs to one shop."""

    __tablename__ = "users"
    __table_args__ = (
        UniqueConstraint("shop_id", "id", name="uq_users_shop_id_id"),  # what rows of the same shop point at
        CheckConstraint("length(email) BETWEEN 3 AND 254", name="email_length"),
    )

    EMAIL_MAX = 254
    PASSWORD_MIN = 8
    PASSWORD_MAX = 128

    id: Mapped[int] = mapped_column(primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    email: Mapped[str] = mapped_column(String(EMAIL_MAX))
    email_normal: Mapped[str] = mapped_column(normal_text(2 * EMAIL_MAX), unique=True)
    password_hash: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.utc_now)

    shop: Mapped[Shop] = relationship(lazy="joined", innerjoin=True)

    session_token = None  # type: str | None
    """The opaque token of the session that this object was loaded by; not a column."""

    @property
    def author(self) -> Author:
        return Author(self.id)

    def get_id(self) -> str:
        """What Flask-Login keeps in the cookie: the session's token, so that ending the session ends the cookie."""
        if self.session_token is None:
            raise ValueError("This user was not loaded by a session")
        return self.session_token


class UserSession(Base):
    """One signed-in browser. Deleting the row signs it out."""

    __tablename__ = "user_sessions"
    __table_args__ = (
        ForeignKeyConstraint(["shop_id", "user_id"], ["users.shop_id", "users.id"], ondelete="CASCADE"),
        Index(None, "shop_id", "user_id"),
    )

    IDLE_LIMIT = timedelta(hours=12)
    ABSOLUTE_LIMIT = timedelta(days=30)
    BROWSER_MAX = 100
    SEEN_EVERY = timedelta(minutes=5)
    """How stale `last_seen_at` may be: reading a page must not cost a write each time."""

    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    """SHA-256 of the token in the cookie; the token itself is nowhere else."""
    shop_id: Mapped[int]
    user_id: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(Instant)
    last_seen_at: Mapped[datetime] = mapped_column(Instant)
    browser: Mapped[str | None] = mapped_column(String(BROWSER_MAX))
    """What it calls itself, roughly: Firefox on Windows."""

    def is_alive(self, at: datetime) -> bool:
        return at - self.last_seen_at < self.IDLE_LIMIT and at - self.created_at < self.ABSOLUTE_LIMIT
