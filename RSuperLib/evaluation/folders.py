"""Folders of predictions against folders of references, case by case (Docs/evaluation.md says what the figures mean).

A case is a folder of the same name in both. A prediction holds `lesions.nii.gz` and maybe `probabilities.nii.gz` and
`agreement.json`; a reference holds `lesions.nii.gz` (with `lesions.json` or `truth.json`), or else `reading.json` or
`report.txt`, which say only whether there is a lesion.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from nibabel.filebasedimages import ImageFileError
from numpy.typing import NDArray
from pydantic import ValidationError

from RSuperLib.evaluation.cases import case_score
from RSuperLib.evaluation.detection import CaseDetection, detect
from RSuperLib.evaluation.lesions import connected_lesions
from RSuperLib.evaluation.published import published_volume
from RSuperLib.evaluation.voxels import VoxelScores, voxel_scores
from RSuperLib.io import Grid, InputError, LabelMap, Progress, no_progress, read_label_map
from RSuperLib.report import Reading, load_report, read_report

#: What reports say of an organ without lesions.
_CLEAR = ("normal", "no_lesion", "absent")
#: Lesions of files that do not name organs are compared whatever their organ is.
_ANY = "any organ"
#: Probabilities in whole numbers are round(255 p), as `rsuper segment` writes them.
_UINT8_ONE = np.float32(255)


@dataclass(frozen=True)
class EvaluatedCase:
    """One case; `truth` is None where its reference does not tell, the scores of voxels and lesions without a mask."""

    id: str
    truth: bool | None
    score: float
    published_volume_mm3: int
    max_probability: float
    voxels: VoxelScores | None = None
    detection: CaseDetection | None = None


def evaluate_folders(
    predicted: Path, reference: Path, organ: str | None = None, progress: Progress = no_progress
) -> list[EvaluatedCase]:
    """Every case of the reference, in the order of its names.

    Args:
        predicted: folder of case folders.
        reference: folder of case folders.
        organ: lesions of this organ alone; None = of all together.
        progress: told which case is at work.

    Raises:
        InputError: there is no case, a case was not predicted, or a file cannot be used.
    """
    names = sorted(path.name for path in reference.iterdir() if _is_reference(path)) if reference.is_dir() else []
    if not names:
        raise InputError(f"There is no case in {reference.name}.", "Give a folder of case folders with references.")
    missing = [name for name in names if not (predicted / name / "lesions.nii.gz").is_file()]
    if missing:
        raise InputError(
            f"{len(missing)} of {len(names)} cases have no prediction, {missing[0]} among them.",
            "Predict them too: leaving cases out would change the figures.",
        )
    cases = []
    for done, name in enumerate(names):
        progress(f"case {done + 1} of {len(names)}", done / len(names))
        cases.append(_evaluated(predicted / name, reference / name, organ))
    return cases


def _is_reference(path: Path) -> bool:
    return any((path / name).is_file() for name in ("lesions.nii.gz", "reading.json", "report.txt"))


def _evaluated(predicted: Path, reference: Path, organ: str | None) -> EvaluatedCase:
    found = _chosen(_lesions(predicted), organ)
    grid = found.grid
    probabilities = _probabilities(predicted, found, organ)
    model = (case_score(probabilities, grid), published_volume(found.array, grid), float(probabilities.max()))
    if not (reference / "lesions.nii.gz").is_file():
        return EvaluatedCase(reference.name, reported_truth(_reading(reference), organ), *model)
    true = _chosen(_lesions(reference), organ)
    if not true.grid.same_as(grid):
        raise InputError(f"The masks of {reference.name} do not lie on one grid.", "Resample one of them.")
    return EvaluatedCase(
        reference.name, bool(true.array.any()), *model, voxel_scores(found.array, true.array, grid),
        _detected(found, true, probabilities),
    )  # fmt: skip


def reported_truth(reading: Reading, organ: str | None = None) -> bool | None:
    """Whether a report says that there is a lesion (of an organ); None where it does not say or only thinks of one."""
    lesions = [one for one in reading.lesions if organ in (None, one.organ)]
    if any(one.presence in ("present", "probable") for one in lesions):
        return True
    if lesions or reading.status != "read":
        return None
    is_clear = organ is None or any(one.organ == organ and one.status in _CLEAR for one in reading.organs)
    return False if is_clear else None


def _lesions(folder: Path) -> LabelMap:
    """The labels of a case, named by their organs where a file says so."""
    return read_label_map(folder / "lesions.nii.gz", _organs(folder))


def _organs(folder: Path) -> dict[int, str]:
    try:
        for name in ("agreement.json", "truth.json"):
            if (folder / name).is_file():
                rows = json.loads((folder / name).read_bytes())["lesions"]
                return {int(row["label"]): str(row["organ"]) for row in rows}
        if (folder / "lesions.json").is_file():
            table = json.loads((folder / "lesions.json").read_bytes())["lesions"]
            return {int(label): str(organ) for label, organ in table.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"The organs of the lesions of {folder.name} cannot be read.", "Write them again.") from error
    return {}


def _chosen(lesions: LabelMap, organ: str | None) -> LabelMap:
    """Only the lesions of an organ; those that no file names stay."""
    others = [label for label, name in lesions.names.items() if organ not in (None, name)]
    array = np.where(np.isin(lesions.array, others), 0, lesions.array) if others else lesions.array
    return LabelMap(array, lesions.grid, lesions.names)


def _probabilities(folder: Path, found: LabelMap, organ: str | None) -> NDArray[np.float32]:
    """(i, j, k) 0 to 1; 1 in the lesions where no file says more. Voxels of other organs' lesions are 0."""
    path = folder / "probabilities.nii.gz"
    if not path.is_file():
        return (found.array > 0).astype(np.float32)
    try:
        image = nibabel.load(path)
        values: NDArray[np.float32] = np.asarray(image.dataobj, np.float32)
    except (OSError, EOFError, ValueError, ImageFileError) as error:
        raise InputError(f"The probabilities of {folder.name} cannot be read.", "Predict the case again.") from error
    if values.shape != found.grid.shape or not found.grid.same_as(Grid(found.grid.shape, image.affine)):
        raise InputError(f"The probabilities of {folder.name} do not lie on the grid of its lesions.", "Resample them.")
    if image.get_data_dtype() == np.uint8:
        values /= _UINT8_ONE
    if not (np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1):
        raise InputError(f"The probabilities of {folder.name} are not from 0 to 1.", "Predict the case again.")
    if organ is not None:
        others = (_lesions(folder).array > 0) & (found.array == 0)
        values[others] = 0
    return values


