"""The demo shop's last date, run twice by the real command: its output and its tables."""

import re
from typing import Any

import mlflow
import pandas as pd
import pytest
from mlflow import MlflowClient

from nightjar.contract.gates import REQUIRED_GATES
from nightjar.contract.tables import CONTROL, OUTPUTS

K = 10


def content_hash(summary: str) -> str:
    found = re.search(r"^content hash: ([0-9a-f]{64})$", summary, re.MULTILINE)
    assert found, summary[-1000:]
    return found[1]


def test_the_same_run_publishes_the_same_content_again(shop: Any) -> None:
    assert content_hash(shop.first) == content_hash(shop.second)
    assert shop.home.rows("select publication_id, action, content_hash from recs.publications order by ledger_id") == [
        ("2026-03-31.1", "published", content_hash(shop.first)),
        ("2026-03-31.2", "published", content_hash(shop.first)),
    ]
    assert shop.home.value("select publication_id from recs.current_publication") == "2026-03-31.2"
    assert shop.home.value("select count(*) from recs.recommendations_diff") == 0


def test_each_stage_logs_its_rows_and_seconds(shop: Any) -> None:
    stages = {"audit_inputs", "unload", "build_features", "evaluate_model", "gate_model", "fit_model"}
    stages |= {"build_indices", "score_users", "load_staging", "audit_outputs", "publish", "report"}
    output = re.findall(r"^ +[\d.]+ s  (\w+): [\d,]+ \w+ in [\d.]+ s", shop.first, re.MULTILINE)
    assert set(output) == stages
    assert len(output) == len(stages)


def test_the_summary_shows_metrics_indices_gates_and_recommendations_with_titles(shop: Any) -> None:
    for columns in (
        ("slice", "metric", "nightjar", "popularity", "users"),
        ("index_name", "item_count", "ef", "recall", "latency_p50_ms"),
        ("gate", "verdict", "reason"),
        ("user_id", "domain", "rank", "item", "source", "because_of"),
    ):
        assert re.search("┃ " + " +┃ ".join(columns) + " +┃", shop.second), columns
    recall = shop.home.value(
        "select value from recs.model_metrics where publication_id = '2026-03-31.2'"
        " and model = 'nightjar' and slice = 'all' and metric = 'recall'"
    )
    assert re.search(rf"│ all +│ recall@10 +│ {recall:.3f} ", shop.second)
    for index in ("retrieval", "similarity"):
        assert f"│ {index} " in shop.second
    shown = re.findall(r"│ (user-\d+) +│ (\w+) +│ ([123]) +│ (.+?) +│ (\w+) +│ (.+?) +│", shop.second)
    assert len(shown) == 3 * 3 * 3
    for user, domain, rank, title, source, _ in shown:
        published = shop.home.rows(
            "select i.title, r.source from recs.recommendations_current r"
            " join core.dim_items i on i.item_id = r.item_id and i.valid_to is null"
            " where user_id = ? and r.domain = ? and rank = ?",
            [user, domain, int(rank)],
        )
        assert published == [(title, source)]


@pytest.mark.parametrize("table", [each.full_name for each in (*OUTPUTS, *CONTROL)])
def test_no_table_is_empty_except_excluded_users_and_failures(shop: Any, table: str) -> None:
    # No setting excludes users, and nothing failed.
    is_empty = table in ("recs.excluded_users", "recs.run_failures")
    assert (shop.home.value(f"select count(*) from {table}") == 0) == is_empty


def test_staging_is_empty_after_publication(shop: Any) -> None:
    for table in OUTPUTS:
        assert shop.home.value(f"select count(*) from recs_staging.{table.name}") == 0


def test_every_user_has_k_recommendations_in_every_domain(shop: Any) -> None:
    lists = shop.home.rows(
        "select count(*), count(distinct item_id), min(rank), max(rank), count(distinct rank)"
        " from recs.recommendations_current group by user_id, domain"
    )
    assert lists == [(K, K, 1, K, K)] * (600 * 3)
    assert shop.home.rows("select distinct user_id from recs.recommendations_current order by 1") == shop.home.rows(
        "select distinct user_id from raw.users order by 1"
    )


