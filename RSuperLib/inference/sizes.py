"""How large the lesion of a finding is expected to be: diameters, and the interval that its volume lies in."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log, pi, sqrt

import numpy as np

from RSuperLib.report import Finding

#: True volume of a tumour divided by the volume of the sphere (1 diameter: the longest axial one) or ellipsoid (2: with
#: its perpendicular, the third being their mean; 3: with the craniocaudal one). 2.5th, 50th and 97.5th percentile of
#: the 111 tumours in the expert masks of the first 100 patients of KiTS19.
VOLUME_RATIO = {1: (0.34, 0.63, 1.00), 2: (0.51, 0.87, 1.25), 3: (0.63, 0.86, 1.07)}

#: 10th and 95th percentile of an organ's largest lesion, mm, for findings without a size: 25,154 abdominal CTs of the
#: per-CT table that R-Super publishes.
USUAL_DIAMETERS = {
    "liver": (6.0, 87.0),
    "pancreas": (5.0, 97.0),
    "kidney": (5.0, 64.0),
    "colon": (11.0, 100.0),
    "esophagus": (10.0, 45.0),
    "uterus": (10.0, 97.0),
    "spleen": (6.0, 126.0),
    "adrenal": (8.0, 41.0),
    "bladder": (6.0, 78.0),
    "gallbladder": (4.0, 76.0),
    "breast": (9.0, 55.0),
    "stomach": (10.0, 140.0),
    "lung": (3.0, 25.0),
    "bone": (6.0, 54.0),
    "prostate": (22.0, 77.0),
    "duodenum": (9.0, 60.0),
}
_USUAL_ELSEWHERE = (6.0, 87.0)
#: Of a size that is not known, balls this factor apart are tried.
_STEP = 1.5

#: "Less than 5 mm" and "more than 5 cm" leave the other end open; the other end is taken this factor away.
_OPEN_END = 2.0


@dataclass(frozen=True)
class ExpectedSize:
    """One size that a lesion may have.

    Attributes:
        axial_mm: diameter in the axial plane (geometric mean of longest and perpendicular).
        craniocaudal_mm: diameter along the body.
        volume_mm3: smallest and largest volume.
    """

    axial_mm: float
    craniocaudal_mm: float
    volume_mm3: tuple[float, float]

    @property
    def radius_mm(self) -> float:
        """Radius of the sphere with the ellipsoid's volume."""
        return float(np.cbrt(self.axial_mm**2 * self.craniocaudal_mm)) / 2


def expected_sizes(finding: Finding) -> list[ExpectedSize]:
    """The sizes to try for a finding: one where the report gives diameters, else a few over what is possible."""
    if finding.diameters_mm:
        return [_measured(sorted_diameters(finding.diameters_mm), finding)]
    if finding.size_min_mm or finding.size_max_mm:
        low = finding.size_min_mm or (finding.size_max_mm or 0) / _OPEN_END
        high = finding.size_max_mm or low * _OPEN_END
    else:
        low, high = USUAL_DIAMETERS.get(finding.organ, _USUAL_ELSEWHERE)
    return _series(low, high)


def smaller_sizes(finding: Finding) -> list[ExpectedSize]:
    """The sizes of the further lesions of a group, whose size is that of its largest."""
    largest = max(finding.diameters_mm, default=0.0)
    if not largest:
        return expected_sizes(finding)
    return _series(largest / 3, largest)


def sorted_diameters(diameters_mm: list[float]) -> list[float]:
    """The first two, which are axial by convention, with the longer one first; then the craniocaudal one."""
    return sorted(diameters_mm[:2], reverse=True) + diameters_mm[2:]


def ellipsoid_volume(diameters_mm: list[float]) -> float:
    """Volume in mm3 of one to three diameters: (d,d,d), (a,b,(a+b)/2), (a,b,c); R-Super's convention."""
    longest = diameters_mm[0]
    across = diameters_mm[1] if len(diameters_mm) > 1 else longest
    third = diameters_mm[2] if len(diameters_mm) > 2 else (longest + across) / 2
    return pi / 6 * longest * across * third


def _measured(diameters: list[float], finding: Finding) -> ExpectedSize:
    low, median, high = VOLUME_RATIO[len(diameters)]
    volume = ellipsoid_volume(diameters)
    # A single longest diameter overstates the sphere: the ball has the median volume of real tumours.
    shrink = median ** (1 / 3) if len(diameters) == 1 else 1.0
    axial = shrink * (sqrt(diameters[0] * diameters[1]) if len(diameters) > 1 else diameters[0])
    craniocaudal = diameters[2] if len(diameters) == 3 else axial
    bounds = (finding.size_min_mm, finding.size_max_mm) if finding.size_kind == "range" else (None, None)
    least = (bounds[0] / max(diameters)) ** 3 if bounds[0] else 1.0
    most = (bounds[1] / max(diameters)) ** 3 if bounds[1] else 1.0
    return ExpectedSize(axial, craniocaudal, (volume * low * min(least, 1.0), volume * high * max(most, 1.0)))


def _series(low: float, high: float) -> list[ExpectedSize]:
    """Balls from the smallest to the largest diameter, each with the volumes that are nearer to it than to the next."""
    count = max(1, ceil(log(high / low) / log(_STEP))) + 1
    diameters = np.geomspace(low, high, count) if high > low else [high]
    shrink = VOLUME_RATIO[1][1] ** (1 / 3)
    return [
        ExpectedSize(
            float(diameter) * shrink,
            float(diameter) * shrink,
            (
                pi / 6 * (diameter / _STEP) ** 3 * VOLUME_RATIO[1][0],
                pi / 6 * (diameter * _STEP) ** 3 * VOLUME_RATIO[1][2],
            ),
        )
        for diameter in diameters
    ]
