from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from nightjar.contract.errors import BadInput, GateRefused, NightjarError
from nightjar.contract.gates import REQUIRED_GATES, GateDecision
from nightjar.contract.interval import of_date
from nightjar.contract.run_folder import RunFolder, RunRecord
from nightjar.contract.settings import Settings
from nightjar.publishing.attempts import RunRequest, begin_attempt
from nightjar.publishing.gate_decisions import record_decisions
from nightjar.publishing.ledger import Published
from nightjar.publishing.publish import publish
from nightjar.publishing.rollback import roll_back
from nightjar.warehouse.protocol import Warehouse
from tests.support.insert_rows import lay_row
from tests.support.refusals import refused

Attempt = Callable[..., RunRecord]


@pytest.fixture
def attempt(settings: Settings, warehouse: Warehouse) -> Attempt:
    """Begin an attempt at a March day and stage one recommendation for it."""
    with warehouse.transaction() as connection:
        connection.execute(
            "insert into raw.interactions select 'e' || d, 'u1', 'i1', 'view', null, "
            "timestamptz '2026-03-01 12:00:00+00' + d * interval '1 day', timestamptz '2026-03-01 13:00:00+00' "
            "from generate_series(0, 30) as days(d)"
        )

    def begin(day: int, publish_mode: str = "auto", gates: tuple[str, ...] = REQUIRED_GATES) -> RunRecord:
        request = RunRequest(of_date(f"2026-03-{day:02}"), f"run-{day}", publish_mode)
        run = begin_attempt(settings, warehouse, request)
        record_decisions(warehouse, run, [GateDecision(gate, "passed", "as it should") for gate in gates])
        with warehouse.transaction() as connection:
            lay_row(connection, "recs_staging.recommendations", staged_row(run, f"i{day}"))
        return run

    return begin


def staged_row(run: RunRecord, item_id: str) -> dict[str, Any]:
    return {
        "publication_id": run.publication_id,
        "data_date": run.data_date,
        "user_id": "u1",
        "domain": "films",
        "rank": 1,
        "item_id": item_id,
        "score": 0.5,
        "source": "personal",
    }


def publish_run(warehouse: Warehouse, run: RunRecord) -> Published:
    return publish(warehouse, run, model_uri="models:/nightjar/1", mlflow_run_id="m", content_hash="h")


def rows(warehouse: Warehouse, query: str) -> list[Any]:
    with warehouse.connect(read_only=True) as connection:
        return connection.execute(query).fetchall()


def current(warehouse: Warehouse) -> list[Any]:
    return rows(warehouse, "select publication_id from recs.current_publication")


def test_attempts_at_a_date_count_up_and_each_has_its_folder(settings: Settings, attempt: Attempt) -> None:
    assert [attempt(10).publication_id, attempt(10).publication_id, attempt(11).publication_id] == [
        "2026-03-10.1",
        "2026-03-10.2",
        "2026-03-11.1",
    ]
    record = RunFolder.of(settings.lake, "2026-03-10.2").record()
    assert (record.attempt, record.run_id, record.interval) == (2, "run-10", of_date("2026-03-10"))


def test_publishing_moves_rows_ledger_and_pointer(warehouse: Warehouse, attempt: Attempt) -> None:
    entry = publish_run(warehouse, attempt(10))
    assert entry == Published(1, "2026-03-10.1", None, True)
    assert current(warehouse) == [("2026-03-10.1",)]
    assert rows(warehouse, "select publication_id, item_id from recs.recommendations") == [("2026-03-10.1", "i10")]
    assert rows(warehouse, "select count(*) from recs_staging.recommendations") == [(0,)]
    assert rows(warehouse, "select action, recommendation_rows, actor, content_hash from recs.publications") == [
        ("published", 1, "run-10", "h")
    ]


def test_an_older_date_becomes_history_and_current_stays(warehouse: Warehouse, attempt: Attempt) -> None:
    publish_run(warehouse, attempt(10))
    entry = publish_run(warehouse, attempt(9))
    assert not entry.moved
    assert current(warehouse) == [("2026-03-10.1",)]
    assert rows(warehouse, "select action from recs.publications order by ledger_id") == [("published",), ("history",)]
    assert len(rows(warehouse, "select 1 from recs.recommendations")) == 2


