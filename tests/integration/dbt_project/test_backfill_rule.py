"""What happened at an instant changes the snapshot of no date that had ended by then, to the bit.

All that a run publishes is made of its snapshot, its settings and the publication before it.
"""

import hashlib
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from nightjar.contract.interval import of_date
from nightjar.contract.run_folder import RunFolder, RunRecord
from nightjar.contract.settings import Settings
from nightjar.publishing.unload import unload
from nightjar.warehouse.duckdb.adapter import DuckDBWarehouse
from nightjar.warehouse.postgres.adapter import PostgresWarehouse
from nightjar.warehouse.postgres.connection import Address
from nightjar.warehouse.protocol import Warehouse
from tests.support.handmade_warehouses import PIPELINE, HandmadePostgres, HandmadeWarehouse

EXAMPLES = 30 if os.environ.get("NIGHTJAR_TEST_SOAK") else 3
DATES = [date(2026, 1, day) for day in (7, 8, 9, 10, 11)]
INSTANTS = [
    datetime.combine(day, datetime.min.time(), UTC) + after
    for day in DATES
    for after in (timedelta(0), timedelta(hours=9), timedelta(days=1, microseconds=-1))
]
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["u1", "u3", "new"]),
        st.sampled_from(["f1", "x1", "new"]),
        st.sampled_from(["view", "poke"]),
        st.sampled_from(INSTANTS),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=3,
)


def opened(warehouse: Any) -> Warehouse:
    if isinstance(warehouse, HandmadePostgres):
        server = warehouse.server
        return PostgresWarehouse(Address(server.host, server.port, warehouse.database, PIPELINE, PIPELINE))
    return DuckDBWarehouse(warehouse.path)


def snapshots(warehouse: HandmadeWarehouse, lake: Path) -> dict[date, str]:
    """The digest of all that a run of each date may see."""
    digests = {}
    for day in DATES:
        publication_id = f"{day}.1"
        folder = RunFolder.of(lake, publication_id)
        folder.write_record(RunRecord(publication_id, 1, of_date(str(day)), None, "auto", "r", "0"))
        # A limit that two events of a user on one date exceed: whom it leaves out depends on the past alone, too.
        names = unload(opened(warehouse), folder, Settings(max_events_per_day=1))
        files = b"".join(folder.snapshot(name).read_bytes() for name in sorted(names))
        digests[day] = hashlib.sha256(files).hexdigest()
    return digests


def test_an_event_changes_no_date_that_had_ended_before_it(
    project: Any, engine: Any, built_warehouse: HandmadeWarehouse, tmp_path: Path
) -> None:
    before = snapshots(built_warehouse, tmp_path / "before")
    assert len(set(before.values())) == len(DATES)

    @hypothesis_settings(
        max_examples=EXAMPLES, derandomize=True, suppress_health_check=list(HealthCheck), database=None
    )
    @given(EVENTS)
    def law(events: list[tuple[str, str, str, datetime, int]]) -> None:
        warehouse = engine.copy(built_warehouse)
        rows = [
            (f"added-{n}", user, item, kind, None, at, at + timedelta(days=days))
            for n, (user, item, kind, at, days) in enumerate(events)
        ]
        warehouse.insert("raw.interactions", rows)
        first = min(at for *_, at, _ in events)
        project.run_facts(warehouse, str(first.date()), str(first.date() + timedelta(days=1)))
        after = snapshots(warehouse, tmp_path / warehouse.database)
        unchanged = {day for day in DATES if of_date(str(day)).end <= first}
        assert {day for day in DATES if after[day] == before[day]} == unchanged

    law()
