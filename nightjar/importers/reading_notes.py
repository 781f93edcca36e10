"""What a reader tells the person who imports: choices it made for them, and what it left out."""

from collections.abc import Callable

Note = Callable[[str], None]
"""Takes one line, without its end."""


def unheard(_line: str) -> None:
    """Take a note that nobody reads."""
