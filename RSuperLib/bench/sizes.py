"""`rsuper bench sizes`: how well the diameters that reports give predict the volume of real kidney tumours.

The tumours are those of KiTS19 (Heller et al., Med Image Anal 2021;67:101821): volume and diameters measured on the
expert masks, and the size that the clinic's report states.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from RSuperLib.evaluation.intervals import SAMPLES
from RSuperLib.io import InputError, Progress, no_progress
from RSuperLib.supervision.targets import ellipsoid_volume
from RSuperLib.training.reported import VOLUME_OVER_ELLIPSOID, reported_diameters

#: Volumes in millilitres below which a component is a speck of the outline and no tumour (0.1 ml: a ball of 6 mm).
_LEAST_ML = 0.1
#: Share by which the published volume loss lets a volume be off.
_PUBLISHED_TOLERANCE = 0.2
#: How many diameters a report gives: what volume is made of them.
_MEASURED = {
    "sphere": ("longest_axial_mm",),
    "two_diameters": ("longest_axial_mm", "perpendicular_mm"),
    "ellipsoid": ("longest_axial_mm", "perpendicular_mm", "craniocaudal_mm"),
}
#: A predicted and a true volume, and the case that they are of.
Row = tuple[float, float, str]


def run(folder: Path | None = None, seed: int = 0, progress: Progress = no_progress) -> dict[str, Any]:
    """True over predicted volume for one, two and three diameters of the mask, and for the size in the report.

    Args:
        folder: holds `cases.csv` and `tumours.csv`; by default data/kidney_masks in the folder that RSUPER_DATA names.
        seed: of the bootstrap.
        progress: told where it is.

    Returns:
        For each way of measuring: number, median, 5th and 95th percentile, each with its 95 % interval (cases are
        drawn), the share of tumours within the published tolerance, and within the interval that training uses.

    Raises:
        InputError: the tables are not there.
    """
    folder = folder or _default_folder()
    tumours = [row for row in _table(folder / "tumours.csv") if float(row["volume_ml"]) >= _LEAST_ML]
    result: dict[str, Any] = {}
    for name, columns in _MEASURED.items():
        progress(name, len(result) / 4)
        used = VOLUME_OVER_ELLIPSOID[len(columns)]
        result[name] = _spread([_measured(row, columns) for row in tumours], used, seed)
    single = [row for row in _table(folder / "cases.csv") if row["tumour_count"] == "1"]
    stated = [row for row in single if row["reported_radiographic_size_mm"]]
    result["sphere_of_the_reported_size"] = _spread([_reported(row) for row in stated], VOLUME_OVER_ELLIPSOID[1], seed)
    return result


def _default_folder() -> Path:
    root = os.environ.get("RSUPER_DATA")
    if not root:
        raise InputError("No folder was given, and RSUPER_DATA is not set.", "Name it: rsuper bench sizes DIR.")
    return Path(root) / "data" / "kidney_masks"


def _table(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path.name} cannot be read.", "Give the folder of the kidney masks.") from error


def _measured(row: Mapping[str, str], columns: Sequence[str]) -> Row:
    diameters = reported_diameters([float(row[column]) for column in columns])
    return ellipsoid_volume(diameters), 1000 * float(row["volume_ml"]), row["case"]


def _reported(row: Mapping[str, str]) -> Row:
    diameter = float(row["reported_radiographic_size_mm"])
    return ellipsoid_volume((diameter,) * 3), 1000 * float(row["largest_volume_ml"]), row["case"]


def _spread(rows: Sequence[Row], used: tuple[float, float], seed: int) -> dict[str, Any]:
    ratios = np.array([true / predicted for predicted, true, _ in rows])
    low, middle, high = np.percentile(ratios, [5, 50, 95])
    drawn = _drawn_percentiles(ratios, [case for _, _, case in rows], seed)
    within = np.abs(ratios - 1) <= _PUBLISHED_TOLERANCE
    return {
        "tumours": len(ratios),
        "median": _figure(middle, drawn[:, 1]),
        "percentile_5": _figure(low, drawn[:, 0]),
        "percentile_95": _figure(high, drawn[:, 2]),
        "within_published_tolerance": round(float(within.mean()), 3),
        "interval_in_use": list(used),
        "within_interval_in_use": round(float(((ratios >= used[0]) & (ratios <= used[1])).mean()), 3),
    }


def _drawn_percentiles(ratios: np.ndarray[Any, np.dtype[np.float64]], cases: Sequence[str], seed: int) -> Any:
    """(draws, 3) 5th, 50th and 95th percentile; whole cases are drawn, as tumours of one patient are alike."""
    members: dict[str, list[int]] = {}
    for number, case in enumerate(cases):
        members.setdefault(case, []).append(number)
    groups = [np.array(numbers) for numbers in members.values()]
    draws = np.random.default_rng(seed).integers(0, len(groups), (SAMPLES, len(groups)))
    return np.array([np.percentile(ratios[np.concatenate([groups[g] for g in draw])], [5, 50, 95]) for draw in draws])


def _figure(value: float, drawn: Any) -> list[float]:
    """The value and its 95 % interval."""
    return [round(float(one), 3) for one in (value, *np.percentile(drawn, [2.5, 97.5]))]
