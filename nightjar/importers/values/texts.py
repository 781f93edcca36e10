"""SQL for texts as files have them: blanks around values, and words that stand for no value."""

import re
from collections.abc import Sequence

from nightjar.importers.values.sql_texts import literal

# What str.isspace() knows, and two characters that nobody sees: the byte order mark and the space without width.
BLANKS = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff\u200b"
)


def trimmed(text: str) -> str:
    """Return SQL for a text without blanks around it, null if nothing is left.

    To search for blanks takes thirty times as long as to see that the first and the last character are visible ASCII.
    """
    is_visible = f"ascii({text}) between 33 and 126 and ascii(substring({text}, -1)) between 33 and 126"
    return f"case when {is_visible} then {text} else nullif(trim({text}, {literal(BLANKS)}), '') end"


def without_words(text: str, words: Sequence[str]) -> str:
    """Return SQL for a trimmed text, null if it is one of the words for no value, in any case of letters."""
    listed = sorted({word.strip().lower() for word in words} - {""})
    if not listed:
        return text
    longest = max(len(word.encode()) for word in listed)
    # Asked in the order of cost. Of an IN, DuckDB makes a join that lowers every text.
    initials = sorted({ord(initial) for word in listed for initial in (word[0], word[0].upper()[:1])})
    begins = " or ".join(f"ascii({text}) = {initial}" for initial in initials)
    pattern = literal(f"(?i:{'|'.join(map(re.escape, listed))})")
    is_word = f"""case when strlen({text}) <= {longest}
        then case when {begins} then regexp_full_match({text}, {pattern}) end end"""
    return f"case when {is_word} then null else {text} end"
