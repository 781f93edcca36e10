"""Attempts at a data date: each gets a number, a publication id and a run folder; a newer one fences the older.

Writes `recs.publication_attempts` and `run.json`; used by the first stage of a run and by every later writer.
"""

import shutil
from datetime import UTC, datetime

from nightjar.contract.errors import NightjarError
from nightjar.contract.failpoints import failpoint
from nightjar.contract.run_folder import RunFolder, RunRecord
from nightjar.contract.settings import Settings
from nightjar.contract.stage_groups import inherit_files, inherited_gates
from nightjar.contract.tuned_configuration import (
    TunedConfiguration,
    read_tuned_configuration,
    write_tuned_configuration,
)
from nightjar.publishing import excluded_users
from nightjar.publishing.code_version import code_version
from nightjar.publishing.request_checks import check_request
from nightjar.publishing.run_failures import mark_refusals_resumed, store_waiting_failures
from nightjar.publishing.run_request import RunRequest
from nightjar.publishing.tuned_configurations import in_force
from nightjar.publishing.unfinished_attempts import record_dead_attempts
from nightjar.publishing.warm_start_publication import warm_start_from
from nightjar.warehouse.protocol import Connection, Warehouse, insert_row

# The columns of a verdict that are inherited unchanged.
_VERDICT = "data_date, gate, verdict, measured, threshold, metric, lead_low, lead_high, decided_at"


def begin_attempt(settings: Settings, warehouse: Warehouse, request: RunRequest) -> RunRecord:
    """Start the next attempt at a data date, after checking that it can succeed.

    Where the first stages are left out, the attempt inherits their files and verdicts from the date's last publication.

    Raises:
        BadInput, RunSkipped: as `check_request`.
    """
    warehouse.create_tables()
    store_waiting_failures(settings, warehouse)
    with warehouse.transaction() as connection:
        source = check_request(settings, connection, request)
        configuration = _configuration(settings, request, source)
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
            recipe=configuration.name,
            warm_start_from=warm_start_from(settings, connection, request.interval.data_date),
            repeat_after_days=settings.repeat_after_days,
        )
        folder = RunFolder.of(settings.lake, record.publication_id)
        # A process that died here before its commit left a folder of this name; nothing of it is used.
        shutil.rmtree(folder.path, ignore_errors=True)
        folder.write_record(record)
        failpoint("begin:after_folder")
        if configuration.values:
            write_tuned_configuration(folder.tuned_configuration, configuration)
        if source is not None:
            inherit_files(request.stages, source, folder)
            _inherit_verdicts(connection, request.stages, source.record().publication_id, record)
            if "features" not in request.stages:
                excluded_users.record(connection, record, folder)
        record_dead_attempts(connection)
        mark_refusals_resumed(connection, record.data_date)
        _insert_attempt(connection, record, request.note, request.runner)
        warehouse.prepare_publication(connection, record.publication_id)
        failpoint("begin:before_commit")
    failpoint("begin:after_commit")
    return record


def check_not_superseded(connection: Connection, run: RunRecord) -> None:
    """Stop an attempt when a newer attempt at the same data date has begun.

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


def _configuration(settings: Settings, request: RunRequest, source: RunFolder | None) -> TunedConfiguration:
    # Inherited features were built by a tuned configuration; the model has to be fitted with the same one.
    if source is not None and "features" not in request.stages:
        return read_tuned_configuration(source.tuned_configuration)
    configuration = in_force(settings, request.interval.data_date)
    configuration.over(settings)
    return configuration


def _arrival_cut_off(request: RunRequest, source: RunFolder | None) -> datetime | None:
    # The audit compares with what the snapshot could see, so an inherited snapshot brings its own cut-off.
    if source is None or "features" in request.stages:
        return request.ingested_before
    return source.record().ingested_before


def _inherit_verdicts(connection: Connection, stages: tuple[str, ...], source_id: str, record: RunRecord) -> None:
    for gate in inherited_gates(stages):
        connection.execute(
            f"insert into recs.gate_decisions (publication_id, reason, {_VERDICT}) "  # noqa: S608 the module's own constants
            f"select ?, ? || reason, {_VERDICT} from recs.gate_decisions where publication_id = ? and gate = ?",
            [record.publication_id, f"inherited from {source_id}: ", source_id, gate],
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
