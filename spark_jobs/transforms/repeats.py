"""The rule for repeats (`nightjar.contract.repeat_rule`) as columns; used by seen_items and holdout."""

from datetime import UTC, datetime

from pyspark.sql import Column
from pyspark.sql import functions as F

from nightjar.contract.repeat_rule import EVERY_DOMAIN, Repeats

DAY_MICROSECONDS = 86_400_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def after_days(repeats: Repeats) -> Column:
    """Return the days after which an item of the row's `domain` may be recommended again, null for never."""
    days = F.lit(repeats.days.get(EVERY_DOMAIN)).cast("int")
    for domain, number in repeats.days.items():
        if domain != EVERY_DOMAIN:
            days = F.when(F.col("domain") == domain, F.lit(number)).otherwise(days)
    return days


def whole_days_before(instant: datetime, column: str) -> Column:
    """Return the whole days from the timestamp in a column to an instant."""
    return F.floor((F.lit(micros_of(instant)) - F.unix_micros(column)) / DAY_MICROSECONDS).cast("int")


def micros_of(instant: datetime) -> int:
    """Return an instant as Spark's unix_micros does."""
    return (instant - _EPOCH) // datetime.resolution
