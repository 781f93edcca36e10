"""Keeps MLflow's alias `champion` at the model of the publication that readers see."""

from ml import tracking
from nightjar.contract.settings import Settings
from nightjar.warehouse.protocol import Warehouse

_CURRENT = "select p.model_uri from recs.current_publication join recs.publications p using (ledger_id)"


def name_champion(settings: Settings, warehouse: Warehouse) -> None:
    """Point the alias at the current publication's model, also where another run moved the pointer meanwhile.

    Whoever moves the pointer calls this afterwards. It reads the pointer again once the alias is set: whoever sets it
    last sees where the pointer is by then, so that the two agree in the end without one lock over both stores.
    """
    named, current = None, _current_model(warehouse)
    while current is not None and current != named:
        tracking.set_champion(settings, current.rpartition("/")[2])
        named, current = current, _current_model(warehouse)


def _current_model(warehouse: Warehouse) -> str | None:
    with warehouse.connect(read_only=True) as connection:
        row = connection.execute(_CURRENT).fetchone()
    return str(row[0]) if row else None
