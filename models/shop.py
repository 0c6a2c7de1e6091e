from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from extensions import Base
from models import clock
from models.columns import Instant


class Shop(Base):
    """The tenant: everything but itself belongs to exactly one shop."""

    __tablename__ = "shops"
    __table_args__ = (
        CheckConstraint("length(name) BETWEEN 1 AND 200", name="name_length"),
        CheckConstraint("length(currency) = 3", name="currency_code"),
        CheckConstraint("length(country) = 2", name="country_code"),
    )

    NAME_MAX = 200

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(NAME_MAX))
    currency: Mapped[str] = mapped_column(String(3))
    """ISO 4217."""
    country: Mapped[str] = mapped_column(String(2))
    """ISO 3166-1 alpha-2: the region of phone numbers without a country code."""
    time_zone: Mapped[str] = mapped_column(String(64))
    """A name of the IANA time zone database: when the shop's day begins."""
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.utc_now)

    def today(self) -> date:
        return clock.utc_now().astimezone(ZoneInfo(self.time_zone)).date()
