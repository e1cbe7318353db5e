"""The whole patient on a grid, without lesions, blur and noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from RSuperLib.phantom import bowel, organs, torso, vessels
from RSuperLib.phantom.canvas import Canvas
from RSuperLib.phantom.patient import Patient
from RSuperLib.phantom.settings import Size

_MOST_VOXELS = 30e6
#: Smooth displacement that makes each patient's anatomy different: (wavelength mm, standard deviation mm).
_WARPS = [(90.0, 5.0), (38.0, 1.6)]


def paint_body(patient: Patient, size: Size) -> Canvas:
    """Paint a patient.

    Returns:
        Canvas with HU and parts; where it is free, `occupied` is positive.
    """
    canvas = _empty_canvas(patient, size)
    below = torso.paint_torso(canvas, patient)
    vessels.paint_lung_vessels(canvas, patient)
    canvas.occupy(canvas.everywhere, -below)
    vessels.paint_great_vessels(canvas, patient)
    organs.paint_kidneys(canvas, patient)
    organs.paint_adrenals(canvas, patient)
    vessels.paint_portal_vein(canvas, patient)
    organs.paint_pancreas(canvas, patient)
    organs.paint_gallbladder(canvas, patient)
    organs.paint_spleen(canvas, patient)
    organs.paint_liver(canvas, patient)
    bowel.paint_duodenum(canvas, patient)
    bowel.paint_stomach(canvas, patient)
    bowel.paint_colon(canvas, patient)
    bowel.paint_small_bowel(canvas, patient)
    bowel.paint_mesentery(canvas, patient)
    return canvas


def _empty_canvas(patient: Patient, size: Size) -> Canvas:
    random = patient.random("grid")
    scale = np.array(patient.scale)
    half = (np.array(torso.CAVITY) + 14 + (patient.fat * 1.1, patient.fat * 1.25)) * scale[:2] + 12
    low = np.array([-half[0], -half[1], random.uniform(-130, -105) * scale[2]])
    high = np.array([half[0], half[1] + 8 * scale[1], random.uniform(105, 135) * scale[2]])
    spacing = _spacing(random, size, high - low)
    shape = np.ceil((high - low) / spacing).astype(int)
    return Canvas(
        (int(shape[0]), int(shape[1]), int(shape[2])),
        (float(spacing[0]), float(spacing[1]), float(spacing[2])),
        low,
        scale,
        _WARPS,
        patient.random("warp"),
    )


def _spacing(random: np.random.Generator, size: Size, extent: NDArray[np.float64]) -> NDArray[np.float64]:
    """Voxel size in mm: clinical ranges for `full`, about 3 mm for `small`."""
    if size == "small":
        plane, slices = random.uniform(2.6, 3.2), random.choice([2.5, 3.0, 3.5, 4.0])
    else:
        plane = float(np.clip(random.normal(0.84, 0.12), 0.7, 1.5))
        slices = random.choice([0.8, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 5.0])
        slices = max(slices, float(np.prod(extent)) / plane**2 / _MOST_VOXELS)
    return np.round(np.array([plane, plane, slices]), 4)
