from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from extensions import Base
from models import clock, public_id
from models.columns import Instant, new_id, one_of


class Action(Base):
    """Something done on purpose to customers and purchases that are there; its changes are taken back together."""

    __tablename__ = "actions"
    __table_args__ = (
        ForeignKeyConstraint(["shop_id", "user_id"], ["users.shop_id", "users.id"]),
        ForeignKeyConstraint(["shop_id", "token_id"], ["api_tokens.shop_id", "api_tokens.id"]),
        ForeignKeyConstraint(["shop_id", "undoes_id"], ["actions.shop_id", "actions.id"]),
        ForeignKeyConstraint(["shop_id", "undoes_purchase_id"], ["purchases.shop_id", "purchases.id"]),
        UniqueConstraint("shop_id", "undoes_id"),  # taken back once
        UniqueConstraint("shop_id", "undoes_purchase_id"),
        CheckConstraint(one_of("kind", ("edit", "void", "restore", "merge", "split", "undo", "import")), name="kind"),
        CheckConstraint(
            "(kind = 'undo') = (coalesce(undoes_id, undoes_purchase_id) IS NOT NULL)", name="undo_of_something"
        ),
        CheckConstraint("undoes_id IS NULL OR undoes_purchase_id IS NULL", name="undo_of_one_thing"),
    )

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(String(7))
    undoes_id: Mapped[UUID | None]
    """The action that this one takes back."""
    undoes_purchase_id: Mapped[UUID | None]
    """The purchase whose capture changed its customer, which this takes back."""
    user_id: Mapped[int]
    token_id: Mapped[UUID | None]
    """The token by which the user did it; none in a browser."""
    at: Mapped[datetime] = mapped_column(Instant, default=clock.utc_now)

    @property
    def public_id(self) -> str:
        return public_id.encode(public_id.ACTION, self.id)
