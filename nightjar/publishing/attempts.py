"""Attempts at a data date: each gets a number, a publication id and a run folder; a newer one fences the older.

Writes `recs.publication_attempts` and `run.json`; used by the first stage of a night and by every later writer.
"""

import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version

from nightjar.contract.errors import BadInput, NightjarError, NothingExpected
from nightjar.contract.failpoints import failpoint
from nightjar.contract.interval import DataInterval
from nightjar.contract.run_folder import RunFolder, RunRecord
from nightjar.contract.settings import REPOSITORY, Settings
from nightjar.contract.stage_groups import check_fits, inherit_files, inherited_gates
from nightjar.contract.stages import STAGE_GROUPS
from nightjar.contract.tuned_configuration import Recipe, read_recipe, write_recipe
from nightjar.publishing import excluded_users
from nightjar.publishing.catalogue_checks import check_any_is_available, check_repeats
from nightjar.publishing.event_counts import Visible, check_some_event_counts
from nightjar.publishing.input_contract import check_inputs
from nightjar.publishing.run_failures import begin_anew, take_in
from nightjar.publishing.text_model_check import check_text_model
from nightjar.publishing.trailing_volume import check_trailing_volume
from nightjar.publishing.tuned_configurations import in_force
from nightjar.publishing.unfinished_attempts import mark_died
from nightjar.publishing.warm_start_publication import warm_start_from
from nightjar.warehouse.protocol import Connection, Warehouse, insert_row

PUBLISH_MODES = ("auto", "never", "force")
# What a verdict that is taken over says as it said it.
_VERDICT = "data_date, gate, verdict, measured, threshold, metric, lead_low, lead_high, decided_at"


@dataclass(frozen=True)
class RunRequest:
    """What the starter of a run asks for; see `RunRecord` for what becomes of it.

    Attributes:
        skips_empty: whether nobody expects events of the interval, so that one without any is skipped.
    """

    interval: DataInterval
    run_id: str
    publish_mode: str = "auto"
    stages: tuple[str, ...] = STAGE_GROUPS
    ingested_before: datetime | None = None
    note: str = ""
    skips_empty: bool = False
    runner: str | None = None


def begin_attempt(settings: Settings, warehouse: Warehouse, request: RunRequest) -> RunRecord:
    """Start the next attempt at a data date, after checking that there is something to train on.

    Where the first stages are left out, their files and verdicts are taken over from the date's last publication.

    Raises:
        BadInput: a setting is unknown or has no effect, the text model cannot be used, a raw table has not the columns
            of its contract, the interval holds fewer events than the settings ask for, no event counts more than 0, no
            item is available, a setting names a domain that no item has, or no earlier publication of the date has
            what the left-out stages would have made.
        NothingExpected: the interval holds no event, and the request skips such a one.
    """
    warehouse.create_tables()
    take_in(settings, warehouse)
    with warehouse.transaction() as connection:
        source = check_request(settings, connection, request)
        recipe = _recipe(settings, request, source)
        number = connection.execute(
            "select coalesce(max(attempt), 0) + 1 from recs.publication_attempts where data_date = ?",
            [request.interval.data_date],
        ).fetchall()[0][0]
        record = RunRecord(
            publication_id=f"{request.interval.data_date}.{number}",
            attempt=number,
            interval=request.interval,
            ingested_before=_arrival_cut_off(request, source),
            publish_mode=request.publish_mode,
            run_id=request.run_id,
            code_version=code_version(),
            stages=request.stages,
            recipe=recipe.name,
            warm_start_from=warm_start_from(settings, connection, request.interval.data_date),
            repeat_after_days=settings.repeat_after_days,
        )
        folder = RunFolder.of(settings.lake, record.publication_id)
        # A process that died here before its commit left a folder of this name, and this attempt takes nothing over.
        shutil.rmtree(folder.path, ignore_errors=True)
        folder.write_record(record)
        failpoint("begin:after_folder")
        if recipe.values:
            write_recipe(folder.recipe, recipe)
        if source is not None:
            inherit_files(request.stages, source, folder)
            _inherit_verdicts(connection, request.stages, source.record().publication_id, record)
            if "features" not in request.stages:
                excluded_users.record(connection, record, folder)
        mark_died(connection)
        begin_anew(connection, record.data_date)
        _insert_attempt(connection, record, request.note, request.runner)
        warehouse.prepare_publication(connection, record.publication_id)
        failpoint("begin:before_commit")
    failpoint("begin:after_commit")
    return record


