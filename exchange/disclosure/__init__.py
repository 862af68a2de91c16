"""Disclosure: what one person is told of what is held about them, and what is told of a breach."""
