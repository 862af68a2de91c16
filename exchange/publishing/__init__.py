"""Checkpoints leave the building and are checked when they come back: witnesses, a kept folder, mail, the log check."""
