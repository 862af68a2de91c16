"""Rows of oversight: thresholds set by officers, how far the logs were looked through for alerts, what was found."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from exchange.database import Model


class AlertThreshold(Model):
    """A threshold that an officer set; one without a row stands as config/alerts.toml gives it."""

    __tablename__ = "alert_threshold"

    code: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[int] = mapped_column(BigInteger)
    set_at: Mapped[datetime]
    set_by: Mapped[str] = mapped_column(String(30))


class AlertPosition(Model):
    """How many entries of a log were looked through for alerts: moved in the transaction that raises what they gave."""

    __tablename__ = "alert_position"

    log_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    next_index: Mapped[int] = mapped_column(BigInteger)


class AlertFinding(Model):
    """That a rule was broken by somebody, or from a place, at a moment: found once for each window."""

    __tablename__ = "alert_finding"
    __table_args__ = (Index("ix_alert_finding_rule", "rule", "subject", "found_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    rule: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(80))  # a person's identifier, or the keyed hash of a network
    found_at: Mapped[datetime]  # the time of the entry that broke the rule
