"""`python -m benchmarks.cold_start --data DIR ...`: measure every data set and write the page."""

import sys
from argparse import ArgumentParser
from pathlib import Path

from benchmarks.cold_start.measure import measure
from benchmarks.cold_start.page import write_page
from nightjar.contract.errors import BadInput
from nightjar.contract.settings import load_settings


def main() -> int:
    """Measure and write."""
    arguments = _parser().parse_args()
    figures = {}
    try:
        for data in arguments.data:
            by_test_set = measure(data, arguments.work.absolute() / data.name, load_settings())
            figures |= {f"{data.name}, {title}": models for title, models in by_test_set.items()}
    except BadInput as error:
        print(error, file=sys.stderr)
        return 2
    write_page(figures, arguments.page)
    return 0


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="benchmarks.cold_start", description="Compare Nightjar with its peers on cold items and new domains."
    )
    parser.add_argument(
        "--data", type=Path, nargs="+", required=True, help="folders as described in benchmarks/cold_start/sources.py"
    )
    parser.add_argument(
        "--work", type=Path, required=True, help="folder of saved figures, which are not measured again"
    )
    parser.add_argument("--page", type=Path, default=Path("docs/cold-start.md"))
    return parser


if __name__ == "__main__":
    sys.exit(main())
