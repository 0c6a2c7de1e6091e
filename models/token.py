from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, ForeignKeyConstraint, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from extensions import Base
from models import clock, public_id
from models.columns import Instant, new_id
from models.user import Author, User


class ApiToken(Base):
    """Lets another system in, as the user who made it and only as far as its scopes."""

    __tablename__ = "api_tokens"
    __table_args__ = (
        ForeignKeyConstraint(["shop_id", "user_id"], ["users.shop_id", "users.id"]),
        UniqueConstraint("token_hash"),
        CheckConstraint("length(name) BETWEEN 1 AND 100", name="name_length"),
        CheckConstraint("length(last_four) = 4", name="last_four_length"),
        Index(None, "shop_id", "user_id"),
    )

    NAME_MAX = 100
    SCOPES = ("purchases:read", "purchases:write", "customers:read", "customers:write", "reports:read")
    USED_EVERY = timedelta(minutes=5)
    """How stale `last_used_at` may be: a request must not cost a write each time."""

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[int]
    name: Mapped[str] = mapped_column(String(NAME_MAX))
    scopes: Mapped[list[str]] = mapped_column(JSON)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    """SHA-256 of the token; the token itself is nowhere."""
    last_four: Mapped[str] = mapped_column(String(4))
    """The end of the token, to tell it from others."""
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.utc_now)
    last_used_at: Mapped[datetime | None] = mapped_column(Instant)
    expires_at: Mapped[datetime | None] = mapped_column(Instant)
    revoked_at: Mapped[datetime | None] = mapped_column(Instant)

    user: Mapped[User] = relationship(lazy="joined", innerjoin=True)

    @property
    def public_id(self) -> str:
        return public_id.encode(public_id.TOKEN, self.id)

    @property
    def author(self) -> Author:
        return Author(self.user_id, self.id)

    def is_alive(self, at: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)
