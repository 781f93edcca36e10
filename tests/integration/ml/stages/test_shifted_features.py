"""A run whose item features belong to the wrong items is refused by its recall beside that of the champion's run.

Sixty users of four tastes have 8 of some 25 items of theirs; held out are 3 of some 25 more that are cold
before, so that a model needs the features.
"""

import shutil
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ml.stages import evaluate_model, gate_model
from nightjar.contract.errors import GateRefused
from nightjar.contract.interval import of_date
from nightjar.contract.run_folder import RunFolder
from nightjar.publishing.output_rows import read_rows
from nightjar.publishing.publish import publish
from tests.support.pair_features import write_pairs
from tests.support.popularity_features import write_popularity
from tests.support.refusals import refused

USERS, ITEMS, KINDS = 60, 200, 4
PUBLISHED, SECOND = "2026-03-01.1", ("2026-03-02.1", "2026-03-02.2")
ReplaceFeatures = Callable[[RunFolder, str, dict[str, Any]], None]
_RANDOM = np.random.default_rng(5)
TASTES = _RANDOM.permutation(ITEMS) % KINDS
OLD, NEW = (np.arange(ITEMS) < ITEMS // 2, np.arange(ITEMS) >= ITEMS // 2)


def consumed_by(user: int) -> Any:
    parts = ((OLD, 8), (NEW, 3))
    own = user % KINDS == TASTES
    return np.concatenate([_RANDOM.permutation(np.flatnonzero(own & part))[:count] for part, count in parts])


CONSUMED = [consumed_by(user) for user in range(USERS)]


def write_side(write: ReplaceFeatures, folder: RunFolder, side: str, tastes: Any) -> None:
    count = len(tastes)
    features = [*range(count), *(count + tastes)]
    columns = {f"{side}_index": [*range(count)] * 2, "feature_index": features, "value": [1.0] * len(features)}
    write(folder, f"{side}_features", columns)
    names = [*(f"id:{n}" for n in range(count)), *(f"taste:{n}" for n in range(KINDS))]
    write(folder, f"{side}_feature_names", {"feature_index": range(len(names)), "feature": names})


def write_run(write: ReplaceFeatures, folder: RunFolder) -> None:
    train, holdout, choice_holdout = (
        [(user, item) for user in range(USERS) for item in CONSUMED[user][part]]
        for part in (slice(0, 8), slice(8, 11), slice(6, 8))
    )
    write_pairs(folder, train, holdout, choice_holdout=choice_holdout)
    nothing = np.array([], np.int64)
    write(folder, "shown", {"user_index": nothing, "item_index": nothing, "recency": nothing})
    write(folder, "user_ids", {"user_index": range(USERS), "user_id": [f"u{n}" for n in range(USERS)]})
    items = {"item_index": range(ITEMS), "item_id": [f"i{n}" for n in range(ITEMS)]}
    write(folder, "item_ids", items | {"domain": ["default"] * ITEMS, "is_available": [True] * ITEMS})
    write_side(write, folder, "user", np.arange(USERS) % KINDS)
    write_side(write, folder, "item", TASTES)
    write_popularity(folder)


@pytest.fixture(scope="module")
def first_run(
    plant: Callable[..., Any], replace_features: ReplaceFeatures, tmp_path_factory: pytest.TempPathFactory
) -> Any:
    """The first run, published with its recall, and two attempts of a second one."""
    first_run = plant(tmp_path_factory.mktemp("home"), epochs=20)
    write_run(replace_features, first_run.folder)
    evaluate_model.run(first_run.settings, first_run.folder)
    with first_run.warehouse.transaction() as connection:
        connection.execute(
            "insert into recs.publications values "
            "(1, ?, date '2026-03-01', now(), 'published', null, 'm', ?, 'h', 1, 'c', 'a', 'w', now())",
            [PUBLISHED, first_run.folder.read_mlflow_run()["run_id"]],
        )
        connection.execute("insert into recs.current_publication values (?, date '2026-03-01', 1, now())", [PUBLISHED])
        for attempt, publication_id in enumerate(SECOND, 1):
            connection.execute(
                "insert into recs.publication_attempts values (?, date '2026-03-02', ?, now(), null, 'auto', 'all', "
                "null, 'r', 'c', now(), null)",
                [publication_id, attempt],
            )
        connection.execute(
            "insert into recs.model_metrics values (?, date '2026-03-01', 'nightjar', 'all', 'recall', 10, ?, 60)",
            [PUBLISHED, recall(first_run.folder)],
        )
    return first_run


def recall(folder: RunFolder) -> float:
    keys = ("nightjar", "all", "recall")
    rows = read_rows(folder, "model_metrics")
    return next(float(row["value"]) for row in rows if (row["model"], row["slice"], row["metric"]) == keys)


@pytest.mark.parametrize(("shift", "verdict"), [(0, "passed"), (1, "refused")])
def test_features_of_the_next_item_are_refused_and_the_pointer_stays(
    first_run: Any, replace_features: ReplaceFeatures, shift: int, verdict: str
) -> None:
    publication_id = SECOND[shift]
    folder = RunFolder.of(first_run.settings.lake, publication_id)
    shutil.copytree(first_run.folder.path / "features", folder.path / "features")
    shutil.copytree(first_run.folder.path / "snapshot", folder.path / "snapshot")
    record = replace(first_run.folder.record(), publication_id=publication_id, interval=of_date("2026-03-02"))
    folder.write_record(record)
    write_side(replace_features, folder, "item", np.roll(TASTES, shift))
    evaluate_model.run(first_run.settings, folder)
    query = (
        "select verdict, measured, threshold, reason from recs.gate_decisions "
        "where gate = 'champion_record' and publication_id = ?"
    )
    if verdict == "refused":
        with refused(GateRefused, "gate_refused", wording=False, verdicts={"champion_record": "refused"}):
            gate_model.run(first_run.settings, folder)
        with refused(GateRefused, "gate_refused", wording=False, publication_id=publication_id) as error:
            publish(first_run.warehouse, record, model_uri="m", mlflow_run_id="m", content_hash="h")
        assert error.value.fields["verdicts"]["champion_record"] == "refused"
    else:
        gate_model.run(first_run.settings, folder)
    with first_run.warehouse.connect(read_only=True) as connection:
        [(found, measured, threshold, reason)] = connection.execute(query, [publication_id]).fetchall()
        current = connection.execute("select publication_id from recs.current_publication").fetchall()
    assert found == verdict
    assert (measured < threshold) == (verdict == "refused"), reason
    assert current == [(PUBLISHED,)]
