"""One digest over the result rows of a run: equal rows give an equal digest, whatever their order or engine."""

import hashlib

import duckdb

from nightjar.contract.run_folder import RunFolder
from nightjar.contract.tables import OUTPUTS

# The path and the latency of an index differ between two runs with the same rows.
_LEFT_OUT = ("index_manifest",)
# Which champion a run was compared with depends on the other publications, not on what this run publishes.
_OWN_ROWS = {"model_metrics": "where model <> 'champion'"}
# How long a fit took says nothing about what it is.
_MEASURED_TIMES = ("fit_seconds",)


def content_hash(folder: RunFolder) -> str:
    """Return the hex SHA-256 over the rows of the output tables of one run folder.

    Each row becomes text, its MD5 a 128-bit number, and a table the xor and the count of these: row keys are
    unique, so equal rows never cancel out.
    """
    digest = hashlib.sha256()
    with duckdb.connect() as connection:
        for table in OUTPUTS:
            if table.name in _LEFT_OUT:
                continue
            left_out = ("publication_id", "data_date", *_MEASURED_TIMES)
            columns = [name for name in table.column_names if name not in left_out]
            row = ", ".join(f"{name} := {name}" for name in columns)
            xor, count = connection.execute(
                f"select bit_xor(md5_number(struct_pack({row})::varchar)), count(*) from read_parquet(?) "  # noqa: S608 names from the contract
                f"{_OWN_ROWS.get(table.name, '')}",
                [str(folder.output(table.name) / "*.parquet")],
            ).fetchall()[0]
            digest.update(f"{table.name} {xor} {count}\n".encode())
    return digest.hexdigest()
