"""SQL that reads the numbers of files, and explains why one was not read."""

from nightjar.importers.values.sql_literals import literal

_DECIMAL_COMMA = "[+-]?[0-9]*,[0-9]+"
_DECIMAL_COMMA_OR_WHOLE = rf"{_DECIMAL_COMMA}|[+-]?[0-9]+([eE][+-]?[0-9]+)?"
_BOOLEANS = "(?i:true|false|yes|no|t|f|y|n)"
_DOUBTS = (
    (_BOOLEANS, "it looks like a truth value, which is no amount"),
    ("[+-]?[0-9]{1,3}(,[0-9]{3})+([.][0-9]*)?", "it has commas: write a point for decimals and none for thousands"),
    (_DECIMAL_COMMA, "it has a decimal comma: write a point, or use --decimal-comma"),
    ("[+-]?[0-9.]*,[0-9]*", "it has a decimal comma: write a point, or use --decimal-comma"),
)
_DOUBTS_WITH_COMMA = (
    (_BOOLEANS, "it looks like a truth value, which is no amount"),
    ("[+-]?[0-9.,]*[.][0-9.,]*", "it has a point: --decimal-comma takes a comma for decimals and none for thousands"),
)


def number(text: str, *, has_decimal_comma: bool = False) -> str:
    """Return SQL for a finite number, null where a trimmed text is none; separators of thousands are not read."""
    cast = f"try_cast({text} as double)"
    if has_decimal_comma:
        is_one = f"regexp_full_match({text}, {literal(_DECIMAL_COMMA_OR_WHOLE)})"
        return f"case when {is_one} then try_cast(replace({text}, ',', '.') as double) end"
    # DuckDB reads 1_000 as a thousand.
    return f"case when isfinite({cast}) and not contains({text}, '_') then {cast} end"


def why_no_number(text: str, *, has_decimal_comma: bool = False) -> str:
    """Return SQL for what a text that is no finite number looks like, after a colon; else empty."""
    doubts = _DOUBTS_WITH_COMMA if has_decimal_comma else _DOUBTS
    looks = " ".join(
        f"when regexp_full_match({text}, {literal(form)}) then {literal(': ' + reason)}" for form, reason in doubts
    )
    return f"case {looks} else '' end"
