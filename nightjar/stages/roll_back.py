"""Rolls readers back to an earlier publication, and the alias `champion` with them; used by `nightjar rollback`.

Writes `recs.publications`, `recs.current_publication` and MLflow's alias.
"""

from nightjar.contract.settings import Settings
from nightjar.publishing.ledger import Published
from nightjar.publishing.rollback import roll_back
from nightjar.stages.champion_alias import name_champion
from nightjar.warehouse import readers_snapshot
from nightjar.warehouse.engines import open_warehouse


def run(settings: Settings, publication_id: str, *, actor: str, reason: str) -> Published:
    """Point readers to the publication, then name its model champion.

    Raises:
        BadInput: there is no warehouse, or as `nightjar.publishing.rollback.roll_back`.
    """
    warehouse = open_warehouse(settings)
    entry = roll_back(warehouse, publication_id, actor=actor, reason=reason)
    # After the transaction: readers come first, and the same command again does what is left if one of these fails.
    try:
        readers_snapshot.refresh(warehouse, f"{entry.publication_id} is current")
    finally:
        name_champion(settings, warehouse)
    return entry
