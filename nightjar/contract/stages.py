"""The parts of a night, which of them a run redoes, and what it takes over from an earlier run of the same date.

Used by the attempt's begin, which checks the choice before anything else happens, and named alike in the DAG.
"""

import os
import shutil
from pathlib import Path

from nightjar.contract.errors import BadInput
from nightjar.contract.run_folder import STAGES, RunFolder

# What each part leaves behind for the later ones: folders and files of the run, and the verdicts of its gates.
_FILES = {
    "inputs": (),
    "features": ("snapshot", "features"),
    "model": (
        "model",
        "mlflow_run.json",
        "outputs/model_metrics",
        "outputs/item_embeddings",
        "outputs/user_embeddings",
    ),
}
_GATES = {"inputs": ("inputs",), "features": (), "model": ("popularity", "champion", "champion_record", "coverage")}


def parse_stages(text: str) -> tuple[str, ...]:
    """Read a comma-separated choice of stages; an empty text chooses all.

    Raises:
        BadInput: a name is unknown, a stage between two chosen ones is missing, or the choice starts too late.
    """
    chosen = {name.strip() for name in text.split(",") if name.strip()} or set(STAGES)
    unknown = sorted(chosen - set(STAGES))
    if unknown:
        raise BadInput(
            f"stages={text!r}: {', '.join(unknown)} is unknown, expected some of {', '.join(STAGES)}",
            code="unknown_stage",
            setting="stages",
            value=text,
            stages=unknown,
            expected=STAGES,
        )
    first, last = (pick(STAGES.index(name) for name in chosen) for pick in (min, max))
    missing = [name for name in STAGES[first : last + 1] if name not in chosen]
    if missing:
        raise BadInput(
            f"stages={text!r}: {STAGES[last]} needs {', '.join(missing)} of the same run",
            code="missing_stages",
            setting="stages",
            value=text,
            stage=STAGES[last],
            stages=missing,
        )
    if first > STAGES.index("serving"):
        raise BadInput(
            "stages=publication: what a run publishes it has to score itself, add serving",
            code="missing_stages",
            setting="stages",
            value=text,
            stage="publication",
            stages=["serving"],
        )
    return STAGES[first : last + 1]


def check_fits(stages: tuple[str, ...], *, publish_mode: str, ingested_before: object) -> None:
    """Check that the other settings of a run fit its stages.

    Raises:
        BadInput: a setting could have no effect; the message names it.
    """
    if publish_mode == "force" and "publication" not in stages:
        raise BadInput(
            "publish=force needs the stage publication, which stages leaves out",
            code="setting_without_effect",
            setting="publish",
            value=publish_mode,
            stage="publication",
        )
    if ingested_before is not None and "features" not in stages:
        raise BadInput(
            "ingested_before needs the stage features, which stages leaves out",
            code="setting_without_effect",
            setting="ingested_before",
            value=ingested_before,
            stage="features",
        )


def inherited_gates(stages: tuple[str, ...]) -> list[str]:
    """Return the gates whose verdicts the run takes over."""
    return [gate for stage in _left_out_before(stages) for gate in _GATES[stage]]


def inherit_files(stages: tuple[str, ...], source: RunFolder, target: RunFolder) -> None:
    """Link into the new run folder what the left-out stages wrote in the earlier one; the files are never changed.

    Raises:
        BadInput: the earlier run folder lacks something.
    """
    wanted = [Path(name) for stage in _left_out_before(stages) for name in _FILES[stage]]
    missing = [str(name) for name in wanted if not (source.path / name).exists()]
    if missing:
        raise BadInput(
            f"{source.path} lacks {', '.join(missing)}: run the stages {', '.join(STAGES)}",
            code="incomplete_run_folder",
            path=source.path,
            publication_id=source.publication_id,
            files=missing,
        )
    # What a later night goes on from is there only where that was asked for, chosen shares not in an earlier version.
    if "model" not in stages:
        wanted += [Path(name) for name in ("start", "cold_items.json") if (source.path / name).exists()]
    for name in wanted:
        here, there = source.path / name, target.path / name
        there.parent.mkdir(parents=True, exist_ok=True)
        if here.is_dir():
            shutil.rmtree(there, ignore_errors=True)
            shutil.copytree(here, there, copy_function=os.link)
        else:
            there.unlink(missing_ok=True)
            os.link(here, there)


def _left_out_before(stages: tuple[str, ...]) -> tuple[str, ...]:
    return STAGES[: STAGES.index(stages[0])]
