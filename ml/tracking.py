"""MLflow: one run and at most one model version a publication, however often a stage is repeated.

With `ml.tracking_flavour` the only module that imports mlflow. Used by evaluate_model, fit_model, publish, report,
rollback, retention and tune_model. Writes `mlflow_run.json` into the run folder; its fields are those of `TrackedRun`,
null before the model is registered.
"""

import json
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import mlflow.telemetry
import requests
from mlflow import MlflowClient
from mlflow.entities import LifecycleStage, Metric, Param, Run, RunTag
from mlflow.environment_variables import MLFLOW_DISABLE_TELEMETRY, MLFLOW_HTTP_REQUEST_MAX_RETRIES
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repo import ArtifactRepository
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from ml.tracking_store import deleted_experiment
from nightjar.contract.atomic_files import write_text
from nightjar.contract.errors import BadInput, NightjarError
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings

P = ParamSpec("P")
T = TypeVar("T")
CHAMPION = "champion"
_PUBLICATION_TAG = "nightjar.publication_id"
_TUNING_TAG = "nightjar.tuning"
_BATCH = 1_000


@dataclass(frozen=True)
class TrackedRun:
    """The MLflow run and model version of a publication; the fields of `mlflow_run.json`."""

    run_id: str
    experiment_id: str
    model_version: str | None = None
    model_uri: str | None = None


@dataclass(frozen=True)
class StageLog:
    """What one stage logs.

    Attributes:
        params: name to value; a repeated stage must log the same.
        metrics: name to its values by step, from step 1; a metric that is measured once has one value.
        tags: name to text; a later value replaces an earlier one.
        artifacts: folder in the run to the local folder or file that goes there.
        models: folder in the run to the local folder that is to be its whole content.
    """

    params: Mapping[str, object] = field(default_factory=dict)
    metrics: Mapping[str, list[float]] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    artifacts: Mapping[str, Path] = field(default_factory=dict)
    models: Mapping[str, Path] = field(default_factory=dict)


def _server_errors_named(call: Callable[Concatenate[Settings, P], T]) -> Callable[Concatenate[Settings, P], T]:
    """Turn a lost connection to the server into an error that names the server."""

    @wraps(call)
    def wrapped(settings: Settings, /, *arguments: P.args, **named: P.kwargs) -> T:
        try:
            return call(settings, *arguments, **named)
        except (MlflowException, requests.RequestException) as error:
            if not settings.mlflow_url or not _is_connection_lost(error):
                raise
            raise NightjarError(
                f"NIGHTJAR_MLFLOW_URL={settings.mlflow_url} stopped answering: {error}",
                code="mlflow_unreachable",
                setting="NIGHTJAR_MLFLOW_URL",
                value=settings.mlflow_url,
            ) from error

    return wrapped


def _is_connection_lost(error: BaseException | None) -> bool:
    return error is not None and (
        isinstance(error, (requests.ConnectionError, requests.Timeout))
        or _is_connection_lost(error.__cause__ or error.__context__)
    )


@_server_errors_named
def log_stage(settings: Settings, folder: RunFolder, log: StageLog) -> TrackedRun:
    """Log a stage in the publication's MLflow run, which is created if there is none.

    Raises:
        NightjarError: the run was logged with other parameters before.
    """
    client = _client(settings)
    run = _run_of(client, settings, folder.record().publication_id)
    run_id = run.info.run_id
    client.update_run(run_id, status="RUNNING")
    _log(client, settings, run, log)
    client.set_terminated(run_id)
    tracked = _tracked(client, settings, run_id)
    _write(folder, tracked)
    return tracked


@_server_errors_named
def log_tuning(settings: Settings, name: str, log: StageLog, trials: Mapping[str, StageLog]) -> str:
    """Log one search with its trials as nested runs, and return the id of its run.

    Raises:
        NightjarError: the run was logged with other parameters before.
    """
    client = _client(settings)
    parent = _tagged_run(client, settings, _TUNING_TAG, name, f"tuning {name}")
    for trial, trial_log in trials.items():
        nested = {MLFLOW_PARENT_RUN_ID: parent.info.run_id}
        run = _tagged_run(client, settings, _TUNING_TAG, f"{name} {trial}", trial, nested)
        _log(client, settings, run, trial_log)
        client.set_terminated(run.info.run_id)
    _log(client, settings, parent, log)
    client.set_terminated(parent.info.run_id)
    return str(parent.info.run_id)


