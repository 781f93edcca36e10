"""The folder of one search for better settings: what it may see, as of the end of one published date.

Layout, below `lake/tuning/<data date>.<number>/`:

    rival.json          the recipe that a challenger has to beat
    work/               snapshots and features; deleted when the search has ended
    trials.json         what was tried and what it came to
    plots/<name>.png    recall against coverage
"""

import shutil
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from nightjar.contract.errors import BadInput
from nightjar.contract.interval import DataInterval
from nightjar.contract.run_folder import RunFolder, RunRecord
from nightjar.contract.settings import Settings
from nightjar.contract.tuned_configuration import Recipe, write_recipe
from nightjar.publishing.code_version import code_version
from nightjar.publishing.text_model_check import check_text_model
from nightjar.publishing.tuned_configurations import in_force
from nightjar.publishing.unload import unload
from nightjar.warehouse.protocol import Warehouse

_LAST_OF_DATE = """
select data_date, as_of from recs.publications
where action in ('published', 'history') and data_date = coalesce(cast(? as date), data_date)
order by data_date desc, ledger_id desc limit 1
"""


@dataclass(frozen=True)
class TuningFolder:
    """The paths below one search's folder."""

    path: Path

    @classmethod
    def of(cls, lake: Path, name: str) -> "TuningFolder":
        """The folder of a search.

        Raises:
            BadInput: there is none of that name.
        """
        RunFolder.of(lake, name)
        folder = cls(lake / "tuning" / name)
        if not folder.night.path.is_dir():
            raise BadInput(
                f"{folder.night.path} does not exist: begin a tuning first (nightjar tune)",
                code="unknown_tuning",
                tuning=name,
                path=folder.night.path,
            )
        return folder

    @property
    def name(self) -> str:
        """The search's name, and that of the recipe it finds."""
        return self.path.name

    @property
    def work(self) -> Path:
        """What the search needs only while it runs."""
        return self.path / "work"

    @property
    def night(self) -> RunFolder:
        """The snapshot that a night of the date would see."""
        return RunFolder(self.work / "night")

    @property
    def rival(self) -> Path:
        """File of the recipe that a challenger has to beat."""
        return self.path / "rival.json"

    @property
    def trials(self) -> Path:
        """What was tried and what it came to."""
        return self.path / "trials.json"

    @property
    def plots(self) -> Path:
        """Folder of the figures."""
        return self.path / "plots"

    def clear(self) -> None:
        """Delete what is needed no more: `of` finds the search no more either."""
        shutil.rmtree(self.work)


def begin_tuning(settings: Settings, warehouse: Warehouse, data_date: date | None) -> TuningFolder:
    """Number the search and unload what a night of the date would see.

    Args:
        settings: of the home.
        warehouse: holds the facts that dbt built for that night.
        data_date: the newest date to see; None for the newest one that was published.

    Raises:
        BadInput: the text model cannot be used, or nothing of the date was published, so that its facts may not be
            there.
    """
    check_text_model(settings)
    with warehouse.connect(read_only=True) as connection:
        last = connection.execute(_LAST_OF_DATE, [data_date]).fetchone()
    if last is None:
        raise BadInput(
            f"{data_date} has no publication: start its run first"
            if data_date
            else "no date has a publication: start a run first",
            code="nothing_published",
            data_date=data_date,
        )
    interval = DataInterval(datetime.combine(last[0], time.min, UTC), last[1])
    # What the next night would train with.
    rival = in_force(settings, last[0] + timedelta(days=1))
    rival.over(settings)
    folder = _next_folder(settings.lake, last[0])
    folder.night.write_record(_record(folder.name, interval, rival))
    write_recipe(folder.rival, rival)
    unload(warehouse, folder.night, settings)
    return folder


def _next_folder(lake: Path, data_date: date) -> TuningFolder:
    # A search whose folder is gone left its recipe, whose name is never given twice.
    names = [path.name for path in (lake / "tuning").glob(f"{data_date}.*")]
    names += [path.stem for path in (lake / "recipes").glob(f"{data_date}.*.json")]
    numbers = [int(name.rpartition(".")[2]) for name in names]
    folder = TuningFolder(lake / "tuning" / f"{data_date}.{max(numbers, default=0) + 1}")
    folder.path.mkdir(parents=True)
    return folder


def _record(name: str, interval: DataInterval, rival: Recipe) -> RunRecord:
    return RunRecord(
        publication_id=name,
        attempt=int(name.rpartition(".")[2]),
        interval=interval,
        ingested_before=None,
        publish_mode="never",
        run_id="tuning",
        code_version=code_version(),
        stages=("features",),
        recipe=rival.name,
    )