def _detected(found: LabelMap, true: LabelMap, probabilities: NDArray[np.float32]) -> CaseDetection:
    """Lesions matched organ by organ where both sides name organs, else all together."""
    merged = CaseDetection()
    named = bool(found.names) and bool(true.names)
    for organ in sorted({*found.names.values(), *true.names.values()}) if named else [_ANY]:
        pair = [_pieces(one, organ) for one in (found, true)]
        one = detect(pair[0], pair[1], probabilities, true.grid)
        merged.true += one.true
        merged.false += one.false
    return merged


def _pieces(lesions: LabelMap, organ: str) -> NDArray[np.uint16]:
    """Lesions of one organ: the labels where a file names them, for lesions may touch; else connected pieces."""
    if organ == _ANY:
        return connected_lesions(lesions.array, lesions.grid) if not lesions.names else lesions.array.astype(np.uint16)
    labels = [label for label, name in lesions.names.items() if name == organ]
    return np.where(np.isin(lesions.array, labels), lesions.array, 0).astype(np.uint16)


def _reading(folder: Path) -> Reading:
    if not (folder / "reading.json").is_file():
        return read_report(load_report(folder / "report.txt"))
    try:
        return Reading.model_validate_json((folder / "reading.json").read_bytes())
    except (OSError, ValidationError) as error:
        raise InputError(f"The reading of {folder.name} is damaged.", "Read its report again.") from error


def as_row(case: EvaluatedCase) -> dict[str, Any]:
    """What is told of one case in the result."""
    voxels = case.voxels
    return {
        "case": case.id, "truth": case.truth, "score": round(case.score, 3),
        "dice": voxels and round(voxels.dice, 4), "surface_dice": voxels and round(voxels.surface_dice, 4),
        "lesions": case.detection and len(case.detection.true), "false": case.detection and len(case.detection.false),
    }  # fmt: skip
