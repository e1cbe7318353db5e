"""Phantoms, made from a seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from RSuperLib.anatomy import craniocaudal_extent
from RSuperLib.io import LabelMap, Volume
from RSuperLib.phantom.body import paint_body
from RSuperLib.phantom.canvas import Canvas
from RSuperLib.phantom.distractors import DistractorPainter
from RSuperLib.phantom.facts import Facts
from RSuperLib.phantom.lesions import LesionPainter, PlacedLesion, plan_lesions
from RSuperLib.phantom.parts import ORGAN_PARTS, PAIRED_ORGANS, PART_LABELS, PART_NAMES, organ_labels
from RSuperLib.phantom.patient import Patient, make_patient
from RSuperLib.phantom.report import WrittenReport, as_records, write_report
from RSuperLib.phantom.scanner import file_grid, random_orientation, scan, to_file_axes
from RSuperLib.phantom.settings import PhantomSettings
from RSuperLib.phantom.shapes import tumours_of_folder

SCHEMA_VERSION = 1
#: Below this many voxels across a lesion is no more than noise.
_LEAST_VOXELS_ACROSS = 2.4
#: So many times lesions are drawn anew when none of them finds room.
_PLANS = 10
_SMALLEST_MM = 4.0


@dataclass(frozen=True)
class Phantom:
    """A made-up patient. All maps lie on the CT's grid.

    Attributes:
        ct: int16 HU.
        parts: uint8 labels of anatomical parts, with their names; tumours belong to solid organs, not to lungs.
        lesions: uint16, k = lesion k: every focal lesion that the report mentions, cysts too.
        report: a report that is true of the image.
        truth: what was made and what the report says of it (contents of `truth.json`, see Docs/phantoms.md).
    """

    ct: Volume
    parts: LabelMap
    lesions: LabelMap
    report: str
    truth: dict[str, Any]


def make_phantom(seed: int, settings: PhantomSettings | None = None) -> Phantom:
    """Make the phantom of a seed. The same seed and settings give the same phantom.

    Args:
        seed: 0 or more.
        settings: see `PhantomSettings`; None = the defaults.

    Raises:
        InputError: the geometry folder has no tumours.
    """
    settings = settings or PhantomSettings()
    if settings.geometry:
        tumours_of_folder(settings.geometry)
    patient = make_patient(seed, settings)
    canvas = paint_body(patient, settings.size)
    painter = _paint_lesions(canvas, patient, settings)
    distractors = _paint_distractors(canvas, patient, painter, settings)
    facts = _gather_facts(canvas, patient, painter, distractors)
    report = write_report(facts, patient.random("report"))
    return _assemble(canvas, patient, painter, distractors, report, settings)


def _paint_lesions(canvas: Canvas, patient: Patient, settings: PhantomSettings) -> LesionPainter:
    painter = LesionPainter(canvas, patient, settings)
    random = patient.random("lesions")
    smallest = max(_SMALLEST_MM, _LEAST_VOXELS_ACROSS * canvas.edge)
    if random.random() >= settings.prevalence:
        return painter
    for _ in range(_PLANS):
        for plan in plan_lesions(settings, smallest, random):
            painter.place(plan, random)
        if painter.placed:
            break
    return painter


def _paint_distractors(
    canvas: Canvas, patient: Patient, painter: LesionPainter, settings: PhantomSettings
) -> DistractorPainter:
    distractors = DistractorPainter(canvas, patient)
    if settings.distractors:
        random = patient.random("distractors")
        distractors.paint_calcifications()
        organs = [organ for organ in ("liver", "kidney") if random.random() < 0.12]
        distractors.paint_unreported_cysts(organs, painter.labels)
    return distractors


def _gather_facts(canvas: Canvas, patient: Patient, painter: LesionPainter, distractors: DistractorPainter) -> Facts:
    levels = {}
    for side in ("left", "right"):
        mask = canvas.part == PART_LABELS[f"kidney_{side}"]
        slices = np.flatnonzero(mask.any((0, 1)))
        levels[side] = (float(slices.min()), float(slices.max())) if len(slices) else (0.0, 1.0)
    return Facts(
        lesions=tuple(painter.placed),
        slices=canvas.shape[2],
        slice_mm=canvas.spacing[2],
        phase=patient.phase,
        clear=_clear_organs(canvas, painter.placed, distractors),
        gallbladder=patient.gallbladder,
        lengths_mm=_lengths(canvas),
        kidney_levels=levels,
        fatty_liver=patient.phase == "none" and patient.tissue["liver"] < 42,
        aortic_calcification=any(item["kind"] == "calcification" for item in distractors.painted),
        stones=tuple(distractors.stones),
    )


def _clear_organs(canvas: Canvas, lesions: list[PlacedLesion], distractors: DistractorPainter) -> frozenset[str]:
    """Organs in the image without lesion, unreported cyst or stone; "kidney left" where one side is clear."""
    touched = {lesion.organ for lesion in lesions} | {
        str(item["organ"]) for item in distractors.painted if item["organ"] != "aorta"
    }
    present = {organ for organ in ORGAN_PARTS if np.isin(canvas.part, organ_labels(organ)).any()}
    clear = present - touched
    for organ in set(PAIRED_ORGANS) & touched:
        if organ in {str(item["organ"]) for item in distractors.painted}:
            continue
        sides = {lesion.side for lesion in lesions if lesion.organ == organ}
        clear |= {f"{organ} {side}" for side in ("left", "right") if side not in sides}
    return frozenset(clear)


def _lengths(canvas: Canvas) -> dict[str, float]:
    """Craniocaudal extents of liver and spleen where they end inside the image."""
    lengths = {}
    for organ in ("liver", "spleen"):
        mask = np.isin(canvas.part, organ_labels(organ))
        if not mask[:, :, (0, -1)].any() and mask.any():
            lengths[organ] = craniocaudal_extent(mask, canvas.spacing[2])
    return lengths


def _assemble(
    canvas: Canvas,
    patient: Patient,
    painter: LesionPainter,
    distractors: DistractorPainter,
    report: WrittenReport,
    settings: PhantomSettings,
) -> Phantom:
    random = patient.random("file")
    order, flips = random_orientation(random)
    grid = file_grid(canvas.shape, canvas.spacing, order, flips, np.round(random.uniform(-250, 50, 3), 2))

    def turn(array: NDArray[Any]) -> NDArray[Any]:
        return to_file_axes(array, order, flips)

    present = [int(label) for label in np.unique(canvas.part) if label]
    truth = {
        "schema_version": SCHEMA_VERSION,
        "seed": patient.seed,
        "settings": settings.as_json(),
        "phase": patient.phase,
        "spacing_mm": list(grid.spacing),
        "slice_mm": canvas.spacing[2],
        "age": patient.age,
        "lesions": _lesion_records(painter.placed, report),
        "findings": as_records(report),
        "organs": [status.model_dump(mode="json") for status in report.organs],
        "distractors": [
            {"kind": item["kind"], "organ": item["organ"], "diameter_mm": item["diameter_mm"],
             "centre": _file_index(item["centre"], canvas.shape, order, flips)}
            for item in distractors.painted
        ],
    }  # fmt: skip
    return Phantom(
        ct=Volume(turn(scan(canvas, patient)), grid),
        parts=LabelMap(turn(canvas.part), grid, {label: PART_NAMES[label] for label in present}),
        lesions=LabelMap(turn(painter.labels), grid),
        report=report.text,
        truth=truth,
    )


def _file_index(
    index: list[int], shape: tuple[int, int, int], order: tuple[int, int, int], flips: tuple[bool, bool, bool]
) -> list[int]:
    flipped = [n - 1 - i if flip else i for i, n, flip in zip(index, shape, flips, strict=True)]
    return [int(flipped[axis]) for axis in order]


def _lesion_records(lesions: list[PlacedLesion], report: WrittenReport) -> list[dict[str, Any]]:
    records = []
    for lesion in lesions:
        number = next(n for n, labels in enumerate(report.labels) if lesion.label in labels)
        finding = report.findings[number]
        records.append(
            {
                "label": lesion.label,
                "organ": lesion.organ,
                "parts": list(lesion.parts),
                "laterality": lesion.side,
                "kind": lesion.entity.kind,
                "attenuation": lesion.attenuation,
                "volume_mm3": round(lesion.volume_mm3, 2),
                "diameters_mm": list(lesion.diameters_mm),
                "report": {
                    "finding": finding.lesion_id,
                    "size_text": report.size_texts[number],
                    "diameters_mm": finding.diameters_mm,
                    "sized": bool(finding.diameters_mm) and lesion.label == report.labels[number][0],
                    "grouped": len(report.labels[number]) > 1,
                    "presence": finding.presence,
                },
            }
        )
    return records
