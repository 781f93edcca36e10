"""Rows of an attempt's snapshot that the audit compares its staged rows with.

The audit checks whether staged ids exist and whether top-K lists hold seen items. Facts and dimensions may hold more by
then, where another run has built them with rows that arrived since. So an attempt is compared with its own snapshot.
"""

from pathlib import Path

import duckdb

from nightjar.contract.atomic_files import written_aside
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.tables import SNAPSHOT, Table

_QUERIES = {
    "snapshot_users": "select user_id from read_parquet($users)",
    "snapshot_items": "select item_id, domain, is_available from read_parquet($items)",
    "snapshot_interactions": "select user_id, item_id, max(occurred_at) as last_occurred_at "
    "from read_parquet($interactions) group by user_id, item_id",
}


def write_staged_snapshot(folder: RunFolder) -> dict[Table, Path]:
    """Write the rows of each table from the run's snapshot to a Parquet folder; return the folders by their tables.

    Empty where retention has removed the snapshot: the audit of an attempt that is staged again weeks later uses facts
    and dimensions as they are.
    """
    files = {name: str(folder.snapshot(name)) for name in ("users", "items", "interactions")}
    if not all(Path(path).exists() for path in files.values()):
        return {}
    written = {}
    for table in SNAPSHOT:
        query = _QUERIES[table.name]
        given = {name: path for name, path in files.items() if f"${name}" in query}
        with (
            written_aside(folder.output(table.name)) as aside,
            # Pairs that do not fit into memory go to the run's own folder.
            duckdb.connect(config={"temp_directory": str(aside / "temp")}) as connection,
        ):
            connection.execute("set timezone = 'UTC'")
            connection.sql(query, params=given).write_parquet(str(aside / "part-0.parquet"), compression="zstd")
        written[table] = folder.output(table.name)
    return written
