"""What a user can ask of a phantom."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from RSuperLib.io import InputError

Size = Literal["small", "full"]
Phase = Literal["arterial", "portal", "none"]
PhaseChoice = Literal["any", "arterial", "portal", "none"]

#: Organs that phantoms can have lesions in.
LESION_ORGANS = ("liver", "kidney", "lung", "pancreas", "spleen", "adrenal", "colon", "stomach")


@dataclass(frozen=True)
class PhantomSettings:
    """Everything but the seed that decides what a phantom is.

    Attributes:
        size: `small` = voxels of about 3 mm, for tests and demo training; `full` = clinical voxels.
        prevalence: probability that a phantom has a lesion that its report mentions (0 to 1). The default is the
            share of CTs with a lesion in the R-Super public per-CT table (25,154 CTs).
        phase: contrast phase, or `any` for a random one.
        organs: organs that may have lesions (see `LESION_ORGANS`).
        max_lesions: most lesions of one phantom.
        contrast: factor on the difference between a lesion and its organ; below 1 lesions are harder to see.
        geometry: folder of label maps (1 = organ, 2 = tumour) whose tumours lend lesions their shape and size.
        distractors: whether calcifications, stones and unreported cysts appear.

    Raises:
        InputError: a value is out of range.
    """

    size: Size = "small"
    prevalence: float = 0.67
    phase: PhaseChoice = "any"
    organs: tuple[str, ...] = LESION_ORGANS
    max_lesions: int = 12
    contrast: float = 1.0
    geometry: Path | None = None
    distractors: bool = True

    def __post_init__(self) -> None:
        _one_of("size", self.size, get_args(Size))
        _one_of("phase", self.phase, get_args(PhaseChoice))
        for organ in self.organs:
            _one_of("organ", organ, LESION_ORGANS)
        if not self.organs:
            raise InputError("No organ was named.", f"Choose among {', '.join(LESION_ORGANS)}.")
        if not 0 <= self.prevalence <= 1:
            raise InputError("The prevalence is not between 0 and 1.", "Give a probability such as 0.67.")
        if not 0 < self.contrast <= 3:
            raise InputError("The contrast is not between 0 and 3.", "1 is realistic, 0.5 is hard.")
        if not 1 <= self.max_lesions <= 50:
            raise InputError("The largest number of lesions is not between 1 and 50.", "Give a number such as 12.")

    def as_json(self) -> dict[str, Any]:
        """The settings as they stand in `truth.json`; of the geometry folder only the name, for privacy."""
        values = asdict(self)
        return values | {"organs": list(self.organs), "geometry": self.geometry.name if self.geometry else None}


def _one_of(what: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise InputError(f"Phantoms have no {what} '{value}'.", f"Choose among {', '.join(allowed)}.")
