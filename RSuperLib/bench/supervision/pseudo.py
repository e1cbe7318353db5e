"""Self-training: cases whose lesion masks are what a network makes of them. No report is used, and no true mask."""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from RSuperLib.bench.supervision.network import Predictor
from RSuperLib.io import unfinished_folder, write_bytes
from RSuperLib.training import TrainSettings, prepared
from RSuperLib.training.prepared import CaseArrays, PreparedCase, Three

#: Places for crops that a case remembers, as for true masks.
_REMEMBERED = 256


def write_pseudo_masks(cases: Sequence[Path], weights: Path, settings: TrainSettings, folder: Path) -> list[Path]:
    """Prepared cases with a network's own masks (channel 0) in place of their masks and reports.

    Args:
        cases: prepared cases of which only the image is looked at.
        weights: of the network.
        settings: that it was trained with.
        folder: for the new cases; those that are there are kept.
    """
    predictor = Predictor(weights, settings)
    folder.mkdir(parents=True, exist_ok=True)
    for path in cases:
        if not (folder / path.name / prepared.RECORD).is_file():
            _write_case(path, predictor, folder)
    return [folder / path.name for path in cases]


def _write_case(path: Path, predictor: Predictor, folder: Path) -> None:
    arrays = CaseArrays(path)
    mask = predictor(arrays) >= 0.5
    codes, members = prepared.encode([mask], arrays.record.shape)
    with unfinished_folder(folder) as staging:
        shutil.copy(path / prepared.IMAGE, staging)
        prepared.write_array(staging / prepared.CODES, np.stack([codes, np.zeros_like(codes)]))
        record = _record(arrays.record, mask, members)
        write_bytes(staging / prepared.RECORD, record.model_dump_json().encode())
        staging.rename(folder / path.name)


def _record(record: PreparedCase, mask: NDArray[np.bool_], members: list[list[int]]) -> PreparedCase:
    inside = np.argwhere(mask)
    chosen = inside[:: max(1, math.ceil(len(inside) / _REMEMBERED))]
    places: list[Three] = [(int(z), int(y), int(x)) for z, y, x in chosen]
    return record.model_copy(
        update={
            "class_codes": members, "region_codes": [[]], "has_masks": True, "has_report": False, "unlabelled": [],
            "unknown_everywhere": [], "lesions_by_mask": {0: bool(mask.any())}, "lesions_by_report": {},
            "targets": [], "voxels": {0: places},
        }
    )  # fmt: skip
