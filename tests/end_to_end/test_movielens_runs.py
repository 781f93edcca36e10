"""MovieLens 100k: its last date, an earlier one by a tuned configuration as history, a rollback there and back."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from nightjar.contract.run_folder import RunFolder
from nightjar.contract.tuned_configuration import PLAIN, Recipe, read_recipe
from nightjar.publishing.tuned_configurations import Entry, add_entry
from tests.support.refusals import refused_command

LAST, EARLIER = "1998-04-22", "1998-02-10"
# Settings of features, training and ranking, none of them the default.
RECIPE = Recipe("1998-02-09.1", {"recency_rank_power": 1.0, "epochs": 12, "cooccurrence_share": 0.4})
BEFORE = "occurred_at < timestamptz '1998-02-11 00:00:00+00'"


@dataclass(frozen=True)
class MovieLensRuns:
    """The home after both runs, and the current publication after each."""

    home: Any
    after_last: tuple[str, str]
    after_earlier: tuple[str, str]


@pytest.fixture(scope="module")
def runs(new_home: Callable[[str], Any], shared_data: Path) -> MovieLensRuns:
    home = new_home("movielens")
    imported = home.nightjar("import", "movielens", str(shared_data / "ml-100k"))
    assert imported.returncode == 0, imported.stdout
    home.run(LAST)
    after_last = home.current()
    add_entry(home.settings.lake, Entry(RECIPE, date(1998, 2, 9), PLAIN.says(), "passed", "r"))
    home.run(EARLIER)
    return MovieLensRuns(home, after_last, home.current())


def measured(home: Any, publication: str, model: str) -> float:
    query = "select value from recs.model_metrics where publication_id = ? and model = ?"
    value: float = home.value(f"{query} and slice = 'all' and metric = 'recall' and k = 10", [publication, model])
    return value


def test_every_rater_gets_ten_films(runs: MovieLensRuns) -> None:
    lists = runs.home.rows(
        "select count(*), count(distinct item_id) from recs.recommendations_current group by user_id"
    )
    assert lists == [(10, 10)] * 943


@pytest.mark.parametrize("date", [LAST, EARLIER])
def test_the_model_is_well_above_popularity_and_the_indices_reach_the_floor(runs: MovieLensRuns, date: str) -> None:
    publication = f"{date}.1"
    assert measured(runs.home, publication, "nightjar") >= 1.3 * measured(runs.home, publication, "popularity")
    recalls = runs.home.rows("select recall from recs.index_manifest where publication_id = ?", [publication])
    assert len(recalls) == 2
    assert all(recall >= 0.95 for (recall,) in recalls)


def test_an_earlier_date_becomes_history_and_the_current_publication_stays(runs: MovieLensRuns) -> None:
    assert runs.after_last[0] == f"{LAST}.1"
    assert runs.after_earlier == runs.after_last
    assert runs.home.rows("select publication_id, action from recs.publications order by ledger_id limit 2") == [
        (f"{LAST}.1", "published"),
        (f"{EARLIER}.1", "history"),
    ]
    history = runs.home.rows("select distinct publication_id from recs.recommendations_history order by 1")
    assert history == [(f"{EARLIER}.1",), (f"{LAST}.1",)]


def test_an_earlier_date_sees_only_what_had_happened_by_then(runs: MovieLensRuns) -> None:
    folder = RunFolder.of(runs.home.settings.lake, f"{EARLIER}.1")
    for name, column, query in (
        ("interactions", "event_id", f"select event_id from raw.interactions where {BEFORE}"),
        ("users", "user_id", f"select distinct user_id from raw.interactions where {BEFORE}"),
    ):
        seen = runs.home.rows(f"select {column} from read_parquet(?) order by 1", [str(folder.snapshot(name))])
        assert seen == runs.home.rows(f"{query} order by 1"), name
    served = runs.home.rows(
        "select user_id, count(*) from recs.recommendations where publication_id = ? group by 1 order by 1",
        [f"{EARLIER}.1"],
    )
    raters = runs.home.rows(f"select distinct user_id from raw.interactions where {BEFORE} order by 1")
    assert served == [(user, 10) for (user,) in raters]
    assert 0 < len(served) < 943


def test_a_run_trains_with_the_tuned_configuration_in_force_and_logs_it(runs: MovieLensRuns) -> None:
    client = MlflowClient(runs.home.settings.mlflow_uri)
    output = {}
    for day in (LAST, EARLIER):
        query = "select mlflow_run_id from recs.publications where publication_id = ? limit 1"
        output[day] = client.get_run(runs.home.value(query, [f"{day}.1"])).data.params
    names = ("recipe_name", "epochs", "recency_rank_power", "cooccurrence_share")
    assert [output[EARLIER][name] for name in names] == ["1998-02-09.1", "12", "1.0", "0.4"]
    assert (output[LAST]["epochs"], output[LAST]["cooccurrence_share"]) == ("30", "0.25")
    folder = RunFolder.of(runs.home.settings.lake, f"{EARLIER}.1")
    assert read_recipe(folder.recipe) == RECIPE
    # Weights fall with the first power of the rank: the oldest of n events weighs 1/n.
    weights = runs.home.rows(
        "select round(min(weight) * count(*), 3), max(weight) from read_parquet(?) group by user_index",
        [str(folder.path / "features" / "full_interactions" / "*.parquet")],
    )
    assert set(weights) == {(1.0, 1.0)}


def test_a_later_publication_is_no_champion_of_an_earlier_date(runs: MovieLensRuns) -> None:
    query = "select verdict, measured from recs.gate_decisions where publication_id = ? and gate = 'champion'"
    assert runs.home.rows(query, [f"{EARLIER}.1"]) == [("skipped", None)]


def test_a_rollback_moves_readers_and_the_champion_there_and_back(runs: MovieLensRuns) -> None:
    home = runs.home
    client = MlflowClient(home.settings.mlflow_uri, home.settings.mlflow_uri)
    for target, previous, reason in (
        (f"{EARLIER}.1", f"{LAST}.1", "a reason"),
        (f"{LAST}.1", f"{EARLIER}.1", "another"),
    ):
        done = home.nightjar("rollback", "--to", target, "--reason", reason)
        assert done.returncode == 0
        assert re.findall(r"\d{4}-\d\d-\d\d[.]\d+", done.stdout) == [target, previous]
        assert home.rows("select distinct publication_id from recs.recommendations_current") == [(target,)]
        [(entry, model_uri)] = home.rows(
            "select (action, publication_id, previous_publication_id, reason), model_uri"
            " from recs.publications order by ledger_id desc limit 1"
        )
        assert entry == ("rollback", target, previous, reason)
        champion = client.get_model_version_by_alias("nightjar", "champion")
        assert model_uri == f"models:/nightjar/{champion.version}"
    assert home.current() == runs.after_last
    again = home.nightjar("rollback", "--to", f"{LAST}.1", "--reason", "once more")
    refused_command(again, 2, "already_current", f"{LAST}.1")
