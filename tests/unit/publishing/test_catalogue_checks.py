"""Checks of the catalogue before a run begins, on each engine."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from nightjar.contract.errors import BadInput
from nightjar.contract.interval import of_date
from nightjar.contract.repeat_rule import Repeats
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.publishing.attempts import begin_attempt
from nightjar.publishing.catalogue_checks import check_any_is_available, check_repeats
from nightjar.publishing.run_request import RunRequest
from nightjar.warehouse.protocol import Warehouse
from tests.support.refusals import refused

AS_OF = datetime(2026, 3, 29, tzinfo=UTC)


@pytest.fixture
def item(warehouse: Warehouse, insert: Callable[..., None]) -> Callable[..., None]:
    """Add a version of an item: days before AS_OF when it was recorded, until when and since when it is available."""

    def added(item_id: str, recorded: float, until: float | None = None, since: float | None = None) -> None:
        times = [None if days is None else AS_OF - timedelta(days=days) for days in (recorded, until, since)]
        row = dict(zip(("recorded_at", "available_until", "available_from"), times, strict=True))
        with warehouse.connect() as connection:
            insert(connection, "raw.items", item_id=item_id, domain="films", **row)

    return added


@pytest.fixture
def event(warehouse: Warehouse, insert: Callable[..., None]) -> Callable[..., None]:
    """Add an event with an item, days before AS_OF; it arrived as it happened."""

    def added(item_id: str, days: float) -> None:
        at = AS_OF - timedelta(days=days)
        with warehouse.connect() as connection:
            row = {"event_id": item_id, "item_id": item_id, "event_type": "view", "occurred_at": at, "ingested_at": at}
            insert(connection, "raw.interactions", **row)

    return added


def is_any_available(warehouse: Warehouse, before: datetime | None = None) -> bool:
    with warehouse.connect(read_only=True) as connection:
        try:
            check_any_is_available(connection, AS_OF, before)
        except BadInput:
            return False
    return True


def test_the_last_version_of_an_item_decides_whether_it_is_available(warehouse: Warehouse, item: Callable) -> None:
    assert not is_any_available(warehouse)
    item("gone", 9, until=5)
    item("later", 9, since=-1)
    item("unrecorded", -1)
    assert not is_any_available(warehouse)
    item("gone", 2)
    assert is_any_available(warehouse)
    item("gone", 1, until=0.5)
    assert not is_any_available(warehouse)


def test_an_item_that_only_an_event_knows_is_available_once_the_event_arrived(
    warehouse: Warehouse, item: Callable, event: Callable
) -> None:
    item("gone", 9, until=5)
    event("gone", 6)
    event("future", -1)
    assert not is_any_available(warehouse)
    event("new", 1)
    assert is_any_available(warehouse)
    assert not is_any_available(warehouse, before=AS_OF - timedelta(days=2))


@pytest.mark.parametrize(
    ("rule", "unknown"), [("", None), ("7", None), ("films=7,default=1", None), ("films=7,musik=0", "musik")]
)
def test_a_domain_that_no_item_has_is_refused_by_its_name(
    warehouse: Warehouse, item: Callable, rule: str, unknown: str | None
) -> None:
    item("a", 1)
    with warehouse.connect(read_only=True) as connection:
        if unknown is None:
            check_repeats(connection, Repeats.of(rule))
            return
        with refused(
            BadInput,
            "unknown_domains",
            wording=False,
            setting="NIGHTJAR_REPEAT_AFTER_DAYS",
            domains=[unknown],
            expected=["default", "films"],
        ):
            check_repeats(connection, Repeats.of(rule))


def test_begin_refuses_both_and_records_the_setting_with_a_run(
    warehouse: Warehouse, settings: Settings, item: Callable, event: Callable
) -> None:
    request = RunRequest(of_date("2026-03-28"), "run")
    item("gone", 9, until=5)
    event("gone", 0.5)
    with refused(BadInput, "no_available_items", wording=False, as_of=AS_OF):
        begin_attempt(settings, warehouse, request)
    item("a", 1)
    with refused(BadInput, "unknown_domains", wording=False, domains=["musik"]):
        begin_attempt(settings.model_copy(update={"repeat_after_days": "musik=7"}), warehouse, request)
    assert not settings.lake.exists()
    run = begin_attempt(settings.model_copy(update={"repeat_after_days": "films=7"}), warehouse, request)
    assert RunFolder.of(settings.lake, run.publication_id).record().repeat_after_days == "films=7"
