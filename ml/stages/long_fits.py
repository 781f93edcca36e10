"""Where the long fits of a stage log to, and the folder of what they continue from if the stage is killed.

Writes `checkpoints/` of a run folder, and removes it when the stage has done all; used by evaluate_model and fit_model.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from ml.models.base import LongFit
from nightjar.contract.progress import StageProgress
from nightjar.contract.run_folder import RunFolder


@contextmanager
def long_fits(folder: RunFolder, progress: StageProgress) -> Iterator[LongFit]:
    """Give what the fits of a stage get; a stage that fails leaves the folder to its next try."""
    yield LongFit(progress.pulse, folder.fit_checkpoints)
    shutil.rmtree(folder.fit_checkpoints, ignore_errors=True)
