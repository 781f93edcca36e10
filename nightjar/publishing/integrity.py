"""Whether a publication still has every row it was published with, and the files of its indices.

A publication writes `recs.publication_rows`; a rollback compares with it, because retention deletes rows and files.
"""

from pathlib import Path

from nightjar.contract.artifacts.embeddings import check_manifest
from nightjar.contract.errors import BadInput, NightjarError
from nightjar.contract.run_folder import RunRecord
from nightjar.contract.tables import ADDED_OUTPUTS, OUTPUTS
from nightjar.warehouse.protocol import Connection


def record_row_counts(connection: Connection, run: RunRecord) -> None:
    """Record how many rows of the publication each output table holds now."""
    for table in OUTPUTS:
        connection.execute(
            "insert into recs.publication_rows (publication_id, data_date, table_name, published_rows) "  # noqa: S608 names from tables.py
            f"select ?, ?, ?, count(*) from {table.full_name} where publication_id = ?",
            [run.publication_id, run.data_date, table.name, run.publication_id],
        )


def check_intact(connection: Connection, publication_id: str) -> None:
    """Check that readers can be pointed to a publication.

    Raises:
        BadInput: rows or index files are missing, or the index files changed; names every table and index.
    """
    rows, indices = _missing_rows(connection, publication_id), _broken_indices(connection, publication_id)
    if rows or indices:
        raise BadInput(
            f"publication {publication_id!r} is incomplete: {'; '.join([*rows.values(), *indices.values()])}",
            code="incomplete_publication",
            publication_id=publication_id,
            tables=list(rows),
            indices=list(indices),
        )


def _missing_rows(connection: Connection, publication_id: str) -> dict[str, str]:
    """Return for each table that lost rows what is wrong with it."""
    published = dict(
        connection.execute(
            "select table_name, published_rows from recs.publication_rows where publication_id = ?", [publication_id]
        ).fetchall()
    )
    faults = {}
    for table in OUTPUTS:
        left = connection.execute(
            f"select count(*) from {table.full_name} where publication_id = ?",  # noqa: S608 names from tables.py
            [publication_id],
        ).fetchall()[0][0]
        if table.name not in published and not (table in ADDED_OUTPUTS and left == 0):
            faults[table.full_name] = f"recs.publication_rows has no row of its {table.name}"
        elif left != published.get(table.name, 0):
            faults[table.full_name] = f"{table.full_name} has {left} of {published[table.name]} rows left"
    return faults


def _broken_indices(connection: Connection, publication_id: str) -> dict[str, str]:
    """Return for each index whose files are not as they were what is wrong with it."""
    faults = {}
    for name, uri in connection.execute(
        "select index_name, uri from recs.index_manifest where publication_id = ? order by index_name",
        [publication_id],
    ).fetchall():
        try:
            check_manifest(Path(uri))
        except NightjarError as error:
            faults[name] = f"index {name}: {error}"
    return faults
