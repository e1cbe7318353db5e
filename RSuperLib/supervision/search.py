"""Where the reported lesions of a channel most probably lie: all together, each in its part, and apart.

Nothing here has a gradient, and nothing is read back from the accelerator: centres are tensors.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from RSuperLib.supervision.correlate import correlate
from RSuperLib.supervision.inputs import Spacing, constant
from RSuperLib.supervision.options import BallOptions
from RSuperLib.supervision.shapes import equal_ball, search_kernel
from RSuperLib.supervision.targets import ChannelTarget, LesionTarget

#: Beam search: so many arrangements are kept, and so many places are tried for each lesion in each of them.
_WIDTH, _TRIES = 4, 3
#: Two lesions are apart if their centres are this share of the sum of their radii apart: they may touch.
_APART = 1.0
#: A place too near to another lesion is worse than any that is not, and one outside the part worse than that. (Scores
#: are mean probabilities.)
_TOO_NEAR, _OUTSIDE = 2.0, 100.0


@dataclass(frozen=True)
class Area:
    """The part of a crop that a channel's lesions may lie in.

    Attributes:
        probability: (d, h, w) float32 of the channel in the target's box, without a gradient.
        distances: (P, d, h, w) mm from the parts there.
        free: (d, h, w) bool, voxels that no mask has labelled.
        spacing: mm along the axes.
        corner: index of the box's first voxel in the crop.
    """

    probability: Tensor
    distances: Tensor
    free: Tensor
    spacing: Spacing
    corner: tuple[int, int, int]

    def voxels_of(self, lesion: LesionTarget, options: BallOptions) -> Tensor:
        """(d, h, w) bool, voxels that the lesion may take: near its part, and not deep in another."""
        distance = self.distances[lesion.part]
        near = (distance <= options.grow_mm) & self.free
        if options.inside_part and len(self.distances) > 1:
            near = near & (distance - self.distances.amin(0) <= options.centre_mm)
        return near

    def centres_of(self, lesion: LesionTarget, target: ChannelTarget, options: BallOptions) -> Tensor:
        """(d, h, w) bool, voxels that the lesion may be centred at."""
        reach = options.centre_mm if options.inside_part else options.grow_mm
        allowed = self.distances[lesion.part] <= reach
        if options.inside_part and len(self.distances) > 1:
            allowed = allowed & (self.distances[lesion.part] <= self.distances.amin(0))
        if lesion.slices is not None and target.upright is not None:
            first, last = (index - self.corner[target.upright] for index in lesion.slices)
            levels = torch.arange(allowed.shape[target.upright], device=allowed.device)
            shape = [1, 1, 1]
            shape[target.upright] = -1
            allowed = allowed & ((levels >= first) & (levels <= last)).reshape(shape)
        return allowed


def centre_scores(area: Area, lesion: LesionTarget, free: Tensor, options: BallOptions) -> Tensor:
    """(d, h, w): weighted mean probability of the ball around each voxel.

    Args:
        area: to search in.
        lesion: gives the size: a ball of the ellipsoid's volume, or of the largest diameter.
        free: (d, h, w) bool, voxels that the lesion may take.
        options: of the ball loss.
    """
    diameter = equal_ball(lesion.diameters_mm) if options.ellipsoid else max(lesion.diameters_mm)
    longest = max(n * step for n, step in zip(free.shape, area.spacing, strict=True))
    return correlate(area.probability * free, search_kernel, round(min(diameter, longest), 3), area.spacing)


def best_centre(scores: Tensor, allowed: Tensor) -> Tensor:
    """(3,) index of the best allowed centre."""
    best = torch.where(allowed, scores, scores - _OUTSIDE).argmax()
    return unravelled(best, scores.shape)


def joint_centres(
    scores: Sequence[Tensor], allowed: Sequence[Tensor], radii_mm: Sequence[float], spacing: Spacing
) -> Tensor:
    """(K, 3) centres that explain most volume, no two lesions closer than they can lie (beam search).

    A lesion explains its score times its volume: so a large one is not moved aside to make room for a small one.

    Args:
        scores: (d, h, w) for each lesion, the largest first.
        allowed: (d, h, w) bool for each lesion.
        radii_mm: of each lesion.
        spacing: mm along the axes.
    """
    device = scores[0].device
    steps = constant(spacing, device)
    centres = torch.zeros((1, 0, 3), dtype=torch.int64, device=device)
    totals = torch.zeros(1, device=device)
    for k, radius in enumerate(radii_mm):
        values, places = _candidates(scores[k], allowed[k])
        gaps = constant([_APART * (radius + other) for other in radii_mm[:k]], device)
        near = _near(places * steps, centres * steps, gaps)
        found, gains = _best_places(values - _TOO_NEAR * near, places, places * steps, radius)
        gains = gains * (radius / max(radii_mm)) ** 3
        width = min(_WIDTH, gains.numel())
        totals, chosen = (totals[:, None] + gains).flatten().topk(width)
        state = chosen // gains.shape[1]
        placed = found.reshape(-1, 1, 3).index_select(0, chosen)
        centres = torch.cat([centres.index_select(0, state), placed], 1)
    return centres[0]


def _candidates(scores: Tensor, allowed: Tensor) -> tuple[Tensor, Tensor]:
    """The best voxel of every 2 x 2 x 2 block: values (V,) and indices (V, 3)."""
    masked = torch.where(allowed, scores, scores - _OUTSIDE)
    values, index = functional.max_pool3d(masked[None, None], 2, ceil_mode=True, return_indices=True)
    return values.flatten(), unravelled(index.flatten(), scores.shape)


def _near(places_mm: Tensor, centres_mm: Tensor, gaps: Tensor) -> Tensor:
    """(S, V) bool: whether a place is nearer to one of a state's centres than its gap."""
    states, placed, _ = centres_mm.shape
    if not placed:
        return torch.zeros((states, len(places_mm)), dtype=torch.bool, device=places_mm.device)
    distances = torch.cdist(centres_mm.reshape(-1, 3), places_mm, compute_mode="donot_use_mm_for_euclid_dist")
    return (distances.reshape(states, placed, -1) < gaps[None, :, None]).any(1)


def _best_places(values: Tensor, places: Tensor, places_mm: Tensor, radius: float) -> tuple[Tensor, Tensor]:
    """For each state (S, V) the best places at least a radius apart: indices (S, T, 3) and values (S, T)."""
    found, gains = [], []
    for _ in range(_TRIES):
        best = values.argmax(1)
        gains.append(values.gather(1, best[:, None])[:, 0])
        found.append(places.index_select(0, best))
        centres = places_mm.index_select(0, best)
        distances = torch.cdist(centres, places_mm, compute_mode="donot_use_mm_for_euclid_dist")
        values = torch.where(distances < max(radius, 1e-3), -math.inf, values)
    return torch.stack(found, 1), torch.stack(gains, 1)


def unravelled(index: Tensor, shape: Sequence[int]) -> Tensor:
    """Flat indices (…) as (…, 3), without `torch.unravel_index`, which checks its values on the host."""
    plane, line = shape[1] * shape[2], shape[2]
    return torch.stack([index // plane, index % plane // line, index % line], -1)
