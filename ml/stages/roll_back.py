"""Rolls readers back to an earlier publication, and the alias `champion` with them; used by `nightjar rollback`.

Writes `recs.publications`, `recs.current_publication` and MLflow's alias.
"""

from ml.champion_alias import name_champion
from warehouse import readers
from warehouse.adapters.engines import open_warehouse
from warehouse.ledger import Published
from warehouse.rollback import roll_back
from warehouse.settings import Settings


def run(settings: Settings, publication_id: str, *, actor: str, reason: str) -> Published:
    """Point readers to the publication, then name its model champion.

    Raises:
        BadInput: there is no warehouse, or as `warehouse.rollback.roll_back`.
    """
    warehouse = open_warehouse(settings)
    entry = roll_back(warehouse, publication_id, actor=actor, reason=reason)
    # After the transaction: readers come first, and the same command again does what is left if one of these fails.
    try:
        readers.refresh(warehouse, f"{entry.publication_id} is current")
    finally:
        name_champion(settings, warehouse)
    return entry
