from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ForeignKeyConstraint, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from extensions import Base
from models.columns import Instant


class PasswordReset(Base):
    """A link that sets a new password, once. Gone when it was used or the password changed otherwise."""

    __tablename__ = "password_resets"
    __table_args__ = (
        ForeignKeyConstraint(["shop_id", "user_id"], ["users.shop_id", "users.id"], ondelete="CASCADE"),
        Index(None, "shop_id", "user_id"),
    )

    LIFETIME = timedelta(minutes=30)

    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    """SHA-256 of the token in the link; the token itself is nowhere else."""
    shop_id: Mapped[int]
    user_id: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(Instant)
