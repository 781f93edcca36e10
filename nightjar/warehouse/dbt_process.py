"""The command `dbt`, with the right name of a DuckDB file's catalogue; `nightjar.warehouse.dbt_runner` starts it.

dbt-duckdb 1.11 reads that name from the path as if it were an address, so that a `#` in the path of a home cuts it off;
DuckDB itself uses the file's name.
"""

from pathlib import Path

from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.cli.main import cli


def catalogue_of(path: object) -> str:
    """Return DuckDB's name of the catalogue of a file."""
    if path in (None, ":memory:"):
        return "memory"
    return Path(str(path)).name.lstrip(".").partition(".")[0]


def main() -> None:
    """Run the command that `sys.argv` names."""
    DuckDBCredentials.path_derived_database_name = staticmethod(catalogue_of)  # type: ignore[method-assign]
    cli()


if __name__ == "__main__":
    main()
