"""Sealing files and wrapping keys: standard library and cryptography only; FORMAT.md says what every byte means."""
