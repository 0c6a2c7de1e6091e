from __future__ import annotations

from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from extensions import Base
from models.columns import normal_text


class CustomerWord(Base):
    """One of the words that a customer is searched by (models.words), for the index to find by its beginning."""

    __tablename__ = "customer_words"

    LENGTH_MAX = 64
    """Of longer words, only the beginning is kept, and looked for."""

    __table_args__ = (
        ForeignKeyConstraint(["shop_id", "customer_id"], ["customers.shop_id", "customers.id"]),
        Index(None, "shop_id", "customer_id", "word"),
        {"sqlite_with_rowid": False},  # the key is the whole row: it need not be stored twice
    )

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    word: Mapped[str] = mapped_column(normal_text(LENGTH_MAX), primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
