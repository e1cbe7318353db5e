"""The curves of a run as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from RSuperLib.io.files import write_whole


def draw_curves(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw the losses (left) and the figures of the validation (right) against steps.

    Args:
        rows: lines of the journal.
        path: the PNG.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4), layout="constrained")
    losses, validations = figure.subplots(1, 2)
    losses.set(title="training", xlabel="step", ylabel="loss")
    validations.set(title="held-out cases", xlabel="step", ylim=(0, 1.02))
    for axes, kind, leave in ((losses, "train", ("learning_rate", "seconds")), (validations, "validation", ("score",))):
        chosen = [row for row in rows if row["kind"] == kind]
        for name in _figures(chosen, leave):
            points = [(row["step"], row[name]) for row in chosen if row.get(name) is not None]
            axes.plot(*zip(*points, strict=True), label=name, marker="." if kind == "validation" else None)
        if chosen:
            axes.legend(fontsize="small")
        axes.grid(alpha=0.3)
    write_whole(path, lambda temporary: figure.savefig(temporary, dpi=110))


def _figures(rows: Sequence[Mapping[str, Any]], leave: tuple[str, ...]) -> list[str]:
    """Names of the numbers that some row has."""
    names = {
        name: None
        for row in rows
        for name, value in row.items()
        if isinstance(value, float) and name != "time" and name not in leave
    }
    return list(names)
