"""Decides what of each attempt may be deleted, and why the rest stays.

Pure: attempts, ledger and pointer in, one decision an attempt out. `nightjar.publishing.retention.removal` carries it
out. Age is counted in data dates back from `as_of`, never from today, so the plan is reproducible.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from nightjar.contract.settings import Settings

# A run takes hours; an attempt that is older than the newest one by more than this has ended.
MAY_RUN = timedelta(days=2)


class Part(StrEnum):
    """What an attempt leaves behind, in the order in which it is deleted."""

    ROWS = "rows"
    STAGED_ROWS = "staged rows"
    WORK_FILES = "work files"
    FOLDER = "run folder"
    MLFLOW = "MLflow run"


class Standing(StrEnum):
    """Why an attempt is kept or deleted."""

    CURRENT = "current"
    TARGET = "rollback target"
    LAST = "last publication of its date"
    RUNNING = "may be running"
    RECENT = "not old enough"
    EXPIRED = "older than retention_publication_days"
    REPLACED = "replaced by a later publication of its date"
    UNPUBLISHED = "never published"


_DELETED = (Standing.EXPIRED, Standing.REPLACED, Standing.UNPUBLISHED)


@dataclass(frozen=True)
class Attempt:
    """One row of `recs.publication_attempts`."""

    publication_id: str
    data_date: date
    attempt: int
    started_at: datetime


@dataclass(frozen=True)
class Entry:
    """One row of `recs.publications`."""

    ledger_id: int
    publication_id: str
    action: str
    mlflow_run_id: str


@dataclass(frozen=True)
class History:
    """Input of the plan.

    Attributes:
        index_folders: publication to the attempts whose run folders hold its indices, from `recs.index_manifest`.
    """

    attempts: tuple[Attempt, ...]
    ledger: tuple[Entry, ...]
    current: str | None
    index_folders: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class RetentionDecision:
    """What is deleted of one attempt; nothing if `removes` is empty."""

    publication_id: str
    data_date: date
    standing: Standing
    removes: frozenset[Part]


@dataclass(frozen=True)
class Plan:
    """The decisions, oldest attempt first, and the MLflow runs whose models a kept publication serves."""

    decisions: tuple[RetentionDecision, ...]
    needed_runs: frozenset[str]


def plan(history: History, as_of: date, settings: Settings) -> Plan:
    """Decide for every attempt; what the current publication and the rollback targets need is always kept."""
    standing = _standings(history, as_of, settings)
    kept = {publication_id for publication_id, why in standing.items() if why not in _DELETED}
    needed_folders = frozenset[str]().union(*(history.index_folders.get(each, frozenset()) for each in kept))
    runs = {entry.publication_id: entry.mlflow_run_id for entry in history.ledger}
    # A running attempt may serve the model of its date's last publication, which it inherited.
    running_dates = {each.data_date for each in history.attempts if standing[each.publication_id] == Standing.RUNNING}
    inherited = {each.publication_id for each in history.attempts if each.data_date in running_dates}
    needed_runs = frozenset(runs[each] for each in runs if each in kept | inherited)

    def decide(attempt: Attempt) -> RetentionDecision:
        publication_id, why = attempt.publication_id, standing[attempt.publication_id]
        age = (as_of - attempt.data_date).days
        removes: set[Part] = set()
        if why in _DELETED:
            removes = {Part.STAGED_ROWS} if why == Standing.UNPUBLISHED else {Part.ROWS}
            removes.add(Part.WORK_FILES if publication_id in needed_folders else Part.FOLDER)
            if _is_older_than(age, settings.retention_mlflow_days) and runs.get(publication_id) not in needed_runs:
                removes.add(Part.MLFLOW)
        elif (
            publication_id in runs
            and why != Standing.CURRENT
            and _is_older_than(age, settings.retention_run_folder_days)
        ):
            removes = {Part.WORK_FILES}
        return RetentionDecision(publication_id, attempt.data_date, why, frozenset(removes))

    ordered = sorted(history.attempts, key=lambda each: (each.data_date, each.attempt))
    return Plan(tuple(decide(attempt) for attempt in ordered), needed_runs)


def rollback_targets(history: History, count: int) -> list[str]:
    """Return the publications that were current before the current one, the newest first."""
    moves = sorted(history.ledger, key=lambda entry: entry.ledger_id, reverse=True)
    were_current = dict.fromkeys(entry.publication_id for entry in moves if entry.action != "history")
    return [each for each in were_current if each != history.current][:count]


def _standings(history: History, as_of: date, settings: Settings) -> dict[str, Standing]:
    targets = rollback_targets(history, settings.retention_rollback_publications)
    published = {entry.publication_id for entry in history.ledger}
    newest_start = max((each.started_at for each in history.attempts), default=None)
    last: dict[date, int] = {}
    for each in history.attempts:
        if each.publication_id in published:
            last[each.data_date] = max(each.attempt, last.get(each.data_date, 0))

    def standing(each: Attempt) -> Standing:
        age, newest_published = (as_of - each.data_date).days, last.get(each.data_date, 0)
        if each.publication_id == history.current:
            return Standing.CURRENT
        if each.publication_id in targets:
            return Standing.TARGET
        if each.publication_id in published:
            if _is_older_than(age, settings.retention_publication_days):
                return Standing.EXPIRED
            if each.attempt == newest_published:
                return Standing.LAST
        elif each.attempt > newest_published and newest_start is not None and newest_start - each.started_at <= MAY_RUN:
            return Standing.RUNNING
        if not _is_older_than(age, settings.retention_run_folder_days):
            return Standing.RECENT
        return Standing.REPLACED if each.publication_id in published else Standing.UNPUBLISHED

    return {each.publication_id: standing(each) for each in history.attempts}


def _is_older_than(age_days: int, days: int) -> bool:
    return 0 < days < age_days
