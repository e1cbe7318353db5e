"""What is true of a phantom's image and may therefore stand in its report."""

from __future__ import annotations

from dataclasses import dataclass

from RSuperLib.phantom.lesions import PlacedLesion
from RSuperLib.phantom.settings import Phase


@dataclass(frozen=True)
class Stone:
    """A stone in a kidney's pelvis: its side and its longest diameter on the painted voxels in mm."""

    side: str
    diameter_mm: float


@dataclass(frozen=True)
class Facts:
    """Everything that the report writer may use; it knows nothing else of the patient.

    Attributes:
        lesions: all lesions.
        slices: number of axial slices; image 1 is the topmost.
        slice_mm: distance of the slices.
        phase: contrast phase.
        clear: organs, or (organ, side) as "kidney left", that hold no focal lesion of any sort.
        gallbladder: whether it is there.
        lengths_mm: measured craniocaudal extents by organ (liver, spleen), of organs wholly in the image.
        kidney_levels: lowest and highest slice index of each kidney by side.
        fatty_liver: whether the liver is dark without contrast.
        aortic_calcification: whether plaques were painted.
        stones: stones in the kidneys.
    """

    lesions: tuple[PlacedLesion, ...]
    slices: int
    slice_mm: float
    phase: Phase
    clear: frozenset[str]
    gallbladder: bool
    lengths_mm: dict[str, float]
    kidney_levels: dict[str, tuple[float, float]]
    fatty_liver: bool
    aortic_calcification: bool
    stones: tuple[Stone, ...]
