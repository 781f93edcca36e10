"""Tables that a user of Nightjar fills: append-only, only `interactions` is obligatory."""

from nightjar.contract.tables.column_types import BIGINT, DOUBLE, TEXT, TIMESTAMP, Column, DataTest, Table
from nightjar.contract.tables.shared_columns import columns

_WEIGHT_TEST = DataTest("is_within", "weigh_from_0_to_1000", {"columns": ["weight"], "lowest": 0, "highest": 1000})

RAW = (
    Table(
        "raw",
        "interactions",
        "one event of one user with one item",
        ("event_id",),
        columns(
            Column("event_id", TEXT, "Identifies the event; a second row with the same id is ignored."),
            "user_id",
            "item_id",
            Column("event_type", TEXT, "What happened, e.g. view, purchase, rating; weighed by `event_weights`."),
            Column("value", DOUBLE, "Rating, amount or duration in the event's own unit.", nullable=True),
            Column("occurred_at", TIMESTAMP, "When the event happened."),
            "ingested_at",
        ),
        tests=(DataTest("is_finite", "have_finite_values", {"columns": ["value"]}),),
    ),
    Table(
        "raw",
        "items",
        "one version of one item",
        ("item_id", "recorded_at"),
        columns(
            "item_id",
            "domain",
            Column("title", TEXT, "Title for people.", nullable=True),
            Column("available_from", TIMESTAMP, "First instant at which it can be recommended.", nullable=True),
            Column("available_until", TIMESTAMP, "Instant from which it no longer can.", nullable=True),
            "recorded_at",
        ),
    ),
    Table(
        "raw",
        "item_features",
        "one version of one feature of one item",
        ("item_id", "feature", "recorded_at"),
        columns("item_id", "feature", "weight", "recorded_at"),
        tests=(_WEIGHT_TEST,),
    ),
    Table(
        "raw",
        "item_vectors",
        "one version of one vector of one item",
        ("item_id", "kind", "recorded_at"),
        columns(
            "item_id",
            Column("kind", TEXT, "What made the vector, e.g. `clip`; vectors of a kind are equally long."),
            "vector",
            "recorded_at",
            Column(
                "encoder_sha256",
                TEXT,
                "Digest of the files of the model that `nightjar embed` used; null for an imported vector.",
                nullable=True,
            ),
            Column(
                "input_sha256",
                TEXT,
                "Digest of the text or the image file that was encoded; null for an imported vector.",
                nullable=True,
            ),
        ),
    ),
    Table(
        "raw",
        "users",
        "one version of one user",
        ("user_id", "recorded_at"),
        columns("user_id", Column("created_at", TIMESTAMP, "When the user signed up.", nullable=True), "recorded_at"),
    ),
    Table(
        "raw",
        "user_features",
        "one version of one feature of one user",
        ("user_id", "feature", "recorded_at"),
        columns("user_id", "feature", "weight", "recorded_at"),
        tests=(_WEIGHT_TEST,),
    ),
    Table(
        "raw",
        "user_vectors",
        "one version of one vector of one user",
        ("user_id", "kind", "recorded_at"),
        columns(
            "user_id",
            Column("kind", TEXT, "What made the vector, e.g. `profile`; vectors of a kind are equally long."),
            "vector",
            "recorded_at",
        ),
    ),
    Table(
        "raw",
        "exposures",
        "one item shown to one user once",
        ("exposure_id",),
        columns(
            Column("exposure_id", TEXT, "Identifies the exposure; a second row with the same id is ignored."),
            "user_id",
            "item_id",
            "rank",
            Column("publication_id", TEXT, "The publication that was served, where known.", nullable=True),
            Column("variant", TEXT, "Arm of the experiment that chose the item."),
            Column("shown_at", TIMESTAMP, "When the item was shown."),
            "ingested_at",
        ),
    ),
    Table(
        "raw",
        "rejected_rows",
        "one row of an imported file that broke the contract",
        ("table_name", "file", "line", "content"),
        columns(
            Column("table_name", TEXT, "The raw table the row was meant for."),
            Column("file", TEXT, "Name of the file."),
            Column("line", BIGINT, "Line in the file, the first line is 1; for Parquet and NPZ the row, from 1."),
            Column("reason", TEXT, "Which column broke which rule."),
            Column("content", TEXT, "The row as read, at most 1,000 characters."),
            Column("rejected_at", TIMESTAMP, "When the import read it."),
        ),
    ),
    Table(
        "raw",
        "event_weights",
        "what an event of one type counts from one value on",
        ("event_type", "min_value"),
        columns(
            Column("event_type", TEXT, "What happened, in lower case and without spaces around it."),
            Column("weight", DOUBLE, "What one event counts, 0 or more; 0: the item is seen, but not liked."),
            Column(
                "min_value",
                DOUBLE,
                "Smallest event value that the row holds for, up to the next row of the type; null for any value and "
                "for events without one.",
                nullable=True,
            ),
            Column(
                "half_life_days", DOUBLE, "Days after which an event counts half; null for no decay.", nullable=True
            ),
        ),
    ),
)
