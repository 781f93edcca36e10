"""Median times of works that take turns, so that a slow phase of the machine affects all alike."""

import time
from collections.abc import Callable, Mapping
from statistics import median


def seconds_each(works: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Do each work `repeats` times, one after the other, and return the median of its wall seconds."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(repeats):
        for name, work in works.items():
            started = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - started)
    return {name: median(each) for name, each in seconds.items()}
