"""The transparency log: entries, Merkle trees, signed checkpoints, and their offline verification.

Formats are in FORMAT.md. Nothing here knows the service, its settings or a web framework; only the files
`sql_*.py` know a database.
"""
