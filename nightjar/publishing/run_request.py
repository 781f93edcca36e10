"""The request of a run, as its starter gives it."""

from dataclasses import dataclass
from datetime import datetime

from nightjar.contract.interval import DataInterval
from nightjar.contract.stages import STAGE_GROUPS

PUBLISH_MODES = ("auto", "never", "force")


@dataclass(frozen=True)
class RunRequest:
    """A run before it begins; `RunRecord` is the same run once it has begun.

    Attributes:
        skips_empty: whether a run of an interval without events is skipped instead of failed.
    """

    interval: DataInterval
    run_id: str
    publish_mode: str = "auto"
    stages: tuple[str, ...] = STAGE_GROUPS
    ingested_before: datetime | None = None
    note: str = ""
    skips_empty: bool = False
    runner: str | None = None
