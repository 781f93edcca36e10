"""The plan on hand-made histories, and what no setting may ever change about it."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightjar.contract.settings import Settings
from nightjar.publishing.retention.plan import Attempt, Entry, History, Part, Standing, plan, rollback_targets

AS_OF = date(2026, 6, 30)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def attempt(publication_id: str, started_at: datetime = LONG_AGO) -> Attempt:
    day, _, number = publication_id.partition(".")
    return Attempt(publication_id, date.fromisoformat(day), int(number), started_at)


def ledger(*entries: str) -> tuple[Entry, ...]:
    """Entries written `<publication> <action>`; each publication has an MLflow run of its own."""
    return tuple(
        Entry(number, *each.split(), mlflow_run_id=f"run-{each.split()[0]}")  # type: ignore[misc]
        for number, each in enumerate(entries, start=1)
    )


def judged(history: History, **settings: Any) -> dict[str, tuple[Standing, frozenset[Part]]]:
    found = plan(history, AS_OF, Settings(**settings))
    return {each.publication_id: (each.standing, each.removes) for each in found.decisions}


# Nine runs from March to June; the last one is current and five others were current before it.
RUNS = [
    *("2026-03-01.1", "2026-03-31.1", "2026-04-01.1", "2026-04-02.1", "2026-06-15.1"),
    *("2026-06-16.1", "2026-06-28.1", "2026-06-29.1", "2026-06-30.1"),
]
NIGHTLY = History(
    tuple(attempt(each) for each in RUNS), ledger(*(f"{each} published" for each in RUNS)), "2026-06-30.1"
)


def test_each_run_is_kept_as_long_as_the_settings_require() -> None:
    # 2026-04-01 is 90 days before 2026-06-30 and 2026-03-31 is 91; 2026-06-16 is 14 days before it.
    everything = {Part.ROWS, Part.FOLDER, Part.MLFLOW}
    assert judged(NIGHTLY, retention_rollback_publications=2) == {
        "2026-03-01.1": (Standing.EXPIRED, everything),
        "2026-03-31.1": (Standing.EXPIRED, everything),
        "2026-04-01.1": (Standing.LAST, {Part.WORK_FILES}),
        "2026-04-02.1": (Standing.LAST, {Part.WORK_FILES}),
        "2026-06-15.1": (Standing.LAST, {Part.WORK_FILES}),
        "2026-06-16.1": (Standing.LAST, set()),
        "2026-06-28.1": (Standing.TARGET, set()),
        "2026-06-29.1": (Standing.TARGET, set()),
        "2026-06-30.1": (Standing.CURRENT, set()),
    }


def test_a_rollback_target_keeps_rows_indices_and_model_however_old_it_is() -> None:
    found = judged(NIGHTLY, retention_rollback_publications=8)
    assert found["2026-03-01.1"] == (Standing.TARGET, {Part.WORK_FILES})
    assert judged(NIGHTLY, retention_rollback_publications=7)["2026-03-01.1"][0] == Standing.EXPIRED


def test_an_mlflow_run_may_outlive_the_rows_of_its_publication() -> None:
    found = judged(NIGHTLY, retention_rollback_publications=2, retention_mlflow_days=100)
    assert found["2026-03-31.1"][1] == {Part.ROWS, Part.FOLDER}
    assert found["2026-03-01.1"][1] == {Part.ROWS, Part.FOLDER, Part.MLFLOW}


def test_zero_days_keep_everything() -> None:
    never = {"retention_publication_days": 0, "retention_run_folder_days": 0, "retention_mlflow_days": 0}
    assert all(removes == set() for _, removes in judged(NIGHTLY, **never).values())


def test_a_replaced_publication_goes_with_the_run_folders_and_the_last_of_its_date_stays() -> None:
    ids = ["2026-06-01.1", "2026-06-01.2", "2026-06-20.1", "2026-06-20.2", "2026-06-30.1"]
    entries = ledger("2026-06-30.1 published", *(f"{each} history" for each in ids[:4]))
    found = judged(History(tuple(attempt(each) for each in ids), entries, "2026-06-30.1"))
    assert found["2026-06-01.1"] == (Standing.REPLACED, {Part.ROWS, Part.FOLDER})
    assert found["2026-06-01.2"] == (Standing.LAST, {Part.WORK_FILES})
    assert found["2026-06-20.1"] == (Standing.RECENT, set())


def test_what_was_never_published_goes_with_its_staged_rows_unless_it_may_be_running() -> None:
    newest = datetime(2026, 7, 1, tzinfo=UTC)
    history = History(
        (
            attempt("2026-06-30.1", newest),
            attempt("2026-06-01.1", newest),
            # Superseded by a publication of its date, so fenced, however young.
            attempt("2026-06-02.1", newest),
            attempt("2026-06-02.2", newest),
            attempt("2026-06-03.1", newest - timedelta(days=2)),
            attempt("2026-06-04.1", newest - timedelta(days=2, seconds=1)),
            attempt("2026-06-16.1"),
            attempt("2026-03-31.1"),
        ),
        ledger("2026-06-02.2 history", "2026-06-30.1 published"),
        "2026-06-30.1",
    )
    gone = {Part.STAGED_ROWS, Part.FOLDER}
    assert judged(history) == {
        "2026-03-31.1": (Standing.UNPUBLISHED, gone | {Part.MLFLOW}),
        "2026-06-01.1": (Standing.RUNNING, set()),
        "2026-06-02.1": (Standing.UNPUBLISHED, gone),
        "2026-06-02.2": (Standing.LAST, {Part.WORK_FILES}),
        "2026-06-03.1": (Standing.RUNNING, set()),
        "2026-06-04.1": (Standing.UNPUBLISHED, gone),
        "2026-06-16.1": (Standing.RECENT, set()),
        "2026-06-30.1": (Standing.CURRENT, set()),
    }


def test_what_a_kept_publication_borrowed_from_an_old_attempt_stays() -> None:
    history = History(
        (attempt("2026-01-01.1"), attempt("2026-06-30.1")),
        (
            Entry(1, "2026-01-01.1", "history", "shared"),
            Entry(2, "2026-06-30.1", "published", "shared"),
        ),
        "2026-06-30.1",
        {"2026-06-30.1": frozenset({"2026-01-01.1"})},
    )
    assert judged(history)["2026-01-01.1"] == (Standing.EXPIRED, {Part.ROWS, Part.WORK_FILES})


def test_the_model_that_a_running_attempt_took_over_is_needed() -> None:
    now = datetime(2026, 7, 1, tzinfo=UTC)
    history = History(
        (attempt("2026-01-01.1"), attempt("2026-01-01.2", now), attempt("2026-06-30.1")),
        ledger("2026-01-01.1 history", "2026-06-30.1 published"),
        "2026-06-30.1",
    )
    assert plan(history, AS_OF, Settings()).needed_runs == {"run-2026-01-01.1", "run-2026-06-30.1"}
    assert Part.MLFLOW not in judged(history)["2026-01-01.1"][1]


def test_rollback_targets_are_ordered_by_when_they_were_last_current() -> None:
    entries = ledger("a published", "b published", "h history", "c published", "a rollback", "d published")
    history = History((), entries, "d")
    assert rollback_targets(history, 9) == ["a", "c", "b"]
    assert rollback_targets(history, 2) == ["a", "c"]


@pytest.mark.parametrize("as_of", [date(2026, 6, 29), date(2020, 1, 1)])
def test_dates_after_the_one_that_ages_count_from_are_not_old(as_of: date) -> None:
    history = History((attempt("2026-06-30.1"),), ledger("2026-06-30.1 history"), None)
    assert plan(history, as_of, Settings()).decisions[0].removes == frozenset()


DAYS = st.integers(0, 400)
STEPS = st.lists(
    st.tuples(st.integers(0, 300), st.sampled_from(["published", "history", "none", "rollback"]), DAYS), max_size=25
)


@given(STEPS, DAYS, st.integers(1, 8), DAYS, DAYS, DAYS)
def test_no_setting_takes_away_what_current_or_a_rollback_target_needs(
    steps: list[tuple[int, str, int]], publication_days: int, count: int, folder_days: int, mlflow_days: int, shift: int
) -> None:
    attempts: list[Attempt] = []
    entries: list[Entry] = []
    for number, (days, action, hours) in enumerate(steps, start=1):
        published = [each.publication_id for each in entries]
        if action == "rollback" and published:
            entries.append(Entry(number, published[days % len(published)], action, f"run-{days % 3}"))
        elif action != "rollback":
            day = AS_OF - timedelta(days=days)
            attempts.append(attempt(f"{day}.{number}", LONG_AGO + timedelta(hours=hours)))
            if action != "none":
                entries.append(Entry(number, f"{day}.{number}", action, f"run-{days % 3}"))
    moves = [each.publication_id for each in entries if each.action != "history"]
    current = moves[-1] if moves else None
    settings = Settings(
        retention_publication_days=publication_days,
        retention_rollback_publications=count,
        retention_run_folder_days=folder_days,
        retention_mlflow_days=mlflow_days,
    )
    history = History(tuple(attempts), tuple(entries), current)
    found = plan(history, AS_OF + timedelta(days=shift), settings)
    targets = [each for each in dict.fromkeys(reversed(moves)) if each != current][:count]
    runs = {each.publication_id: each.mlflow_run_id for each in entries}
    for decision in found.decisions:
        if decision.publication_id == current:
            assert decision.removes == frozenset()
        if decision.publication_id in targets:
            assert decision.removes <= {Part.WORK_FILES}
        if Part.MLFLOW in decision.removes and decision.publication_id in runs:
            assert runs[decision.publication_id] not in {runs[each] for each in [*targets, *filter(None, [current])]}
    assert {each.publication_id for each in found.decisions} == {each.publication_id for each in attempts}
