"""`nightjar performance`: updates the online metrics and shows them by variant."""

from importlib import import_module
from typing import Annotated

import typer

from nightjar.cli.console_tables import plain_console, print_query
from nightjar.contract.errors import BadInput
from nightjar.contract.interval import of_date
from nightjar.contract.settings import load_settings
from nightjar.warehouse.engines import open_for_readers, open_warehouse

_NEWEST = "select cast(cast(max(shown_at) at time zone 'UTC' as date) as text) from raw.exposures"
_VARIANTS = """
    select variant, users, exposures, clicks, conversions, ctr, ctr_low, ctr_high, ctr_lift, ctr_lift_low, ctr_lift_high
    from marts.variant_outcomes where slice_by = 'all' order by variant
"""
_TOTAL = """
    select coalesce(sum(exposures), 0), coalesce(sum(clicks), 0), count(distinct exposure_date)
    from marts.recommendation_ctr_daily
"""


def performance(
    date: Annotated[str, typer.Option(help="Newest date, YYYY-MM-DD. Empty: that of the newest exposure.")] = "",
) -> None:
    """Update clicks and conversions and show each variant beside the control.

    A late click counts on the date of its exposure, however old.
    """
    settings = load_settings()
    warehouse = open_warehouse(settings)
    if not date:
        with warehouse.connect(read_only=True) as connection:
            [(newest,)] = connection.execute(_NEWEST).fetchall()
        if newest is None:
            raise BadInput(
                "raw.exposures is empty: import exposures (nightjar import files --exposures F)",
                code="no_exposures",
                table="raw.exposures",
            )
        date = newest
    interval = of_date(date)
    import_module("nightjar.stages.update_performance").run(settings, interval)
    with open_for_readers(settings).connect(read_only=True) as connection:
        print_query(plain_console(140), connection, "Variants, all dates", _VARIANTS)
        [(exposures, clicks, dates)] = connection.execute(_TOTAL).fetchall()
    print(f"{exposures:,} exposures on {dates} dates, {clicks:,} clicked")


def register(app: typer.Typer) -> None:
    """Add the command to the main app."""
    app.command()(performance)