def test_the_same_date_again_replaces_current(warehouse: Warehouse, attempt: Attempt) -> None:
    publish_run(warehouse, attempt(10))
    publish_run(warehouse, attempt(10))
    assert current(warehouse) == [("2026-03-10.2",)]


def test_force_moves_back_and_never_moves_nothing(warehouse: Warehouse, attempt: Attempt) -> None:
    publish_run(warehouse, attempt(10))
    assert not publish_run(warehouse, attempt(11, "never")).moved
    assert publish_run(warehouse, attempt(9, "force")).moved
    assert current(warehouse) == [("2026-03-09.1",)]


def test_publishing_twice_is_one_publication(warehouse: Warehouse, attempt: Attempt) -> None:
    run = attempt(10)
    assert publish_run(warehouse, run) == publish_run(warehouse, run)
    assert rows(warehouse, "select count(*) from recs.publications") == [(1,)]
    assert rows(warehouse, "select count(*) from recs.recommendations") == [(1,)]


def test_a_superseded_attempt_refuses_to_publish(warehouse: Warehouse, attempt: Attempt) -> None:
    older, newer = attempt(10), attempt(10)
    with refused(
        NightjarError, "superseded", wording=False, publication_id="2026-03-10.1", superseded_by="2026-03-10.2"
    ):
        publish_run(warehouse, older)
    assert current(warehouse) == []
    assert publish_run(warehouse, newer).moved


@pytest.mark.parametrize("gate", REQUIRED_GATES)
def test_nothing_is_published_without_the_verdict_of_each_gate(
    warehouse: Warehouse, attempt: Attempt, gate: str
) -> None:
    publish_run(warehouse, attempt(9))
    silent = attempt(10, gates=tuple(each for each in REQUIRED_GATES if each != gate))
    with refused(GateRefused, "gate_refused", wording=False, gate=gate, verdicts={gate: None}):
        publish_run(warehouse, silent)
    record_decisions(warehouse, silent, [GateDecision(gate, "refused", "too low", 0.1, 0.2)])
    with refused(GateRefused, "gate_refused", wording=False, gate=gate, verdicts={gate: "refused"}):
        publish_run(warehouse, silent)
    assert current(warehouse) == [("2026-03-09.1",)]
    assert rows(warehouse, "select distinct publication_id from recs.recommendations") == [("2026-03-09.1",)]


def test_a_second_verdict_of_a_gate_replaces_the_first(warehouse: Warehouse, attempt: Attempt) -> None:
    run = attempt(10, gates=())
    record_decisions(warehouse, run, [GateDecision("inputs", "refused", "bad")])
    record_decisions(warehouse, run, [GateDecision("inputs", "passed", "mended", 1.5, 1.0)])
    assert rows(warehouse, "select gate, verdict, reason, measured, threshold from recs.gate_decisions") == [
        ("inputs", "passed", "mended", 1.5, 1.0)
    ]


def test_rollback_points_back_and_can_be_undone(warehouse: Warehouse, attempt: Attempt) -> None:
    publish_run(warehouse, attempt(9))
    publish_run(warehouse, attempt(10))
    roll_back(warehouse, "2026-03-09.1", actor="ann", reason="CTR fell")
    assert current(warehouse) == [("2026-03-09.1",)]
    roll_back(warehouse, "2026-03-10.1", actor="ann", reason="it was the dashboard")
    assert current(warehouse) == [("2026-03-10.1",)]
    assert rows(
        warehouse,
        "select publication_id, action, previous_publication_id, actor, reason from recs.publications "
        "where action = 'rollback' order by ledger_id",
    ) == [
        ("2026-03-09.1", "rollback", "2026-03-10.1", "ann", "CTR fell"),
        ("2026-03-10.1", "rollback", "2026-03-09.1", "ann", "it was the dashboard"),
    ]


