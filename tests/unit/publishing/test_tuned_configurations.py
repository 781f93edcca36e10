from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from nightjar.contract.errors import BadInput
from nightjar.contract.interval import of_date
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.contract.tuned_configuration import (
    UNTUNED,
    TunedConfiguration,
    read_tuned_configuration,
    write_tuned_configuration,
)
from nightjar.publishing.attempts import RunRequest, begin_attempt
from nightjar.publishing.tuned_configurations import SearchResult, add_search_result, in_force, search_results
from nightjar.warehouse.protocol import Warehouse
from tests.support.refusals import refused

DAY = date(2026, 3, 10)


def add(lake: Path, name: str, verdict: str = "passed", epochs: int = 5) -> TunedConfiguration:
    configuration = TunedConfiguration(name, {"epochs": epochs})
    day = date.fromisoformat(name.rpartition(".")[0])
    add_search_result(lake, SearchResult(configuration, day, "the settings alone", verdict, "recall@10 0.2 beside 0.1"))
    return configuration


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


def test_without_a_search_the_settings_hold(home: Settings) -> None:
    assert in_force(home, DAY) == UNTUNED


def test_one_is_for_the_dates_after_the_one_it_was_tuned_on(home: Settings) -> None:
    found = add(home.lake, "2026-03-10.1")
    assert in_force(home, date(2026, 3, 11)) == found
    # A run must not be configured by its own future, nor by its own holdout.
    assert in_force(home, DAY) == in_force(home, date(2026, 3, 9)) == UNTUNED


def test_a_later_search_changes_no_date_that_has_been(home: Settings) -> None:
    first = add(home.lake, "2026-03-01.1")
    before = [in_force(home, date(2026, 3, day)) for day in range(1, 11)]
    later = add(home.lake, "2026-03-10.1")
    assert [in_force(home, date(2026, 3, day)) for day in range(1, 11)] == before == [UNTUNED, *[first] * 9]
    assert in_force(home, date(2026, 3, 11)) == later


def test_what_was_refused_is_kept_and_never_in_force(home: Settings) -> None:
    first = add(home.lake, "2026-03-01.1")
    add(home.lake, "2026-03-05.1", "refused")
    assert in_force(home, DAY) == first
    assert [each.verdict for each in search_results(home.lake)] == ["passed", "refused"]


def test_the_last_of_many_searches_on_a_date_counts(home: Settings) -> None:
    for number in (2, 10, 9, 1):
        add(home.lake, f"2026-03-01.{number}", epochs=number)
    assert in_force(home, DAY).values == {"epochs": 10}


def test_a_setting_pins_one_or_none(home: Settings) -> None:
    first, _ = add(home.lake, "2026-03-01.1"), add(home.lake, "2026-03-02.1")
    assert in_force(home.model_copy(update={"recipe": "2026-03-01.1"}), DAY) == first
    assert in_force(home.model_copy(update={"recipe": "none"}), DAY) == UNTUNED
    path = home.lake / "recipes" / "2026-03-03.1.json"
    with refused(BadInput, "unknown_configuration", setting="NIGHTJAR_RECIPE", value="2026-03-03.1", file=path):
        in_force(home.model_copy(update={"recipe": "2026-03-03.1"}), DAY)


def test_a_file_that_is_no_result_is_named(home: Settings) -> None:
    path = home.lake / "recipes" / "2026-03-01.1.json"
    write_tuned_configuration(path, TunedConfiguration("2026-03-01.1", {"epochs": 1}))
    with refused(BadInput, "not_a_configuration", file=path):
        search_results(home.lake)


@pytest.fixture
def request_of(settings: Settings, warehouse: Warehouse) -> Callable[..., RunRequest]:
    with warehouse.transaction() as connection:
        connection.execute(
            "insert into raw.interactions (event_id, user_id, item_id, event_type, occurred_at, ingested_at) values "
            "('e', 'u', 'i', 'view', timestamptz '2026-03-10 01:00+00', timestamptz '2026-03-10 01:00+00')"
        )
    return lambda **changes: RunRequest(of_date("2026-03-10"), "run", **changes)


def test_an_attempt_keeps_the_configuration_it_began_with(
    settings: Settings, warehouse: Warehouse, request_of: Callable[..., RunRequest]
) -> None:
    first = add(settings.lake, "2026-03-01.1", epochs=4)
    run = begin_attempt(settings, warehouse, request_of())
    folder = RunFolder.of(settings.lake, run.publication_id)
    add(settings.lake, "2026-03-02.1", epochs=6)
    assert folder.record().recipe == "2026-03-01.1"
    assert read_tuned_configuration(folder.tuned_configuration) == first


def test_scoring_again_uses_the_configuration_of_the_model_it_scores_with(
    settings: Settings,
    warehouse: Warehouse,
    request_of: Callable[..., RunRequest],
    lay_in: Callable[..., RunFolder],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The publication that is laid in lists a domain of which there are no raw items.
    settings = settings.model_copy(update={"min_volume_share": 0.0})
    source = lay_in(settings, "2026-03-10.1")
    source.write_record(begin_attempt(settings, warehouse, request_of()))
    first = add(settings.lake, "2026-03-01.1", epochs=4)
    write_tuned_configuration(source.tuned_configuration, first)
    add(settings.lake, "2026-03-02.1", epochs=6)
    monkeypatch.setattr("nightjar.publishing.attempts.inherit_files", lambda *arguments: None)
    for stages, name in ((("serving", "publication"), "2026-03-01.1"), (("features", "model"), "2026-03-02.1")):
        run = begin_attempt(settings, warehouse, request_of(stages=stages))
        folder = RunFolder.of(settings.lake, run.publication_id)
        assert run.recipe == read_tuned_configuration(folder.tuned_configuration).name == name


def test_one_that_is_no_longer_valid_stops_the_run_before_it_begins(
    settings: Settings, warehouse: Warehouse, request_of: Callable[..., RunRequest]
) -> None:
    add(settings.lake, "2026-03-01.1", epochs=0)
    with refused(
        BadInput,
        "unknown_setting_value",
        wording=False,
        configuration="2026-03-01.1",
        setting="NIGHTJAR_EPOCHS",
        value=0,
    ):
        begin_attempt(settings, warehouse, request_of())
    with warehouse.connect(read_only=True) as connection:
        assert connection.execute("select count(*) from recs.publication_attempts").fetchall() == [(0,)]
