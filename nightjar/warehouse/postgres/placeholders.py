"""Translates the placeholders of the project's SQL into those of psycopg."""

import re
from functools import lru_cache

_PARTS = re.compile(
    r"""(?P<kept> '(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/ )
    | (?P<mark> \? )
    | \$ (?P<name> [a-z_][a-z_0-9]* )""",
    re.VERBOSE | re.DOTALL,
)


@lru_cache(maxsize=512)
def translated(query: str) -> str:
    """Return a query with `%s` for `?` and `%(name)s` for `$name`, outside of quoted text and comments.

    >>> translated("select '50 %?' where a = ? and b % 2 = $odd")
    "select '50 %%?' where a = %s and b %% 2 = %(odd)s"
    """

    def replaced(part: re.Match[str]) -> str:
        if part["kept"]:
            return part["kept"]
        return "%s" if part["mark"] else f"%({part['name']})s"

    # psycopg reads any percent sign as a placeholder, in quoted text too.
    return _PARTS.sub(replaced, query.replace("%", "%%"))
