"""What the losses can be told to do: one frozen set of options a loss. The defaults are mode "rsuper".

Every departure from the published method is an option, so that it can be switched off alone (an ablation).
"""

from __future__ import annotations

from dataclasses import dataclass, field
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


@dataclass(frozen=True)
class BallOptions:
    """Departures of the ball loss.

    Attributes:
        reported_volume: ask for the reported volume; off: for the ball of the largest diameter, as published.
        inside_part: centres lie in the part grown by `centre_mm`; off: wherever its growth by `grow_mm` reaches.
        ellipsoid: look for the lesion in the ellipsoid of its diameters; off: in the ball of the largest.
        own_counts: foreground and background are means over their own voxels; off: over all voxels of the crop.
        joint: all lesions of a channel are placed together and apart; off: the largest first, on what others leave.
        empty_dice_mm3: as for `SegmentationOptions`.
        grow_mm: how far beyond its part a lesion may reach.
        centre_mm: how far beyond its part a lesion may be centred.
        margin: how much longer than the lesion its envelope is.
        border_mm: voxels so near to a lesion are neither lesion nor background.
        rank_share: the least likely voxel of a lesion weighs 1 - rank_share of the likeliest; 0 = all the same.
        compactness: probability by which a voxel on the lesion's surface counts less than one in its centre: where the
            output is flat, lesions are compact.
    """

    reported_volume: bool = True
    inside_part: bool = True
    ellipsoid: bool = True
    own_counts: bool = True
    joint: bool = True
    empty_dice_mm3: float = 500.0
    grow_mm: float = 15.0
    centre_mm: float = 5.0
    margin: float = 0.2
    border_mm: float = 3.0
    rank_share: float = 0.5
    compactness: float = 0.1


@dataclass(frozen=True)
class VolumeOptions:
    """Departures of the volume loss.

    Attributes:
        negatives: channels without a reported lesion are taught volume 0; off: nothing, as published.
        active_only: mean over the channels that have something to teach; off: over all lesion channels.
        grow_mm: how far beyond its part a lesion's volume counts.
        softening_mm3: E of f(a) = |a - V| / (a + V + E).
    """

    negatives: bool = True
    active_only: bool = True
    grow_mm: float = 15.0
    softening_mm3: float = 500.0


@dataclass(frozen=True)
class ReportOptions:
    """All report terms of a step: the options of the losses, what of a report is used, and the weights.

    Attributes:
        ball: of the ball loss.
        volume: of the volume loss.
        inexact_sizes: lesions of unknown size or of an interval teach; off: their channel teaches nothing.
        certainty: less certain lesions weigh less.
        slice_hints: a reported image number limits where the lesion's centre may be.
        ball_bce_weight: of the ball loss's cross entropy.
        ball_dice_weight: of its Dice.
        volume_weight: of the volume loss.
        attenuation_weight: of the attenuation term (paper B).
        pathology_weight: of the benign or malignant term (paper B).
    """

    ball: BallOptions = field(default_factory=BallOptions)
    volume: VolumeOptions = field(default_factory=VolumeOptions)
    inexact_sizes: bool = True
    certainty: bool = True
    slice_hints: bool = True
    ball_bce_weight: float = 1.0
    ball_dice_weight: float = 1.0
    volume_weight: float = 1.0
    attenuation_weight: float = 0.2
    pathology_weight: float = 0.5
