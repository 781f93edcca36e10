"""The cut in time that holds out a fraction of all pairs; used by the split of the kind `time`."""

from collections.abc import Iterable
from math import ceil

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

# Counted by ever finer units, each within one of the unit before: few rows reach the driver, none is sorted in Spark.
_UNITS_MICROS = (3_600_000_000, 1_000_000, 1)


def cut_micros(events: DataFrame, fraction: float) -> int | None:
    """Return the latest instant at or after which at least `fraction` of the pairs have their first event.

    Args:
        events: user_index, item_index, occurred_at.
        fraction: 0 to 1 of all pairs.

    Returns:
        Microseconds since 1970, UTC; None where nothing is to be held out.
    """
    if fraction == 0.0:
        return None
    firsts = (
        events.groupBy("user_index", "item_index")
        .agg(F.min(F.unix_micros("occurred_at")).alias("micros"))
        .groupBy("micros")
        .agg(F.count("*").alias("pairs"))
        .persist()
    )
    begin, missing, within = None, None, firsts
    for unit in _UNITS_MICROS:
        unit_begin = F.col("micros") - F.pmod("micros", F.lit(unit))
        counts = within.groupBy(unit_begin.alias("begin")).agg(F.sum("pairs").alias("pairs")).collect()
        if missing is None:
            # 0.07 * 100 is 7.000000000000001: the small subtrahend keeps the number at the intended one.
            missing = max(ceil(fraction * sum(row["pairs"] for row in counts) - 1e-9), 1)
        if not counts:
            break
        begin, missing = _reached(counts, missing)
        within = within.filter(unit_begin == begin)
    firsts.unpersist()
    return begin


def _reached(counts: Iterable[Row], missing: int) -> tuple[int, int]:
    """Return where the counts, from the newest on, reach a number, and what of it is missing before that."""
    for row in sorted(counts, reverse=True):
        if row["pairs"] >= missing:
            return row["begin"], missing
        missing -= row["pairs"]
    raise AssertionError("a fraction is at most 1")
