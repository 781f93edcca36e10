"""The append-only ledger of publications, what each published, and the pointer that readers follow."""

from nightjar.contract.tables.column_types import BIGINT, TEXT, TIMESTAMP, Column, Table
from nightjar.contract.tables.shared_columns import columns

LEDGER = (
    Table(
        "recs",
        "publications",
        "one entry of the append-only ledger",
        ("ledger_id",),
        columns(
            Column("ledger_id", BIGINT, "Number of the entry, counting up."),
            "publication_id",
            "data_date",
            Column("as_of", TIMESTAMP, "End of the publication's data interval."),
            Column("action", TEXT, "published (current moved to it), history (current stayed) or rollback."),
            Column("previous_publication_id", TEXT, "What was current before the entry.", nullable=True),
            Column("model_uri", TEXT, "The registered model version."),
            Column("mlflow_run_id", TEXT, "The MLflow run of the training."),
            Column("content_hash", TEXT, "Digest of the result rows; equal rows give an equal digest."),
            Column("recommendation_rows", BIGINT, "Rows in `recommendations`."),
            Column("code_version", TEXT, "Version of Nightjar's code."),
            Column("actor", TEXT, "Who or what made the entry."),
            Column("reason", TEXT, "Why."),
            "recorded_at",
        ),
    ),
    Table(
        "recs",
        "publication_rows",
        "one output table of one publication, as it was published",
        ("publication_id", "table_name"),
        columns(
            "publication_id",
            "data_date",
            Column("table_name", TEXT, "The output table, without its schema."),
            Column("published_rows", BIGINT, "Rows of the publication in it when it was published."),
        ),
    ),
    Table(
        "recs",
        "current_publication",
        "the one publication that readers see",
        ("publication_id",),
        columns(
            "publication_id",
            "data_date",
            Column("ledger_id", BIGINT, "The ledger entry that set the pointer."),
            Column("moved_at", TIMESTAMP, "When the pointer moved."),
        ),
    ),
)