def _log(client: MlflowClient, settings: Settings, run: Run, log: StageLog) -> None:
    run_id = run.info.run_id
    # MLflow drops a point that it already has; with the run's start as time, a repeated stage adds nothing.
    points = [
        Metric(name, value, run.info.start_time, step)
        for name, values in log.metrics.items()
        for step, value in enumerate(values, start=1)
    ]
    try:
        client.log_batch(
            run_id,
            params=[Param(name, str(value)) for name, value in log.params.items()],
            tags=[RunTag(name, text) for name, text in log.tags.items()],
        )
    except MlflowException as error:
        if error.error_code != "INVALID_PARAMETER_VALUE":
            raise
        raise NightjarError(
            f"the settings differ from those that MLflow run {run_id} was logged with: start a new attempt ({error})",
            code="settings_changed",
            run_id=run_id,
        ) from error
    for start in range(0, len(points), _BATCH):
        client.log_batch(run_id, metrics=points[start : start + _BATCH])
    for target, source in log.models.items():
        # What an earlier try left would make the model unreadable: its manifest does not name it.
        if set(_files(client, run_id, target)) - {f"{target}/{path.relative_to(source)}" for path in source.rglob("*")}:
            _artifacts(settings, run).delete_artifacts(target)
    for target, source in {**log.artifacts, **log.models}.items():
        (client.log_artifacts if source.is_dir() else client.log_artifact)(run_id, str(source), target or None)


def _files(client: MlflowClient, run_id: str, folder: str) -> Iterator[str]:
    """Yield the files below a folder of a run."""
    for each in client.list_artifacts(run_id, folder):
        yield from _files(client, run_id, each.path) if each.is_dir else (each.path,)


@_server_errors_named
def recorded_parameters(settings: Settings, run_id: str) -> dict[str, str] | None:
    """Return the parameters that a run was logged with, as text by name; None where the run no longer exists."""
    try:
        return dict(_client(settings).get_run(run_id).data.params)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return None


@_server_errors_named
def log_artifacts(settings: Settings, run_id: str, target: str, source: Path) -> None:
    """Add the files of a local folder to a run that has ended, below its folder `target`."""
    _client(settings).log_artifacts(run_id, str(source), target)


