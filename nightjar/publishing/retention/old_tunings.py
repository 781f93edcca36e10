"""Decides what of old searches for better settings may be deleted, and deletes it.

A search leaves `lake/tuning/<name>` and its MLflow runs. What it came to, `lake/recipes/<name>.json`, stays for ever: a
date that is run again asks for it. Used by `nightjar retention` beside `nightjar.publishing.retention.removal`.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from nightjar.contract.run_folder import PUBLICATION_ID
from nightjar.contract.settings import Settings
from nightjar.publishing.retention.plan import MAY_RUN
from nightjar.publishing.retention.removal import check_in_place, freed_bytes
from nightjar.warehouse.protocol import Warehouse


@dataclass(frozen=True)
class OldTuning:
    """What goes of one search.

    Attributes:
        name: of the search and the configuration that it found.
        path: the folder that goes: all of the search's, or only the work files of one that never ended.
        file_bytes: size of the files in it.
        forgets_runs: whether its MLflow runs go too; they go first, since the folder is what leads to them.
    """

    name: str
    path: Path
    file_bytes: int
    forgets_runs: bool


def old_tunings(warehouse: Warehouse, settings: Settings, as_of: date) -> list[OldTuning]:
    """Return what goes, the oldest date first; changes nothing.

    The files of a search that has ended go with its MLflow runs, by `retention_mlflow_days`; the work files of one that
    has not by `retention_run_folder_days`, once an attempt began more than two days after they were last touched.

    Raises:
        NightjarError: a folder leads out of the lake.
    """
    with warehouse.connect(read_only=True) as connection:
        (newest_start,) = connection.execute("select max(started_at) from recs.publication_attempts").fetchall()[0]
    return [
        old
        for path, data_date in _folders(settings.lake)
        if (old := _judged(path, (as_of - data_date).days, newest_start, settings))
    ]


def remove_tuning(old: OldTuning) -> None:
    """Delete the folder; that it is gone already is no error."""
    if old.path.exists():
        shutil.rmtree(old.path)


def _folders(lake: Path) -> Iterator[tuple[Path, date]]:
    for path in sorted((lake / "tuning").glob("*")):
        if PUBLICATION_ID.fullmatch(path.name):
            check_in_place(lake, path)
            yield path, date.fromisoformat(path.name.rpartition(".")[0])


def _judged(path: Path, age_days: int, newest_start: datetime | None, settings: Settings) -> OldTuning | None:
    work = path / "work"
    if work.exists() and (newest_start is None or newest_start - _touched(work) <= MAY_RUN):
        return None
    if 0 < settings.retention_mlflow_days < age_days:
        return OldTuning(path.name, path, freed_bytes(path), True)
    if work.exists() and 0 < settings.retention_run_folder_days < age_days:
        return OldTuning(path.name, work, freed_bytes(work), False)
    return None


def _touched(folder: Path) -> datetime:
    newest = max(each.lstat().st_mtime for each in (folder, *folder.rglob("*")))
    return datetime.fromtimestamp(newest, UTC)
