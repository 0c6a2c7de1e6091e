from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from extensions import Base
from models import clock
from models.columns import Instant, new_id, where_set


class Change(Base):
    """One field of one customer or purchase went from one value to another: the history."""

    __tablename__ = "changes"
    __table_args__ = (
        ForeignKeyConstraint(["shop_id", "customer_id"], ["customers.shop_id", "customers.id"]),
        ForeignKeyConstraint(["shop_id", "purchase_id"], ["purchases.shop_id", "purchases.id"]),
        ForeignKeyConstraint(["shop_id", "by_purchase_id"], ["purchases.shop_id", "purchases.id"]),
        ForeignKeyConstraint(["shop_id", "user_id"], ["users.shop_id", "users.id"]),
        ForeignKeyConstraint(["shop_id", "token_id"], ["api_tokens.shop_id", "api_tokens.id"]),
        ForeignKeyConstraint(["shop_id", "action_id"], ["actions.shop_id", "actions.id"]),
        CheckConstraint("by_purchase_id IS NULL OR action_id IS NULL", name="by_purchase_or_action"),
        CheckConstraint("(customer_id IS NULL) <> (purchase_id IS NULL)", name="customer_or_purchase"),
        CheckConstraint("coalesce(before, '') <> coalesce(after, '')", name="differs"),
        Index(None, "shop_id", "customer_id", "id"),
        Index(None, "shop_id", "purchase_id", "id"),
        Index(None, "shop_id", "by_purchase_id"),
        Index(None, "shop_id", "action_id", **where_set("action_id")),
    )

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    customer_id: Mapped[UUID | None]
    """The customer that changed; none when a purchase did."""
    purchase_id: Mapped[UUID | None]
    """The purchase that changed; none when a customer did."""
    by_purchase_id: Mapped[UUID | None]
    """The purchase whose capture made the change."""
    action_id: Mapped[UUID | None]
    """The action that made the change."""
    user_id: Mapped[int]
    token_id: Mapped[UUID | None]
    """The token by which the user made it; none in a browser."""
    at: Mapped[datetime] = mapped_column(Instant, default=clock.utc_now)
    field: Mapped[str] = mapped_column(String(32))
    before: Mapped[str | None] = mapped_column(Text)
    after: Mapped[str | None] = mapped_column(Text)
