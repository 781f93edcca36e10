"""Columns that several tables share: each is described once, here."""

from nightjar.contract.tables.column_types import DATE, DOUBLE, INTEGER, TEXT, TIMESTAMP, VECTOR, Column

_SHARED = {
    column.name: column
    for column in (
        Column("publication_id", TEXT, "The attempt that wrote the row: its data date and the attempt's number."),
        Column("data_date", DATE, "Start date (UTC) of the run's data interval."),
        Column("user_id", TEXT, "The user's id as the source system writes it."),
        Column("item_id", TEXT, "The item's id as the source system writes it."),
        Column(
            "domain", TEXT, "The part of the catalogue the item belongs to, e.g. films; `default` if none is given."
        ),
        Column("rank", INTEGER, "Place in the top-K list, 1 is the best."),
        Column("recorded_at", TIMESTAMP, "When the row became known; a later row of the same key replaces it."),
        Column("ingested_at", TIMESTAMP, "When the row arrived in the warehouse."),
        Column("feature", TEXT, "Feature written `kind:value`, e.g. `genre:Drama`."),
        Column("vector", VECTOR, "Output of an encoder: finite numbers, not all of them 0."),
        Column("weight", DOUBLE, "Strength of the feature, from 0 (withdrawn) to 1000; 1 is plain presence."),
    )
}


def columns(*parts: str | Column) -> tuple[Column, ...]:
    """Return the columns of a table, of which a shared one is given by its name."""
    return tuple(_SHARED[part] if isinstance(part, str) else part for part in parts)
