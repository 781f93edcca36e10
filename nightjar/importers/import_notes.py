"""Notes of an import: what a reader detected, and what it left out."""

from collections.abc import Callable

Note = Callable[[str], None]
"""Called with one line, without its end."""


def ignore_note(_line: str) -> None:
    """Drop a note."""
