"""Seconds and peak memory of every stage of a job, for its `run.json`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil


@dataclass(frozen=True)
class Stage:
    """One stage: wall-clock seconds, and the most memory (MB, resident) that the process had held when it ended."""

    name: str
    seconds: float
    peak_memory_mb: float


@dataclass
class StageClock:
    """Collects the stages of one job in order."""

    stages: list[Stage] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what happens inside."""
        _forget_peak()
        started = time.perf_counter()
        try:
            yield
        finally:
            self.stages.append(Stage(name, round(time.perf_counter() - started, 3), peak_memory_mb()))

    def summary(self) -> dict[str, Any]:
        """The part of `run.json` that says what the job cost."""
        return {
            "seconds": round(sum(stage.seconds for stage in self.stages), 3),
            "peak_memory_mb": max((stage.peak_memory_mb for stage in self.stages), default=0.0),
            "stages": [asdict(stage) for stage in self.stages],
        }


def peak_memory_mb() -> float:
    """Most resident memory of this process, in MB: since its last stage began on Linux, since its start elsewhere."""
    if sys.platform == "win32":
        return round(psutil.Process().memory_info().peak_wset / 2**20, 1)
    status = Path("/proc/self/status")
    if status.exists():
        high_water = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return round(int(high_water.split()[1]) / 1024, 1)
    import resource

    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 1)  # bytes on macOS


def _forget_peak() -> None:
    """Start the high-water mark anew, where the system can (Linux, proc(5): clear_refs)."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return  # then a stage is charged with the peak of those before it, too
