"""Task groups that build one selection of the dbt project, one task a model."""

from datetime import UTC, datetime

from airflow.sdk import Context, TriggerRule
from cosmos import DbtTaskGroup, ExecutionConfig, ProfileConfig, ProjectConfig, RenderConfig
from cosmos.constants import PRODUCER_WATCHER_TASK_ID, ExecutionMode, InvocationMode, LoadMode, TestBehavior
from cosmos.operators.watcher import DbtConsumerWatcherSensor

from dags.support.repeatable import make_repeatable
from dags.support.run import PUBLICATION_ID, WAREHOUSE_POOL, only_in
from warehouse.dbt_runner import manifest_path, variables
from warehouse.progress import MARK
from warehouse.settings import DBT_PROJECT, load_settings, warehouse_address


def dbt_models(group_id: str, select: str, stage: str) -> DbtTaskGroup:
    """Return the group that builds the seeds and models of one selection in one stage of the night."""
    settings = load_settings()
    group = DbtTaskGroup(
        group_id=group_id,
        project_config=ProjectConfig(
            dbt_project_path=DBT_PROJECT,
            manifest_path=manifest_path(settings),
            project_name="nightjar",
            install_dbt_deps=False,
        ),
        profile_config=ProfileConfig(
            profile_name="nightjar",
            target_name=settings.warehouse_engine,
            profiles_yml_filepath=DBT_PROJECT / "profiles.yml",
        ),
        render_config=RenderConfig(
            load_method=LoadMode.DBT_MANIFEST,
            select=[select],
            test_behavior=TestBehavior.NONE,
            emit_datasets=False,
        ),
        execution_config=ExecutionConfig(
            execution_mode=ExecutionMode.WATCHER,
            # A process of its own closes the DuckDB file when it ends; dbt inside Airflow's process would keep it.
            invocation_mode=InvocationMode.SUBPROCESS,
            setup_operator_args={"on_success_callback": _announce, "pool": WAREHOUSE_POOL},
        ),
        operator_args={
            "vars": variables(
                settings,
                interval_start="{{ data_interval_start.isoformat() }}",
                interval_end="{{ data_interval_end.isoformat() }}",
                publication_id=PUBLICATION_ID,
            ),
            # Airflow keeps and shows these; passwords come later, when the build runs.
            "env": warehouse_address(settings),
            "append_env": True,
            "install_deps": False,
            "pre_execute": only_in(stage),
        },
    )
    _report_after_build(group)
    return group


def _announce(context: Context) -> None:
    task = context["ti"]
    seconds = (datetime.now(UTC) - task.start_date).total_seconds()
    print(f"{MARK} {task.task_id.rpartition('.')[0]}: models built in {seconds:.1f} s", flush=True)


def _report_after_build(group: DbtTaskGroup) -> None:
    """Let the tasks of the models start when the build has ended.

    One dbt process builds the selection, and the model's task reports what became of it. Left unordered they would wait
    for each other forever where one process runs all tasks.
    """
    build = group.children[f"{group.group_id}.{PRODUCER_WATCHER_TASK_ID}"]
    reporters = [task for task in group.children.values() if isinstance(task, DbtConsumerWatcherSensor)]
    make_repeatable(build, reporters)
    for task in group.children.values():
        if task is not build and not task.upstream_task_ids:
            # Not ALL_DONE: after a refused gate the build never starts, and its reporters would wait for it forever.
            task.trigger_rule = TriggerRule.ONE_DONE
            build >> task
        elif task in reporters:
            # Not NONE_FAILED, as elsewhere: a reporter behind a skipped one would wait just as long.
            task.trigger_rule = TriggerRule.ALL_SUCCESS