@_server_errors_named
def register_model(settings: Settings, folder: RunFolder, tracked: TrackedRun, artifact: str) -> TrackedRun:
    """Register an artifact folder of the run as a version of the model `mlflow_name`, unless it already is one."""
    if tracked.model_version is not None:
        return tracked
    client = _client(settings)
    try:
        client.create_registered_model(settings.mlflow_name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    run = client.get_run(tracked.run_id)
    client.create_model_version(settings.mlflow_name, f"{run.info.artifact_uri}/{artifact}", tracked.run_id)
    registered = _tracked(client, settings, tracked.run_id)
    _write(folder, registered)
    return registered


@_server_errors_named
def set_champion(settings: Settings, model_version: str) -> None:
    """Point the alias `champion` at the version that is now published.

    Raises:
        BadInput: the version, or the whole model, was deleted from the registry.
    """
    try:
        _client(settings).set_registered_model_alias(settings.mlflow_name, CHAMPION, model_version)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        raise BadInput(
            f"version {model_version} of the model {settings.mlflow_name} was deleted from MLflow's registry: run the "
            f"date again to register another one ({error})",
            code="unknown_model_version",
            model=settings.mlflow_name,
            model_version=model_version,
        ) from error


@_server_errors_named
def deletable_runs(settings: Settings, publications: Collection[str], needed_runs: Collection[str]) -> dict[str, str]:
    """Return the runs of these publications, by publication, that may be deleted.

    A run stays when it is needed, or when one of its model versions has an alias.
    """
    client = _client(settings)
    models = client.search_registered_models(f"name = '{settings.mlflow_name}'")
    # Readers request a version by its alias, `champion` or another.
    aliased = {str(version) for model in models for version in model.aliases.values()}
    unneeded = {
        publication_id: run_id
        for publication_id, run_id in _tagged(client, settings, _PUBLICATION_TAG)
        if publication_id in publications and run_id not in needed_runs
    }
    return {
        each: run_id
        for each, run_id in unneeded.items()
        if not aliased.intersection(_versions(client, settings, run_id))
    }


@_server_errors_named
def tuning_runs(settings: Settings, names: Collection[str]) -> list[str]:
    """Return the runs of these searches; that of a search comes after those of its trials."""
    tagged = [
        (value, run_id)
        for value, run_id in _tagged(_client(settings), settings, _TUNING_TAG)
        if value.partition(" ")[0] in names
    ]
    return [run_id for _, run_id in sorted(tagged, reverse=True)]


@_server_errors_named
def delete_runs(settings: Settings, run_ids: Iterable[str]) -> None:
    """Delete runs with their model versions and artifacts; the run last, so that an interrupted call can be repeated.

    Raises:
        NightjarError: the artifacts of a run lie in a local folder outside `mlflow_artifacts`.
    """
    client = _client(settings)
    for run_id in run_ids:
        run = client.get_run(run_id)
        uri = run.info.artifact_uri
        root = settings.mlflow_artifacts.resolve()
        if uri.startswith(("file:", "/")) and root not in Path(uri.removeprefix("file://")).resolve().parents:
            raise NightjarError(
                f"MLflow run {run_id} keeps its artifacts in {uri}: retention deletes only below {root}",
                code="artifacts_outside_home",
                run_id=run_id,
                path=uri,
                expected=root,
            )
        for version in _versions(client, settings, run_id):
            client.delete_model_version(settings.mlflow_name, version)
        _artifacts(settings, run).delete_artifacts()
        client.delete_run(run_id)


def _artifacts(settings: Settings, run: Run) -> ArtifactRepository:
    return get_artifact_repository(run.info.artifact_uri, tracking_uri=settings.mlflow_uri)


def _client(settings: Settings) -> MlflowClient:
    MLFLOW_DISABLE_TELEMETRY.set(True)
    mlflow.telemetry.set_telemetry_client()
    for chatty in ("mlflow", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    settings.home.mkdir(parents=True, exist_ok=True)
    client = MlflowClient(tracking_uri=settings.mlflow_uri, registry_uri=settings.mlflow_uri)
    if settings.mlflow_url:
        _check_connection(client, settings)
    return client


def _check_connection(client: MlflowClient, settings: Settings) -> None:
    # By default a request is repeated for minutes; Airflow retries the stage itself.
    if not MLFLOW_HTTP_REQUEST_MAX_RETRIES.is_set():
        MLFLOW_HTTP_REQUEST_MAX_RETRIES.set(2)
    try:
        client.search_experiments(max_results=1)
    except MlflowException as error:
        raise NightjarError(
            f"NIGHTJAR_MLFLOW_URL={settings.mlflow_url} does not answer: {error}",
            code="mlflow_unreachable",
            setting="NIGHTJAR_MLFLOW_URL",
            value=settings.mlflow_url,
        ) from error


def _run_of(client: MlflowClient, settings: Settings, publication_id: str) -> Run:
    return _tagged_run(client, settings, _PUBLICATION_TAG, publication_id, publication_id)


def _tagged_run(
    client: MlflowClient,
    settings: Settings,
    tag: str,
    value: str,
    run_name: str,
    tags: Mapping[str, str] | None = None,
) -> Run:
    """Return the run that has the tag's value, created if there is none."""
    experiment = client.get_experiment_by_name(settings.mlflow_name)
    if experiment and experiment.lifecycle_stage != LifecycleStage.ACTIVE:
        raise deleted_experiment(settings, experiment.experiment_id)
    experiment_id = (
        experiment.experiment_id
        if experiment
        # A server stores artifacts where it is configured to; it cannot write to a folder of this machine.
        else client.create_experiment(
            settings.mlflow_name,
            artifact_location=None if settings.mlflow_url else settings.mlflow_artifacts.as_uri(),
        )
    )
    runs = client.search_runs([experiment_id], f"tags.`{tag}` = '{value}'", max_results=1)
    return runs[0] if runs else client.create_run(experiment_id, run_name=run_name, tags={tag: value, **(tags or {})})


def _tagged(client: MlflowClient, settings: Settings, tag: str) -> Iterator[tuple[str, str]]:
    """Yield value of the tag and id of each run that has it."""
    experiment = client.get_experiment_by_name(settings.mlflow_name)
    page = None
    while experiment and (page is None or page.token):
        page = client.search_runs([experiment.experiment_id], max_results=_BATCH, page_token=page and page.token)
        yield from ((run.data.tags[tag], run.info.run_id) for run in page if tag in run.data.tags)


def _tracked(client: MlflowClient, settings: Settings, run_id: str) -> TrackedRun:
    versions = _versions(client, settings, run_id)
    experiment_id = client.get_run(run_id).info.experiment_id
    if not versions:
        return TrackedRun(run_id, experiment_id)
    return TrackedRun(run_id, experiment_id, versions[0], f"models:/{settings.mlflow_name}/{versions[0]}")


def _versions(client: MlflowClient, settings: Settings, run_id: str) -> list[str]:
    versions = client.search_model_versions(f"name = '{settings.mlflow_name}' and run_id = '{run_id}'")
    return [str(each.version) for each in versions]


def _write(folder: RunFolder, tracked: TrackedRun) -> None:
    write_text(folder.mlflow_run, json.dumps(asdict(tracked), indent=2))
