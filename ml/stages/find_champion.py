"""Finds the publication that a new model must not fall behind.

Reads `recs.publications` and `recs.model_metrics`; used by the stage evaluate_model.
"""

from ml.evaluation.champion import Champion
from ml.evaluation.evaluate import MODEL
from nightjar.contract.run_folder import RunRecord
from nightjar.warehouse.protocol import Warehouse

# Strictly earlier dates only: a repeated date is compared with the same champion as before.
_CHAMPION_BEFORE = """
with champion as (
    select publication_id, mlflow_run_id
    from recs.publications
    where action in ('published', 'history') and data_date < ?
    order by data_date desc, ledger_id desc
    limit 1
)
select
    champion.publication_id, champion.mlflow_run_id,
    max(metrics.value) as recall
from champion
left join recs.model_metrics as metrics
    on metrics.publication_id = champion.publication_id
    and metrics.model = ? and metrics.slice = 'all' and metrics.metric = 'recall' and metrics.k = ?
group by champion.publication_id, champion.mlflow_run_id
"""


def find_champion(warehouse: Warehouse, run: RunRecord, k: int) -> Champion | None:
    """Return the last publication of the newest earlier date with its recall@k, or None if there is none."""
    with warehouse.connect(read_only=True) as connection:
        row = connection.execute(_CHAMPION_BEFORE, [run.data_date, MODEL, k]).fetchone()
    return Champion(*row) if row else None
