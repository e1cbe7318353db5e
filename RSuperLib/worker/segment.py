"""The work behind one click: CT, report and parts in; lesions, reading, agreement and a picture out."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import scipy

from RSuperLib import __version__
from RSuperLib.anatomy import Parts, load_parts, no_parts
from RSuperLib.inference import BY_CONSTRUCTION, agree_with_finder, find_lesions
from RSuperLib.io import InputError, Progress, Volume, no_progress, read_ct
from RSuperLib.io.progress import part_of
from RSuperLib.models import FINDER
from RSuperLib.report import Reading, load_report, read_report
from RSuperLib.worker.outputs import Outputs, refuse_to_overwrite_corrections, write_outputs
from RSuperLib.worker.record import GridRecord, ModelRecord, RunRecord, SourceRecord
from RSuperLib.worker.stages import StageClock

Source = Literal["auto", "model", "finder", "report"]
SOURCES: tuple[Source, ...] = get_args(Source)
_PATHS = ("ct", "out", "report", "parts")


@dataclass(frozen=True)
class SegmentRequest:
    """What `segment_case` is asked to do.

    Attributes:
        ct: NIfTI or NRRD file, or DICOM folder.
        out: folder for the results; made if it is not there.
        report: text file of the report; None = there is none.
        parts: folder of part masks or label map with names; None = there are none.
        source: where lesions come from (architecture: `model`, `finder`, `report`, or `auto` to choose).
        device: `auto`, `cpu`, `cuda` or `mps`; the finder runs on the CPU whatever it says.
    """

    ct: Path
    out: Path
    report: Path | None = None
    parts: Path | None = None
    source: Source = "auto"
    model: str | None = None
    device: str = "auto"

    @classmethod
    def from_arguments(cls, arguments: Mapping[str, Any]) -> SegmentRequest:
        """Make a request from a job's JSON arguments.

        Raises:
            InputError: an argument is missing or not known.
        """
        # Absolute, so that "-" is a file, not the worker's standard input, on which the messages come.
        paths: dict[str, Any] = {key: Path(arguments[key]).absolute() for key in _PATHS if arguments.get(key)}
        rest = {key: arguments[key] for key in ("source", "model", "device") if arguments.get(key)}
        if "ct" not in paths or "out" not in paths:
            raise InputError("A CT and a folder for the results are needed.", "Name both.")
        if rest.get("source", "auto") not in SOURCES:
            raise InputError(f"There is no source {rest['source']!r}.", f"Choose one of {', '.join(SOURCES)}.")
        return cls(**paths, **rest)


@dataclass
class _Case:
    """What is known of the case so far."""

    ct: Volume
    report_text: str
    reading: Reading
    parts: Parts
    warnings: list[str] = field(default_factory=list)


def segment_case(request: SegmentRequest, progress: Progress = no_progress) -> dict[str, Any]:
    """Segment one case and write every file of the contract, on the CT's own grid.

    Returns:
        A summary for people and machines: where the files are, lesions, agreement rows, warnings, seconds.

    Raises:
        InputError: something that was handed in cannot be used; then nothing was written.
        Cancelled: `progress` said so; then nothing was written.
    """
    clock = StageClock()
    refuse_to_overwrite_corrections(request.out)
    case = _load(request, clock, progress)
    why = _choose_source(request, case)
    with clock.stage("find"):
        found = find_lesions(case.ct, case.reading.lesions, case.parts, part_of(progress, 0.30, 0.80))
    if found.placed:
        case.warnings.append(BY_CONSTRUCTION)
    with clock.stage("agree"):
        progress("comparing", 0.80)
        agreement = agree_with_finder(case.reading, found, case.parts)
    outputs = Outputs(case.ct, case.parts, case.report_text, case.reading, found, agreement)
    run = _run_record(request, case, why)
    return write_outputs(request.out, outputs, run, clock, part_of(progress, 0.85, 1.0))


def _load(request: SegmentRequest, clock: StageClock, progress: Progress) -> _Case:
    with clock.stage("read report"):  # first, because it is quick to refuse
        progress("reading the report", 0.0)
        text = load_report(request.report) if request.report else ""
        reading = read_report(text) if request.report else Reading(status="not_read", reason="No report was given.")
    with clock.stage("read CT"):
        progress("reading the CT", 0.02)
        ct = read_ct(request.ct)
    with clock.stage("read parts"):
        progress("reading the parts", 0.20)
        telling = part_of(progress, 0.20, 0.30)
        parts = load_parts(request.parts, ct.grid, telling) if request.parts else no_parts(ct.grid)
    return _Case(ct, text, reading, parts, [*ct.notes, *parts.notes])


def _choose_source(request: SegmentRequest, case: _Case) -> str:
    """Why the finder is what finds the lesions, or an error that says what it lacks."""
    if request.model or request.source in ("model", "report"):
        raise InputError(
            "Segmenting with trained weights is not part of this version yet.",
            "Leave --model out and use --source finder with a report and part masks.",
        )
    if not request.report:
        raise InputError(
            "Without a trained model the lesions are found where the report says, and there is no report.",
            "Give it with --report FILE.",
        )
    if request.source == "finder" and not request.parts:
        raise InputError(
            "The finder needs masks of the organs that the report names.",
            "Give them with --parts: TotalSegmentator's output, masks of your own, or a box around the organ.",
        )
    if not request.parts:
        case.warnings.append("No part masks were given, so no lesion could be placed: give them with --parts.")
    if case.reading.status == "not_read":
        case.warnings.append(f"The report was not read, so no lesion was looked for. {case.reading.reason}")
    return "no trained model is installed; a report" + (" and part masks are there" if request.parts else " is there")


def _run_record(request: SegmentRequest, case: _Case, why: str) -> RunRecord:
    grid = case.ct.grid
    return RunRecord(
        rsuper=__version__,
        versions={"python": platform.python_version(), "numpy": np.__version__, "scipy": scipy.__version__},
        source=SourceRecord(requested=request.source, used="finder", why=why),
        model=ModelRecord(id=FINDER.id, name=FINDER.name, trained_on=FINDER.trained_on),
        device="cpu",
        ct=GridRecord(shape=grid.shape, spacing_mm=grid.spacing),
        parts=sorted(case.parts.names),
        warnings=_unique(case.warnings),
    )


def _unique(sentences: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(sentences))
