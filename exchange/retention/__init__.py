"""Retention: what is due when, holds, disposal and its certificates."""
