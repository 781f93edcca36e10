"""MLflow loads what fit_model registered, and it answers the rows that Spark scores for the same run, bit by bit."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pyarrow.parquet as pq
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from ml.stages import evaluate_model, fit_model
from ml.tracking import TrackedRun, set_champion
from tests.support.mlflow_server import MlflowServer, free_port, running_mlflow
from tests.support.planted_runs import PlantedRun
from tests.support.postgres_server import PostgresServer
from tests.support.spark_submit import submit

KEYS = ["user_id", "domain", "rank"]
REPEATS = {"top_k": 7, "diversity_weight": 0.4, "repeat_after_days": "3"}


def train(run: PlantedRun) -> PlantedRun:
    """Evaluate and fit a run, and point the alias at its model."""
    evaluate_model.run(run.settings, run.folder)
    fit_model.run(run.settings, run.folder)
    set_champion(run.settings, tracked(run).model_version or "")
    return run


def tracked(run: PlantedRun) -> TrackedRun:
    return TrackedRun(**run.folder.read_mlflow_run())


def everyone(run: PlantedRun) -> list[str]:
    """The users of the run, the last first, between two who are unknown to it."""
    ids = pq.read_table(run.folder.features("user_ids"))["user_id"].to_pylist()
    return ["zoe", *sorted(ids, reverse=True), "zac"]


def load(run: PlantedRun, uri: str) -> Any:
    """Load a model of the store or server of the run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", run.settings.mlflow_uri)
        return mlflow.pyfunc.load_model(uri)


def artifact(run: PlantedRun) -> Path:
    """The folder of the registered files in the local store."""
    return run.settings.mlflow_artifacts / tracked(run).run_id / "artifacts" / "model"


def digests(folder: Path) -> Mapping[str, str]:
    """SHA-256 of each file below a folder by its path."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module", params=[{}, REPEATS], ids=["plain", "repeats"])
def run(request: pytest.FixtureRequest, plant: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A trained run, under plain settings and with another length, repeats and diversity."""
    return train(plant(tmp_path_factory.mktemp("home"), **request.param))


@pytest.fixture(scope="module")
def answers(run: PlantedRun) -> pd.DataFrame:
    """What the champion answers to everyone."""
    return load(run, "models:/nightjar@champion").predict(pd.DataFrame({"user_id": everyone(run)}))


def test_known_users_get_the_rows_that_spark_scores(run: PlantedRun, answers: pd.DataFrame) -> None:
    names = ("top_k", "diversity_weight", "repeat_after_days", "similar_k", "popular_k")
    done = submit("score_users", run.folder, **{name: getattr(run.settings, name) for name in names})
    assert done.returncode == 0, done.stderr
    scored = pq.read_table(run.folder.output("recommendations")).to_pandas().sort_values(KEYS, ignore_index=True)
    assert set(scored["source"]) == {"personal", "cold_user", "popular"}
    known = answers[~answers["user_id"].isin(["zoe", "zac"])].sort_values(KEYS, ignore_index=True)
    pd.testing.assert_frame_equal(known, scored, check_exact=True)


def test_users_are_answered_as_requested_and_unknown_ones_by_popularity(run: PlantedRun, answers: pd.DataFrame) -> None:
    assert list(dict.fromkeys(answers["user_id"])) == everyone(run)
    popular = pq.read_table(run.folder.features("popularity")).to_pandas().sort_values("rank")
    best = popular[popular["segment"] == "all"]["item_index"][: run.settings.top_k]
    for user_id in ("zoe", "zac"):
        rows = answers[answers["user_id"] == user_id]
        assert rows["item_id"].tolist() == [f"i{index:02d}" for index in best]
        assert set(rows["source"]) == {"popular"}


def test_the_version_and_its_alias_answer_the_same_in_another_place_without_a_home(
    run: PlantedRun, answers: pd.DataFrame, tmp_path: Path
) -> None:
    program = """
import sys, mlflow, pandas as pd
users = pd.DataFrame({"user_id": sys.argv[2].split()})
mlflow.pyfunc.load_model(sys.argv[1]).predict(users).to_parquet(sys.argv[3])
"""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NIGHTJAR_")}
    environment |= {"MLFLOW_TRACKING_URI": run.settings.mlflow_uri}
    uri = tracked(run).model_uri or ""
    assert uri == "models:/nightjar/1"
    subprocess.run(
        [sys.executable, "-c", program, uri, " ".join(everyone(run)), "answers"],
        env=environment,
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    assert [path.name for path in tmp_path.iterdir()] == ["answers"]
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "answers"), answers, check_exact=True)


