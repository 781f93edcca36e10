import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest

from nightjar.contract.errors import BadInput
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.contract.tuned_configuration import UNTUNED, TunedConfiguration, read_tuned_configuration
from nightjar.publishing.tuned_configurations import SearchResult, add_search_result
from nightjar.publishing.tuning_folder import TuningFolder, begin_tuning
from nightjar.warehouse.protocol import Warehouse
from tests.support.refusals import refused

Lay = Callable[..., RunFolder]


@pytest.fixture(autouse=True)
def unloaded(monkeypatch: pytest.MonkeyPatch) -> list[RunFolder]:
    """The folders that were unloaded into; what is unloaded is tested beside `unload`."""
    folders: list[RunFolder] = []
    monkeypatch.setattr(
        "nightjar.publishing.tuning_folder.unload", lambda warehouse, folder, settings: folders.append(folder)
    )
    return folders


def test_a_search_sees_what_the_last_run_of_its_date_could_see(
    settings: Settings, warehouse: Warehouse, lay: Lay, unloaded: list[RunFolder]
) -> None:
    lay("2026-03-10.1", "published")
    with warehouse.transaction() as connection:
        connection.execute("update recs.publications set as_of = timestamptz '2026-03-17 00:00+00'")
    folder = begin_tuning(settings, warehouse, date(2026, 3, 10))
    assert unloaded == [folder.run_folder]
    record = folder.run_folder.record()
    # The end that the publication had: an interval need not be a day.
    assert record.interval.as_of == datetime(2026, 3, 17, tzinfo=UTC)
    assert (record.data_date, record.publish_mode, record.ingested_before) == (date(2026, 3, 10), "never", None)


def test_without_a_date_it_is_the_newest_published_one(settings: Settings, warehouse: Warehouse, lay: Lay) -> None:
    lay("2026-03-10.1", "published")
    lay("2026-03-09.1", "history")
    lay("2026-03-11.1", None)
    assert begin_tuning(settings, warehouse, None).name == "2026-03-10.1"
    assert begin_tuning(settings, warehouse, date(2026, 3, 9)).name == "2026-03-09.1"


def test_searches_on_a_date_count_up(settings: Settings, warehouse: Warehouse, lay: Lay) -> None:
    lay("2026-03-10.1", "published")
    names = [begin_tuning(settings, warehouse, None).name for _ in range(11)]
    assert names[-2:] == ["2026-03-10.10", "2026-03-10.11"]


def test_a_name_is_never_given_twice(settings: Settings, warehouse: Warehouse, lay: Lay) -> None:
    lay("2026-03-10.1", "published")
    folder = begin_tuning(settings, warehouse, None)
    add_search_result(
        settings.lake,
        SearchResult(TunedConfiguration(folder.name, {}), date(2026, 3, 10), "none", "refused", "no better"),
    )
    shutil.rmtree(folder.path)
    assert begin_tuning(settings, warehouse, None).name == "2026-03-10.2"


def test_in_force_is_what_the_next_run_would_train_with(settings: Settings, warehouse: Warehouse, lay: Lay) -> None:
    lay("2026-03-10.1", "published")
    assert read_tuned_configuration(begin_tuning(settings, warehouse, None).in_force) == UNTUNED
    first = TunedConfiguration("2026-03-10.1", {"epochs": 4})
    add_search_result(settings.lake, SearchResult(first, date(2026, 3, 10), "the settings alone", "passed", "better"))
    assert read_tuned_configuration(begin_tuning(settings, warehouse, None).in_force) == first


def test_a_date_without_a_publication_may_lack_its_facts(settings: Settings, warehouse: Warehouse, lay: Lay) -> None:
    with refused(BadInput, "nothing_published", wording=False, data_date=None):
        begin_tuning(settings, warehouse, None)
    lay("2026-03-10.1", "published")
    with refused(BadInput, "nothing_published", wording=False, data_date=date(2026, 3, 11)):
        begin_tuning(settings, warehouse, date(2026, 3, 11))
    assert [path.name for path in (settings.lake / "tuning").glob("*")] == []


def test_a_search_that_has_ended_is_not_there(settings: Settings, warehouse: Warehouse, lay: Lay) -> None:
    lay("2026-03-10.1", "published")
    folder = begin_tuning(settings, warehouse, None)
    assert TuningFolder.of(settings.lake, folder.name) == folder
    folder.clear()
    with refused(BadInput, "unknown_tuning", wording=False, tuning="2026-03-10.1"):
        TuningFolder.of(settings.lake, folder.name)
    with refused(BadInput, "not_a_publication_id", wording=False, value="../runs"):
        TuningFolder.of(settings.lake, "../runs")
