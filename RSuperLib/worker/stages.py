"""Seconds and peak memory of every stage of a job, for its `run.json`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from RSuperLib.worker.record import RunRecord, StageRecord


@dataclass
class StageClock:
    """Collects the stages of one job in order."""

    stages: list[StageRecord] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what happens inside."""
        _forget_peak()
        started = time.perf_counter()
        try:
            yield
        finally:
            seconds = round(time.perf_counter() - started, 3)
            self.stages.append(StageRecord(name=name, seconds=seconds, peak_memory_mb=peak_memory_mb()))

    def added_to(self, run: RunRecord) -> RunRecord:
        """The record with what the job cost so far."""
        seconds = round(sum(stage.seconds for stage in self.stages), 3)
        peak = max((stage.peak_memory_mb for stage in self.stages), default=0.0)
        return run.model_copy(update={"seconds": seconds, "peak_memory_mb": peak, "stages": list(self.stages)})


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
