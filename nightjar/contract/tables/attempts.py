"""Tables about attempts: what each was, why it failed, what its gates decided, whom it left out."""

from nightjar.contract.gates import GATES
from nightjar.contract.tables.column_types import BIGINT, DATE, DOUBLE, INTEGER, TEXT, TIMESTAMP, Column, Table
from nightjar.contract.tables.shared_columns import columns

ATTEMPTS = (
    Table(
        "recs",
        "publication_attempts",
        "one attempt at one data date",
        ("publication_id",),
        columns(
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
        columns(
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
        columns(
            "publication_id",
            "data_date",
            Column(
                "gate",
                TEXT,
                f"{', '.join(gate.name for gate in GATES)}.",
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
        "excluded_users",
        "one date on which one user had more events than one attempt allows",
        ("publication_id", "user_id", "event_date"),
        columns(
            "publication_id",
            "data_date",
            Column("user_id", TEXT, "The user, whose events count for nothing in the attempt."),
            Column("event_date", DATE, "Calendar date (UTC) of the events."),
            Column("events", BIGINT, "Their events of that date that would count more than 0."),
        ),
    ),
)
