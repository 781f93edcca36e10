"""Checks vectors: of the length of their kind, finite as 32-bit floats, not all zero.

Readers give a vector as a list of 32-bit floats in which a number that is none, or beyond their range, is null.
"""

from collections.abc import Iterator

MAX_LENGTH = 4096


def faults(name: str, vector: str, length: int | None) -> Iterator[tuple[str, str]]:
    """Yield SQL for each rule: whether a vector breaks it, and the reason as text.

    Args:
        name: Of the column.
        vector: SQL of the vector.
        length: Numbers that it must hold; None where nothing fixes it.
    """
    yield f"{vector} is null", f"'{name} is empty'"
    expected = f"1 to {MAX_LENGTH}" if length is None else f"{length}, as vectors of its kind have"
    is_long_enough = f"len({vector}) between 1 and {MAX_LENGTH}" if length is None else f"len({vector}) = {length}"
    yield f"not ({is_long_enough})", f"'{name} has ' || len({vector}) || ' numbers: expected {expected}'"
    # A sum is cheap and finite where all are: doubles add up thousands of floats without an overflow.
    is_finite = f"list_count({vector}) = len({vector}) and coalesce(isfinite(list_sum({vector})), true)"
    wrong = f"len({vector}) - len(list_filter({vector}, lambda element: element is not null and isfinite(element)))"
    yield f"not ({is_finite})", f"'{name} has ' || ({wrong}) || ' numbers that are no finite 32-bit floats'"
    is_zero = f"{is_finite} and list_min({vector}) = 0 and list_max({vector}) = 0"
    yield is_zero, f"'{name} is 0 in every number: expected one that differs'"
