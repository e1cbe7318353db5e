"""The files of one segmented case: all of them, or none."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from RSuperLib.agreement import Agreement
from RSuperLib.anatomy import Parts
from RSuperLib.export import draw_view, lesion_segments, write_seg_nrrd
from RSuperLib.inference import BY_CONSTRUCTION, FinderResult
from RSuperLib.io import InputError, Progress, RSuperError, Volume, unfinished_folder, write_json, write_nifti
from RSuperLib.report import Reading
from RSuperLib.worker.record import RunRecord
from RSuperLib.worker.stages import StageClock

RECORD = "run.json"
#: They are overwritten only if they are as RSuper left them: a person may have corrected them since.
RESULTS = ("lesions.nii.gz", "lesions.seg.nrrd", "probabilities.nii.gz", "reading.json", "agreement.json", "view.png")
FILES = (*RESULTS, RECORD)


@dataclass(frozen=True)
class Outputs:
    """Everything that is written of one case."""

    ct: Volume
    parts: Parts
    report_text: str
    reading: Reading
    found: FinderResult
    agreement: Agreement


def refuse_to_overwrite_corrections(out: Path) -> None:
    """Check that `out` may take new results.

    Raises:
        InputError: a file in it is not by RSuper or was changed since, or `out` is not a folder that can be written to.
    """
    try:
        place = _nearest_folder(out)
        written = _checksums_of_last_run(out)
        changed = [name for name in RESULTS if _is_there(out / name) and written.get(name) != _checksum(out / name)]
        if not written and _is_there(out / RECORD):
            changed.append(RECORD)
    except OSError as error:
        raise InputError(
            f"{_name(out)} cannot be used for the results ({error.strerror or error}).", "Choose another folder."
        ) from error
    if not os.access(place, os.W_OK):
        raise InputError(f"{place.name or place} may not be written to.", "Choose another folder for the results.")
    if changed:
        raise InputError(
            f"{changed[0]} in {_name(out)} was not written by RSuper or was corrected since.",
            "Choose another folder for the new results, so that no correction is lost.",
        )


def write_outputs(out: Path, outputs: Outputs, run: RunRecord, clock: StageClock, progress: Progress) -> dict[str, Any]:
    """Write all files elsewhere first, then put them in place; a cancelled or failed run leaves `out` as it was.

    Returns:
        The summary that the user sees: see `segment_case`.

    Raises:
        InputError: a result in `out` was corrected meanwhile.
        RSuperError: the disk is full or `out` cannot be written to.
    """
    with _staging_folder(out) as staging:
        with clock.stage("write"):
            _write_results(staging, outputs, progress)
        with clock.stage("draw"):
            progress("drawing", 0.5)
            _draw(staging, outputs, run)
        checksums = {name: _checksum(staging / name) for name in RESULTS}
        record = clock.added_to(run).model_copy(update={"sha256": checksums})
        write_json(staging / RECORD, record.model_dump(mode="json"))
        progress("done", 1.0)
        refuse_to_overwrite_corrections(out)
        _put_in_place(staging, out)
    return _summary(out, outputs, record)


def probabilities(likelihood: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Probabilities 0..1 as round(255 p)."""
    scaled: NDArray[np.uint8] = np.rint(np.clip(likelihood, 0, 1) * 255).astype(np.uint8)
    return scaled


def _write_results(folder: Path, outputs: Outputs, progress: Progress) -> None:
    grid = outputs.ct.grid
    progress("writing the masks", 0.0)
    write_nifti(folder / "lesions.nii.gz", outputs.found.labels, grid)
    write_seg_nrrd(folder / "lesions.seg.nrrd", outputs.found.labels, grid, lesion_segments(outputs.agreement))
    progress("writing the probabilities", 0.25)
    write_nifti(folder / "probabilities.nii.gz", probabilities(outputs.found.likelihood), grid)
    write_json(folder / "reading.json", outputs.reading.model_dump(mode="json"))
    write_json(folder / "agreement.json", outputs.agreement.model_dump(mode="json"))


def _draw(folder: Path, outputs: Outputs, run: RunRecord) -> None:
    draw_view(
        folder / "view.png",
        outputs.ct,
        outputs.found.labels,
        outputs.reading,
        outputs.agreement,
        outputs.report_text,
        parts=outputs.parts.masks,
        footnote=f"{run.model.name}, RSuper {run.rsuper}. {BY_CONSTRUCTION if outputs.found.placed else ''}",
    )


def _nearest_folder(out: Path) -> Path:
    """`out`, or what it will be made in: on the same disk, so that moving files to `out` is renaming them."""
    place = next(path for path in (out, *out.absolute().parents) if _is_there(path))
    if not place.is_dir():
        raise InputError(f"{place.name} is a file, not a folder.", "Choose a folder for the results.")
    return place


def _name(out: Path) -> str:
    return out.absolute().name or str(out)


def _is_there(path: Path) -> bool:
    """Whether anything has that name, even a link that leads nowhere."""
    return path.is_symlink() or path.exists()


@contextmanager
def _staging_folder(out: Path) -> Iterator[Path]:
    try:
        with unfinished_folder(_nearest_folder(out)) as folder:
            yield folder
    except OSError as error:
        raise RSuperError(
            f"The results could not be written to {_name(out)} ({error.strerror or error}).",
            "Check that the disk has space, or choose another folder.",
        ) from error


def _put_in_place(staging: Path, out: Path) -> None:
    """A new folder appears with all its files at once; in one that is there, they are replaced one by one."""
    if not out.exists():
        out.parent.mkdir(parents=True, exist_ok=True)
        staging.rename(out)
        return
    for name in FILES:  # run.json last: it vouches for the others
        (staging / name).replace(out / name)


def _checksums_of_last_run(out: Path) -> dict[str, str]:
    try:
        checksums = json.loads((out / "run.json").read_text(encoding="utf-8"))["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return checksums if isinstance(checksums, dict) else {}


def _checksum(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _summary(out: Path, outputs: Outputs, record: RunRecord) -> dict[str, Any]:
    agreement = outputs.agreement.model_dump(mode="json")
    return {
        "out": str(out),
        "files": list(FILES),
        "findings": [
            {"id": finding.lesion_id, "organ": finding.organ, "evidence": finding.evidence[0].text}
            for finding in outputs.reading.lesions
        ],
        "lesions": agreement["lesions"],
        "rows": agreement["rows"],
        "warnings": record.warnings,
        "source": record.source.used,
        "seconds": record.seconds,
        "peak_memory_mb": record.peak_memory_mb,
    }
