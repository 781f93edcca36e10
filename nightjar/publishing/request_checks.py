"""Refuses a run that cannot succeed, before anything is written: settings, raw tables, events, items, stages."""

from nightjar.contract.errors import BadInput
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.contract.stage_groups import check_fits
from nightjar.contract.stages import STAGE_GROUPS
from nightjar.publishing.catalogue_checks import check_any_is_available, check_repeats
from nightjar.publishing.event_counts import Visible, check_some_event_counts
from nightjar.publishing.input_contract import check_inputs
from nightjar.publishing.interval_events import check_interval_events
from nightjar.publishing.ledger import last_publication_of
from nightjar.publishing.run_request import PUBLISH_MODES, RunRequest
from nightjar.publishing.sequence_check import check_sequence
from nightjar.publishing.text_model_check import check_text_model
from nightjar.warehouse.protocol import Connection


def check_request(settings: Settings, connection: Connection, request: RunRequest) -> RunFolder | None:
    """Refuse a run that cannot succeed; no table is written.

    Returns:
        The run folder from which the run inherits the left-out first stages; none where all stages run.

    Raises:
        BadInput: a setting is unknown or has no effect, an optional package is not installed, the text model cannot
            be used, a raw table lacks columns of its contract, the interval holds fewer events than the settings
            require, no event has a weight above 0, no item is available, a setting names a domain that no item has, or
            no earlier publication of the date has what the left-out stages would have made.
        RunSkipped: the interval holds no event, and the request skips such a run.
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
    check_sequence(settings, request.stages)
    check_inputs(connection)
    check_repeats(connection, settings.repeats)
    check_interval_events(settings, connection, request)
    check_any_is_available(connection, request.interval.as_of, request.ingested_before)
    if "features" in request.stages:
        # Inherited features keep the event weights of their own run.
        visible = Visible(request.interval.as_of, request.ingested_before)
        check_some_event_counts(connection, settings, visible)
    return _last_publication(settings, connection, request)


def _last_publication(settings: Settings, connection: Connection, request: RunRequest) -> RunFolder | None:
    if request.stages[0] == STAGE_GROUPS[0]:
        return None
    last = last_publication_of(connection, request.interval.data_date)
    if last is None:
        raise BadInput(
            f"stages={','.join(request.stages)}: {request.interval.data_date} has no publication yet to inherit the "
            f"earlier stages from: run them all first",
            code="nothing_published",
            data_date=request.interval.data_date,
            stages=request.stages,
        )
    return RunFolder.of(settings.lake, last)
