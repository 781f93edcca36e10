"""Finds the publication that a new model must not fall behind.

Reads `recs.publications` and `recs.model_metrics`; used by the stage gate_model.
"""

from ml.evaluation import MODEL
from ml.gate import Champion
from warehouse.adapters.protocol import Warehouse
from warehouse.run_folder import RunRecord

# Strictly earlier dates only: repeating a date is judged against what the date was judged against before.
_QUERY = """
with champion as (
    select publication_id
    from recs.publications
    where action in ('published', 'history') and data_date < ?
    order by data_date desc, ledger_id desc
    limit 1
)
select metrics.publication_id, metrics.value
from recs.model_metrics as metrics
inner join champion on metrics.publication_id = champion.publication_id
where metrics.model = ? and metrics.slice = 'all' and metrics.metric = 'recall' and metrics.k = ?
    and metrics.value is not null
"""


def find_champion(warehouse: Warehouse, run: RunRecord, k: int) -> Champion | None:
    """Return the last publication of the newest earlier date with its recall@k, or None if there is none."""
    with warehouse.connect(read_only=True) as connection:
        row = connection.execute(_QUERY, [run.data_date, MODEL, k]).fetchone()
    return Champion(str(row[0]), float(row[1])) if row else None
