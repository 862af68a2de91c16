"""Downloads: the index of what has come, and the release of one file."""
