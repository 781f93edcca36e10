"""Builds one selection of the dbt project: facts and dimensions before a training, the analysts' tables after it.

Reads the raw tables and the run's record; writes the schemas `staging`, `intermediate`, `core` and `marts`, and the
views of `recs`. The tests of the models are stages of their own (`nightjar.stages.audit`).
"""

from nightjar.contract import progress
from nightjar.contract.errors import NightjarError
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.warehouse import readers
from nightjar.warehouse.dbt_events import Ended
from nightjar.warehouse.dbt_failures import failure
from nightjar.warehouse.dbt_runner import run_dbt, variables_of
from nightjar.warehouse.engines import open_warehouse


def inputs(settings: Settings, folder: RunFolder) -> None:
    """Build the facts and dimensions that the run trains on.

    Raises:
        BadInput: a model failed; the message names node, file, line and value.
        NightjarError: the warehouse was busy, out of reach or out of space.
    """
    _build(settings, folder, "dbt_inputs", "tag:inputs")


def marts(settings: Settings, folder: RunFolder) -> None:
    """Build the tables that analysts read, and give readers a snapshot with them.

    Raises:
        BadInput: a model failed; the message names node, file, line and value.
        NightjarError: the warehouse was busy, out of reach or out of space, or the snapshot could not be
            written.
    """
    _build(settings, folder, "marts", "tag:marts")
    if told := readers.refresh(open_warehouse(settings), "the marts were built"):
        print(f"{progress.MARK} marts: {told}", flush=True)


def _build(settings: Settings, folder: RunFolder, name: str, selection: str) -> None:
    with progress.stage(folder, name) as done:
        done.unit, done.shows_rows = "models built", False

        def heard(ended: Ended) -> None:
            done.rows += 1
            done.pulse(f"{done.rows} of the models, the last one {ended.name} in {ended.seconds:.1f} s")

        results = run_dbt(
            settings,
            *("build", "--select", selection, "--resource-type", "seed", "model"),
            given=variables_of(settings, folder.record()),
            heard=heard,
        )
        if not results:
            raise NightjarError(f"{name}: dbt built nothing", code="dbt_built_nothing", stage=name)
        if failed := [each for each in results if each.status not in ("success", "warn", "skipped")]:
            log = settings.dbt_state / "logs" / "dbt.log"
            print("\n\n".join(each.message for each in failed), f"(all that dbt did: {log})", sep="\n", flush=True)
            raise failure(name, failed, skipped=sum(each.status == "skipped" for each in results))
