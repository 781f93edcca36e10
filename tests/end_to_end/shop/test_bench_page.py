"""`make bench` on an existing run: measures everything once and writes the page."""

import re
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.kept import Kept
from benchmarks.performance.generated_data import SIZES
from benchmarks.performance.measure import measure_stages
from benchmarks.performance.night import NightCost, StageCost
from benchmarks.performance.page import write_page


def test_the_stages_of_a_run_are_measured_and_shown(shop: Any, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(shop.home.path, home)
    run = NightCost([StageCost("unload", 1_000, "rows", 2.0, 2**30)], 3.0, 2**31, "2026-03-31.2")
    kept = Kept(tmp_path / "figures.json")
    measure_stages(home, run.publication_id, [500], 1, [1], kept)
    figures = {"size": asdict(SIZES["smoke"]), "night": asdict(run) | {"overhead": run.overhead}, **kept.values}
    write_page([figures], tmp_path / "performance.md")
    page = (tmp_path / "performance.md").read_text(encoding="utf-8")
    assert re.search(r"^\| .*\(at most 1\.5\) \| 1\.5 met \|$", page, re.MULTILINE)
    assert "| unload | 2.0 s, 500 rows/s, 1.00 GiB |" in page
    assert re.search(r"^\| 500, made up \| .* \| (0\.99|1\.0)\d+ \| \d+ \| 0 \|$", page, re.MULTILINE)
    assert re.search(r"^\| score_users, 1 worker \| \d+\.\d+ \|$", page, re.MULTILINE)
    assert (tmp_path / "images" / "performance.png").stat().st_size > 0
