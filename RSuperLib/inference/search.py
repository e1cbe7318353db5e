"""Candidate places for a finding: the best balls of its possible sizes in the region that the report names."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from RSuperLib.anatomy import Parts
from RSuperLib.inference.attenuation import Tissue, likelihood, tissue_of
from RSuperLib.inference.ball import ball_kernels, ball_scores, passing_through, peaks
from RSuperLib.inference.candidate import Candidate
from RSuperLib.inference.region import (
    Box,
    Mask,
    PackedRegion,
    Region,
    SearchSpace,
    outlined,
    part_names,
    region_of,
    search_space,
)
from RSuperLib.inference.sizes import ExpectedSize
from RSuperLib.io import Volume
from RSuperLib.report import Finding

#: A ball that scores less does not stand out from what lies around it.
LEAST_SCORE = 0.12
#: What passes through a ball lowers its score by this share: half of a vessel's two ends lie in the shell as it is.
_PASSING = 0.3
#: Scores of a region without any structure or noise still differ by so much.
_LEAST_NOISE = 0.01
#: Of several possible sizes, those with fewer voxels across are not tried: noise is full of such balls.
_FEWEST_VOXELS_ACROSS = 2.0
#: From this share of its organ's mask on, a lesion is looked for by the organ's shape.
_MOST_OF_ORGAN = 0.5
#: Lung masks leave lesions out, not vessels: what they hold counts less.
_IN_LUNG_MASK = 0.75
#: Places of one size are at least this many radii apart.
_APART = 0.7


Floats = NDArray[np.float32]


@dataclass
class Searcher:
    """Looks for the lesions of one CT; regions and cut-outs are kept for the next finding in the same place."""

    ct: Volume
    parts: Parts
    _regions: dict[tuple[object, ...], PackedRegion | None] = field(default_factory=dict)
    _spaces: dict[tuple[object, ...], tuple[SearchSpace, Tissue]] = field(default_factory=dict)

    def region(self, finding: Finding) -> Region | None:
        """Where to look for the finding; None if no mask leads there."""
        key = self._place(finding)
        if key not in self._regions:
            region = region_of(finding, self.parts)
            if region:
                region = outlined(region, self.ct.array, self.ct.grid)
            self._regions[key] = PackedRegion(region) if region else None
        packed = self._regions[key]
        return packed.unpacked() if packed else None

    def places(self, finding: Finding, sizes: list[ExpectedSize], count: int) -> list[Candidate]:
        """The best places of a finding over all sizes, the most significant first; none if nothing stands out."""
        smallest_mm = _FEWEST_VOXELS_ACROSS * float(np.cbrt(self.ct.grid.voxel_volume_mm3))
        resolved = [size for size in sizes if 2 * size.radius_mm >= smallest_mm] or sizes[-1:]
        found = [candidate for size in resolved for candidate in self._places(finding, size, count)]
        return sorted(found, key=lambda candidate: -candidate.significance)[:count]

    def extent(self, candidate: Candidate, box: Box) -> Mask:
        """Which voxels of a box of the CT the lesion may have."""
        region = self.region(candidate.finding)
        allowed = candidate.space.reach_in(box)
        if region is not None:
            allowed = (allowed | region.organ[box]) & ~region.taken[box]
        return allowed

    def _places(self, finding: Finding, size: ExpectedSize, count: int) -> list[Candidate]:
        searched = self._space(finding, size.radius_mm)
        if searched is None:
            return []
        space, tissue = searched
        like, trust = self._likelihood(finding, size, space, tissue)
        kernels = ball_kernels(space.axes_mm, size.axial_mm, size.craniocaudal_mm)
        scores = ball_scores(like, trust, kernels)
        radii = _APART * size.radius_mm / np.array(space.spacing)
        centres = peaks(scores, space.centres & (scores >= LEAST_SCORE), radii, 3 * count)
        level, noise = _background(scores[space.extent])
        found = []
        for index in centres:
            score = float(scores[index]) - _PASSING * passing_through(like, trust, kernels, index)
            if score > LEAST_SCORE:
                centre = space.to_ct(index)
                place = (centre, self.ct.grid.to_world(centre), size, score, (score - level) / noise)
                found.append(Candidate(finding, *place, space, tissue))
        return found

    def _likelihood(
        self, finding: Finding, size: ExpectedSize, space: SearchSpace, tissue: Tissue
    ) -> tuple[Floats, Floats]:
        """Likelihood of every voxel, and how far it is known."""
        if fills_organ(size, space):
            return space.extent.astype(np.float32), np.ones_like(space.trust)
        like = likelihood(finding, space.hu, tissue) * space.trust
        if finding.organ == "lung":
            like[space.tissue] *= _IN_LUNG_MASK
        return like, space.trust

    def _space(self, finding: Finding, radius_mm: float) -> tuple[SearchSpace, Tissue] | None:
        key = (*self._place(finding), round(radius_mm, 1))
        if key not in self._spaces:
            region = self.region(finding)
            if region is None:
                return None
            space = search_space(self.ct.array, self.ct.grid, region, radius_mm)
            self._spaces[key] = (space, tissue_of(space.hu[space.tissue]))
        return self._spaces[key]

    def _place(self, finding: Finding) -> tuple[object, ...]:
        """Findings with the same one are looked for in the same region, whatever parts without a mask they name."""
        return finding.organ, finding.laterality, part_names(finding, self.parts)


def fills_organ(size: ExpectedSize, space: SearchSpace) -> bool:
    """Whether a lesion would make up most of its organ's mask: then no healthy tissue is left to compare it with.

    Such a lesion is where the organ is as thick as the lesion, whatever its HU.
    """
    organ_mm3 = float(space.tissue.sum() * np.prod(space.spacing))
    return 4 / 3 * np.pi * size.radius_mm**3 > _MOST_OF_ORGAN * organ_mm3


def _background(scores: NDArray[np.float32]) -> tuple[float, float]:
    """Median of the scores of a region, and their standard deviation upwards (by the 95th percentile)."""
    if not scores.size:
        return 0.0, _LEAST_NOISE
    level = float(np.median(scores))
    return level, max((float(np.percentile(scores, 95)) - level) / 1.645, _LEAST_NOISE)
