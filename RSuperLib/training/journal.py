"""What a run tells while it lasts: metrics line by line, a heartbeat, curves, TensorBoard events."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from RSuperLib.io.files import write_bytes, write_json
from RSuperLib.training.curves import draw_curves
from RSuperLib.training.events import EventWriter

METRICS, HEARTBEAT, CURVES, EVENTS = "metrics.jsonl", "heartbeat.json", "curves.png", "events"
_HEARTBEAT_SECONDS = 2.0


class Journal:
    """The record of one run.

    Args:
        folder: of the run.
        first_step: steps that are done; what a killed process wrote beyond them is taken back.
    """

    def __init__(self, folder: Path, first_step: int) -> None:
        self._folder = folder
        self._path = folder / METRICS
        kept = [row for row in read_metrics(folder) if row["step"] <= first_step]
        write_bytes(self._path, "".join(json.dumps(row) + "\n" for row in kept).encode())
        self._events = EventWriter(folder / EVENTS)
        self._next_beat = 0.0

    def add(self, kind: str, step: int, figures: Mapping[str, Any]) -> None:
        """Append one line: `{"kind": "train" | "validation" | "note", "step": steps done, …}`."""
        row = {"kind": kind, "step": step, "time": round(time.time(), 3), **_finite(figures)}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        scalars = {f"{kind}/{name}": float(value) for name, value in figures.items() if isinstance(value, float | int)}
        if scalars:
            self._events.add(step, scalars)

    def beat(self, state: str, figures: Mapping[str, Any], *, now: bool = False) -> None:
        """Say that the process lives, every few seconds: `heartbeat.json` is always whole."""
        if now or time.monotonic() >= self._next_beat:
            self._next_beat = time.monotonic() + _HEARTBEAT_SECONDS
            facts = {"state": state, "pid": os.getpid(), "time": round(time.time(), 3), **_finite(figures)}
            write_json(self._folder / HEARTBEAT, facts)

    def draw(self) -> None:
        """Draw the curves of loss and validation so far."""
        draw_curves(read_metrics(self._folder), self._folder / CURVES)


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """All lines of a run's metrics; a last line that was cut off is left out."""
    path = folder / METRICS
    rows = []
    for line in path.read_text("utf-8").splitlines() if path.is_file() else []:
        try:
            rows.append(json.loads(line))
        except ValueError:
            break
    return rows


def _finite(figures: Mapping[str, Any]) -> dict[str, Any]:
    """JSON has no NaN: such figures are null."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in figures.items()
    }
