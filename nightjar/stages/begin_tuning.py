"""Begins a search for better settings: its name, its folder, the snapshot it may see."""

from datetime import date

from nightjar.contract.errors import BadInput
from nightjar.contract.settings import Settings
from nightjar.publishing.tuning_folder import TuningFolder, begin_tuning
from nightjar.warehouse.engines import open_warehouse


def run(settings: Settings, day: str) -> TuningFolder:
    """Begin a search on the data of a date, YYYY-MM-DD, or of the newest published one where it is empty.

    Raises:
        BadInput: the text is no date, or nothing of the date was published.
    """
    try:
        data_date = date.fromisoformat(day) if day else None
    except ValueError as error:
        raise BadInput(
            f"{day!r} is no date: expected YYYY-MM-DD, for example 2026-03-31", code="not_a_date", value=day
        ) from error
    return begin_tuning(settings, open_warehouse(settings), data_date)
