"""The revisions. Each is a frozen record: written once, never changed after a release, importing none of our code."""
