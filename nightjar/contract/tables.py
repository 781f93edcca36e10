"""The contract of every table the stages and the analysts meet: grain, key, columns, types, meaning.

The dbt yml beside each model and source says the same; a test proves that the two agree. A column that several
tables share is defined once here, in `_SHARED`.
"""

from dataclasses import dataclass

TEXT, INTEGER, BIGINT, DOUBLE, REAL = "text", "integer", "bigint", "double", "real"
BOOLEAN, DATE, TIMESTAMP, VECTOR = "boolean", "date", "timestamptz", "real[]"

# The segment of all users in lists of popular items.
EVERYONE = "all"


@dataclass(frozen=True)
class Column:
    """One column: its name, engine-neutral type, meaning with unit, and whether it may be null."""

    name: str
    type: str
    meaning: str
    nullable: bool = False


@dataclass(frozen=True)
class Table:
    """One table: `schema.name`, what one row is, and the columns that identify it."""

    schema: str
    name: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def full_name(self) -> str:
        """`schema.name`."""
        return f"{self.schema}.{self.name}"

    @property
    def column_names(self) -> tuple[str, ...]:
        """The column names in order."""
        return tuple(column.name for column in self.columns)


_SHARED = {
    column.name: column
    for column in (
        Column("publication_id", TEXT, "The attempt that wrote the row: its data date and the attempt's number."),
        Column("data_date", DATE, "Start date (UTC) of the run's data interval."),
        Column("user_id", TEXT, "The user's id as the source system writes it."),
        Column("item_id", TEXT, "The item's id as the source system writes it."),
        Column("domain", TEXT, "The part of the catalogue the item belongs to, e.g. films; `default` where unsaid."),
        Column("rank", INTEGER, "Place in the list, 1 is the best."),
        Column("recorded_at", TIMESTAMP, "When the row became known; a later row of the same key replaces it."),
        Column("ingested_at", TIMESTAMP, "When the row arrived in the warehouse."),
        Column("feature", TEXT, "Feature written `kind:value`, e.g. `genre:Drama`."),
        Column("weight", DOUBLE, "Strength of the feature, from 0 (withdrawn) to 1000; 1 is plain presence."),
    )
}


def _columns(*parts: str | Column) -> tuple[Column, ...]:
    return tuple(_SHARED[part] if isinstance(part, str) else part for part in parts)


