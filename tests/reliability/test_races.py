"""Several publishers at once, in separate processes; and dates in any order, any number of times."""

import os
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from nightjar.contract.gates import REQUIRED_GATES, GateDecision
from nightjar.contract.interval import of_date
from nightjar.contract.run_folder import RunRecord
from nightjar.contract.settings import Settings
from nightjar.publishing.attempts import begin_attempt
from nightjar.publishing.gate_decisions import record_decisions
from nightjar.publishing.publish import publish
from nightjar.publishing.run_request import RunRequest
from nightjar.warehouse.engines import open_warehouse
from nightjar.warehouse.protocol import Warehouse
from tests.support.insert_rows import lay_row
from tests.support.racing_publisher import race
from tests.support.small_runs import FORKS, insert_events, rows_of

pytestmark = pytest.mark.reliability

ROUNDS = 200 if os.environ.get("NIGHTJAR_TEST_SOAK") else 20
EXAMPLES = 100 if os.environ.get("NIGHTJAR_TEST_SOAK") else 10


def staged(settings: Settings, day: int) -> RunRecord:
    """Begin an attempt at the day after March 1 and stage one row, whose item names the day."""
    warehouse = open_warehouse(settings)
    request = RunRequest(of_date(str(date(2026, 3, 1) + timedelta(day))), "run")
    run = begin_attempt(settings, warehouse, request)
    record_decisions(warehouse, run, [GateDecision(gate, "passed", "as it should") for gate in REQUIRED_GATES])
    named = {"publication_id": run.publication_id, "data_date": run.data_date, "user_id": "u1", "item_id": f"i{day}"}
    row = {**named, "domain": "films", "rank": 1, "score": 0.5, "source": "personal"}
    with warehouse.transaction() as connection:
        lay_row(connection, "recs_staging.recommendations", row)
    return run


def test_of_publishers_at_once_each_date_has_one_winner_and_no_older_date_becomes_current(
    settings: Settings, warehouse: Warehouse
) -> None:
    insert_events(settings, days=2 * ROUNDS)
    superseded, nightly, backfill = [], [], []
    for number in range(ROUNDS):
        backfill.append(staged(settings, 2 * number).publication_id)
        superseded.append(staged(settings, 2 * number + 1).publication_id)
        nightly.append(staged(settings, 2 * number + 1).publication_id)
    start, results = FORKS.Barrier(4), FORKS.Queue()
    runners = [superseded, nightly, backfill, nightly]
    processes = [
        FORKS.Process(target=race, args=(settings, publications, start, seed, results))
        for seed, publications in enumerate(runners)
    ]
    for process in processes:
        process.start()
    outcomes = [results.get(timeout=300) for _ in range(4 * ROUNDS)]
    for process in processes:
        process.join(60)
    entries = {(publication_id, ledger_id) for publication_id, ledger_id, error in outcomes if not error}
    assert {publication_id for publication_id, _ in entries} == {*nightly, *backfill}
    assert len(entries) == 2 * ROUNDS
    refusals = {publication_id: error for publication_id, _, error in outcomes if error}
    assert refusals == {loser: ("superseded", winner) for loser, winner in zip(superseded, nightly, strict=True)}
    ledger = rows_of(settings, "select data_date, action from recs.publications order by ledger_id")
    moved = [day for day, action in ledger if action == "published"]
    assert all(earlier <= later for earlier, later in pairwise(moved))
    assert rows_of(settings, "select publication_id from recs.current_publication") == [(nightly[-1],)]
    assert rows_of(settings, "select count(*) from recs.recommendations") == [(2 * ROUNDS,)]


@pytest.mark.parametrize("seed", [0])
def test_any_order_and_repetition_of_dates_gives_the_same_history_and_the_same_current(
    settings: Settings, warehouse: Warehouse, seed: int
) -> None:
    insert_events(settings)

    def reset() -> None:
        with warehouse.transaction() as connection:
            for table in ("publications", "current_publication", "recommendations", "publication_rows"):
                connection.execute(f"delete from recs.{table}")

    @hypothesis_settings(
        max_examples=EXAMPLES, derandomize=True, suppress_health_check=list(HealthCheck), database=None
    )
    @given(st.permutations([3, 4, 5]), st.lists(st.sampled_from([3, 4, 5]), max_size=2))
    def check_order(order: list[int], again: list[int]) -> None:
        reset()
        for day in [*order, *again]:
            publish(
                warehouse, staged(settings, day), model_uri="models:/m/1", mlflow_run_id="m", content_hash=f"h{day}"
            )
        history = "select data_date, max(content_hash), count(distinct content_hash) from recs.publications group by 1"
        assert sorted(rows_of(settings, history)) == [(date(2026, 3, 1 + day), f"h{day}", 1) for day in (3, 4, 5)]
        shown = "select r.item_id from recs.recommendations r join recs.current_publication using (publication_id)"
        assert rows_of(settings, shown) == [("i5",)]

    check_order()
