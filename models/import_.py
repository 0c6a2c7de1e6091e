from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, ForeignKeyConstraint, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, column_property, mapped_column

from extensions import Base
from models import clock, public_id
from models.columns import Instant, new_id, one_of


class Import(Base):
    """A file of purchases or customers, and how far it has come: each is there once, whatever it is called."""

    __tablename__ = "imports"

    FILE_NAME_MAX = 255
    SIZE_MAX = 50_000_000
    """Bytes."""
    ROWS_MAX = 1_000_000
    BUSY = ("checking", "recording")
    STATUSES = ("uploaded", "checking", "checked", "recording", "recorded")
    SILENCE_MAX = timedelta(seconds=60)
    """Who works on an import and says nothing for so long has died."""

    __table_args__ = (
        ForeignKeyConstraint(["shop_id", "user_id"], ["users.shop_id", "users.id"]),
        ForeignKeyConstraint(["shop_id", "action_id"], ["actions.shop_id", "actions.id"]),
        UniqueConstraint("shop_id", "sha256"),
        CheckConstraint(one_of("status", STATUSES), name="status"),
        CheckConstraint(f"length(file_name) BETWEEN 1 AND {FILE_NAME_MAX}", name="file_name_length"),
        CheckConstraint("(status = 'recorded') = (action_id IS NOT NULL)", name="recorded_by_action"),
    )

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[int]
    """Who brought the file."""
    uploaded_at: Mapped[datetime] = mapped_column(Instant, default=clock.utc_now)
    file_name: Mapped[str] = mapped_column(String(FILE_NAME_MAX))
    sha256: Mapped[str] = mapped_column(String(64))
    content: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    """None where the command line read the file: it is not kept."""
    is_kept: Mapped[bool] = column_property(content.is_not(None))
    size: Mapped[int]
    """Bytes."""
    choices: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    """An ImportChoices: how the file is read and what its columns are; none before they were chosen."""
    attempt: Mapped[int] = mapped_column(default=1)
    """Counts how often the file was begun anew after it had been taken back: the capture keys differ by it."""
    status: Mapped[str] = mapped_column(String(9), default="uploaded")
    started_at: Mapped[datetime | None] = mapped_column(Instant)
    """When the latest check or recording began: tells it from any other."""
    heard_at: Mapped[datetime | None] = mapped_column(Instant)
    """When whoever works on it last said so."""
    rows_done: Mapped[int] = mapped_column(default=0)
    rows_total: Mapped[int] = mapped_column(default=0)
    leaves_wrong_out: Mapped[bool] = mapped_column(default=False)
    fault: Mapped[str | None] = mapped_column(Text)
    """Why the latest check or recording came to nothing."""
    outcome: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    """What the rows came to: an ImportReport's counts."""
    wrong: Mapped[list[list[Any]] | None] = mapped_column(JSON, deferred=True)
    """The rows that cannot be recorded, the first of them: number, line, field and message."""
    verdicts: Mapped[str | None] = mapped_column(Text, deferred=True)
    """A letter for each row, a `Verdict`."""
    action_id: Mapped[UUID | None]
    """The action that made its purchases count, the latest one."""

    @property
    def public_id(self) -> str:
        return public_id.encode(public_id.IMPORT, self.id)

    @property
    def key_prefix(self) -> str:
        """What the capture keys of its rows begin with: the same for the same content at every door."""
        digest = self.sha256[:32]
        return f"import:{digest}:" if self.attempt == 1 else f"import:{digest}.{self.attempt}:"

    @property
    def is_busy(self) -> bool:
        return self.status in self.BUSY
