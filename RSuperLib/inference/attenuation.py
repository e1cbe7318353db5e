"""How likely a voxel is to belong to a lesion of the reported attenuation, from its HU and those of its organ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from RSuperLib.report import Finding

Floats = NDArray[np.float32]

#: HU of soft tissue and fluid, with room for noise and contrast; fat and gas lie below, bone and stones above.
SOFT_TISSUE_HU = (-40.0, 300.0)
#: HU of simple fluid, and how far noise and partial volume carry it.
_FLUID_HU, _FLUID_WIDTH = 8.0, 14.0
_FAT_HU, _FAT_WIDTH = (-130.0, -25.0), 10.0
_CALCIFIED_HU, _CALCIFIED_WIDTH = 160.0, 30.0
_GROUND_GLASS_HU, _GROUND_GLASS_WIDTH = (-750.0, -350.0), 60.0
#: Soft tissue in the lung starts half-way between aerated lung and soft tissue.
_SOLID_IN_LUNG_HU, _SOLID_IN_LUNG_WIDTH = -350.0, 60.0
#: A voxel counts as different from its organ from so many standard deviations on (likelihood 0.5), within so many.
_DIFFERENT, _STEP = 2.0, 0.5
#: Bright spots in an organ are mostly vessels: without a stated attenuation they count less than dark ones.
_BRIGHT_WEIGHT = 0.6


@dataclass(frozen=True)
class Tissue:
    """HU of an organ's own tissue: centre and standard deviation."""

    centre: float
    deviation: float


def tissue_of(values: NDArray[Any]) -> Tissue:
    """The tissue that fills most of a part: centre and width of the shortest interval with half of its soft voxels.

    This "shorth" ignores lesions, vessels and, if the part is only a box, most of what else lies in it; of normal
    values it spans 1.349 standard deviations.

    Args:
        values: HU of the part's voxels, any shape.
    """
    soft = np.sort(values[(values > SOFT_TISSUE_HU[0]) & (values < SOFT_TISSUE_HU[1])])
    if len(soft) < 8:
        return Tissue(50.0, 15.0)
    half = (len(soft) + 1) // 2
    widths = soft[half - 1 :] - soft[: len(soft) - half + 1]
    start = int(widths.argmin())
    return Tissue(float(np.median(soft[start : start + half])), max(float(widths[start]) / 1.349, 4.0))


def likelihood(finding: Finding, hu: Floats, tissue: Tissue) -> Floats:
    """Likelihood 0..1 of every voxel to belong to the finding, by its HU alone.

    Args:
        finding: its attenuation, kind and organ are used.
        hu: HU, any shape.
        tissue: what the organ's own tissue looks like.
    """
    kind = finding.attenuation or ("fluid" if finding.kind == "cyst" else None)
    if kind == "fluid":
        return _bell(hu, _FLUID_HU, _FLUID_WIDTH)
    if kind == "fat":
        return _band(hu, _FAT_HU, _FAT_WIDTH)
    if kind == "calcified":
        return rise((hu - _CALCIFIED_HU) / _CALCIFIED_WIDTH)
    if kind == "ground_glass":
        return _band(hu, _GROUND_GLASS_HU, _GROUND_GLASS_WIDTH)
    if finding.organ == "lung":
        return rise((hu - _SOLID_IN_LUNG_HU) / _SOLID_IN_LUNG_WIDTH)
    return _against_tissue(kind, hu, tissue)


def _against_tissue(kind: str | None, hu: Floats, tissue: Tissue) -> Floats:
    z = (hu - tissue.centre) / tissue.deviation
    dark = rise((-z - _DIFFERENT) / _STEP) * _band(hu, SOFT_TISSUE_HU, 10.0)
    bright = rise((z - _DIFFERENT) / _STEP)
    if kind == "hypo":
        return dark
    if kind == "hyper":
        return bright
    if kind == "iso":
        return _band(z.astype(np.float32), (-_DIFFERENT, _DIFFERENT), _STEP)
    return np.maximum(dark, _BRIGHT_WEIGHT * bright)


def rise(x: NDArray[Any]) -> Floats:
    """Logistic step from 0 to 1."""
    step: Floats = (0.5 * (1 + np.tanh(0.5 * x))).astype(np.float32)
    return step


def _band(x: Floats, limits: tuple[float, float], width: float) -> Floats:
    return rise((x - limits[0]) / width) * rise((limits[1] - x) / width)


def _bell(x: Floats, centre: float, width: float) -> Floats:
    bell: Floats = np.exp(-0.5 * ((x - centre) / width) ** 2).astype(np.float32)
    return bell
