"""Settings of the home and of the warehouse's engine."""

import re
import sys
from pathlib import Path
from typing import Literal

from pydantic import field_validator

from nightjar.contract.settings.field import SettingsGroup, connection, setting

# DuckDB and Spark take these for patterns, or lose their way; Airflow puts a variable's value in place of $NAME, and
# makes a folder named {AIRFLOW_HOME} where its own has a percent sign.
_NOT_IN_A_HOME = re.compile(r"[%*?\[\]{}\\$\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_UTF_8 = re.compile(r"utf-?8", re.IGNORECASE)


class HomeSettings(SettingsGroup):
    """Home and warehouse."""

    home: Path = connection(Path("var"), basic=True, description="Folder that holds all state of one installation.")
    warehouse_engine: Literal["duckdb", "postgres"] = setting(
        "duckdb",
        recorded=None,
        basic=True,
        description="Engine of the warehouse. duckdb: a file in the home; postgres: a database that a team shares.",
    )
    warehouse_busy_minutes: float = connection(
        30.0,
        ge=0,
        description="Minutes that a run, or a command that writes, waits for a DuckDB file that another process holds "
        "open; 0: it fails at once.",
    )

    @field_validator("home")
    @classmethod
    def _absolute_home(cls, home: Path) -> Path:
        folder = home.expanduser().absolute()
        if fault := _fault_of_home(str(folder)):
            raise ValueError(fault)
        return folder

    @property
    def warehouse_path(self) -> Path:
        """The DuckDB file of the embedded warehouse."""
        return self.home / "warehouse.duckdb"

    @property
    def published_path(self) -> Path:
        """The DuckDB file that readers open; written aside and renamed, so that nobody waits for them."""
        return self.home / "published.duckdb"

    @property
    def lake(self) -> Path:
        """Folder of the run folders."""
        return self.home / "lake"

    @property
    def airflow_home(self) -> Path:
        """Airflow's own folder: metadata database and logs."""
        return self.home / "airflow"

    @property
    def dbt_state(self) -> Path:
        """Folder of dbt's compiled project, manifest and logs, which differ between engines."""
        return self.home / "dbt" / self.warehouse_engine

    @property
    def mlflow_database(self) -> str:
        """The file behind MLflow's server, or instead of one."""
        return f"sqlite:///{self.home / 'mlflow.db'}"

    @property
    def mlflow_artifacts(self) -> Path:
        """Folder of MLflow's artifacts."""
        return self.home / "mlartifacts"


def _fault_of_home(home: str) -> str:
    """Return why a home of that path cannot work, or nothing."""
    if found := sorted(set(_NOT_IN_A_HOME.findall(home))):
        named = " ".join(each if each.isprintable() else ascii(each).strip("'") for each in found)
        return f"a home may not have {named} in its path, which databases and Spark take for something else"
    if not home.isascii() and not _UTF_8.search(sys.getfilesystemencoding()):
        return f"a home with other than ASCII letters needs a UTF-8 locale, this is {sys.getfilesystemencoding()}"
    return ""
