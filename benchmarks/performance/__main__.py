"""`python -m benchmarks.performance --size 1m`: measure one size and write the page of all that were measured."""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path

from benchmarks.performance.generated_data import SIZES
from benchmarks.performance.measure import FIGURES, measure
from benchmarks.performance.page import BEFORE, write_page
from nightjar.contract.atomic_files import write_text


def main() -> int:
    """Measure, save the figures, write the page."""
    arguments = _parser().parse_args()
    work = arguments.work.absolute() / arguments.size
    figures = measure(SIZES[arguments.size], work)
    arguments.figures.mkdir(parents=True, exist_ok=True)
    saved = arguments.figures / f"{arguments.size}.json"
    write_text(saved, json.dumps(figures, indent=1))
    # The next measurement starts from scratch.
    (work / FIGURES).unlink()
    measured = [arguments.figures / f"{name}.json" for name in SIZES]
    before = json.loads((arguments.figures / BEFORE).read_text(encoding="utf-8"))
    of_sizes = [json.loads(path.read_text(encoding="utf-8")) for path in measured if path.exists()]
    write_page(of_sizes, before, arguments.page)
    return 0


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="benchmarks.performance", description="Measure the cost of a run beside bare libraries."
    )
    parser.add_argument("--size", choices=SIZES, required=True)
    parser.add_argument("--work", type=Path, required=True, help="folder of homes, each created from scratch")
    parser.add_argument("--figures", type=Path, default=Path("docs/performance"), help="folder of figures by size")
    parser.add_argument("--page", type=Path, default=Path("docs/performance.md"))
    return parser


if __name__ == "__main__":
    sys.exit(main())
