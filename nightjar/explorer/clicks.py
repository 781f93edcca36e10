"""Queries of the clicks page: click-through rate by variant, day and rank, with Wilson's interval."""

from math import sqrt

from nightjar.explorer.warehouse_queries import QueryResult, run_query
from nightjar.warehouse.protocol import Connection

# 97.5 % of the normal distribution lie below.
_Z = 1.959963984540054
_DOMAINS = "select distinct domain from marts.recommendation_ctr_daily order by domain"
_FILTER = "from marts.recommendation_ctr_daily where cast(? as text) = '' or domain = ?"
# PostgreSQL's sum of a bigint is numeric.
_TOTALS = """cast(sum(exposures) as bigint) as exposures, cast(sum(clicks) as bigint) as clicks,
    cast(sum(conversions) as bigint) as conversions"""
_BY_VARIANT = f"select variant, {_TOTALS} {_FILTER} group by variant order by variant"
_BY_DATE = f"select exposure_date, variant, {_TOTALS} {_FILTER} group by exposure_date, variant order by 1, 2"
_BY_RANK = f"select rank, variant, {_TOTALS} {_FILTER} group by rank, variant order by 1, 2"


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a proportion, trials taken as independent.

    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927).

    Args:
        successes: at most `trials`.
        trials: at least 1.
    """
    proportion = successes / trials
    middle = (proportion + _Z**2 / (2 * trials)) / (1 + _Z**2 / trials)
    half = _Z / (1 + _Z**2 / trials) * sqrt(proportion * (1 - proportion) / trials + _Z**2 / (4 * trials**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def exposed_domains(connection: Connection) -> list[str]:
    """Return the domains with exposures."""
    domains: list[str] = run_query(connection, _DOMAINS).column("domain")
    return domains


def by_variant(connection: Connection, domain: str) -> QueryResult:
    """Return one row a variant; all domains where `domain` is empty."""
    return _with_rates(run_query(connection, _BY_VARIANT, domain, domain))


def by_date(connection: Connection, domain: str) -> QueryResult:
    """Return one row a date and variant; clicks count for the date of the exposure."""
    return _with_rates(run_query(connection, _BY_DATE, domain, domain))


def by_rank(connection: Connection, domain: str) -> QueryResult:
    """Return one row a rank and variant."""
    return _with_rates(run_query(connection, _BY_RANK, domain, domain))


def _with_rates(counts: QueryResult) -> QueryResult:
    columns = [*counts.columns, "ctr", "ctr_low", "ctr_high"]
    pairs = zip(counts.column("clicks"), counts.column("exposures"), strict=True)
    rates = [(clicks / shown, *wilson_interval(clicks, shown)) for clicks, shown in pairs]
    return QueryResult(columns, [row + rate for row, rate in zip(counts.rows, rates, strict=True)])