def check_request(settings: Settings, connection: Connection, request: RunRequest) -> RunFolder | None:
    """Refuse a run that cannot succeed: no table is written, so a command may ask before it starts anything.

    Returns:
        The run folder to take the left-out first stages from; none where all stages run.

    Raises:
        BadInput, NothingExpected: as `begin_attempt`.
    """
    if request.publish_mode not in PUBLISH_MODES:
        raise BadInput(
            f"publish={request.publish_mode!r} is unknown: expected one of {', '.join(PUBLISH_MODES)}",
            code="unknown_setting_value",
            setting="publish",
            value=request.publish_mode,
            expected=PUBLISH_MODES,
        )
    check_fits(request.stages, publish_mode=request.publish_mode, ingested_before=request.ingested_before)
    check_text_model(settings, request.stages)
    check_inputs(connection)
    check_repeats(connection, settings.repeats)
    _check_volume(settings, connection, request)
    check_any_is_available(connection, request.interval.as_of, request.ingested_before)
    if "features" in request.stages:
        # Inherited features were weighed by what counted then.
        visible = Visible(request.interval.as_of, request.ingested_before)
        check_some_event_counts(connection, settings, visible)
    return _last_publication(settings, connection, request)


def check_not_superseded(connection: Connection, run: RunRecord) -> None:
    """Refuse to go on when a newer attempt at the same data date has begun.

    Raises:
        NightjarError: this attempt was superseded.
    """
    newest = connection.execute(
        "select publication_id from recs.publication_attempts where data_date = ? order by attempt desc limit 1",
        [run.data_date],
    ).fetchall()
    if newest != [(run.publication_id,)]:
        by = newest[0][0] if newest else None
        raise NightjarError(
            f"{run.publication_id} was superseded by {by or 'nothing'}: it stops",
            code="superseded",
            publication_id=run.publication_id,
            data_date=run.data_date,
            superseded_by=by,
        )


def _last_publication(settings: Settings, connection: Connection, request: RunRequest) -> RunFolder | None:
    if request.stages[0] == STAGE_GROUPS[0]:
        return None
    last = connection.execute(
        "select publication_id from recs.publications where data_date = ? and action in ('published', 'history') "
        "order by ledger_id desc limit 1",
        [request.interval.data_date],
    ).fetchone()
    if last is None:
        raise BadInput(
            f"stages={','.join(request.stages)}: {request.interval.data_date} has no publication yet to take the "
            f"earlier stages from: run them all first",
            code="nothing_published",
            data_date=request.interval.data_date,
            stages=request.stages,
        )
    return RunFolder.of(settings.lake, last[0])


def _recipe(settings: Settings, request: RunRequest, source: RunFolder | None) -> Recipe:
    # Inherited features were built by a recipe, and a model has to be fitted with the same one.
    if source is not None and "features" not in request.stages:
        return read_recipe(source.recipe)
    recipe = in_force(settings, request.interval.data_date)
    recipe.over(settings)
    return recipe


def _arrival_cut_off(request: RunRequest, source: RunFolder | None) -> datetime | None:
    # The audit asks what the snapshot could see, so an inherited snapshot brings its own cut-off.
    if source is None or "features" in request.stages:
        return request.ingested_before
    return source.record().ingested_before


