"""Tables of an attempt before the audit passed it: staged rows, and the snapshot that the audit compares them with."""

from nightjar.contract.tables.column_types import BOOLEAN, TIMESTAMP, Column, Table
from nightjar.contract.tables.shared_columns import columns

# What the audit holds the staged rows against; they go with them.
SNAPSHOT = (
    Table(
        "recs_staging",
        "snapshot_users",
        "one user whom one attempt saw",
        ("publication_id", "user_id"),
        columns("publication_id", "data_date", "user_id"),
    ),
    Table(
        "recs_staging",
        "snapshot_items",
        "one item that one attempt saw",
        ("publication_id", "item_id"),
        columns(
            "publication_id",
            "data_date",
            "item_id",
            "domain",
            Column("is_available", BOOLEAN, "Whether it could be recommended at the attempt's end."),
        ),
    ),
    Table(
        "recs_staging",
        "snapshot_interactions",
        "one item that one user had an event with, as one attempt saw it",
        ("publication_id", "user_id", "item_id"),
        columns(
            "publication_id",
            "data_date",
            "user_id",
            "item_id",
            Column("last_occurred_at", TIMESTAMP, "When the last of these events happened."),
        ),
    ),
)
