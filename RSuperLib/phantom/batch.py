"""Many phantoms in one folder. A run that was killed goes on where it stopped."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from RSuperLib.io import InputError, Progress, no_progress
from RSuperLib.phantom.case_folder import TRUTH, holds_phantom, write_phantom
from RSuperLib.phantom.make import make_phantom
from RSuperLib.phantom.settings import PhantomSettings

_SEEDS_PER_BATCH = 1_000_000


@dataclass(frozen=True)
class Batch:
    """What a run did: all case folders in order, and how many of them it made (the others were there)."""

    cases: list[Path]
    made: int


def case_seed(seed: int, number: int) -> int:
    """Seed of case `number` of a batch; it does not depend on how many cases the batch has."""
    return seed * _SEEDS_PER_BATCH + number


def make_batch(
    folder: Path, cases: int, seed: int, settings: PhantomSettings, progress: Progress = no_progress
) -> Batch:
    """Write cases 0 to `cases` - 1 of a seed as `phantom_000000`, … and keep those that are complete already.

    Raises:
        InputError: a number is out of range, or the folder holds phantoms of another seed or other settings, or
            something else where a phantom would go.
        Cancelled: by `progress`; what is complete stays.
    """
    if not 1 <= cases <= _SEEDS_PER_BATCH:
        raise InputError("The number of cases is not between 1 and 1000000.", "Give a number such as 10.")
    if seed < 0:
        raise InputError("The seed is negative.", "Give 0 or a larger whole number.")
    paths = [folder / f"phantom_{number:06d}" for number in range(cases)]
    holds_phantom(paths[0])  # refuses a place that may not be looked at
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder.name} is a file.", "Give a folder for the phantoms.")
    made = 0
    for number, path in enumerate(paths):
        progress(path.name, number / cases)
        if _is_there(path, case_seed(seed, number), settings):
            continue
        write_phantom(make_phantom(case_seed(seed, number), settings), path)
        made += 1
    progress("done", 1.0)
    return Batch(paths, made)


def _is_there(path: Path, seed: int, settings: PhantomSettings) -> bool:
    """Whether the case was made already, with the same seed and settings."""
    if not holds_phantom(path):
        return False
    try:
        truth = json.loads((path / TRUTH).read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"{TRUTH} of {path.name} is damaged.", "Remove that case folder.") from error
    if not isinstance(truth, dict) or (truth.get("seed"), truth.get("settings")) != (seed, settings.as_json()):
        raise InputError(
            f"{path.name} was made with another seed or other settings.", "Choose another folder or remove that one."
        )
    return True
