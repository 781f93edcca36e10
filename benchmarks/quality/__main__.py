"""`python -m benchmarks.quality --data DIR ...`: measure every data set by every protocol and write the page."""

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.quality.data_sets import DataSet, data_set_of
from benchmarks.quality.events import read_events
from benchmarks.quality.measure import (
    MIN_USERS,
    WITH_SEQUENCE,
    evaluated_users,
    measure_ablations,
    measure_neural_peers,
    measure_nightjar,
    measure_peers,
)
from benchmarks.quality.page import Measured, write_page
from benchmarks.quality.protocols import PROTOCOLS, Protocol, protocols_of
from benchmarks.quality.sessions.measure import measure_session_peers, measure_sessions_of_nightjar


@dataclass(frozen=True)
class Table:
    """What one table of the page is about, and the folder of its figures."""

    data: DataSet
    base: Path
    protocol: Protocol
    users: int
    folder: Path

    @property
    def title(self) -> str:
        """Its heading."""
        return f"{self.data.name}, {self.protocol.name}"


def main() -> int:
    """Measure the peers, the neural ones last; then Nightjar, and write the page."""
    arguments = _parser().parse_args()
    try:
        data_sets = [data_set_of(folder) for folder in arguments.data]
    except NotADirectoryError as error:
        print(f"{error} is not a folder: expected the files of a data set", file=sys.stderr)
        return 2
    work = arguments.work.absolute()
    tables = [table for data in data_sets if not data.has_sessions for table in _tables(data, work / data.name)]
    large = [table for table in tables if table.users >= MIN_USERS]
    of_sessions = {data.name: (data, work / data.name) for data in data_sets if data.has_sessions}
    for table in large:
        measure_peers(table.base, table.data, table.protocol, table.folder)
    for data, folder in of_sessions.values():
        measure_session_peers(data, folder)
    for table in large:
        measure_neural_peers(table.base, table.protocol, table.folder)
    if arguments.peers_only:
        return 0
    for table in large if arguments.sequence else ():
        measure_nightjar(table.base, table.protocol, table.folder, WITH_SEQUENCE)
    measured = Measured(
        {table.title: measure_nightjar(table.base, table.protocol, table.folder) for table in large},
        {name: measure_sessions_of_nightjar(*each) for name, each in of_sessions.items()},
        {table.title: table.users for table in tables if table.users < MIN_USERS},
        _ablations(large) if arguments.ablations else {},
        {table.data.name: read_events(table.base).tied_fraction() for table in tables},
    )
    write_page(measured, arguments.page)
    return 0


def _tables(data: DataSet, work: Path) -> Iterator[Table]:
    base = data.imported(work / "base")
    for protocol in protocols_of(data):
        folder = work / str(PROTOCOLS.index(protocol))
        folder.mkdir(parents=True, exist_ok=True)
        yield Table(data, base, protocol, evaluated_users(base, protocol), folder)


def _ablations(tables: list[Table]) -> dict[str, dict[str, Any]]:
    return {table.data.name: measure_ablations(table.folder) for table in tables if table.protocol == PROTOCOLS[0]}


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="benchmarks.quality", description="Compare Nightjar's recommendations with those of its peers."
    )
    parser.add_argument(
        "--data", type=Path, nargs="+", required=True, help="folders as described in benchmarks/quality/data_sets.py"
    )
    parser.add_argument(
        "--work", type=Path, required=True, help="folder of homes and saved figures, which are not measured again"
    )
    parser.add_argument("--page", type=Path, default=Path("docs/quality.md"))
    parser.add_argument("--peers-only", action="store_true", help="run no Nightjar and write no page")
    parser.add_argument("--sequence", action="store_true", help="run Nightjar with NIGHTJAR_SEQUENCE=on, too")
    parser.add_argument("--ablations", action="store_true", help="add settings of Nightjar changed one at a time")
    return parser


if __name__ == "__main__":
    sys.exit(main())
