"""Decay of events by age, and weights as integers; used by pair_weights and trending."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from spark_jobs.transforms.repeats import DAY_MICROSECONDS


def decay(now_micros: Column, half_life_days: Column) -> Column:
    """Return 0.5^(age / half-life) of the row's event at an instant; 1 for a half-life of null."""
    age_days = (now_micros - F.unix_micros("occurred_at")) / DAY_MICROSECONDS
    return F.when(half_life_days.isNull(), F.lit(1.0)).otherwise(F.pow(F.lit(0.5), age_days / half_life_days))


def as_integer(weight: Column, scale: int) -> Column:
    """Return a positive weight as that many parts of 1.

    Integers have the same sum in any order; doubles have not. At least one, so that an old positive event does not
    vanish.
    """
    return F.greatest(F.round(weight * scale).cast("bigint"), F.lit(1).cast("bigint"))
