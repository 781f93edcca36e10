"""What Nightjar's fit costs, as the page of the benchmark reports it."""

from pathlib import Path

import duckdb
import pytest

from benchmarks.quality.published_recommendations import fit_seconds, is_published


@pytest.fixture
def home(tmp_path: Path) -> Path:
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        connection.execute("create schema recs")
        connection.execute("create table recs.current_publication (publication_id text)")
        connection.execute("create table recs.model_sources (publication_id text, source text, fit_seconds double)")
        connection.execute(
            "insert into recs.model_sources values ('p1', 'lightfm', 50), ('p2', 'lightfm', 4), ('p2', 'ease', 0.5)"
        )
    return tmp_path


def test_the_seconds_of_all_sources_of_the_current_publication_add_up(home: Path) -> None:
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        connection.execute("insert into recs.current_publication values ('p2')")
    assert fit_seconds(home) == 4.5
    assert is_published(home)


def test_a_home_without_a_publication_is_run(home: Path) -> None:
    assert not is_published(home)
    assert not is_published(home / "missing")
