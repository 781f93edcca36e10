"""A whole run from the command line: seconds, rows and peak memory of each stage, read from its log lines."""

import os
import re
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from benchmarks.performance.generated_data import LAST_DATE, Size, write_files

_SAMPLE_SECONDS = 0.5
_STAGE = re.compile(r"(\w+): (?:([\d,]+) (\S+)|models built) in ([\d.]+) s")
_PUBLICATION = re.compile(r"current publication: (\S+)")
PROGRAMS = Path(sys.executable).parent


@dataclass(frozen=True)
class StageCost:
    """Cost of one stage; peak: proportional set size of all processes of the run, bytes."""

    stage: str
    rows: int
    unit: str
    seconds: float
    peak: int


@dataclass(frozen=True)
class RunCost:
    """Cost of one run from the first process to the last."""

    stages: list[StageCost]
    seconds: float
    peak: int
    publication_id: str

    @property
    def overhead(self) -> float:
        """Seconds outside of stages: processes that start and end, the scheduler's own tables."""
        return self.seconds - sum(stage.seconds for stage in self.stages)


def imported_home(size: Size, work: Path) -> Path:
    """Generate the data of one size and import it into a new home; return the home."""
    home = work / "home"
    shutil.rmtree(home, ignore_errors=True)
    paths = write_files(size, work / "files")
    options = [part for name, path in paths.items() for part in (f"--{name.replace('_', '-')}", str(path))]
    subprocess.run([PROGRAMS / "nightjar", "import", "files", *options], env=environment(home), check=True)
    return home


def measure_run(home: Path) -> RunCost:
    """Run the last generated date, sample its memory and show its lines.

    Raises:
        RuntimeError: it failed, or published nothing.
    """
    command = [PROGRAMS / "nightjar", "run", "--date", str(LAST_DATE)]
    started = time.monotonic()
    with subprocess.Popen(command, env=environment(home), stdout=subprocess.PIPE, text=True) as process:
        memory = _MemorySampler(process.pid)
        ended, publication_id = [], ""
        for line in process.stdout or ():
            print(line, end="", flush=True)
            if stage := ended_stage(line):
                ended.append((time.monotonic(), stage))
            if match := _PUBLICATION.search(line):
                publication_id = match[1]
    seconds, samples = time.monotonic() - started, memory.stop()
    if process.returncode != 0 or not publication_id:
        raise RuntimeError(f"the run of {home} failed: see its lines above")
    stages = [replace(stage, peak=_peak(samples, end - stage.seconds, end)) for end, stage in ended]
    return RunCost(stages, seconds, max(used for _, used in samples), publication_id)


def ended_stage(line: str) -> StageCost | None:
    """Read the line that a run shows when a stage has ended; its peak is still 0."""
    match = _STAGE.search(line)
    if not match:
        return None
    stage, rows, unit, seconds = match.groups()
    return StageCost(stage, int((rows or "0").replace(",", "")), unit or "", float(seconds), 0)


def _peak(samples: list[tuple[float, int]], start: float, end: float) -> int:
    return max((used for at, used in samples if start - _SAMPLE_SECONDS <= at <= end), default=0)


def environment(home: Path) -> dict[str, str]:
    """The environment of Nightjar's commands on that home."""
    return {**os.environ, "NIGHTJAR_HOME": str(home)}


class _MemorySampler:
    """Samples the memory of a process and its descendants; shared memory counts once."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self._samples: list[tuple[float, int]] = []
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def stop(self) -> list[tuple[float, int]]:
        """Stop and return (monotonic seconds, bytes) of each sample."""
        self._is_over.set()
        self._thread.join()
        return self._samples

    def _sample(self) -> None:
        while not self._is_over.wait(_SAMPLE_SECONDS):
            self._samples.append((time.monotonic(), sum(map(_used, self._processes()))))

    def _processes(self) -> list[psutil.Process]:
        try:
            return [self._root, *self._root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []


def _used(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:
        # It has ended since.
        return 0
