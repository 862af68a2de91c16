"""Exports of the trail: CSV, workbook and JSON lines for people, and the feed that a SIEM reads."""
