from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from extensions import Base
from models import clock
from models.columns import Instant, new_id


class Try(Base):
    """One try of something that is not to be tried often. In the database, because all workers share it."""

    __tablename__ = "tries"
    __table_args__ = (Index(None, "subject", "at"), Index(None, "at"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    subject: Mapped[bytes] = mapped_column(LargeBinary(32))
    """SHA-256 of what was tried and by whom, or on which account."""
    at: Mapped[datetime] = mapped_column(Instant, default=clock.utc_now)
