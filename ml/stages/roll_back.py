"""Rolls readers back to an earlier publication, and the alias `champion` with them; used by `nightjar rollback`.

Writes `recs.publications`, `recs.current_publication` and MLflow's alias.
"""

from ml import tracking
from warehouse.adapters.duckdb import DuckDBWarehouse
from warehouse.publications import Published, roll_back
from warehouse.settings import Settings


def run(settings: Settings, publication_id: str, *, actor: str, reason: str) -> Published:
    """Point readers to the publication, then name its model champion.

    Raises:
        BadInput: there is no warehouse, or as `warehouse.publications.roll_back`.
    """
    warehouse = DuckDBWarehouse(settings.warehouse_path)
    with warehouse.connect(read_only=True) as connection:
        models = connection.execute(
            "select distinct model_uri from recs.publications where publication_id = ?", [publication_id]
        ).fetchall()
    entry = roll_back(warehouse, publication_id, actor=actor, reason=reason)
    for (model_uri,) in models:
        tracking.set_champion(settings, model_uri.rpartition("/")[2])
    return entry
