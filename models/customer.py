from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from extensions import Base
from models import clock, public_id
from models.columns import Instant, new_id, normal_text, one_of, where_set


class Customer(Base):
    """Someone who buys. `version` counts the changes, so that two writers cannot overwrite each other unseen."""

    __tablename__ = "customers"

    NAME_MAX = 200
    EMAIL_MAX = 254
    PHONE_MAX = 64
    REFERENCE_MAX = 100
    NOTE_MAX = 2_000

    __table_args__ = (
        CheckConstraint("coalesce(name, email, phone, reference) IS NOT NULL", name="known_by_something"),
        CheckConstraint("(name IS NULL) = (name_normal = '')", name="name_and_normal_form"),
        CheckConstraint("length(name) BETWEEN 1 AND 200", name="name_length"),
        ForeignKeyConstraint(["shop_id", "merged_into_id"], ["customers.shop_id", "customers.id"]),
        CheckConstraint("merged_into_id <> id", name="merged_into_another"),
        CheckConstraint(f"length(note) BETWEEN 1 AND {NOTE_MAX}", name="note_length"),
        Index(None, "shop_id", "name_normal", "id"),
        Index(None, "shop_id", "updated_at"),
        Index(None, "shop_id", "merged_into_id", **where_set("merged_into_id")),
    )

    # The shop comes first in the key: no row can be fetched, or pointed at, without naming it.
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str | None] = mapped_column(String(NAME_MAX))
    name_normal: Mapped[str] = mapped_column(normal_text(2 * NAME_MAX), default="")
    """Empty without a name."""
    email: Mapped[str | None] = mapped_column(String(EMAIL_MAX))
    phone: Mapped[str | None] = mapped_column(String(PHONE_MAX))
    reference: Mapped[str | None] = mapped_column(String(REFERENCE_MAX))
    """The shop's own customer number."""
    note: Mapped[str | None] = mapped_column(Text)
    merged_into_id: Mapped[UUID | None]
    """The customer whom this one turned out to be; this row is only a pointer then."""
    withdrawn_at: Mapped[datetime | None] = mapped_column(Instant)
    """When the only purchases that made them a customer were taken back. They are in no list until they buy again."""
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.utc_now)
    updated_at: Mapped[datetime] = mapped_column(Instant, default=clock.utc_now)
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}

    @property
    def public_id(self) -> str:
        return public_id.encode(public_id.CUSTOMER, self.id)

    @property
    def shown_name(self) -> str:
        """The name, or the next best thing."""
        return self.name or self.email or self.phone or f"Customer {self.reference}"

    @property
    def contact(self) -> str:
        """What tells this customer from others of the name; empty when nothing is known."""
        known = [self.email, self.phone, self.reference and f"Customer {self.reference}"]
        return ", ".join(part for part in known if part and part != self.shown_name)


class Identity(Base):
    """One thing a customer is known by. Its key decides who owns it, whoever comes at the same instant."""

    __tablename__ = "identities"

    STRONG = ("reference", "email", "phone")
    """In the order in which they are asked who the customer is (domain: identity, rule 2)."""
    KINDS = (*STRONG, "name")

    __table_args__ = (
        ForeignKeyConstraint(["shop_id", "customer_id"], ["customers.shop_id", "customers.id"]),
        CheckConstraint(one_of("kind", KINDS), name="kind"),
        CheckConstraint("value <> ''", name="value_not_empty"),
        Index(None, "shop_id", "customer_id"),
    )

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(9), primary_key=True)
    value: Mapped[str] = mapped_column(normal_text(2 * Customer.EMAIL_MAX), primary_key=True)
    """The normal form."""
    customer_id: Mapped[UUID]
