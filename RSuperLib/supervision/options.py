"""What the losses can be told to do, one frozen set of options a loss; the defaults are "rsuper"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: "reference" = as published, to the last digit; "rsuper" = with the departures of Docs/method.md.
Mode = Literal["rsuper", "reference"]


@dataclass(frozen=True)
class SegmentationOptions:
    """Departures of the voxel loss.

    Attributes:
        empty_dice_mm3: false volume at which the Dice of an absent class is half-way to 1; 0 = no gradient there, as
            published.
    """

    empty_dice_mm3: float = 500.0

    @classmethod
    def published(cls) -> SegmentationOptions:
        """As published."""
        return cls(empty_dice_mm3=0.0)
