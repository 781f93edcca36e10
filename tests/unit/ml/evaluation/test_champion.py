from datetime import date

import pytest

from ml.evaluation.champion import Champion
from ml.stages.find_champion import find_champion
from nightjar.contract.interval import of_date
from nightjar.contract.run_folder import RunRecord
from nightjar.warehouse.protocol import Warehouse

LEDGER = [
    (1, "2026-03-01.1", "published"),
    (2, "2026-03-03.1", "published"),
    (3, "2026-03-02.1", "history"),
    (4, "2026-03-03.2", "history"),
    (5, "2026-03-03.1", "rollback"),
    (6, "2026-03-05.1", "published"),
]
RECALLS = {"2026-03-01.1": 0.1, "2026-03-02.1": 0.2, "2026-03-03.1": 0.31, "2026-03-03.2": 0.32, "2026-03-05.1": 0.5}


@pytest.fixture
def ledger(warehouse: Warehouse) -> Warehouse:
    with warehouse.transaction() as connection:
        for ledger_id, publication_id, action in LEDGER:
            day = date.fromisoformat(publication_id[:10])
            connection.execute(
                "insert into recs.publications values "
                "(?, ?, ?, now(), ?, null, 'm', 'r', 'h', 1, 'c', 'a', 'w', now())",
                [ledger_id, publication_id, day, action],
            )
        for publication_id, recall in RECALLS.items():
            day = date.fromisoformat(publication_id[:10])
            for model, name, k, value in (("nightjar", "all", 10, recall), ("popularity", "all", 10, 0.9)):
                connection.execute(
                    "insert into recs.model_metrics values (?, ?, ?, ?, 'recall', ?, ?, 5)",
                    [publication_id, day, model, name, k, value],
                )
    return warehouse


def run_of(day: str) -> RunRecord:
    return RunRecord(f"{day}.1", 1, of_date(day), None, "auto", "manual", "0.1.0")


@pytest.mark.parametrize(
    ("day", "champion"),
    [
        ("2026-03-04", Champion("2026-03-03.2", "r", 0.32)),
        ("2026-03-03", Champion("2026-03-02.1", "r", 0.2)),
        ("2026-03-05", Champion("2026-03-03.2", "r", 0.32)),
        ("2026-03-02", Champion("2026-03-01.1", "r", 0.1)),
        ("2026-03-01", None),
    ],
)
def test_the_champion_is_the_last_publication_of_the_newest_earlier_date(
    ledger: Warehouse, day: str, champion: Champion | None
) -> None:
    assert find_champion(ledger, run_of(day), 10) == champion


def test_a_champion_without_a_recall_at_this_k_has_no_record(ledger: Warehouse) -> None:
    assert find_champion(ledger, run_of("2026-03-04"), 20) == Champion("2026-03-03.2", "r", None)