def _inherit_verdicts(connection: Connection, stages: tuple[str, ...], source_id: str, record: RunRecord) -> None:
    for gate in inherited_gates(stages):
        connection.execute(
            f"insert into recs.gate_decisions (publication_id, reason, {_VERDICT}) "  # noqa: S608 the module's own constants
            f"select ?, ? || reason, {_VERDICT} from recs.gate_decisions where publication_id = ? and gate = ?",
            [record.publication_id, f"taken over from {source_id}: ", source_id, gate],
        )


def _insert_attempt(connection: Connection, record: RunRecord, note: str, runner: str | None) -> None:
    row = {
        "publication_id": record.publication_id,
        "data_date": record.data_date,
        "attempt": record.attempt,
        "as_of": record.interval.as_of,
        "ingested_before": record.ingested_before,
        "publish_mode": record.publish_mode,
        "stages": ",".join(record.stages),
        "note": note or None,
        "run_id": record.run_id,
        "code_version": record.code_version,
        "started_at": datetime.now(UTC),
        "runner": runner,
    }
    insert_row(connection, "recs.publication_attempts", row)


def code_version() -> str:
    """Return the package version, with the commit where the code runs from a checkout."""
    described = subprocess.run(
        ["git", "-C", str(REPOSITORY), "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    commit = described.stdout.strip()
    return f"{version('nightjar')}+{commit}" if described.returncode == 0 and commit else version("nightjar")


def _check_volume(settings: Settings, connection: Connection, request: RunRequest) -> None:
    interval, before = request.interval, request.ingested_before
    seen = "occurred_at < ? and ingested_at <= coalesce(?, 'infinity'::timestamptz)"
    visible, inside, newest = connection.execute(
        "select count(*), count(*) filter (where occurred_at >= ?), max(occurred_at) "  # noqa: S608 the module's own constants
        f"from raw.interactions where {seen}",
        [interval.start, interval.end, before],
    ).fetchall()[0]
    if visible == 0:
        arrived = f" that had arrived by {before}" if before else ""
        fault = f"raw.interactions holds no interaction before {interval.as_of}{arrived}: nothing to train on"
        kind = NothingExpected if request.skips_empty else BadInput
        raise kind(fault, code="no_events", table="raw.interactions", data_date=interval.data_date, count=0)
    _check_freshness(settings, interval, newest)
    if inside == 0 and request.skips_empty and settings.min_interval_events == 1:
        raise NothingExpected(
            f"raw.interactions holds no interaction from {interval.start} to {interval.end}, the newest earlier one is "
            f"of {newest:%Y-%m-%d}: nothing to learn; NIGHTJAR_EMPTY_INTERVAL=fail makes a failure of it",
            code="no_interval_events",
            table="raw.interactions",
            data_date=interval.data_date,
            count=0,
            newest=newest,
        )
    if inside < settings.min_interval_events:
        raise BadInput(
            f"raw.interactions holds {inside} interactions on {interval.data_date}, NIGHTJAR_MIN_INTERVAL_EVENTS "
            f"asks for {settings.min_interval_events}; the newest earlier one is of {newest:%Y-%m-%d}",
            code="too_few_events",
            table="raw.interactions",
            data_date=interval.data_date,
            count=inside,
            setting="NIGHTJAR_MIN_INTERVAL_EVENTS",
            expected=settings.min_interval_events,
            newest=newest,
        )
    # An interval without any event is for NIGHTJAR_MIN_INTERVAL_EVENTS to judge.
    if inside > 0:
        check_trailing_volume(connection, interval, before, settings.min_volume_share)


def _check_freshness(settings: Settings, interval: DataInterval, newest: datetime) -> None:
    if settings.max_silent_hours and newest < interval.end - timedelta(hours=settings.max_silent_hours):
        raise BadInput(
            f"raw.interactions holds nothing of the last hours before {interval.end}: its newest event is of {newest}, "
            f"NIGHTJAR_MAX_SILENT_HOURS allows {settings.max_silent_hours}",
            code="stale_events",
            table="raw.interactions",
            data_date=interval.data_date,
            setting="NIGHTJAR_MAX_SILENT_HOURS",
            expected=settings.max_silent_hours,
            newest=newest,
        )