@pytest.mark.parametrize(
    ("target", "reason", "code", "fields"),
    [
        ("2026-03-08.1", "why", "unknown_publication", {"publication_id": "2026-03-08.1"}),
        ("2026-03-10.1", "why", "already_current", {"publication_id": "2026-03-10.1"}),
        ("2026-03-09.1", " ", "empty_value", {"option": "--reason"}),
    ],
)
def test_a_rollback_that_makes_no_sense_is_refused(
    warehouse: Warehouse, attempt: Attempt, target: str, reason: str, code: str, fields: dict[str, str]
) -> None:
    publish_run(warehouse, attempt(9))
    publish_run(warehouse, attempt(10))
    with refused(BadInput, code, wording=False, **fields):
        roll_back(warehouse, target, actor="ann", reason=reason)
    assert current(warehouse) == [("2026-03-10.1",)]


def test_a_publication_whose_rows_are_gone_is_no_rollback_target(warehouse: Warehouse, attempt: Attempt) -> None:
    publish_run(warehouse, attempt(9))
    publish_run(warehouse, attempt(10))
    with warehouse.transaction() as connection:
        connection.execute("delete from recs.recommendations where publication_id = '2026-03-09.1'")
    with refused(BadInput, "incomplete_publication", wording=False, tables=["recs.recommendations"], indices=[]):
        roll_back(warehouse, "2026-03-09.1", actor="ann", reason="why")


def test_a_night_that_staged_nothing_is_not_published(warehouse: Warehouse, attempt: Attempt) -> None:
    run = attempt(10)
    with warehouse.transaction() as connection:
        connection.execute("delete from recs_staging.recommendations")
        connection.execute("delete from recs_staging.popular_items")
    with refused(NightjarError, "nothing_staged", wording=False, publication_id=run.publication_id):
        publish_run(warehouse, run)
    assert rows(warehouse, "select count(*) from recs.publications") == [(0,)]


def test_popular_items_alone_are_published(warehouse: Warehouse, attempt: Attempt) -> None:
    run = attempt(10)
    with warehouse.transaction() as connection:
        connection.execute("delete from recs_staging.recommendations")
        of_run = {"publication_id": run.publication_id, "data_date": run.data_date}
        lay_row(
            connection,
            "recs_staging.popular_items",
            of_run | {"segment": "all", "domain": "films", "rank": 1, "item_id": "i1", "score": 1.0},
        )
    assert publish_run(warehouse, run).moved
    assert rows(warehouse, "select recommendation_rows from recs.publications") == [(0,)]
    assert rows(warehouse, "select item_id from recs.popular_items") == [("i1",)]


@pytest.mark.parametrize(
    ("day", "arrived", "code", "fields"),
    [
        ("2026-02-27", None, "no_events", {"count": 0}),
        (
            "2026-04-20",
            None,
            "too_few_events",
            {"count": 0, "expected": 1, "newest": datetime(2026, 3, 31, 12, tzinfo=UTC)},
        ),
        ("2026-03-31", datetime(2026, 1, 1, tzinfo=UTC), "no_events", {"count": 0}),
    ],
)
def test_a_date_without_data_is_refused_before_anything_is_written(
    settings: Settings,
    warehouse: Warehouse,
    attempt: Attempt,
    day: str,
    arrived: datetime | None,
    code: str,
    fields: dict[str, object],
) -> None:
    with refused(BadInput, code, wording=False, data_date=day, **fields):
        begin_attempt(settings, warehouse, RunRequest(of_date(day), "r", ingested_before=arrived))
    assert rows(warehouse, "select count(*) from recs.publication_attempts") == [(0,)]
    assert not settings.lake.exists()


def test_an_unknown_publish_mode_is_refused(settings: Settings, warehouse: Warehouse) -> None:
    with refused(
        BadInput,
        "unknown_setting_value",
        wording=False,
        setting="publish",
        value="maybe",
        expected=("auto", "never", "force"),
    ):
        begin_attempt(settings, warehouse, RunRequest(of_date("2026-03-10"), "r", "maybe"))


def test_the_decision_of_a_gate_that_no_publication_asks_for_is_not_recorded(
    warehouse: Warehouse, attempt: Attempt
) -> None:
    run = attempt(10)
    with pytest.raises(ValueError, match="novelty"):
        record_decisions(warehouse, run, [GateDecision("novelty", "refused", "stale")])
