"""What a browser calls itself, in words that a person recognises: 'Firefox on Windows'. A guess, never evidence."""

from __future__ import annotations

# The first that matches counts: most browsers also name those they descend from.
FAMILIES = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("CrOS", "Chromebook"),
    ("Linux", "Linux"),
)


def say_browser(user_agent: str) -> str:
    """Return the family and the system behind a User-Agent header, or 'Unknown browser'."""
    family = next((name for mark, name in FAMILIES if mark in user_agent), "Unknown browser")
    system = next((name for mark, name in SYSTEMS if mark in user_agent), "")
    return f"{family} on {system}" if system else family
