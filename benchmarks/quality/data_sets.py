"""How the folder of a data set becomes a home: by its files, which say whether it has sessions and clock times.

A new form is a record of `_FORMS`. Writes a home and, for files that `nightjar import` does not read, CSV beside it.
"""

import csv
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

# `train.tsv` and `test.tsv` of a data set of sessions.
CLICK_COLUMNS = "user_id=SessionId,item_id=ItemId,occurred_at=Time"
# Where there are no clock times, an event's place in its sequence in seconds after it: no two of a user are equal.
_START = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class DataSet:
    """A folder of one form.

    Attributes:
        folder: of its files.
        has_clock_times: False: the order of a user's events is all that is known of time.
        has_sessions: True: the test part are sessions that training never saw.
        import_arguments: from the folder and one for files written aside to those of `nightjar import`.
    """

    folder: Path
    has_clock_times: bool
    has_sessions: bool
    import_arguments: Callable[[Path, Path], list[str]]

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    def imported(self, home: Path) -> Path:
        """Import into a home of its own and return the warehouse file; what is imported stays.

        Raises:
            CalledProcessError: the importer refused the files.
        """
        warehouse = home / "warehouse.duckdb"
        if not warehouse.exists():
            home.mkdir(parents=True, exist_ok=True)
            nightjar(home, "import", *self.import_arguments(self.folder, home))
        return warehouse


def data_set_of(folder: Path) -> DataSet:
    """Return the data set of a folder, by the files in it.

    Raises:
        NotADirectoryError: there is no such folder.
    """
    if not folder.is_dir():
        raise NotADirectoryError(folder)
    for files, has_clock_times, has_sessions, import_arguments in _FORMS:
        if all((folder / each).exists() for each in files):
            return DataSet(folder, has_clock_times, has_sessions, import_arguments)
    # The importer says what it expects.
    return DataSet(folder, True, False, _movielens)


def nightjar(home: Path, *arguments: str, **variables: str) -> None:
    """Run a command of Nightjar in a home, with further environment variables; its output goes to ours."""
    command = [str(Path(sys.executable).parent / "nightjar"), *arguments]
    subprocess.run(command, env={**os.environ, **variables, "NIGHTJAR_HOME": str(home)}, check=True)


def sequence_rows(lines: Iterator[str]) -> Iterator[tuple[str, str, str]]:
    """Yield user, item and time of each event of lines `user item item ...`, a user's items in the order of time."""
    for line in lines:
        user, *items = line.split()
        for place, item in enumerate(items):
            yield user, item, (_START + timedelta(seconds=place)).isoformat()


def _sequences(folder: Path, aside: Path) -> list[str]:
    path = aside / "sequences.csv"
    with (folder / "sequences.txt").open() as lines, path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("user_id", "item_id", "occurred_at"))
        writer.writerows(sequence_rows(lines))
    return ["files", "--interactions", str(path), "--set", "event_type=purchase"]


def _sessions(folder: Path, aside: Path) -> list[str]:
    options = ["--columns", CLICK_COLUMNS, "--set", "event_type=click", "--delimiter", "\t"]
    return ["files", "--interactions", str(folder / "train.tsv"), *options]


def _movielens(folder: Path, aside: Path) -> list[str]:
    return ["movielens", str(folder)]


# Files, clock times, sessions, import; another folder is one of MovieLens.
_FORMS: tuple[tuple[tuple[str, ...], bool, bool, Callable[[Path, Path], list[str]]], ...] = (
    (("sequences.txt",), False, False, _sequences),
    (("train.tsv", "test.tsv"), True, True, _sessions),
)
