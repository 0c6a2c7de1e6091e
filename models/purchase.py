from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from extensions import Base
from models import clock, public_id
from models.columns import Instant, new_id, normal_text, one_of, where_set


class Purchase(Base):
    """One customer bought one item, some quantity, maybe for an amount, on a date."""

    __tablename__ = "purchases"

    ITEM_MAX = 200
    QUANTITY_MAX = 1_000_000
    AMOUNT_MAX = 999_999_999_999
    """Minor units: nine million such amounts still add up inside 64 bits."""
    NOTE_MAX = 2_000
    EXTERNAL_ID_MAX = 100
    KEY_MAX = 255
    REASON_MAX = 500
    EARLIEST = date(1900, 1, 1)
    SOURCES = ("web", "api", "import", "offline")
    MATCHES = ("customer_id", "reference", "email", "phone", "name")

    __table_args__ = (
        ForeignKeyConstraint(["shop_id", "customer_id"], ["customers.shop_id", "customers.id"]),
        ForeignKeyConstraint(["shop_id", "recorded_by_id"], ["users.shop_id", "users.id"]),
        ForeignKeyConstraint(["shop_id", "token_id"], ["api_tokens.shop_id", "api_tokens.id"]),
        ForeignKeyConstraint(["shop_id", "voided_by_id"], ["users.shop_id", "users.id"]),
        UniqueConstraint("shop_id", "capture_key"),
        UniqueConstraint("shop_id", "external_id"),
        CheckConstraint(f"length(item) BETWEEN 1 AND {ITEM_MAX}", name="item_length"),
        CheckConstraint(f"quantity BETWEEN 1 AND {QUANTITY_MAX}", name="quantity_range"),
        CheckConstraint(f"amount_minor BETWEEN 0 AND {AMOUNT_MAX}", name="amount_range"),
        CheckConstraint("(amount_minor IS NULL) = (currency IS NULL)", name="amount_and_currency"),
        CheckConstraint("length(currency) = 3", name="currency_code"),
        CheckConstraint(f"purchased_on >= '{EARLIEST}'", name="purchased_on_range"),
        CheckConstraint(f"length(note) BETWEEN 1 AND {NOTE_MAX}", name="note_length"),
        CheckConstraint(one_of("source", SOURCES), name="source"),
        CheckConstraint(one_of("matched_on", MATCHES), name="matched_on"),
        CheckConstraint("(voided_at IS NULL) = (voided_by_id IS NULL)", name="voided_by_somebody"),
        CheckConstraint("void_reason IS NULL OR voided_at IS NOT NULL", name="reason_to_void"),
        CheckConstraint(f"length(void_reason) BETWEEN 1 AND {REASON_MAX}", name="void_reason_length"),
        Index(None, "shop_id", "purchased_on", "id"),
        Index(None, "shop_id", "item_normal", "purchased_on", "id"),
        # Counted by the index alone: hardly one is voided, and who has a hundred thousand is on many pages.
        Index(None, "shop_id", "customer_id", "purchased_on", "id", "voided_at"),
        Index(None, "shop_id", "currency", "amount_minor", **where_set("currency")),
    )

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    """Time-ordered: the greatest id is the purchase recorded last."""
    customer_id: Mapped[UUID]
    item: Mapped[str] = mapped_column(String(ITEM_MAX))
    item_normal: Mapped[str] = mapped_column(normal_text(2 * ITEM_MAX))
    quantity: Mapped[int]
    amount_minor: Mapped[int | None] = mapped_column(BigInteger)
    """What was paid for the whole line, in minor units of `currency` (1550 is 15.50 USD)."""
    currency: Mapped[str | None] = mapped_column(String(3))
    """ISO 4217; none without an amount."""
    purchased_on: Mapped[date]
    """A day in the shop's time zone."""
    note: Mapped[str | None] = mapped_column(Text)
    external_id: Mapped[str | None] = mapped_column(String(EXTERNAL_ID_MAX))
    """The caller's own number for this purchase."""
    buyer: Mapped[dict[str, str]] = mapped_column(JSON)
    """What came in for the customer, as typed: any of name, email, phone, reference; `customer_id` as picked."""
    matched_on: Mapped[str | None] = mapped_column(String(11))
    """What found the customer; none when this purchase created them."""
    customer_shown: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    """What was known of the customer right after the capture: the answer that a replay repeats."""
    capture_key: Mapped[str] = mapped_column(String(KEY_MAX))
    """The id under which this purchase is captured exactly once."""
    content_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    """SHA-256 of what was asked for under the key, normalised."""
    source: Mapped[str] = mapped_column(String(7))
    recorded_at: Mapped[datetime] = mapped_column(Instant, default=clock.utc_now)
    recorded_by_id: Mapped[int]
    token_id: Mapped[UUID | None]
    """The token by which the user recorded it; none in a browser."""
    voided_at: Mapped[datetime | None] = mapped_column(Instant)
    """When the purchase was taken back; it stays on record."""
    voided_by_id: Mapped[int | None]
    void_reason: Mapped[str | None] = mapped_column(Text)

    @property
    def public_id(self) -> str:
        return public_id.encode(public_id.PURCHASE, self.id)