def test_the_version_says_what_it_takes_and_answers(run: PlantedRun) -> None:
    metadata = load(run, "models:/nightjar/1").metadata
    assert metadata.signature.inputs.to_dict() == [{"name": "user_id", "type": "string", "required": True}]
    assert {each.name: (each.type.name, each.required) for each in metadata.signature.outputs} == {
        "user_id": ("string", True),
        "domain": ("string", True),
        "rank": ("integer", True),
        "item_id": ("string", True),
        "score": ("float", True),
        "source": ("string", True),
        "contributions": ("string", False),
        "reason_item_id": ("string", False),
    }
    assert metadata.metadata == {"publication_id": "2026-03-01.1", "as_of": "2026-03-02T00:00:00+00:00"}
    assert set(metadata.flavors) == {"python_function"}


def test_ids_that_are_no_texts_are_refused_by_the_signature(run: PlantedRun) -> None:
    with pytest.raises(MlflowException, match="user_id"):
        load(run, "models:/nightjar/1").predict(pd.DataFrame({"user_id": [1, 2]}))


def test_a_repeated_stage_registers_nothing_else_and_leaves_no_file_of_the_first(
    run: PlantedRun, answers: pd.DataFrame
) -> None:
    # Loading has left a file of MLflow's own.
    before = {name: digest for name, digest in digests(artifact(run)).items() if name != "registered_model_meta"}
    first = tracked(run)
    (artifact(run) / "model" / "of_the_first_try.npy").write_bytes(b"x")
    [part] = run.folder.features("seen").glob("*.parquet")
    part.rename(part.with_name("part-00007-as-spark-names-it.parquet"))
    fit_model.run(run.settings, run.folder)
    assert digests(artifact(run)) == before
    assert tracked(run) == first
    client = MlflowClient(run.settings.mlflow_uri, run.settings.mlflow_uri)
    assert len(client.search_model_versions("name = 'nightjar'")) == 1
    again = load(run, "models:/nightjar@champion").predict(pd.DataFrame({"user_id": everyone(run)}))
    pd.testing.assert_frame_equal(again, answers, check_exact=True)


def test_the_registered_files_are_no_links_into_the_run_folder(run: PlantedRun) -> None:
    assert not [path for path in artifact(run).rglob("*") if path.is_symlink()]
    assert json.loads((artifact(run) / "ranking.json").read_text()) == {
        name: getattr(run.settings, name) for name in REPEATS
    }


@pytest.fixture(scope="module")
def server(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    with running_mlflow(postgres_server, free_port(), tmp_path_factory.mktemp("mlflow")) as server:
        yield server


def test_a_model_of_a_server_answers_as_one_of_the_local_store(
    server: MlflowServer,
    plant: Callable[..., Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    users = pd.DataFrame({"user_id": ["zoe", "u30", "u03"]})
    local, served = (
        train(plant(tmp_path_factory.mktemp("home"), **changes)) for changes in ({}, {"mlflow_url": server.address})
    )
    expected = load(local, "models:/nightjar/1").predict(users)
    for uri in ("models:/nightjar@champion", "models:/nightjar/1"):
        pd.testing.assert_frame_equal(load(served, uri).predict(users), expected, check_exact=True)
    # What the first try left is deleted on the server too.
    client = MlflowClient(server.address, server.address)
    run_id = tracked(served).run_id
    client.log_text(run_id, "x", "model/model/of_the_first_try.npy")
    fit_model.run(served.settings, served.folder)
    arrays = {Path(each.path).name for each in client.list_artifacts(run_id, "model/model")}
    assert arrays == {path.name for path in served.folder.model.iterdir()}
    pd.testing.assert_frame_equal(load(served, "models:/nightjar/1").predict(users), expected, check_exact=True)