def test_the_model_beats_popularity_and_the_indices_reach_the_floor(shop: Any) -> None:
    recall = dict(
        shop.home.rows(
            "select model, value from recs.model_metrics where publication_id = '2026-03-31.2'"
            " and slice = 'all' and metric = 'recall' and k = 10"
        )
    )
    assert recall["nightjar"] > 1.2 * recall["popularity"]
    indices = shop.home.rows("select index_name, recall from recs.index_manifest where publication_id = '2026-03-31.2'")
    assert {name for name, _ in indices} == {"retrieval", "similarity"}
    assert all(measured >= 0.95 for _, measured in indices)


def test_every_gate_decided_on_every_attempt(shop: Any) -> None:
    decisions = shop.home.rows("select publication_id, gate, verdict from recs.gate_decisions")
    verdicts = {(publication, gate): verdict for publication, gate, verdict in decisions}
    assert set(verdicts) == {(f"2026-03-31.{attempt}", gate) for attempt in (1, 2) for gate in REQUIRED_GATES}
    # No earlier date was published, so there is no champion to compare with.
    assert {key for key, verdict in verdicts.items() if verdict != "passed"} == {
        (f"2026-03-31.{attempt}", gate) for attempt in (1, 2) for gate in ("champion", "champion_record", "coverage")
    }


def test_mlflow_has_one_run_a_publication_and_the_champion_is_the_current_one(shop: Any) -> None:
    settings = shop.home.settings
    client = MlflowClient(settings.mlflow_uri, settings.mlflow_uri)
    [experiment] = [each for each in client.search_experiments() if each.name == "nightjar"]
    runs = {run.data.tags["nightjar.publication_id"]: run for run in client.search_runs([experiment.experiment_id])}
    ledger = shop.home.rows("select publication_id, mlflow_run_id, model_uri from recs.publications order by ledger_id")
    assert len(ledger) == len(runs) == 2
    for publication, run_id, model_uri in ledger:
        assert runs[publication].info.run_id == run_id
        assert runs[publication].data.params["embedding_dim"] == "64"
        recall = shop.home.value(
            "select value from recs.model_metrics where publication_id = ?"
            " and model = 'nightjar' and slice = 'all' and metric = 'recall'",
            [publication],
        )
        assert runs[publication].data.metrics["nightjar.all.recall_at_10"] == pytest.approx(recall)
        assert {each.path for each in client.list_artifacts(run_id)} == {"event_types", "model", "plots", "report"}
        version = client.get_model_version("nightjar", model_uri.removeprefix("models:/nightjar/"))
        assert version.run_id == run_id
    assert client.get_model_version_by_alias("nightjar", "champion").run_id == ledger[1][1]


def test_the_champion_answers_the_rows_that_are_published(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = ["user_id", "domain", "rank", "item_id", "score", "source", "contributions", "reason_item_id"]
    published = shop.home.rows(
        f"select {', '.join(columns)} from recs.recommendations_current order by user_id, domain, rank"
    )
    monkeypatch.setenv("MLFLOW_TRACKING_URI", shop.home.settings.mlflow_uri)
    users = pd.DataFrame({"user_id": list(dict.fromkeys(row[0] for row in published))})
    answers = mlflow.pyfunc.load_model("models:/nightjar@champion").predict(users)
    expected = pd.DataFrame(published, columns=columns).astype({"rank": "int32", "score": "float32"})
    assert set(expected["domain"]) == {"films", "books", "games"}
    pd.testing.assert_frame_equal(answers, expected, check_exact=True)


def test_the_analysts_tables_are_filled(shop: Any) -> None:
    for mart in (
        "recommendation_ctr_daily",
        "catalogue_health_daily",
        "publication_outcomes",
        "exposure_outcomes",
        "variant_outcomes",
        "item_outcomes",
    ):
        assert shop.home.value(f"select count(*) from marts.{mart}") > 0
    exposures, clicks = shop.home.rows("select count(*), count(first_clicked_at) from marts.exposure_outcomes")[0]
    assert exposures == shop.home.value("select count(*) from raw.exposures")
    assert 0 < clicks < exposures
    assert shop.home.rows("select sum(exposures), sum(clicks) from marts.recommendation_ctr_daily") == [
        (exposures, clicks)
    ]
    assert shop.home.rows("select publication_id from marts.publication_outcomes order by 1") == [
        ("2026-03-31.1",),
        ("2026-03-31.2",),
    ]
