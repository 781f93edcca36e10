"""Begins a search for better settings: its name, its folder, the snapshot it may see."""

from nightjar.contract.interval import parse_date
from nightjar.contract.settings import Settings
from nightjar.publishing.tuning_folder import TuningFolder, begin_tuning
from nightjar.warehouse.engines import open_warehouse


def run(settings: Settings, day: str) -> TuningFolder:
    """Begin a search on the data of a date, YYYY-MM-DD, or of the newest published one where it is empty.

    Raises:
        BadInput: the text is no date, or nothing of the date was published.
    """
    return begin_tuning(settings, open_warehouse(settings), parse_date(day) if day else None)
