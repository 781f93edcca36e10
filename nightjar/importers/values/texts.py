"""SQL for texts as files have them: blanks around values, and words that stand for no value."""

import re
from collections.abc import Sequence

from nightjar.importers.values.sql_literals import literal

# What str.isspace() accepts, and two invisible characters: the byte order mark and the zero-width space.
BLANKS = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff\u200b"
)


def trimmed(text: str) -> str:
    """Return SQL for a text without blanks around it, null if nothing is left.

    Searching for blanks takes thirty times as long as checking that the first and last characters are visible ASCII.
    """
    is_visible = f"ascii({text}) between 33 and 126 and ascii(substring({text}, -1)) between 33 and 126"
    return f"case when {is_visible} then {text} else nullif(trim({text}, {literal(BLANKS)}), '') end"


def without_null_words(text: str, words: Sequence[str]) -> str:
    """Return SQL for a trimmed text, null if it is one of the null words, in any case."""
    listed = sorted({word.strip().lower() for word in words} - {""})
    if not listed:
        return text
    longest = max(len(word.encode()) for word in listed)
    # In the order of cost. DuckDB makes an IN a join that lowers every text.
    initials = sorted({ord(initial) for word in listed for initial in (word[0], word[0].upper()[:1])})
    begins = " or ".join(f"ascii({text}) = {initial}" for initial in initials)
    pattern = literal(f"(?i:{'|'.join(map(re.escape, listed))})")
    is_null_word = f"""case when strlen({text}) <= {longest}
        then case when {begins} then regexp_full_match({text}, {pattern}) end end"""
    return f"case when {is_null_word} then null else {text} end"
