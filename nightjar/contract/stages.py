"""The registry of stages: each is one task of the nightly DAG, in its order, and one command.

A stage group is what a run may leave out at the front: its stages run together or not at all. A new stage is a line in
`STAGES`, a module, and a task in `dags/nightly_recommendations.py`.
"""

from dataclasses import dataclass

STAGE_GROUPS = ("inputs", "features", "model", "serving", "publication")


@dataclass(frozen=True)
class Stage:
    """One step of a run.

    Attributes:
        task_id: of its task in the DAG.
        group: its stage group; empty for `begin`, which every run has.
        runs: `module:function` that the command `nightjar stage` calls, or that spark-submit starts.
        command: its name as a command; empty: the task id with hyphens.
        leaves: what later stage groups read below the run folder.
        may_leave: likewise, where the settings ask for it and where the version that ran knew it.
    """

    task_id: str
    group: str
    runs: str
    command: str = ""
    leaves: tuple[str, ...] = ()
    may_leave: tuple[str, ...] = ()

    @property
    def command_name(self) -> str:
        """What follows `nightjar stage`."""
        return self.command or self.task_id.replace("_", "-")

    @property
    def is_spark_job(self) -> bool:
        """Whether spark-submit starts it."""
        return self.runs.startswith("spark_jobs.")


STAGES = (
    Stage("begin", "", "nightjar.stages.begin:run"),
    Stage("dbt_inputs", "inputs", "nightjar.stages.build_dbt_models:inputs"),
    Stage("audit_inputs", "inputs", "nightjar.stages.audit:audit_inputs"),
    Stage("unload", "features", "nightjar.stages.unload:run", leaves=("snapshot",)),
    Stage("build_features", "features", "spark_jobs.build_features:main", leaves=("features",)),
    Stage(
        "evaluate_model",
        "model",
        "ml.stages.evaluate_model:run",
        leaves=("mlflow_run.json", "outputs/model_metrics"),
        may_leave=("cold_items.json", "blend_weights.json", "epochs.json", "start/evaluation"),
    ),
    Stage("gate_model", "model", "ml.stages.gate_model:run"),
    Stage(
        "fit_model",
        "model",
        "ml.stages.fit_model:run",
        leaves=("model", "outputs/item_embeddings", "outputs/user_embeddings"),
        may_leave=("start/final", "outputs/model_sources"),
    ),
    Stage("build_indices", "serving", "ml.stages.build_indices:run"),
    Stage("score_users", "serving", "spark_jobs.score_users:main"),
    Stage("load_staging", "publication", "nightjar.stages.load_staging:run"),
    Stage("audit_outputs", "publication", "nightjar.stages.audit:audit_outputs"),
    Stage("publish", "publication", "nightjar.stages.publish:run"),
    Stage("marts", "publication", "nightjar.stages.build_dbt_models:marts", command="dbt-marts"),
    Stage("report", "publication", "nightjar.stages.report:run"),
)


def stage_of(task_id: str) -> Stage:
    """Return the stage of a task.

    Raises:
        KeyError: no stage has this id.
    """
    return {each.task_id: each for each in STAGES}[task_id]


def groups_before(group: str) -> tuple[str, ...]:
    """Return the stage groups that come before one."""
    return STAGE_GROUPS[: STAGE_GROUPS.index(group)]
