"""A rollback while a run runs or publishes: readers see whole publications, the ledger is one chain, and back again.

What readers take of a publication is asked for in one statement: the pointer, its rows, its index and its model.
"""

import os
from datetime import date
from itertools import pairwise

import pytest

from nightjar.contract.errors import BadInput
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.publishing.integrity import check_intact
from nightjar.publishing.rollback import roll_back
from nightjar.stages import champion_alias
from nightjar.stages import roll_back as roll_back_stage
from nightjar.warehouse.engines import open_warehouse
from nightjar.warehouse.protocol import Warehouse
from tests.support import small_runs
from tests.support.refusals import refused
from tests.support.small_runs import FORKS, apply_retention, insert_events, publish_run, rows_of

pytestmark = pytest.mark.reliability

ROUNDS = 15 if os.environ.get("NIGHTJAR_TEST_SOAK") else 5
SEEN = (
    "select c.publication_id, p.model_uri, m.uri, min(r.item_id), max(r.item_id), count(*) "
    "from recs.current_publication c join recs.publications p using (ledger_id) "
    "join recs.index_manifest m on m.publication_id = c.publication_id "
    "join recs.recommendations r on r.publication_id = c.publication_id group by 1, 2, 3"
)
LEDGER = "select publication_id, previous_publication_id, action from recs.publications order by ledger_id"


def publication_rows(settings: Settings, day: int) -> tuple:
    """The published rows of a day of March."""
    index = RunFolder.of(settings.lake, f"2026-03-{day}.1").index("retrieval").absolute()
    return (f"2026-03-{day}.1", f"models:/m/{day}", str(index), f"i{day}", f"i{day}", day)


def roll_back_to(settings: Settings, day: int, reason: str = "CTR fell") -> None:
    roll_back(open_warehouse(settings), f"2026-03-{day}.1", actor="ann", reason=reason)


def test_model_indices_and_tables_are_rolled_back_together_and_forward_again(
    settings: Settings, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    named: list[str] = []
    monkeypatch.setattr(champion_alias.tracking, "set_champion", lambda _, version: named.append(version))
    insert_events(settings)
    for day in (10, 11, 12):
        publish_run(settings, day)
    for day in (10, 12, 11):
        roll_back_stage.run(settings, f"2026-03-{day}.1", actor="ann", reason="CTR fell")
        assert rows_of(settings, SEEN) == [publication_rows(settings, day)]
    assert named == ["10", "12", "11"]
    with refused(BadInput, "already_current", wording=False, publication_id="2026-03-11.1"):
        roll_back_to(settings, 11, "another")


def test_a_rollback_between_staging_and_publication_holds_until_the_run_publishes(
    settings: Settings, warehouse: Warehouse
) -> None:
    insert_events(settings)
    publish_run(settings, 10)
    publish_run(settings, 11)
    run = small_runs.stage(settings, 12)
    roll_back_to(settings, 10)
    assert rows_of(settings, SEEN) == [publication_rows(settings, 10)]
    published = small_runs.publish_staged(settings, run)
    assert published.previous_publication_id == "2026-03-10.1"
    assert rows_of(settings, SEEN) == [publication_rows(settings, 12)]
    roll_back_to(settings, 11)
    assert rows_of(settings, SEEN) == [publication_rows(settings, 11)]
    assert rows_of(settings, LEDGER)[2:] == [
        ("2026-03-10.1", "2026-03-11.1", "rollback"),
        ("2026-03-12.1", "2026-03-10.1", "published"),
        ("2026-03-11.1", "2026-03-12.1", "rollback"),
    ]


def test_rollbacks_during_publications_leave_whole_publications_and_one_chain(
    settings: Settings, warehouse: Warehouse
) -> None:
    insert_events(settings)
    publish_run(settings, 10)
    publish_run(settings, 11)
    days = range(12, 12 + ROUNDS)
    runs = [small_runs.stage(settings, day) for day in days]
    start = FORKS.Barrier(2)
    others = [
        FORKS.Process(target=small_runs.publish_all, args=(settings, runs, start)),
        FORKS.Process(target=small_runs.roll_back_by_turns, args=(settings, ["2026-03-10.1", "2026-03-11.1"], start)),
    ]
    for process in others:
        process.start()
    possible = {publication_rows(settings, day) for day in (10, 11, *days)}
    while any(process.is_alive() for process in others):
        seen = rows_of(settings, SEEN)
        assert len(seen) == 1
        assert set(seen) <= possible
    assert [process.exitcode for process in others] == [0, 0]
    moves = rows_of(settings, LEDGER)
    assert all(later[1] == earlier[0] for earlier, later in pairwise(moves))
    assert [publication for publication, _, action in moves if action == "published"] == [
        f"2026-03-{day}.1" for day in (10, 11, *days)
    ]
    assert sum(action == "rollback" for *_, action in moves) >= 2
    assert rows_of(settings, "select publication_id from recs.current_publication") == [(moves[-1][0],)]


def test_publications_without_data_are_refused_and_the_current_one_is_never_removed(
    settings: Settings, warehouse: Warehouse
) -> None:
    insert_events(settings)
    settings = settings.model_copy(update={"retention_publication_days": 3, "retention_rollback_publications": 1})
    for day in (18, 19, 20, 21):
        publish_run(settings, day)
    roll_back_to(settings, 19)
    apply_retention(settings, date(2026, 4, 30))
    assert rows_of(settings, SEEN) == [publication_rows(settings, 19)]
    with refused(BadInput, "incomplete_publication", wording=False, publication_id="2026-03-18.1") as caught:
        roll_back_to(settings, 18)
    assert "recs.recommendations" in caught.value.fields["tables"]
    assert rows_of(settings, SEEN) == [publication_rows(settings, 19)]
    with warehouse.connect(read_only=True) as connection:
        check_intact(connection, "2026-03-19.1")
