"""`make bench` on an existing run: measures everything once and writes the page."""

import re
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.performance.generated_data import SIZES
from benchmarks.performance.measure import measure_stages
from benchmarks.performance.page import write_page
from benchmarks.performance.whole_run import RunCost, StageCost
from benchmarks.saved_figures import SavedFigures


def test_the_stages_of_a_run_are_measured_and_shown(shop: Any, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(shop.home.path, home)
    run = RunCost([StageCost("unload", 1_000, "rows", 2.0, 2**30)], 3.0, 2**31, "2026-03-31.2")
    kept = SavedFigures(tmp_path / "figures.json")
    interactions = tmp_path / "interactions.parquet"
    pairs = {"user_id": ["u1", "u1", "u2", "u2"], "item_id": [f"i{each}" for each in range(4)]}
    pq.write_table(pa.table(pairs), interactions)
    measure_stages(home, run.publication_id, interactions, [500], 1, [1], kept)
    figures = {"size": asdict(SIZES["smoke"]), "run": asdict(run) | {"overhead": run.overhead}, **kept.values}
    before = {"smoke": {"seconds": 9.0, "stages": {"unload": 5.0}}}
    write_page([figures], before, tmp_path / "performance.md")
    page = (tmp_path / "performance.md").read_text(encoding="utf-8")
    assert re.search(r"^\| .*\(at most 1\.5\) \| 1\.5 met \|$", page, re.MULTILINE)
    assert "| unload | 2.0 s, 500 rows/s, 1.00 GiB |" in page
    assert "| unload | 5.0 → 2.0 |" in page
    assert "| the run | 9 → 3 |" in page
    assert re.search(r"^\| a script with EASE in numpy \| \d+\.\d s, 0\.\d+ GiB, 0\.\d+ \|$", page, re.MULTILINE)
    assert re.search(r"^\| 500, generated \| .* \| (0\.99|1\.0)\d+ \| \d+ \| 0 \|$", page, re.MULTILINE)
    assert re.search(r"^\| score_users, 1 worker \| \d+\.\d+ \|$", page, re.MULTILINE)
    assert (tmp_path / "images" / "performance.png").stat().st_size > 0
