"""All measurements of one size, as plain figures; each runs in a process of its own."""

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.performance.cluster import cluster_seconds
from benchmarks.performance.fitting import epoch_seconds
from benchmarks.performance.generated_data import Size
from benchmarks.performance.index_build import generated_index, model_index
from benchmarks.performance.inputs import inputs_seconds
from benchmarks.performance.process_starts import start_seconds
from benchmarks.performance.publication import duckdb_seconds, postgres_seconds
from benchmarks.performance.scoring import scoring_seconds
from benchmarks.performance.script import script_costs
from benchmarks.performance.whole_run import imported_home, measure_run
from benchmarks.saved_figures import SavedFigures
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import load_settings

FIGURES = "figures.json"
_FEW, _MOST_REPEATED = 3, 2_000_000
# The workers of the tests have one core and a gigabyte: too little for the largest size.
_WORKERS = (1, 2)


def measure(size: Size, work: Path) -> dict[str, Any]:
    """Do the first run of a new home with the data of a size, and measure its stages.

    Figures are saved in `FIGURES` of the work folder, so that an interrupted measurement, which takes hours with the
    largest size, continues.
    """
    home, figures = work / "home", SavedFigures(work / FIGURES)
    run = figures.measure_once("run", lambda: _run(size, work))
    is_small = size.interactions <= _MOST_REPEATED
    repeats, workers = (_FEW, _WORKERS) if is_small else (1, ())
    interactions = work / "files" / "interactions.parquet"
    measure_stages(home, run["publication_id"], interactions, size.index_items, repeats, workers, figures)
    return {"size": asdict(size), **figures.values}


def measure_stages(
    home: Path,
    publication_id: str,
    interactions: Path,
    index_items: Sequence[int],
    repeats: int,
    workers: Sequence[int],
    figures: SavedFigures,
) -> None:
    """Measure in isolation the work of the stages of a finished run; its home was imported from `interactions`."""
    settings = load_settings().model_copy(update={"home": home.absolute()})
    folder = RunFolder.of(settings.lake, publication_id).path
    parts: dict[str, Callable[[], Any]] = {
        "starts": lambda: _alone(start_seconds, home, repeats),
        "inputs": lambda: _alone(inputs_seconds, settings, folder, repeats),
        "epochs": lambda: _alone(epoch_seconds, folder, settings, min(2, repeats), repeats),
        "scoring": lambda: _alone(scoring_seconds, folder, repeats),
        "duckdb": lambda: _alone(duckdb_seconds, folder, repeats),
        "postgres": lambda: _alone(postgres_seconds, folder, repeats),
        "script": lambda: _alone(script_costs, folder, interactions),
        "cluster": lambda: _alone(cluster_seconds, folder, settings, workers),
        "index": lambda: _alone(model_index, folder, settings, repeats),
        "made-up indices": lambda: [_alone(generated_index, items, settings) for items in index_items],
    }
    for name, part in parts.items():
        figures.measure_once(name, part)


def _run(size: Size, work: Path) -> dict[str, Any]:
    run = measure_run(imported_home(size, work))
    return asdict(run) | {"overhead": run.overhead}


def _alone(work: Callable[..., Any], *arguments: object) -> Any:
    """Work in a fresh process, so that no cache or memory of an earlier measurement counts."""
    print(f"{work.__name__} ...", flush=True)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(work, *arguments).result()
