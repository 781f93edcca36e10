from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from nightjar.contract.errors import BadInput
from nightjar.contract.interval import of_date
from nightjar.contract.run_folder import RunFolder, RunRecord
from nightjar.contract.settings import Settings
from nightjar.publishing.attempts import begin_attempt
from nightjar.publishing.run_request import RunRequest
from nightjar.publishing.warm_start_publication import warm_start_from
from nightjar.warehouse.protocol import Warehouse
from tests.support.refusals import refused


@pytest.fixture
def on(settings: Settings) -> Settings:
    return settings.model_copy(update={"warm_start": "on"})


@pytest.fixture
def lay_checkpoint(settings: Settings, lay: Callable[..., RunFolder]) -> Callable[..., RunFolder]:
    """Lay a publication that was warm-started from another, with a checkpoint of its own by default."""

    def laid(publication_id: str, went_on_from: str = "", action: str = "published", leaves: bool = True) -> RunFolder:
        folder = lay(publication_id, action)
        day, _, number = publication_id.partition(".")
        record = RunRecord(publication_id, int(number), of_date(day), None, "auto", "r", "v")
        folder.write_record(RunRecord(**{**vars(record), "warm_start_from": went_on_from}))
        if leaves:
            for fit in ("evaluation", "final"):
                folder.warm_start_checkpoint(fit).mkdir(parents=True)
        return folder

    return laid


def chosen(settings: Settings, warehouse: Warehouse, day: int) -> str:
    with warehouse.connect(read_only=True) as connection:
        return warm_start_from(settings, connection, date(2026, 3, day))


def test_a_new_date_is_warm_started_from_the_newest_published_one(
    on: Settings, settings: Settings, warehouse: Warehouse, lay_checkpoint: Any
) -> None:
    assert chosen(on, warehouse, 9) == ""
    lay_checkpoint("2026-03-08.1")
    lay_checkpoint("2026-03-08.2", action="history")
    lay_checkpoint("2026-03-07.1")
    assert chosen(on, warehouse, 9) == "2026-03-08.2"
    assert chosen(settings, warehouse, 9) == ""


def test_a_date_between_others_is_trained_from_scratch(on: Settings, warehouse: Warehouse, lay_checkpoint: Any) -> None:
    lay_checkpoint("2026-03-05.1")
    lay_checkpoint("2026-03-08.1")
    assert chosen(on, warehouse, 6) == ""


def test_where_the_newest_has_no_checkpoint_a_run_is_trained_from_scratch(
    on: Settings, warehouse: Warehouse, lay_checkpoint: Any
) -> None:
    lay_checkpoint("2026-03-07.1")
    lay_checkpoint("2026-03-08.1", leaves=False)
    assert chosen(on, warehouse, 9) == ""


def test_a_repeated_date_keeps_its_checkpoint(on: Settings, warehouse: Warehouse, lay_checkpoint: Any) -> None:
    lay_checkpoint("2026-03-05.1")
    lay_checkpoint("2026-03-06.1", "2026-03-05.1")
    # Published since: neither a later date nor another run of the earlier one changes what a date gives.
    lay_checkpoint("2026-03-05.2", action="history")
    lay_checkpoint("2026-03-08.1", "2026-03-06.1")
    assert chosen(on, warehouse, 6) == "2026-03-05.1"
    assert chosen(on, warehouse, 5) == ""


def test_a_start_that_is_gone_is_one_line(on: Settings, warehouse: Warehouse, lay_checkpoint: Any) -> None:
    lay_checkpoint("2026-03-05.1", leaves=False)
    lay_checkpoint("2026-03-06.1", "2026-03-05.1")
    with refused(
        BadInput,
        "missing_checkpoint",
        wording=False,
        publication_id="2026-03-06.1",
        warm_start_from="2026-03-05.1",
        setting="NIGHTJAR_WARM_START",
    ):
        chosen(on, warehouse, 6)


def test_an_attempt_records_its_checkpoint(on: Settings, warehouse: Warehouse, lay_checkpoint: Any) -> None:
    lay_checkpoint("2026-03-08.1")
    with warehouse.transaction() as connection:
        connection.execute(
            "insert into raw.interactions values ('e', 'u', 'i', 'view', null, "
            "timestamptz '2026-03-09 12:00:00+00', timestamptz '2026-03-09 12:00:00+00')"
        )
    # The laid publication recommends in a domain without raw items.
    unasked = on.model_copy(update={"min_volume_share": 0.0})
    run = begin_attempt(unasked, warehouse, RunRequest(of_date("2026-03-09"), "r"))
    assert RunFolder.of(on.lake, run.publication_id).record().warm_start_from == "2026-03-08.1"
