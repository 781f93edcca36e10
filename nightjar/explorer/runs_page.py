"""Page: what became of each attempt, what failed and why, what the gates said, and the ledger."""

import streamlit as st

from nightjar.explorer import publications
from nightjar.explorer.page_parts import answered, nothing, table, wrapped_table

_WHEN = st.column_config.DatetimeColumn("When (UTC)", format="YYYY-MM-DD HH:mm", timezone="UTC")
_ATTEMPTS = {
    "publication_id": "Attempt",
    "outcome": "Outcome",
    "is_current": st.column_config.CheckboxColumn("Current"),
    "recommendation_rows": st.column_config.NumberColumn("Recommendations", format="localized"),
    "recall": st.column_config.NumberColumn("Recall", format="%.4f"),
    "rows_changed": st.column_config.NumberColumn("Changed rows", help="Against the date's publication before."),
    "reason": "Reason",
    "started_at": _WHEN,
}
_FAILURES = {
    "at": "When (UTC)",
    "data_date": "Data date",
    "publication_id": "Attempt",
    "task": "Task",
    "outcome": "Outcome",
    "reason": "Reason",
}
_GATES = {
    "gate": "Gate",
    "verdict": "Verdict",
    "metric": "Metric",
    "measured": "Measured",
    "threshold": "Needed",
    "reason": "Reason",
}
_LEDGER = {
    "ledger_id": "Entry",
    "recorded_at": _WHEN,
    "action": "Action",
    "publication_id": "Publication",
    "previous_publication_id": "Current before",
    "reason": "Reason",
    "actor": "By",
}


def show() -> None:
    """Draw the page."""
    st.header("Publications and gates")
    attempts, failures, ledger = answered(
        lambda connection: (
            publications.attempts(connection),
            publications.failures(connection),
            publications.ledger(connection),
        )
    )
    if failures and not attempts:
        wrapped_table(failures, _FAILURES, "Nothing has failed.")
    if not attempts:
        nothing("No run has begun yet: nightjar run --date YYYY-MM-DD")
    table(attempts, _ATTEMPTS, "No run has begun yet.")
    st.subheader("Failures and refusals")
    wrapped_table(failures, _FAILURES, "Nothing has failed.")
    st.subheader("Verdicts of the gates")
    left, _ = st.columns([1, 3])
    attempt = str(left.selectbox("Attempt", attempts.column("publication_id")))
    gates = answered(lambda connection: publications.gate_decisions(connection, attempt))
    wrapped_table(gates, _GATES, f"No gate has judged {attempt}.")
    st.subheader("Ledger")
    table(ledger, _LEDGER, "Nothing is published yet.")
