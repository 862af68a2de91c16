"""Rows of the feed: who receives the logs, who feeds them now, and how far each log was taken."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from exchange.database import Model


class FeedReceiver(Model):
    """One receiver of the feed. One process at a time feeds it: `held_by`, until `held_until`."""

    __tablename__ = "feed_receiver"

    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    began_at: Mapped[datetime]
    held_by: Mapped[str] = mapped_column(String(30), default="")
    held_until: Mapped[datetime]


class FeedCursor(Model):
    """How far a receiver has one log: everything below `next_index` was taken."""

    __tablename__ = "feed_cursor"

    receiver: Mapped[str] = mapped_column(ForeignKey("feed_receiver.name"), primary_key=True)
    log_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    next_index: Mapped[int] = mapped_column(BigInteger)
    moved_at: Mapped[datetime]
