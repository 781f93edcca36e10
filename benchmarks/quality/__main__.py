"""`python -m benchmarks.quality --data DIR ...`: measure every data set by every protocol and write the page."""

import os
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path

from benchmarks.quality.measure import measure, measure_ablations
from benchmarks.quality.page import write_page
from benchmarks.quality.protocols import PROTOCOLS


def main() -> int:
    """Import, measure, write."""
    arguments = _parser().parse_args()
    figures, ablations = {}, {}
    for data in arguments.data:
        if not data.is_dir():
            print(f"{data} is not a folder: expected an unpacked MovieLens archive", file=sys.stderr)
            return 2
        work = arguments.work.absolute() / data.name
        base = _imported(data, work / "base")
        for number, protocol in enumerate(PROTOCOLS):
            figures[f"{data.name}, {protocol}"] = measure(base, protocol, work / str(number))
        ablations[data.name] = measure_ablations(work / "0")
    write_page(figures, ablations, arguments.page)
    return 0


def _imported(data: Path, home: Path) -> Path:
    """Import the whole data set into a home of its own and return the warehouse file, which no run uses."""
    warehouse = home / "warehouse.duckdb"
    if not warehouse.exists():
        command = [str(Path(sys.executable).parent / "nightjar"), "import", "movielens", str(data)]
        subprocess.run(command, env={**os.environ, "NIGHTJAR_HOME": str(home)}, check=True)
    return warehouse


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="benchmarks.quality", description="Compare Nightjar's recommendations with those of its peers."
    )
    parser.add_argument(
        "--data", type=Path, nargs="+", required=True, help="folders that nightjar import movielens reads"
    )
    parser.add_argument(
        "--work", type=Path, required=True, help="folder of homes and saved figures, which are not measured again"
    )
    parser.add_argument("--page", type=Path, default=Path("docs/quality.md"))
    return parser


if __name__ == "__main__":
    sys.exit(main())
