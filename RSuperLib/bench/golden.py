"""`rsuper bench golden DIR`: recompute published values from their inputs, to compare digit by digit.

DIR holds `loss_inputs.npz` and tables in JSON, laid out as Docs/method.md ("Reproducing published values") says. Only
inputs are read; answers that stand beside them are not looked at.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from RSuperLib.bench.golden_losses import CLASSES, loss_cases
from RSuperLib.bench.golden_networks import medformer_forward, medformer_keys
from RSuperLib.bench.golden_targets import report_targets
from RSuperLib.bench.golden_units import unit_tables
from RSuperLib.io.errors import InputError
from RSuperLib.io.progress import Progress, no_progress

#: Table to what recomputes it from the content of its file.
TABLES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "unit_tables": unit_tables,
    "report_targets": report_targets,
    "medformer_keys": medformer_keys,
    "medformer_forward": medformer_forward,
}


def run(folder: Path | None = None, progress: Progress = no_progress) -> dict[str, Any]:
    """Every case of the files that are there.

    Args:
        folder: holds the files; by default golden/ in the folder that RSUPER_DATA names.
        progress: told which file is at work.

    Returns:
        {"cases": {case: values}} of `loss_inputs.npz`, and the other tables under the stem of their file.

    Raises:
        InputError: the folder has none of the files, or one cannot be read.
    """
    torch.set_num_threads(1)  # many small steps, and sums in the same order on every machine
    folder = folder or _default_folder()
    results: dict[str, Any] = {}
    if (folder / "loss_inputs.npz").is_file():
        results["cases"] = loss_cases(_arrays(folder / "loss_inputs.npz"), _classes(folder), progress)
    for stem, recompute in TABLES.items():
        if (folder / f"{stem}.json").is_file():
            progress(stem.replace("_", " "), 0.9)
            results[stem] = recompute(_json(folder / f"{stem}.json"))
    if not results:
        names = ", ".join(["loss_inputs.npz", *(f"{stem}.json" for stem in TABLES)])
        raise InputError(f"The folder {folder.name!r} holds no published values.", f"It should hold one of {names}.")
    return results


def _default_folder() -> Path:
    root = os.environ.get("RSUPER_DATA")
    if not root:
        raise InputError("No folder was given, and RSUPER_DATA is not set.", "Name it: rsuper bench golden DIR.")
    return Path(root) / "golden"


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(f"{path.name} is no archive of numpy arrays.", "Copy the file again.") from error


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path.name} is no JSON file.", "Copy the file again.") from error
    if not isinstance(content, dict):
        raise InputError(f"{path.name} holds no table.", "Copy the file again.")
    return content


def _classes(folder: Path) -> tuple[str, ...]:
    """Names of the channels; they stand beside the expected values, which may not be there."""
    path = folder / "loss_values.json"
    return tuple(_json(path).get("classes", CLASSES)) if path.is_file() else CLASSES
