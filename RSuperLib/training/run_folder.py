"""The folder of a run: what it was told, how it goes, what came out. It never becomes a model by itself (see `adopt`).

| file | what |
|---|---|
| `settings.json`, `plan.json` | what the run was told, and how it uses the machine |
| `metrics.jsonl`, `heartbeat.json`, `curves.png`, `events/` | see `RSuperLib.training.journal` |
| `checkpoints/` | the last two states |
| `best.safetensors` | the weights with the best validation, and in its header what they need |
| `last.safetensors` | the weights after the last step |
| `result.json` | how it ended |
| `stop` | made by a person or a program: the run ends at the next step and can be resumed |
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from RSuperLib.io.errors import InputError
from RSuperLib.io.files import write_json
from RSuperLib.training.checkpoint import Checkpoints
from RSuperLib.training.plan import Plan
from RSuperLib.training.settings import TrainSettings

SETTINGS, PLAN, RESULT, STOP = "settings.json", "plan.json", "result.json", "stop"
BEST, LAST = "best.safetensors", "last.safetensors"
#: Settings that may differ when a run is resumed: they do not change what it computes.
_FREE = {"cases", "checkpoint_seconds"}


class RunFolder:
    """The folder of one run.

    Attributes:
        path: where it is.
        checkpoints: its checkpoints.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoints = Checkpoints(path / "checkpoints")

    @property
    def is_begun(self) -> bool:
        """Whether a run has written its settings here."""
        return (self.path / SETTINGS).is_file()

    @property
    def result(self) -> dict[str, Any] | None:
        """How the run ended; None if it has not."""
        return _read_json(self.path / RESULT) if (self.path / RESULT).is_file() else None

    def begin(self, settings: TrainSettings) -> None:
        """Take the folder for a run, or find the run that is to be resumed there.

        Raises:
            InputError: something else lies there, or a run with other settings, or one that is complete.
        """
        if not self.is_begun:
            if self.path.exists() and (not self.path.is_dir() or any(self.path.glob("*.safetensors"))):
                raise InputError(f"{self.path.name} holds something else.", "Choose a new folder for the run.")
            write_json(self.path / SETTINGS, settings.model_dump(mode="json"))
        elif self.result is not None:
            raise InputError(f"The run in {self.path.name} is complete.", "Choose a new folder for another run.")
        elif difference := _difference(self.settings(), settings):
            raise InputError(
                f"The run in {self.path.name} was begun with another {difference}.",
                "Resume it with its own settings.json, or choose a new folder.",
            )
        (self.path / STOP).unlink(missing_ok=True)

    def settings(self) -> TrainSettings:
        """What the run was told.

        Raises:
            InputError: the file is missing or damaged.
        """
        try:
            return TrainSettings.model_validate(_read_json(self.path / SETTINGS))
        except ValidationError as error:
            raise InputError(f"{SETTINGS} of {self.path.name} is damaged.", "Begin the run anew elsewhere.") from error

    def plan(self) -> Plan | None:
        """How the run uses the machine; None if that was not decided yet."""
        path = self.path / PLAN
        return Plan.from_json(_read_json(path)) if path.is_file() else None

    def keep_plan(self, plan: Plan) -> None:
        """Write the plan."""
        write_json(self.path / PLAN, plan.as_json())

    def keep_result(self, result: dict[str, Any]) -> None:
        """Write how the run ended."""
        write_json(self.path / RESULT, {"time": round(time.time(), 3), **result})

    @property
    def is_stopped(self) -> bool:
        """Whether somebody asked the run to end."""
        return (self.path / STOP).exists()

    def stop(self) -> None:
        """Ask the run in this folder, which may be another process, to end at its next step.

        Raises:
            InputError: no run was begun here.
        """
        if not self.is_begun:
            raise InputError(f"There is no run in {self.path.name}.", "Check the path.")
        (self.path / STOP).touch()


def _difference(one: TrainSettings, other: TrainSettings) -> str | None:
    """The first setting that differs, of those that matter."""
    first, second = one.model_dump(mode="json"), other.model_dump(mode="json")
    return next((name for name in first if name not in _FREE and first[name] != second[name]), None)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"{path.name} of {path.parent.name} is damaged.", "Begin the run anew elsewhere.") from error
    return content
