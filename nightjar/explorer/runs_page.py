"""Page: outcome of each attempt, failures with reasons, gate decisions and the ledger."""

import streamlit as st

from nightjar.explorer import publications
from nightjar.explorer.widgets import query_or_stop, show_table, show_wrapped_table, stop_with_note

_WHEN = st.column_config.DatetimeColumn("When (UTC)", format="YYYY-MM-DD HH:mm", timezone="UTC")
_ATTEMPTS = {
    "publication_id": "Attempt",
    "outcome": "Outcome",
    "is_current": st.column_config.CheckboxColumn("Current"),
    "recommendation_rows": st.column_config.NumberColumn("Recommendations", format="localized"),
    "recall": st.column_config.NumberColumn("Recall", format="%.4f"),
    "rows_changed": st.column_config.NumberColumn("Changed rows", help="Against the previous publication of the date."),
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
    "threshold": "Threshold",
    "reason": "Reason",
}
_LEDGER = {
    "ledger_id": "Entry",
    "recorded_at": _WHEN,
    "action": "Action",
    "publication_id": "Publication",
    "previous_publication_id": "Previously current",
    "reason": "Reason",
    "actor": "By",
}


def show() -> None:
    """Draw the page."""
    st.header("Runs and gates")
    attempts, failures, ledger = query_or_stop(
        lambda connection: (
            publications.attempts(connection),
            publications.failures(connection),
            publications.ledger(connection),
        )
    )
    if failures and not attempts:
        show_wrapped_table(failures, _FAILURES, "Nothing has failed.")
    if not attempts:
        stop_with_note("No run has started yet: nightjar run --date YYYY-MM-DD")
    show_table(attempts, _ATTEMPTS, "No run has started yet.")
    st.subheader("Failures and refusals")
    show_wrapped_table(failures, _FAILURES, "Nothing has failed.")
    st.subheader("Gate decisions")
    left, _ = st.columns([1, 3])
    attempt = str(left.selectbox("Attempt", attempts.column("publication_id")))
    gates = query_or_stop(lambda connection: publications.gate_decisions(connection, attempt))
    show_wrapped_table(gates, _GATES, f"No gate has decided on {attempt}.")
    st.subheader("Ledger")
    show_table(ledger, _LEDGER, "Nothing is published yet.")
