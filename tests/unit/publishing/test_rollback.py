"""A rollback leads to a publication that is whole, or nowhere; and it can be tried again."""

from collections.abc import Callable

import pytest

from nightjar.contract.errors import BadInput
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.tables import OUTPUTS
from nightjar.publishing.rollback import model_uri, roll_back
from nightjar.warehouse.protocol import Warehouse
from tests.support.refusals import refused

Lay = Callable[..., RunFolder]


def current(warehouse: Warehouse) -> str:
    with warehouse.connect(read_only=True) as connection:
        return str(connection.execute("select publication_id from recs.current_publication").fetchall()[0][0])


@pytest.mark.parametrize("table", [each.full_name for each in OUTPUTS])
def test_a_publication_that_lost_a_row_of_any_table_is_refused(warehouse: Warehouse, lay: Lay, table: str) -> None:
    lay("2026-03-09.1")
    lay("2026-03-10.1")
    with warehouse.transaction() as connection:
        connection.execute(f"delete from {table} where publication_id = '2026-03-09.1'")
    with refused(
        BadInput, "incomplete_publication", wording=False, publication_id="2026-03-09.1", tables=[table], indices=[]
    ):
        roll_back(warehouse, "2026-03-09.1", actor="ann", reason="CTR fell")
    assert current(warehouse) == "2026-03-10.1"


def test_a_publication_whose_index_file_is_gone_or_changed_is_refused(warehouse: Warehouse, lay: Lay) -> None:
    graph = lay("2026-03-09.1").index("retrieval") / "index.bin"
    lay("2026-03-10.1")
    graph.write_bytes(b"something else")
    with refused(BadInput, "incomplete_publication", wording=False, tables=[], indices=["x"]):
        roll_back(warehouse, "2026-03-09.1", actor="ann", reason="CTR fell")
    graph.unlink()
    with refused(BadInput, "incomplete_publication", wording=False, tables=[], indices=["x"]):
        roll_back(warehouse, "2026-03-09.1", actor="ann", reason="CTR fell")
    assert current(warehouse) == "2026-03-10.1"


def test_every_fault_is_named_at_once(warehouse: Warehouse, lay: Lay) -> None:
    (lay("2026-03-09.1").index("retrieval") / "manifest.json").unlink()
    lay("2026-03-10.1")
    with warehouse.transaction() as connection:
        connection.execute("delete from recs.similar_items")
        connection.execute("delete from recs.publication_rows where table_name = 'popular_items'")
    tables = ["recs.popular_items", "recs.similar_items"]
    with refused(BadInput, "incomplete_publication", wording=False, indices=["x"]) as caught:
        roll_back(warehouse, "2026-03-09.1", actor="ann", reason="CTR fell")
    assert sorted(caught.value.fields["tables"]) == tables


def test_the_same_rollback_again_changes_nothing_and_another_one_is_refused(warehouse: Warehouse, lay: Lay) -> None:
    lay("2026-03-09.1")
    lay("2026-03-10.1")
    done = roll_back(warehouse, "2026-03-09.1", actor="run-7", reason="CTR fell")
    assert (done.ledger_id, done.previous_publication_id) == (3, "2026-03-10.1")
    assert roll_back(warehouse, "2026-03-09.1", actor="run-7", reason="CTR fell") == done
    for actor, reason in (("run-8", "CTR fell"), ("run-7", "another")):
        with refused(BadInput, "already_current", wording=False, publication_id="2026-03-09.1"):
            roll_back(warehouse, "2026-03-09.1", actor=actor, reason=reason)
    with warehouse.connect(read_only=True) as connection:
        assert connection.execute("select count(*) from recs.publications").fetchall() == [(3,)]


def test_the_model_of_a_publication_is_the_one_of_its_ledger_entry(warehouse: Warehouse, lay: Lay) -> None:
    lay("2026-03-09.1", model_uri="models:/nightjar/4")
    assert model_uri(warehouse, "2026-03-09.1") == "models:/nightjar/4"
    with refused(BadInput, "unknown_publication", wording=False, publication_id="2026-03-08.1"):
        model_uri(warehouse, "2026-03-08.1")
