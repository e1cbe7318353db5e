"""The lesions that a finding reports, in numbers that a loss can use."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from pydantic import BaseModel, ConfigDict

from RSuperLib.report import Finding
from RSuperLib.supervision import LesionTarget
from RSuperLib.supervision.targets import RelativeAttenuation, ellipsoid_volume, unknown_lesion

#: Volume of a tumour over that of the ellipsoid of its own diameters, by how many of them are given (longest axial, its
#: perpendicular, craniocaudal): 5th and 95th percentile of 111 kidney tumours of KiTS19 (masks of 102 cases, components
#: from 100 mm3). How a radiologist measures is not in it.
VOLUME_OVER_ELLIPSOID = {1: (0.36, 0.92), 2: (0.56, 1.11), 3: (0.67, 1.06)}
#: How sure the words are; what a lesion teaches is weighed by it.
_CERTAINTY = {"present": 1.0, "probable": 0.8, "possible": 0.5}
_ATTENUATION: dict[str | None, RelativeAttenuation] = {
    "hypo": "hypo", "fluid": "hypo", "fat": "hypo", "iso": "iso", "hyper": "hyper", "calcified": "hyper",
}  # fmt: skip
#: Lesions of a group beyond these are only "more".
_MOST_OF_A_GROUP = 5


#: First and last z of the training grid that an image number may mean.
Levels = Callable[[int], tuple[int, int]]


class ReportedLesion(BaseModel):
    """One lesion that a report speaks of; sizes in mm and mm3, `slices` first and last z of the training grid.

    `most_mm3` is None where the size has no upper limit. Without `stated`, the diameters are not the report's own.
    """

    model_config = ConfigDict(extra="forbid")
    diameters_mm: tuple[float, float, float]
    least_mm3: float
    most_mm3: float | None
    stated: bool
    certainty: float = 1.0
    attenuation: RelativeAttenuation | None = None
    malignant: bool | None = None
    slices: tuple[int, int] | None = None

    def target(self, part: int, scale: float, shift: int | None) -> LesionTarget:
        """The lesion as the losses want it.

        Args:
            part: the region's number in the sample.
            scale: millimetres in the patch for one in the case.
            shift: first z of the patch in the case; None if z is not kept.
        """
        slices = None
        if self.slices is not None and shift is not None:
            slices = (self.slices[0] - shift, self.slices[1] - shift)
        first, second, third = (one * scale for one in self.diameters_mm)
        most = math.inf if self.most_mm3 is None else self.most_mm3 * scale**3
        return LesionTarget(
            part, (first, second, third), (self.least_mm3 * scale**3, most), self.certainty, self.attenuation,
            self.malignant, slices,
        )  # fmt: skip


def reported_lesions(finding: Finding, levels: Levels | None = None) -> tuple[list[ReportedLesion], bool]:
    """The lesions of a finding, and whether there may be more of them than that.

    A group gives its largest member; the others are lesions of unknown size.

    Args:
        finding: what was read.
        levels: what the report's image numbers mean; None if that is not known.
    """
    common = {
        "certainty": _CERTAINTY[finding.presence],
        "attenuation": _ATTENUATION.get(finding.attenuation),
        "malignant": {"malignant": True, "benign": False}.get(finding.malignancy),
    }
    first = _sized(finding).model_copy(
        update=common | {"slices": levels(finding.image) if levels and finding.image else None}
    )
    count = min(finding.count or 1, _MOST_OF_A_GROUP)
    others = [_unknown().model_copy(update=common) for _ in range(count - 1)]
    more = finding.count_kind in ("at_least", "about", "multiple") or (finding.count or 1) > _MOST_OF_A_GROUP
    return [first, *others], more or (finding.multiplicity == "multiple" and finding.count is None)


def reported_diameters(sizes: Sequence[float]) -> tuple[float, float, float]:
    """Three diameters in mm out of one, two or three: a missing third is the mean of two, as published."""
    if len(sizes) == 3:
        return sizes[0], sizes[1], sizes[2]
    return sizes[0], sizes[-1], (sizes[0] + sizes[-1]) / 2


def _sized(finding: Finding) -> ReportedLesion:
    """The lesion of the finding's size: its volume is an interval, open above for "at least" and unknown sizes."""
    low, high = finding.size_min_mm, finding.size_max_mm
    sizes = finding.diameters_mm or [one for one in (high or low,) if one]
    if not sizes:
        return _unknown()
    diameters = reported_diameters(sizes)
    least, most = (share * ellipsoid_volume(diameters) for share in VOLUME_OVER_ELLIPSOID[len(sizes)])
    narrow, wide = VOLUME_OVER_ELLIPSOID[1]
    if finding.size_kind in ("range", "qualitative", "upper_bound"):
        least = narrow * ellipsoid_volume((low,) * 3) if low else min(least, _unknown().least_mm3)
        most = wide * ellipsoid_volume((high,) * 3) if high else most
    has_limit = finding.size_kind != "lower_bound" and not (finding.size_kind == "qualitative" and high is None)
    return ReportedLesion(
        diameters_mm=diameters, least_mm3=min(least, most), most_mm3=most if has_limit else None,
        stated=finding.size_kind == "exact" or bool(finding.diameters_mm and finding.size_kind == "not_stated"),
    )  # fmt: skip


def _unknown() -> ReportedLesion:
    lesion = unknown_lesion()
    return ReportedLesion(diameters_mm=lesion.diameters_mm, least_mm3=lesion.volume_mm3[0], most_mm3=None, stated=False)
