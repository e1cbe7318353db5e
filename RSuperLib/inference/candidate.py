"""A place where a lesion may be: everything that is known of it between the search and the outline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from RSuperLib.inference.attenuation import Tissue
from RSuperLib.inference.region import SearchSpace
from RSuperLib.inference.sizes import ExpectedSize
from RSuperLib.report import Finding


@dataclass(frozen=True, eq=False)
class Candidate:
    """One ball.

    Attributes:
        finding: the finding that it may be a lesion of.
        centre: continuous CT voxel index.
        centre_mm: the same in RAS mm.
        size: the size that was looked for.
        score: mean likelihood inside less that around, 0 to 1.
        significance: the score in standard deviations of the scores of that size in that region.
        space: what was searched.
        tissue: the organ's own tissue in it.
    """

    finding: Finding
    centre: NDArray[np.float64]
    centre_mm: NDArray[np.float64]
    size: ExpectedSize
    score: float
    significance: float
    space: SearchSpace
    tissue: Tissue

    @property
    def radius_mm(self) -> float:
        """Radius of the sphere with the ball's volume."""
        return self.size.radius_mm
