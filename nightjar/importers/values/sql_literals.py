"""Texts as they stand in a statement."""


def literal(text: str) -> str:
    """Return a text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def pointer(keys: tuple[str, ...]) -> str:
    """Return the literal of a JSON pointer (RFC 6901) to what lies below these keys.

    >>> pointer(("a/b", "c"))
    "'/a~1b/c'"
    """
    return literal("".join("/" + key.replace("~", "~0").replace("/", "~1") for key in keys))
