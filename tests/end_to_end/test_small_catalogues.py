"""Catalogues so small that users have seen every item: all outputs are published, on both engines."""

import csv
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nightjar.contract.settings import Settings
from nightjar.importers.import_files import import_files
from nightjar.serving.recommend import RecommendationReader
from nightjar.warehouse.engines import open_warehouse
from tests.support.stage_chain import run_stages

DATE, AS_OF = "2026-03-28", datetime(2026, 3, 29, tzinfo=UTC)
FAST = {"epochs": 2, "embedding_dim": 8, "spark_partitions": 2}


def imported(settings: Settings, folder: Path, events: list[tuple[str, str, float]], domains: dict[str, str]) -> None:
    """Import events given as (user, item, days before AS_OF), and the items' domains."""
    files = {"interactions": folder / "events.csv", "items": folder / "items.csv"}
    rows = [(user, item, (AS_OF - timedelta(days=days)).isoformat()) for user, item, days in events]
    for name, header, content in (
        ("interactions", ("user_id", "item_id", "occurred_at"), rows),
        ("items", ("item_id", "domain"), list(domains.items())),
    ):
        with files[name].open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([header, *content])
    warehouse = open_warehouse(settings)
    warehouse.create_tables()
    import_files(warehouse, {name: path for name, path in files.items() if name != "items" or domains}, AS_OF)


def rows(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    with open_warehouse(settings).connect(read_only=True) as connection:
        return connection.execute(query).fetchall()


def counts(settings: Settings) -> dict[str, int]:
    tables = ("recommendations", "popular_items", "similar_items", "item_embeddings", "user_embeddings")
    return {table: rows(settings, f"select count(*) from recs.{table}")[0][0] for table in tables}


@pytest.mark.parametrize("engine", ["duckdb"])
def test_one_item_is_popular_and_nothing_is_similar_to_it(settings: Settings, tmp_path: Path) -> None:
    settings = settings.model_copy(update=FAST)
    imported(settings, tmp_path, [(f"u{user}", "only", user + 0.5) for user in range(9)], {})
    folder = run_stages(settings, DATE)
    assert counts(settings) == {
        "recommendations": 0,
        "popular_items": 1,
        "similar_items": 0,
        "item_embeddings": 1,
        "user_embeddings": 9,
    }
    assert rows(settings, "select index_name, item_count, recall from recs.index_manifest order by 1") == [
        ("retrieval", 1, 1.0),
        ("similarity", 1, None),
    ]
    verdicts = dict(rows(settings, "select gate, verdict from recs.gate_decisions"))
    assert Counter(verdicts.values()) == {"skipped": 5, "passed": 3}
    assert {verdicts[gate] for gate in ("inputs", "outputs", "retrieval_recall")} == {"passed"}
    assert folder.report.exists()
    reader = RecommendationReader(settings)
    assert reader.recommendations_for("u1").items == ()
    assert [(item.item_id, item.source) for item in reader.recommendations_for("a stranger").items] == [
        ("only", "popular")
    ]


@pytest.mark.parametrize("engine", ["postgres"])
def test_users_who_have_seen_everything_get_the_repeats_of_their_domain(settings: Settings, tmp_path: Path) -> None:
    settings = settings.model_copy(update=FAST)
    # Each user has seen every item: song s0 a day ago, s1 two, ..., film f0 six days ago, f1 seven, ...
    songs, films = [f"s{n}" for n in range(5)], [f"f{n}" for n in range(5)]
    events = [
        (f"u{user:02d}", item, days + 0.5 + user / 100)
        for user in range(12)
        for days, item in enumerate([*songs, *films])
    ]
    imported(settings, tmp_path, events, {**dict.fromkeys(songs, "music"), **dict.fromkeys(films, "films")})
    run_stages(settings, DATE)
    published = counts(settings)
    assert (published["recommendations"], published["popular_items"], published["similar_items"]) == (0, 10, 90)

    again = settings.model_copy(update={"repeat_after_days": "music=3"})
    run_stages(again, DATE)
    listed = rows(
        settings, "select domain, item_id, count(*) from recs.recommendations_current group by 1, 2 order by 1, 2"
    )
    # Songs s3 and s4 had their last events 3.5 and 4.5 days ago; s2 2.5.
    assert listed == [("music", "s3", 12), ("music", "s4", 12)]
    assert rows(settings, "select count(*) from recs.recommendations_current where reason_item_id = item_id") == [(0,)]
    assert {item.item_id for item in RecommendationReader(again).recommendations_for("u01").items} == {"s3", "s4"}
