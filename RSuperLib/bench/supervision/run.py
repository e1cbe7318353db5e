"""`rsuper bench supervision`: do reports help? Units of arm and seed, each run once, and their summary."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from RSuperLib.bench.supervision.arms import ARMS
from RSuperLib.bench.supervision.config import Config, read_config
from RSuperLib.bench.supervision.summary import summarise
from RSuperLib.bench.supervision.unit import SCHEMA_VERSION, run_unit
from RSuperLib.bench.supervision.writing import write_summary
from RSuperLib.io import InputError, Progress, no_progress, write_json
from RSuperLib.io.progress import part_of

_CONFIG = Path("Docs/results/supervision/config.json")


@dataclass(frozen=True)
class Unit:
    """An arm in a seed of a setting; its result lies beside the configuration."""

    difficulty: str
    arm: str
    seed: int

    def path(self, folder: Path) -> Path:
        """Where its result is written."""
        return folder / self.difficulty / f"{self.arm}-{self.seed}.json"

    def is_done(self, folder: Path, fingerprint: str) -> bool:
        """Whether its result is there and was made with the same configuration."""
        try:
            return bool(json.loads(self.path(folder).read_bytes())["config"] == fingerprint)
        except FileNotFoundError:
            return False


def run(
    config: Path | None = None, arms: Sequence[str] | None = None, seeds: Sequence[int] | None = None,
    settings: Sequence[str] | None = None, units: int | None = None, work: Path | None = None, summary: bool = False,
    progress: Progress = no_progress,
) -> dict[str, Any]:  # fmt: skip
    """Run the units that are missing, then write the summary beside the configuration.

    Args:
        config: the configuration file; None = that of the repository.
        arms: only these; None = all that the configuration names.
        seeds: only these.
        settings: only these.
        units: at most so many now.
        work: folder for cases and runs, where stopped work goes on; None = in the folder for temporary files.
        summary: only the summary of what is there.
        progress: told where it is; may cancel.

    Raises:
        InputError: the configuration is wrong, or there is no such arm, seed or setting.
    """
    path = config or _CONFIG
    read, folder = read_config(path), path.parent
    missing = [one for one in _wanted(read, arms, seeds, settings) if not one.is_done(folder, _fingerprint(read, one))]
    chosen = [] if summary else missing[:units]
    work = work or Path(tempfile.gettempdir()) / "rsuper-supervision"
    for done, unit in enumerate(chosen):
        told = part_of(progress, done / len(chosen), (done + 1) / len(chosen))
        unit.path(folder).parent.mkdir(parents=True, exist_ok=True)
        write_json(unit.path(folder), run_unit(read, unit.difficulty, unit.arm, unit.seed, work, told))
    result = summary_of(read, folder)
    if result["settings"]:
        write_summary(result, folder)
    told_f1 = {
        name: {arm: values["f1"]["value"] for arm, values in one["arms"].items()}
        for name, one in result["settings"].items()
    }
    return {"run": len(chosen), "missing": len(missing) - len(chosen), "f1": told_f1}


def summary_of(config: Config, folder: Path) -> dict[str, Any]:
    """The summary of all units that were run with this configuration; settings without any are left out."""
    settings = {}
    for name in config.difficulties:
        read = [json.loads(path.read_bytes()) for path in sorted((folder / name).glob("*.json"))]
        units = [unit for unit in read if unit["config"] == config.fingerprint(name)]
        if units:
            settings[name] = {"contrast": config.difficulties[name].contrast, **summarise(units)}
    return {"schema_version": SCHEMA_VERSION, "settings": settings}


def _fingerprint(config: Config, unit: Unit) -> str:
    return config.fingerprint(unit.difficulty)


def _wanted(
    config: Config, arms: Sequence[str] | None, seeds: Sequence[int] | None, settings: Sequence[str] | None
) -> Iterator[Unit]:
    """The units of the configuration, seed by seed, so that an early stop leaves whole comparisons."""
    _known("arm", arms or [], list(ARMS))
    _known("setting", settings or [], list(config.difficulties))
    for name, one in config.difficulties.items():
        _known("arm", one.arms, list(ARMS))
        if settings and name not in settings:
            continue
        for seed in seeds or one.seeds:
            yield from (Unit(name, arm, seed) for arm in arms or one.arms)


def _known(what: str, names: Sequence[str], allowed: Sequence[str]) -> None:
    for name in names:
        if name not in allowed:
            raise InputError(f"There is no {what} {name!r}.", f"Choose among {', '.join(allowed)}.")
