"""The folder of one search for a better configuration, on the data of one published date.

Layout, below `lake/tuning/<data date>.<number>/`:

    rival.json          the configuration in force, which a challenger has to beat
    work/               snapshots and features; deleted when the search has ended
    trials.json         values, state and metrics of each trial
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
from nightjar.contract.tuned_configuration import TunedConfiguration, write_tuned_configuration
from nightjar.publishing.code_version import code_version
from nightjar.publishing.sequence_check import check_sequence
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
        if not folder.run_folder.path.is_dir():
            raise BadInput(
                f"{folder.run_folder.path} does not exist: begin a search first (nightjar tune)",
                code="unknown_tuning",
                tuning=name,
                path=folder.run_folder.path,
            )
        return folder

    @property
    def name(self) -> str:
        """Name of the search, and of the configuration that it finds."""
        return self.path.name

    @property
    def work(self) -> Path:
        """Folder of what the search needs only while it runs."""
        return self.path / "work"

    @property
    def run_folder(self) -> RunFolder:
        """The snapshot that a run of the date would see."""
        # Named as by earlier versions, whose searches may not have ended.
        return RunFolder(self.work / "night")

    @property
    def in_force(self) -> Path:
        """File of the configuration that a challenger has to beat."""
        return self.path / "rival.json"

    @property
    def trials(self) -> Path:
        """File of the trials."""
        return self.path / "trials.json"

    @property
    def plots(self) -> Path:
        """Folder of the figures."""
        return self.path / "plots"

    def clear(self) -> None:
        """Delete what only a search needs that has not ended: `of` no longer finds it."""
        shutil.rmtree(self.work)


def begin_tuning(settings: Settings, warehouse: Warehouse, data_date: date | None) -> TuningFolder:
    """Number the search and unload what a run of the date would see.

    Args:
        settings: of the home.
        warehouse: holds the facts that dbt built for that run.
        data_date: the newest date to use; None for the newest published one.

    Raises:
        BadInput: an optional package is not installed, the text model cannot be used, or nothing of the date was
            published, so that its facts may not be there.
    """
    check_text_model(settings)
    check_sequence(settings)
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
    # What the next run would train with.
    configuration = in_force(settings, last[0] + timedelta(days=1))
    configuration.over(settings)
    folder = _next_folder(settings.lake, last[0])
    folder.run_folder.write_record(_record(folder.name, interval, configuration))
    write_tuned_configuration(folder.in_force, configuration)
    unload(warehouse, folder.run_folder, settings)
    return folder


def _next_folder(lake: Path, data_date: date) -> TuningFolder:
    # A search whose folder was deleted left its result; no name is given twice.
    names = [path.name for path in (lake / "tuning").glob(f"{data_date}.*")]
    names += [path.stem for path in (lake / "recipes").glob(f"{data_date}.*.json")]
    numbers = [int(name.rpartition(".")[2]) for name in names]
    folder = TuningFolder(lake / "tuning" / f"{data_date}.{max(numbers, default=0) + 1}")
    folder.path.mkdir(parents=True)
    return folder


def _record(name: str, interval: DataInterval, configuration: TunedConfiguration) -> RunRecord:
    return RunRecord(
        publication_id=name,
        attempt=int(name.rpartition(".")[2]),
        interval=interval,
        ingested_before=None,
        publish_mode="never",
        run_id="tuning",
        code_version=code_version(),
        stages=("features",),
        recipe=configuration.name,
    )
