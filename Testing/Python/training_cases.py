"""Tiny cases for the tests of the training: a liver with or without a bright ball in it, on real arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from RSuperLib.anatomy import Parts
from RSuperLib.io import Grid, LabelMap, Volume
from RSuperLib.report import Finding, Reading
from RSuperLib.report.schema import Evidence, OrganStatus
from RSuperLib.training import CaseLists, Geometry, SourceCase, TrainSettings, prepare_cases
from RSuperLib.training.cases import Annotation, LoadedCase

CLASSES = ("liver_lesion", "liver")
SHAPE = (28, 26, 24)
SPACING = 2.0


def toy_grid() -> Grid:
    """RAS axes, 2 mm."""
    return Grid(SHAPE, np.diag([SPACING, SPACING, SPACING, 1.0]))


def toy_case(seed: int, lesion: bool) -> LoadedCase:
    """A box of liver in air, a ball of 10 mm in it if there is a lesion; the reading says so, and how large it is."""
    random = np.random.default_rng(seed)
    hu = np.full(SHAPE, -1000.0)
    parts = np.zeros(SHAPE, np.uint8)
    parts[4:22, 4:20, 4:18] = 1
    hu[parts == 1] = 60
    labels = np.zeros(SHAPE, np.uint8)
    if lesion:
        centre = random.integers(8, 14, 3)
        distance = np.linalg.norm(np.stack(np.indices(SHAPE), -1) - centre, axis=-1) * SPACING
        labels[distance <= 5] = 1
        hu[labels == 1] = 160
    hu += random.normal(0, 8, SHAPE)
    grid = toy_grid()
    return LoadedCase(
        Volume(hu.astype(np.int16), grid),
        Parts.from_label_map(LabelMap(parts, grid, {1: "liver"})),
        Annotation(LabelMap(labels, grid, {1: "liver"}), frozenset({"liver"})),
        toy_reading([10.0] if lesion else None),
    )


def toy_reading(diameters: list[float] | None, **fields: Any) -> Reading:
    """A report of one liver lesion with these diameters, or of a clear liver."""
    evidence = Evidence(start=0, end=5, text="liver")
    if diameters is None:
        return Reading(organs=[OrganStatus(organ="liver", status="no_lesion", evidence=[evidence])])
    known: dict[str, Any] = {"count": 1, "multiplicity": "single", "size_kind": "exact"} | fields
    finding = Finding(lesion_id="L1", organ="liver", diameters_mm=diameters, evidence=[evidence], **known)
    return Reading(findings=[finding])


def toy_source(seed: int) -> SourceCase:
    """Even seeds have a lesion."""
    return SourceCase(f"toy_{seed:02d}", f"toy {seed}", 0, lambda: toy_case(seed, seed % 2 == 0))


def toy_geometry() -> Geometry:
    """Their own spacing."""
    return Geometry(CLASSES, (SPACING, SPACING, SPACING), (-991, 500))


def toy_lists(folder: Path, masks: int = 4, reports: int = 4) -> CaseLists:
    """Prepared cases: the first ones teach by masks, the next ones by reports."""
    paths = prepare_cases([toy_source(seed) for seed in range(masks + reports)], folder, toy_geometry())
    return CaseLists(paths[:masks], paths[masks:])


def toy_settings(**changes: Any) -> TrainSettings:
    """A run of a few fast steps on one thread."""
    values: dict[str, Any] = {
        "classes": list(CLASSES),
        "spacing_mm": (SPACING,) * 3,
        "batch": 2,
        "stages": [{"steps": 20, "learning_rate": 1e-2}],
        "network": {"name": "unet", "options": {"channels": [4, 8]}},
        "crop": {"patch": (16, 16, 16)},
        "machine": {"device": "cpu", "threads": 1},
        "validation": {"every": 0},
    }
    return TrainSettings.model_validate(values | changes)
