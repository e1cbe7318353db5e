"""How long work tells the one who waits where it is, and hears that it should stop."""

from __future__ import annotations

from collections.abc import Callable

#: Called with the stage's name and the fraction of the whole that is done (0 to 1). Raises `Cancelled` to stop it.
Progress = Callable[[str, float], None]


def no_progress(_stage: str, _fraction: float) -> None:
    """Tell nobody."""


def part_of(progress: Progress, start: float, end: float) -> Progress:
    """A progress that maps 0..1 of a sub-task to `start`..`end` of the whole."""

    def report(stage: str, fraction: float) -> None:
        progress(stage, start + (end - start) * fraction)

    return report
