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
#: HU that lesions of an attenuation reach when they are many voxels wide.
_FLUID_HU, _FAT_HU, _CALCIFIED_HU, _GROUND_GLASS_HU = 8.0, -80.0, 250.0, -550.0
_SOLID_HU, _AERATED_LUNG_HU = 40.0, -850.0
#: HU by which a lesion may lie beyond that, and how softly that limit sets in.
_ROOM_HU, _SOFTNESS_HU = 25.0, 8.0
#: Without a HU of its own a lesion differs from its organ: a voxel counts from the first number of standard deviations
#: on, and fully at the second.
_DIFFERENT = (0.5, 3.0)
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

    It rises linearly from the organ's HU to the lesion's: a lesion a few voxels wide mixes with what is around it and
    reaches its own HU nowhere.

    Args:
        finding: its attenuation, kind and organ are used.
        hu: HU, any shape.
        tissue: what the organ's own tissue looks like.
    """
    kind = _appearance(finding)
    start = _AERATED_LUNG_HU if finding.organ == "lung" else tissue.centre
    if kind == "fluid" and start > _FLUID_HU:
        return _ramp(hu, start, _FLUID_HU) * rise((hu - _FLUID_HU + _ROOM_HU) / _SOFTNESS_HU)
    if kind == "fat" and start > _FAT_HU:
        return _ramp(hu, start, _FAT_HU)
    if kind == "calcified":
        return _ramp(hu, start, _CALCIFIED_HU)
    if kind == "ground_glass":
        return _ramp(hu, start, _GROUND_GLASS_HU) * rise((_GROUND_GLASS_HU / 2 - hu) / _SOFTNESS_HU)
    if finding.organ == "lung":
        return _ramp(hu, start, _SOLID_HU)
    return _against_tissue(kind, hu, tissue)


def _appearance(finding: Finding) -> str | None:
    """The stated attenuation; a cyst is fluid unless its report says otherwise."""
    if finding.kind == "cyst" and finding.attenuation in (None, "hypo"):
        return "fluid"
    return finding.attenuation


def _against_tissue(kind: str | None, hu: Floats, tissue: Tissue) -> Floats:
    z = (hu - tissue.centre) / tissue.deviation
    dark = _ramp(-z, *_DIFFERENT) * rise((hu - SOFT_TISSUE_HU[0]) / _SOFTNESS_HU)
    bright = _ramp(z, *_DIFFERENT)
    if kind == "hypo":
        return dark
    if kind == "hyper":
        return bright
    either: Floats = np.maximum(dark, (1.0 if kind == "mixed" else _BRIGHT_WEIGHT) * bright)
    return either


def _ramp(x: NDArray[Any], zero: float, one: float) -> Floats:
    """Linear from 0 to 1 between two values, in either direction."""
    ramp: Floats = np.clip((x - zero) / (one - zero), 0, 1).astype(np.float32)
    return ramp


def rise(x: NDArray[Any]) -> Floats:
    """Logistic step from 0 to 1."""
    step: Floats = (0.5 * (1 + np.tanh(0.5 * x))).astype(np.float32)
    return step
