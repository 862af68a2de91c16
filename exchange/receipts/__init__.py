"""Receipts: what the log says of one act, with the proof of it, on a page, as a file and as a PDF."""
