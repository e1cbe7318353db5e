"""`rsuper bench real`: the whole way on the real CTs that RSUPER_DATA names, and Dice where experts drew the tumour."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from numpy.typing import NDArray

from RSuperLib.io import Grid, InputError, Progress, no_progress, read_ct, write_bytes, write_json, write_nifti
from RSuperLib.io.progress import part_of
from RSuperLib.worker import Worker

Mask = NDArray[np.bool_]

#: Part boxes as fractions of the scan from its right, posterior, inferior corner (R-L, P-A, I-S), drawn by eye.
LIVER_BOX_IRCADB = ((0.08, 0.74), (0.20, 0.80), (0.28, 1.0))
LIVER_BOX_DICOM = ((0.13, 0.68), (0.28, 0.72), (0.0, 1.0))

IRCADB_REPORT = """\
CT ABDOMEN WITH CONTRAST
FINDINGS: The liver contains a large heterogeneous hypodense mass in the anterior liver, segments 4 and 5, measuring \
6.5 x 4.5 cm. There is a 1.5 cm hypodense lesion in segment 6 and a 1.6 cm hypodense lesion in the left lobe.
The spleen and the pancreas are unremarkable. The left kidney is normal.
IMPRESSION:
1. Three hepatic lesions, the largest 6.5 cm.
"""
TRUNK_REPORT = """\
CT ABDOMEN AND PELVIS WITHOUT CONTRAST
FINDINGS: There are several calculi in both kidneys. The spleen, pancreas and adrenal glands are unremarkable.
A 12 mm hypodense lesion in the right lobe of the liver cannot be excluded.
IMPRESSION: Bilateral nephrolithiasis. Questionable hepatic lesion.
"""
DICOM_REPORT = """\
FINDINGS: The liver shows a questionable 1 cm hypodense lesion. The stomach is filled with oral contrast.
"""


@dataclass(frozen=True)
class Case:
    """A real CT: where its parts come from, and what its report says."""

    name: str
    ct: str
    report: Callable[[Path], str]
    #: Names of labels in the CT's `organs.nii.gz`, or a box around the liver.
    liver_box: tuple[tuple[float, float], ...] | None = None


def _lung_report(side: str, place: str) -> Callable[[Path], str]:
    def report(folder: Path) -> str:
        tumour = _truth(folder)["tumours"][0]
        size = f"{tumour['longest_axial_mm']} x {tumour['perpendicular_mm']} mm"
        return f"FINDINGS: There is a {size} mass in the {side} lung, {place}.\nIMPRESSION: Lung cancer is suspected.\n"

    return report


CASES = (
    Case("lung1_001", "ct.nii.gz", _lung_report("left", "hilar and perihilar")),
    Case("lung1_002", "ct.nii.gz", _lung_report("right", "in the lower lobe")),
    Case("ircadb_01", "ct.nii.gz", lambda _folder: IRCADB_REPORT, LIVER_BOX_IRCADB),
    Case("totalseg_trunk", "ct.nii.gz", lambda _folder: TRUNK_REPORT),
    Case("dicom_liver_3slices", ".", lambda _folder: DICOM_REPORT, LIVER_BOX_DICOM),
)


def run(cases: int | None = None, seed: int = 0, progress: Progress = no_progress) -> dict[str, Any]:
    """Segment every real CT through the worker; pictures go to the folder RSUPER_BENCH_PICTURES, if it is set."""
    root = os.environ.get("RSUPER_DATA")
    if not root:
        raise InputError("RSUPER_DATA is not set.", "Set it to the folder that holds data/ct.")
    chosen = CASES[:cases]
    results = {}
    for number, case in enumerate(chosen):
        share = part_of(progress, number / len(chosen), (number + 1) / len(chosen))
        with tempfile.TemporaryDirectory() as scratch, Worker() as worker:
            results[case.name] = _run_case(case, Path(root) / "data" / "ct" / case.name, Path(scratch), worker, share)
    return {"cases": results}


def _run_case(case: Case, folder: Path, scratch: Path, worker: Worker, progress: Progress) -> dict[str, Any]:
    ct = read_ct(folder / case.ct)
    write_bytes(scratch / "report.txt", case.report(folder).encode())
    request = {
        "ct": str(folder / case.ct),
        "report": str(scratch / "report.txt"),
        "parts": str(_parts_file(case, folder, ct.grid, scratch)),
        "out": str(scratch / "results"),
    }
    summary = worker.run("segment", request, progress)
    _keep_picture(scratch / "results" / "view.png", case.name)
    return {
        "shape": list(ct.grid.shape),
        "lesions": [[lesion["organ"], round(lesion["volume_mm3"])] for lesion in summary["lesions"]],
        "states": [row["state"] for row in summary["rows"]],
        "same_grid": _on_the_grid_of(scratch / "results", ct.grid),
        "dice": _dice(folder, scratch / "results"),
        "seconds": summary["seconds"],
        "peak_memory_mb": summary["peak_memory_mb"],
    }


def _truth(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "truth.json").read_text())
    return content


def _parts_file(case: Case, folder: Path, grid: Grid, scratch: Path) -> Path:
    """The case's organ labels with their names in the form that `--parts` takes, or its box."""
    path = scratch / "parts.nii.gz"
    if case.liver_box:
        write_nifti(path, _box(grid, case.liver_box).astype(np.uint8), grid)
        names = {"1": "liver"}
    else:
        path.symlink_to(folder / "organs.nii.gz")
        names = _label_names(_truth(folder)["organ_labels"])
    write_json(scratch / "parts.json", names)
    return path


def _label_names(labels: dict[str, Any]) -> dict[str, str]:
    """Both forms of the data's tables, {name: label} and {label: {"name": ...}}, as {label: name}."""
    return {
        (key if isinstance(value, dict) else str(value)): (value["name"] if isinstance(value, dict) else key)
        for key, value in labels.items()
    }


def _box(grid: Grid, fractions: tuple[tuple[float, float], ...]) -> Mask:
    """A box given along right-to-left, posterior-to-anterior, inferior-to-superior."""
    box = np.zeros(grid.shape, bool)
    slices = [slice(None)] * 3
    orientation = nibabel.io_orientation(grid.affine)
    for axis, (world, direction) in enumerate(orientation.astype(int)):
        low, high = fractions[world]
        towards_left_or_up = -direction if world == 0 else direction  # fractions count from the right
        if towards_left_or_up < 0:
            low, high = 1 - high, 1 - low
        slices[axis] = slice(round(low * grid.shape[axis]), round(high * grid.shape[axis]))
    box[tuple(slices)] = True
    return box


def _on_the_grid_of(results: Path, grid: Grid) -> bool:
    """Whether every mask has the CT's shape, affine and orientation, as nibabel sees them."""
    images = [nibabel.load(results / name) for name in ("lesions.nii.gz", "probabilities.nii.gz")]
    return all(image.shape == grid.shape and np.allclose(image.affine, grid.affine, atol=1e-3) for image in images)


def _dice(folder: Path, results: Path) -> float | None:
    if not (folder / "tumour.nii.gz").exists():
        return None
    truth = np.asarray(nibabel.load(folder / "tumour.nii.gz").dataobj) > 0
    found = np.asarray(nibabel.load(results / "lesions.nii.gz").dataobj) > 0
    return round(float(2 * (truth & found).sum() / (truth.sum() + found.sum())), 3)


def _keep_picture(picture: Path, name: str) -> None:
    folder = os.environ.get("RSUPER_BENCH_PICTURES")
    if folder:
        write_bytes(Path(folder) / f"{name}.png", picture.read_bytes())
