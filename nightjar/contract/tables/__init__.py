"""The contract of every table that stages and analysts read: grain, key, columns, types, meaning, tests.

The yml of the dbt sources and of the published views is generated from it (nightjar.warehouse.dbt_properties).
"""

from dataclasses import replace

from nightjar.contract.tables.attempts import ATTEMPTS
from nightjar.contract.tables.column_types import (
    BIGINT,
    BOOLEAN,
    DATE,
    DOUBLE,
    INTEGER,
    REAL,
    TEXT,
    TIMESTAMP,
    VECTOR,
    Column,
    DataTest,
    Table,
)
from nightjar.contract.tables.ledger import LEDGER
from nightjar.contract.tables.model_outputs import (
    INDEX_MANIFEST,
    ITEM_EMBEDDINGS,
    MODEL_METRICS,
    MODEL_SOURCES,
    USER_EMBEDDINGS,
)
from nightjar.contract.tables.raw import RAW
from nightjar.contract.tables.served_outputs import POPULAR_ITEMS, RECOMMENDATIONS, SIMILAR_ITEMS
from nightjar.contract.tables.staging import SNAPSHOT

__all__ = [
    "ADDED_OUTPUTS",
    "ALL_TABLES",
    "BIGINT",
    "BOOLEAN",
    "CONTROL",
    "DATE",
    "DOUBLE",
    "EVERYONE",
    "INTEGER",
    "OUTPUTS",
    "RAW",
    "REAL",
    "SNAPSHOT",
    "STAGED",
    "TEXT",
    "TIMESTAMP",
    "VECTOR",
    "Column",
    "DataTest",
    "Table",
    "table",
]

# The segment of all users in `popular_items`.
EVERYONE = "all"

# In the order in which the content hash reads them.
OUTPUTS = (
    RECOMMENDATIONS,
    SIMILAR_ITEMS,
    ITEM_EMBEDDINGS,
    USER_EMBEDDINGS,
    POPULAR_ITEMS,
    INDEX_MANIFEST,
    MODEL_METRICS,
    MODEL_SOURCES,
)
# Publications of earlier versions have no rows of these.
ADDED_OUTPUTS = (MODEL_SOURCES,)
CONTROL = ATTEMPTS + LEDGER
STAGED = tuple(replace(table, schema="recs_staging") for table in OUTPUTS)
ALL_TABLES = RAW + OUTPUTS + CONTROL + STAGED + SNAPSHOT


def table(full_name: str) -> Table:
    """Return the contract of `schema.name`.

    Raises:
        KeyError: there is no such table.
    """
    return {each.full_name: each for each in ALL_TABLES}[full_name]
