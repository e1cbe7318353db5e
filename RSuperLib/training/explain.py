"""What one case teaches, told for a person: by organ, where what is known, what is looked for, and what is left out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from RSuperLib.anatomy import organ_parts
from RSuperLib.io import InputError
from RSuperLib.report import Finding
from RSuperLib.training.cases import LoadedCase
from RSuperLib.training.classes import OutputClass
from RSuperLib.training.geometry import TrainingGrid
from RSuperLib.training.prepare import _IMAGE_SLACK_MM
from RSuperLib.training.reported import reported_lesions
from RSuperLib.training.teaching import Silence, Target, Teaching, teaching

#: What a voxel is taught of an organ's lesions: values of `TaughtOrgan.levels`.
BACKGROUND, UNKNOWN, SEARCHED, LESION = range(4)


@dataclass(frozen=True)
class TaughtLesion:
    """One reported lesion as the losses use it; `slices` are first and last slice counted from the top, from 1."""

    words: str
    parts: tuple[str, ...]
    diameters_mm: tuple[float, float, float]
    volume_mm3: tuple[float, float | None]
    stated: bool
    certainty: float
    slices: tuple[int, int] | None


@dataclass(frozen=True)
class TaughtOrgan:
    """What is taught of the lesions of one organ.

    Attributes:
        levels: (i, j, k) uint8, `BACKGROUND` to `LESION`.
        inside: (i, j, k) bool, the organ; None without a mask of it.
        lesions: what is looked for.
        is_open: whether there may be more lesions than these.
        notes: what is left out and why, in plain sentences.
    """

    organ: str
    levels: NDArray[np.uint8]
    inside: NDArray[np.bool_] | None
    lesions: tuple[TaughtLesion, ...] = ()
    is_open: bool = False
    notes: tuple[str, ...] = field(default=())

    def as_json(self, voxel_ml: float) -> dict[str, Any]:
        """Millilitres of each kind, and the lesions."""
        names = ("taught_no_lesion", "unknown", "searched", "lesion_by_mask")
        volumes = np.bincount(self.levels.ravel(), minlength=4) * voxel_ml
        return {
            "organ": self.organ, "ml": {name: round(float(one), 1) for name, one in zip(names, volumes, strict=True)},
            "lesions": [vars(one) for one in self.lesions], "may_hold_more": self.is_open, "notes": list(self.notes),
        }  # fmt: skip


def explain_case(case: LoadedCase, silence: Silence = "unknown") -> list[TaughtOrgan]:
    """What masks and report teach of every organ that has part masks, or that either of them names.

    A case with lesion masks of an organ teaches by them; its report is then not looked at for that organ.

    Raises:
        InputError: there is neither report nor lesion mask.
    """
    if case.reading is None and case.annotation is None:
        raise InputError("The case has neither a report nor lesion masks.", "Add report.txt or lesions.nii.gz to it.")
    classes = [OutputClass(f"{organ}_lesion", organ) for organ in _organs(case)]  # type: ignore[arg-type]
    taught = teaching(case.reading, case.parts, classes, silence) if case.reading else Teaching()
    return [_taught(case, number, one, taught) for number, one in enumerate(classes)]


def _organs(case: LoadedCase) -> list[str]:
    """Organs with lesions first, then those that the report or the masks speak of and that have part masks."""
    lesions = [one.organ for one in case.reading.lesions] if case.reading else []
    told = [one.organ for one in case.reading.organs if one.organ != "upper_abdomen"] if case.reading else []
    masked = sorted(case.annotation.organs) if case.annotation else []
    having = [organ for organ in (*told, *masked) if case.parts.holds(organ_parts(organ))]
    return list(dict.fromkeys([*lesions, *having]))


def _taught(case: LoadedCase, number: int, one: OutputClass, taught: Teaching) -> TaughtOrgan:
    organ = str(one.organ)
    inside = case.parts.region(organ_parts(organ))
    levels = np.zeros(case.ct.grid.shape, np.uint8)
    if case.annotation and organ in case.annotation.organs:
        labels = [label for label, name in case.annotation.lesions.names.items() if name == organ]
        levels[np.isin(case.annotation.lesions.array, labels)] = LESION
        return TaughtOrgan(organ, levels, inside, notes=("Taught by lesion masks; its report is not needed.",))
    if case.reading is None or number in taught.unknown_everywhere:
        levels[:] = UNKNOWN
    elif (mask := taught.unknown.get(number)) is not None:
        levels[mask] = UNKNOWN
    targets = [target for target in taught.targets if target.channel == number]
    for target in targets:
        levels[target.region] = SEARCHED
    found = [_lesions_of(case, target) for target in targets]
    return TaughtOrgan(
        organ, levels, inside, tuple(lesion for lesions, _ in found for lesion in lesions),
        any(is_open for _, is_open in found), tuple(_notes(case, organ, levels, targets)),
    )  # fmt: skip


def _lesions_of(case: LoadedCase, target: Target) -> tuple[list[TaughtLesion], bool]:
    """The lesions of a region, and whether it may hold more."""
    spacing = case.ct.grid.spacing
    upright = int(np.abs(case.ct.grid.affine[2, :3] / spacing).argmax())
    grid = TrainingGrid.of(case.ct.grid, (spacing[upright], 1.0, 1.0))
    slack = math.ceil(_IMAGE_SLACK_MM / spacing[upright])
    lesions, is_open = [], False
    for finding in target.findings:

        def levels(image: int) -> tuple[int, int]:
            return round(grid.level(image)) - slack, round(grid.level(image)) + slack

        reported, more = reported_lesions(finding, levels if case.counts(finding.series) else None)
        is_open = is_open or more
        for one in reported:
            slices = _from_the_top(one.slices, grid.shape[0]) if one.slices else None
            size = (round(one.least_mm3), None if one.most_mm3 is None else round(one.most_mm3))
            lesions.append(
                TaughtLesion(_words(finding), target.parts, one.diameters_mm, size, one.stated, one.certainty, slices)
            )
    return lesions, is_open


def _from_the_top(levels: tuple[int, int], slices: int) -> tuple[int, int]:
    return max(slices - levels[1], 1), min(slices - levels[0], slices)


def _words(finding: Finding) -> str:
    return " ".join(finding.evidence[0].text.split())


def _notes(case: LoadedCase, organ: str, levels: NDArray[np.uint8], targets: Sequence[Target]) -> list[str]:
    if case.reading is None:
        return ["No report, and no masks of its lesions: nothing is taught."]
    if case.reading.status != "read":
        return [f"The report could not be read ({case.reading.reason}): nothing is taught."]
    notes = []
    used = {id(finding) for target in targets for finding in target.findings}
    for finding in case.reading.findings:
        if finding.organ != organ or id(finding) in used:
            continue
        why = "its part has no mask" if finding.is_lesion else _why_no_lesion(finding)
        notes.append(f"Left out: “{_words(finding)}” ({why}).")
    if not targets and (levels == UNKNOWN).all():
        notes.append("Nothing is taught anywhere: the report does not say enough, or the masks are missing.")
    elif (levels == UNKNOWN).any():
        notes.append("The report does not speak of all of it: those voxels teach nothing.")
    elif not targets:
        notes.append("The report calls it clear: every voxel is taught to hold no lesion.")
    return notes


def _why_no_lesion(finding: Finding) -> str:
    return f"it is {finding.presence}" if finding.temporality == "current" else f"it is {finding.temporality}"
