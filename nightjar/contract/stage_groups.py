"""Which stage groups a run redoes, and what it takes over of the others from an earlier run of the same date.

Used when an attempt begins, which checks the choice before anything else happens. What people type is called `stages`.
"""

import os
import shutil
from pathlib import Path

from nightjar.contract.errors import BadInput
from nightjar.contract.gates import gates_of
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.stages import STAGE_GROUPS, STAGES, groups_before


def parse_stage_groups(text: str) -> tuple[str, ...]:
    """Read a comma-separated choice of stage groups; an empty text chooses all.

    Raises:
        BadInput: a name is unknown, a group between two chosen ones is missing, or the choice starts too late.
    """
    chosen = {name.strip() for name in text.split(",") if name.strip()} or set(STAGE_GROUPS)
    unknown = sorted(chosen - set(STAGE_GROUPS))
    if unknown:
        raise BadInput(
            f"stages={text!r}: {', '.join(unknown)} is unknown, expected some of {', '.join(STAGE_GROUPS)}",
            code="unknown_stage",
            setting="stages",
            value=text,
            stages=unknown,
            expected=STAGE_GROUPS,
        )
    first, last = (pick(STAGE_GROUPS.index(name) for name in chosen) for pick in (min, max))
    missing = [name for name in STAGE_GROUPS[first : last + 1] if name not in chosen]
    if missing:
        raise BadInput(
            f"stages={text!r}: {STAGE_GROUPS[last]} needs {', '.join(missing)} of the same run",
            code="missing_stages",
            setting="stages",
            value=text,
            stage=STAGE_GROUPS[last],
            stages=missing,
        )
    if first > STAGE_GROUPS.index("serving"):
        raise BadInput(
            "stages=publication: a run publishes only what it scored itself, add serving",
            code="missing_stages",
            setting="stages",
            value=text,
            stage="publication",
            stages=["serving"],
        )
    return STAGE_GROUPS[first : last + 1]


def check_fits(groups: tuple[str, ...], *, publish_mode: str, ingested_before: object) -> None:
    """Check that the other settings of a run fit its stage groups.

    Raises:
        BadInput: a setting could have no effect; the message names it.
    """
    if publish_mode == "force" and "publication" not in groups:
        raise BadInput(
            "publish=force needs the stage group publication, which stages leaves out",
            code="setting_without_effect",
            setting="publish",
            value=publish_mode,
            stage="publication",
        )
    if ingested_before is not None and "features" not in groups:
        raise BadInput(
            "ingested_before needs the stage group features, which stages leaves out",
            code="setting_without_effect",
            setting="ingested_before",
            value=ingested_before,
            stage="features",
        )


def inherited_gates(groups: tuple[str, ...]) -> tuple[str, ...]:
    """Return the gates whose decisions the run takes over."""
    return gates_of(*groups_before(groups[0]))


def inherit_files(groups: tuple[str, ...], source: RunFolder, target: RunFolder) -> None:
    """Link into the new run folder what the left-out groups wrote in the earlier one; the files are never changed.

    Raises:
        BadInput: the earlier run folder lacks something.
    """
    left_out = [stage for stage in STAGES if stage.group in groups_before(groups[0])]
    wanted = [Path(name) for stage in left_out for name in stage.leaves]
    missing = [str(name) for name in wanted if not (source.path / name).exists()]
    if missing:
        raise BadInput(
            f"{source.path} lacks {', '.join(missing)}: run the stages {', '.join(STAGE_GROUPS)}",
            code="incomplete_run_folder",
            path=source.path,
            publication_id=source.publication_id,
            files=missing,
        )
    wanted += [Path(name) for stage in left_out for name in stage.may_leave if (source.path / name).exists()]
    for name in wanted:
        here, there = source.path / name, target.path / name
        there.parent.mkdir(parents=True, exist_ok=True)
        if here.is_dir():
            shutil.rmtree(there, ignore_errors=True)
            shutil.copytree(here, there, copy_function=os.link)
        else:
            there.unlink(missing_ok=True)
            os.link(here, there)