RAW = (
    Table(
        "raw",
        "interactions",
        "one event of one user with one item",
        ("event_id",),
        _columns(
            Column("event_id", TEXT, "Identifies the event; a second row with the same id is ignored."),
            "user_id",
            "item_id",
            Column("event_type", TEXT, "What happened, e.g. view, purchase, rating; weighed by `event_weights`."),
            Column("value", DOUBLE, "Rating, amount or duration in the event's own unit.", nullable=True),
            Column("occurred_at", TIMESTAMP, "When the event happened."),
            "ingested_at",
        ),
    ),
    Table(
        "raw",
        "items",
        "one version of one item",
        ("item_id", "recorded_at"),
        _columns(
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
        _columns("item_id", "feature", "weight", "recorded_at"),
    ),
    Table(
        "raw",
        "users",
        "one version of one user",
        ("user_id", "recorded_at"),
        _columns("user_id", Column("created_at", TIMESTAMP, "When the user signed up.", nullable=True), "recorded_at"),
    ),
    Table(
        "raw",
        "user_features",
        "one version of one feature of one user",
        ("user_id", "feature", "recorded_at"),
        _columns("user_id", "feature", "weight", "recorded_at"),
    ),
    Table(
        "raw",
        "exposures",
        "one item shown to one user once",
        ("exposure_id",),
        _columns(
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
        _columns(
            Column("table_name", TEXT, "The raw table the row was meant for."),
            Column("file", TEXT, "Name of the file."),
            Column("line", BIGINT, "Line in the file, the first line is 1; for Parquet the row, the first row is 1."),
            Column("reason", TEXT, "Which column broke which rule."),
            Column("content", TEXT, "The row as read, at most 1,000 characters."),
            Column("rejected_at", TIMESTAMP, "When the import met it."),
        ),
    ),
    Table(
        "raw",
        "event_weights",
        "what an event of one type counts from one value on",
        ("event_type", "min_value"),
        _columns(
            Column("event_type", TEXT, "What happened, in lower case and without spaces around it."),
            Column("weight", DOUBLE, "What one event counts, at least 0; 0: the item was met but is not liked."),
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

OUTPUTS = (
    Table(
        "recs",
        "recommendations",
        "one recommended item of one user in one domain of one publication",
        ("publication_id", "user_id", "domain", "rank"),
        _columns(
            "publication_id",
            "data_date",
            "user_id",
            "domain",
            "rank",
            "item_id",
            Column("score", REAL, "What the list is sorted by; comparable within one user and source only."),
            Column("source", TEXT, "How it was chosen: personal, fold_in, cold_user, segment_popular or popular."),
            Column(
                "reason_item_id",
                TEXT,
                "The user's own item that speaks most for this one (co-occurrence, else cosine), if any.",
                nullable=True,
            ),
        ),
    ),
    Table(
        "recs",
        "similar_items",
        "one similar item of one item in one target domain of one publication",
        ("publication_id", "item_id", "target_domain", "rank"),
        _columns(
            "publication_id",
            "data_date",
            "item_id",
            Column("target_domain", TEXT, "Domain of the similar item."),
            "rank",
            Column("similar_item_id", TEXT, "The similar item."),
            Column("similarity", REAL, "Cosine of the two embeddings, -1 to 1."),
        ),
    ),
    Table(
        "recs",
        "item_embeddings",
        "one item of one publication",
        ("publication_id", "item_id"),
        _columns(
            "publication_id",
            "data_date",
            "item_id",
            Column("embedding", VECTOR, "Dense vector in the space shared with users."),
            Column("bias", REAL, "Item bias, added to the dot product."),
            Column("source", TEXT, "trained (has interactions) or features_only (known by its features)."),
        ),
    ),
    Table(
        "recs",
        "user_embeddings",
        "one user of one publication",
        ("publication_id", "user_id"),
        _columns(
            "publication_id",
            "data_date",
            "user_id",
            Column("embedding", VECTOR, "Dense vector in the space shared with items."),
            Column("bias", REAL, "User bias; the same for all items of the user."),
            Column("source", TEXT, "trained (has interactions) or features_only (known by their features)."),
        ),
    ),
    Table(
        "recs",
        "popular_items",
        "one popular item of one segment in one domain of one publication",
        ("publication_id", "segment", "domain", "rank"),
        _columns(
            "publication_id",
            "data_date",
            Column("segment", TEXT, "`all`, or the user feature whose carriers it counts."),
            "domain",
            "rank",
            "item_id",
            Column(
                "score",
                REAL,
                "Sum over the segment's users of the weightiest of each user's events with the item; of what was long "
                "ago, less.",
            ),
        ),
    ),
    Table(
        "recs",
        "index_manifest",
        "one index of one publication",
        ("publication_id", "index_name"),
        _columns(
            "publication_id",
            "data_date",
            Column("index_name", TEXT, "retrieval (user to item, by the model's score) or similarity (item to item)."),
            Column("uri", TEXT, "Folder that holds the index and its item ids."),
            Column("sha256", TEXT, "Digest of the index file."),
            Column("metric", TEXT, "What near means in the index: ip (inner product) or cosine; hnswlib's names."),
            Column(
                "dim",
                INTEGER,
                "Dimension of the indexed vectors. By ip: embedding and bias; ask with a user's embedding and 1.",
            ),
            Column("item_count", BIGINT, "Vectors in the index."),
            Column("m", INTEGER, "HNSW links per node."),
            Column("ef_construction", INTEGER, "HNSW candidate list size while building."),
            Column("ef", INTEGER, "HNSW candidate list size to search with."),
            Column("recall_k", INTEGER, "k of the measured recall."),
            Column(
                "recall",
                DOUBLE,
                "Recall@k against exact search, 0 to 1; null where there was nothing to query the index with.",
                nullable=True,
            ),
            Column(
                "latency_p50_ms",
                DOUBLE,
                "Median latency of one query, milliseconds; null without queries.",
                nullable=True,
            ),
            Column(
                "latency_p95_ms",
                DOUBLE,
                "95th percentile of the latency of one query, milliseconds; null without queries.",
                nullable=True,
            ),
        ),
    ),
    Table(
        "recs",
        "model_metrics",
        "one metric of one model on one slice of one publication's holdout",
        ("publication_id", "model", "slice", "metric", "k"),
        _columns(
            "publication_id",
            "data_date",
            Column(
                "model",
                TEXT,
                "nightjar, the baseline popularity, champion (its recipe on this data) or consumed (what users took).",
            ),
            Column(
                "slice", TEXT, "all, warm, cold_user, cold_item, fold_in, or cross:<source domain>-><target domain>."
            ),
            Column(
                "metric",
                TEXT,
                "E.g. recall, ndcg, map, hit_rate, auc, coverage, gini, top_share, novelty, average_popularity.",
            ),
            Column("k", INTEGER, "Cut-off of the list; 0 where the metric looks at the whole ranking."),
            Column("value", DOUBLE, "The metric's value; null where the slice is empty.", nullable=True),
            Column("users", BIGINT, "Users the value is averaged over."),
        ),
    ),
)

CONTROL = (
    Table(
        "recs",
        "publication_attempts",
        "one attempt at one data date",
        ("publication_id",),
        _columns(
            "publication_id",
            "data_date",
            Column("attempt", INTEGER, "Number of the attempt at this data date, from 1."),
            Column("as_of", TIMESTAMP, "End of the data interval: the attempt sees only what happened before."),
            Column("ingested_before", TIMESTAMP, "The attempt sees only what had arrived by then.", nullable=True),
            Column("publish_mode", TEXT, "auto, never or force."),
            Column("stages", TEXT, "The stages it runs, comma-separated; earlier ones it takes over."),
            Column("note", TEXT, "What its starter wrote about it.", nullable=True),
            Column("run_id", TEXT, "The Airflow run."),
            Column("code_version", TEXT, "Version of Nightjar's code."),
            Column("started_at", TIMESTAMP, "When the attempt began."),
            Column(
                "runner",
                TEXT,
                "Process of `nightjar run` it depends on: host, process id, start in seconds; null under a scheduler.",
                nullable=True,
            ),
        ),
    ),
    Table(
        "recs",
        "run_failures",
        "one failure of one task of one run, also of a run that was refused before it had an attempt",
        ("dag_id", "run_id", "task", "failed_at"),
        _columns(
            Column("dag_id", TEXT, "The DAG, e.g. nightly_recommendations."),
            Column("run_id", TEXT, "The Airflow run."),
            Column("task", TEXT, "The task that failed; `nightjar run` where the whole run ended without a word."),
            Column("failed_at", TIMESTAMP, "When it failed for good: after the last try."),
            Column("publication_id", TEXT, "The attempt, if the run had one.", nullable=True),
            Column("data_date", DATE, "Start date (UTC) of the run's data interval, if it has one.", nullable=True),
            Column(
                "outcome",
                TEXT,
                "refused (wrong input, or a gate), failed (an error) or died (its process ended without a word).",
            ),
            Column("exit_code", INTEGER, "Of the task's command; negative: killed by that signal.", nullable=True),
            Column("reason", TEXT, "Why, in one line."),
            Column(
                "resumed_at",
                TIMESTAMP,
                "When the task, or one that it waits for, was started again; null while the failure is the last word.",
                nullable=True,
            ),
        ),
    ),
    Table(
        "recs",
        "gate_decisions",
        "one verdict of one gate on one publication",
        ("publication_id", "gate"),
        _columns(
            "publication_id",
            "data_date",
            Column(
                "gate",
                TEXT,
                "inputs, popularity, champion, champion_record, coverage, outputs or an index's `_recall`.",
            ),
            Column("verdict", TEXT, "passed, refused, or skipped where there is nothing to compare with."),
            Column("reason", TEXT, "The comparison in words."),
            Column("measured", DOUBLE, "The figure that was judged.", nullable=True),
            Column("threshold", DOUBLE, "The figure it had to reach.", nullable=True),
            Column("metric", TEXT, "What the figure is, e.g. recall@10 or coverage@10.", nullable=True),
            Column(
                "lead_low",
                DOUBLE,
                "Lower end of the paired bootstrap interval over users of measured - threshold.",
                nullable=True,
            ),
            Column("lead_high", DOUBLE, "Its upper end; the gate refuses when it is below 0.", nullable=True),
            Column("decided_at", TIMESTAMP, "When the gate decided."),
        ),
    ),
    Table(
        "recs",
        "publications",
        "one entry of the append-only ledger",
        ("ledger_id",),
        _columns(
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
        _columns(
            "publication_id",
            "data_date",
            Column("table_name", TEXT, "The output table, without its schema."),
            Column("published_rows", BIGINT, "Rows of the publication in it when it was published."),
        ),
    ),
    Table(
        "recs",
        "excluded_users",
        "one date on which one user had more events than one attempt allows",
        ("publication_id", "user_id", "event_date"),
        _columns(
            "publication_id",
            "data_date",
            Column("user_id", TEXT, "The user, whose events count for nothing in the attempt."),
            Column("event_date", DATE, "Calendar date (UTC) of the events."),
            Column("events", BIGINT, "Their events of that date that would count more than 0."),
        ),
    ),
    Table(
        "recs",
        "current_publication",
        "the one publication that readers see",
        ("publication_id",),
        _columns(
            "publication_id",
            "data_date",
            Column("ledger_id", BIGINT, "The ledger entry that set the pointer."),
            Column("moved_at", TIMESTAMP, "When the pointer moved."),
        ),
    ),
)

STAGED = tuple(Table("recs_staging", table.name, table.grain, table.key, table.columns) for table in OUTPUTS)

# What the audit holds the staged rows against; they go with them.
SNAPSHOT = (
    Table(
        "recs_staging",
        "snapshot_users",
        "one user whom one attempt saw",
        ("publication_id", "user_id"),
        _columns("publication_id", "data_date", "user_id"),
    ),
    Table(
        "recs_staging",
        "snapshot_items",
        "one item that one attempt saw",
        ("publication_id", "item_id"),
        _columns(
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
        _columns(
            "publication_id",
            "data_date",
            "user_id",
            "item_id",
            Column("last_occurred_at", TIMESTAMP, "When the last of these events happened."),
        ),
    ),
)

ALL_TABLES = RAW + OUTPUTS + CONTROL + STAGED + SNAPSHOT


def table(full_name: str) -> Table:
    """Return the contract of `schema.name`.

    Raises:
        KeyError: there is no such table.
    """
    return {each.full_name: each for each in ALL_TABLES}[full_name]
