"""The parts of `make bench` that need no run; tests/end_to_end/shop/test_bench_page.py measures one."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from benchmarks.performance import measure
from benchmarks.performance.generated_data import Size, write_files
from benchmarks.performance.script import recommend
from benchmarks.performance.targets import Target, reasons, targets
from benchmarks.performance.whole_run import StageCost, ended_stage
from benchmarks.saved_figures import SavedFigures
from tests.support.golden import check_wording

SIZE = Size("tiny", 3_000, 120, 400)


def test_generated_interactions_are_new_pairs_of_the_size_and_the_same_each_time(tmp_path: Path) -> None:
    first, second = (write_files(SIZE, tmp_path / name) for name in ("first", "second"))
    table = pq.read_table(first["interactions"])
    pairs = {*zip(table["user_id"].to_pylist(), table["item_id"].to_pylist(), strict=True)}
    assert len(pairs) == table.num_rows
    assert 0.6 * SIZE.interactions < table.num_rows <= 1.2 * SIZE.interactions
    assert len(pc.unique(table["user_id"])) == SIZE.users
    assert str(pc.min(table["occurred_at"])) > "2025-03-31"
    assert str(pc.max(table["occurred_at"])) < "2026-04-01"
    assert all(pq.read_table(first[name]).equals(pq.read_table(second[name])) for name in first)


def test_generated_users_take_most_items_from_few_groups(tmp_path: Path) -> None:
    paths = write_files(Size("tiny", 20_000, 400, 4_000), tmp_path)
    group = dict(
        row.values() for row in pq.read_table(paths["item_features"]).to_pylist() if row["feature"].startswith("genre:")
    )
    of_user: dict[str, list[str]] = {}
    for row in pq.read_table(paths["interactions"]).to_pylist():
        of_user.setdefault(row["user_id"], []).append(group[row["item_id"]])
    busy = [groups for groups in of_user.values() if len(groups) >= 50]
    for groups in busy:
        most = sorted((groups.count(each) for each in set(groups)), reverse=True)
        # 3 of 40 groups: by chance they would hold a tenth.
        assert sum(most[:3]) > len(groups) / 2
    assert busy


@pytest.mark.parametrize("model", ["als", "ease"])
def test_a_script_recommends_what_a_user_does_not_have(model: str) -> None:
    pairs = pd.DataFrame({"user_id": ["u1", "u1", "u2", "u2", "u3"], "item_id": ["a", "b", "b", "c", "a"]})
    # Whoever has a, as u3, may like b, which u1 has beside it.
    rows = recommend(model, pairs).itertuples(index=False)
    assert [tuple(each) for each in rows] == [("u1", "c", 1), ("u2", "a", 1), ("u3", "b", 1), ("u3", "c", 2)]


@pytest.mark.parametrize(
    ("line", "stage"),
    [
        ("   35.0 s  score_users: 200,000 rows in 34.9 s, 5,708 rows/s\n", ("score_users", 200_000, "rows", 34.9)),
        ("    9.2 s  dbt_inputs: models built in 9.0 s\n", ("dbt_inputs", 0, "", 9.0)),
        ("  442.3 s  load_staging: 200,000 recommendations\n", None),
        ("2026-03-31.1: published, 200,000 recommendations, 513 s (publish=auto: all gates passed)\n", None),
    ],
)
def test_a_log_line_names_the_stage_that_ended(line: str, stage: tuple[str, int, str, float] | None) -> None:
    assert ended_stage(line) == (StageCost(*stage, 0) if stage else None)


def test_targets_are_ratios_of_measured_figures() -> None:
    figures = {
        "scoring": {
            "bare product": 1.0,
            "implicit's recommend": 2.0,
            "Nightjar, embeddings alone": 2.5,
            "Nightjar, blended as published": 4.0,
            "LightFM.predict": 120.0,
        },
        "epochs": {"Nightjar": 1.1, "bare LightFM": 1.0},
        "inputs": {"dbt": 3.0, "unload": 1.0, "bare": 2.0},
        "duckdb": {"bare": 0.7, "load": 1.0},
        "postgres": {"bare": 0.9, "load": 1.0},
        "index": {"query per second": 98.0, "bare query per second": 100.0, "recall": 0.995},
        "run": {"seconds": 30.0, "overhead": 10.0, "peak": 8 * 2**30},
    }
    found = [(round(each.ratio, 3), each.is_met) for each in targets(figures)]
    assert found == [
        (2.5, True),
        (1.25, False),
        (4.0, False),
        (2.0, True),
        (48.0, True),
        (30.0, True),
        (1.1, False),
        (0.9, True),
        (0.7, False),
        (2.0, True),
        # Within the noise of two measurements.
        (0.98, True),
        (0.995, True),
        (1.5, True),
        (0.5, True),
    ]


@pytest.mark.parametrize(
    ("target", "is_met"),
    [
        (Target("times", 1.02, 1.0), True),
        (Target("times", 1.04, 1.0), False),
        (Target("a count", 0.989, 0.99, False, noise=0.0), False),
        (Target("a count", 0.99, 0.99, False, noise=0.0), True),
    ],
)
def test_times_have_a_tolerance_and_counts_none(target: Target, is_met: bool) -> None:
    assert target.is_met is is_met


def test_a_target_that_one_size_misses_has_a_reason() -> None:
    small = [
        Target("a / b", 2.0, 1.0, why="b is cheap"),
        Target("c / d", 1.0, 1.0, why="met"),
        Target("e / f", 2.0, 1.0),
    ]
    large = [
        Target("a / b", 1.0, 1.0, why="b is cheap"),
        Target("c / d", 1.0, 1.0, why="met"),
        Target("e / f", 2.0, 1.0),
    ]
    why, unexplained = reasons([small, large])
    assert why == "a / b: b is cheap"
    assert unexplained.startswith("e / f: ")
    check_wording(unexplained)


def test_an_interrupted_measurement_continues(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured = []

    def alone(work: Callable[..., object], *arguments: object) -> str:
        measured.append(work.__name__)
        if measured == ["start_seconds", "inputs_seconds"]:
            raise KeyboardInterrupt
        return work.__name__

    monkeypatch.setattr(measure, "_alone", alone)
    monkeypatch.setattr(measure, "_run", lambda size, work: pytest.fail(size.name))
    SavedFigures(tmp_path / measure.FIGURES).measure_once("run", lambda: {"publication_id": "2026-03-31.1"})
    with pytest.raises(KeyboardInterrupt):
        measure.measure(SIZE, tmp_path)
    figures = measure.measure(SIZE, tmp_path)
    assert measured.count("start_seconds") == 1
    assert measured.count("inputs_seconds") == 2
    assert (figures["size"]["name"], figures["run"]) == ("tiny", {"publication_id": "2026-03-31.1"})
    assert (figures["inputs"], figures["index"]) == ("inputs_seconds", "model_index")
