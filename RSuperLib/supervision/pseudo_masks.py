"""From reported lesions to voxels: which are taught as lesion, which as background, and which as neither."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from RSuperLib.supervision.correlate import correlate
from RSuperLib.supervision.inputs import Spacing, constant
from RSuperLib.supervision.options import BallOptions
from RSuperLib.supervision.search import Area, best_centre, centre_scores, joint_centres, unravelled
from RSuperLib.supervision.shapes import ball_kernel, envelope, envelope_box, equal_ball, orientations
from RSuperLib.supervision.targets import ChannelTarget, LesionTarget, ellipsoid_volume


@dataclass(frozen=True)
class PseudoLesion:
    """The voxels of one lesion, as flat indices into the target's box.

    Attributes:
        lesion: what was reported.
        centre: (3,) index.
        index: (n,) voxels of the envelope; those outside the box have the index V, one beyond the last.
        core: (n,) bool, surely lesion: as many as the least volume, the likeliest ones.
        wide: (n,) bool, as many as the greatest volume.
        weights: (n,) weight of each core voxel, mean 1 over the core, 0 elsewhere.
    """

    lesion: LesionTarget
    centre: Tensor
    index: Tensor
    core: Tensor
    wide: Tensor
    weights: Tensor


@dataclass(frozen=True)
class PseudoMask:
    """What one channel is taught in a target's box.

    Attributes:
        lesions: voxels of each lesion, the largest first.
        positive: (d, h, w) certainty of the lesion that a voxel belongs to, 0 elsewhere.
        background: (d, h, w) bool, voxels that are no lesion.
    """

    lesions: tuple[PseudoLesion, ...]
    positive: Tensor
    background: Tensor


@torch.no_grad()
def pseudo_mask(logits: Tensor, target: ChannelTarget, area: Area, options: BallOptions) -> PseudoMask:
    """Find every lesion of a target and choose its voxels.

    Args:
        logits: (d, h, w) of the channel in the target's box, float32.
        target: what was reported.
        area: the same box.
        options: of the ball loss.
    """
    lesions = sorted(target.lesions, key=_order, reverse=True)
    place = _place_jointly if options.joint else _place_greedily
    found = place(logits, lesions, target, area, options)
    background = _background(target, area, options)
    if not found:
        return PseudoMask((), torch.zeros_like(logits), background)
    positive = _painted(found, [one.core * one.lesion.certainty for one in found], logits)
    neutral = _painted(found, [one.wide.float() for one in found], logits) > 0
    near = correlate(neutral.float(), ball_kernel, options.border_mm, area.spacing) > 0.5
    return PseudoMask(tuple(found), positive, background & ~near & (positive == 0))


def asked_volume(lesion: LesionTarget, options: BallOptions) -> tuple[float, float]:
    """Least and greatest volume that is asked for, mm3: as reported, or of the ball of the largest diameter."""
    if options.reported_volume:
        return lesion.volume_mm3
    widened = ellipsoid_volume((max(lesion.diameters_mm),) * 3) / lesion.ellipsoid_mm3
    return lesion.volume_mm3[0] * widened, lesion.volume_mm3[1] * widened


def _order(lesion: LesionTarget) -> tuple[float, ...]:
    """The largest first, whatever their order in the report."""
    return (lesion.ellipsoid_mm3, *lesion.volume_mm3, *lesion.diameters_mm, lesion.certainty, float(lesion.part))


def _place_jointly(
    logits: Tensor, lesions: Sequence[LesionTarget], target: ChannelTarget, area: Area, options: BallOptions
) -> list[PseudoLesion]:
    if not lesions:
        return []
    free = [area.voxels_of(one, options) for one in lesions]
    allowed = [area.centres_of(one, target, options) for one in lesions]
    scores = [centre_scores(area, one, voxels, options) for one, voxels in zip(lesions, free, strict=True)]
    if len(lesions) == 1:
        centres = best_centre(scores[0], allowed[0])[None]
    else:
        centres = joint_centres(scores, allowed, [equal_ball(one.diameters_mm) / 2 for one in lesions], area.spacing)
    around = [
        _envelope(logits, one, centres[k], free[k], target, area.spacing, options) for k, one in enumerate(lesions)
    ]
    nearest = logits.new_full((logits.numel() + 1,), math.inf)
    for one in around:
        nearest.scatter_reduce_(0, one.index, torch.where(one.valid, one.level, math.inf), "amin")
    own = [replace(one, valid=one.valid & (one.level <= nearest.index_select(0, one.index))) for one in around]
    return [_ranked(one, lesion, area.spacing, options) for one, lesion in zip(own, lesions, strict=True)]


def _place_greedily(
    logits: Tensor, lesions: Sequence[LesionTarget], target: ChannelTarget, area: Area, options: BallOptions
) -> list[PseudoLesion]:
    found: list[PseudoLesion] = []
    left = torch.ones_like(area.free)
    for lesion in lesions:
        free = area.voxels_of(lesion, options) & left
        scores = centre_scores(area, lesion, free, options)
        centre = best_centre(scores, area.centres_of(lesion, target, options))
        around = _envelope(logits, lesion, centre, free, target, area.spacing, options)
        found.append(_ranked(around, lesion, area.spacing, options))
        left = left & (_painted(found[-1:], [found[-1].core.float()], logits) == 0)
    return found


@dataclass(frozen=True)
class _Envelope:
    """Voxels around a centre; `index` as in `PseudoLesion`."""

    centre: Tensor
    index: Tensor
    valid: Tensor
    level: Tensor
    probability: Tensor


def _envelope(
    logits: Tensor,
    lesion: LesionTarget,
    centre: Tensor,
    free: Tensor,
    target: ChannelTarget,
    spacing: Spacing,
    options: BallOptions,
) -> _Envelope:
    """The voxels that the lesion may take, in the orientation in which they are likeliest."""
    diameters = lesion.diameters_mm if options.ellipsoid else (max(lesion.diameters_mm),) * 3
    scale = _scale(lesion, options)
    if envelope_box(diameters, scale, spacing) < logits.numel():
        shape = envelope(diameters, scale, spacing, target.upright, logits.device)
        offsets, turns = shape.offsets, shape.turns
    else:  # larger than the box: every voxel of the box
        offsets = unravelled(torch.arange(logits.numel(), device=logits.device), logits.shape) - centre
        turns = orientations(diameters, target.upright).to(logits.device, non_blocking=True)
    index = _flat_index(offsets + centre, logits.shape)
    probability, free_there = voxels_at(logits, index).sigmoid(), voxels_at(free, index)
    level = _likeliest_level(offsets, turns, probability * free_there, spacing)
    return _Envelope(centre, index, free_there & (level <= scale**2), level, probability)


def _flat_index(voxels: Tensor, shape: Sequence[int]) -> Tensor:
    """(n, 3) indices as flat ones; one beyond the last for those outside."""
    size = constant(shape, voxels.device)
    inside = ((voxels >= 0) & (voxels < size)).all(1)
    flat = (voxels[:, 0] * shape[1] + voxels[:, 1]) * shape[2] + voxels[:, 2]
    return torch.where(inside, flat, math.prod(shape))


def _likeliest_level(offsets: Tensor, turns: Tensor, probability: Tensor, spacing: Spacing) -> Tensor:
    """(n,) squared distance in radii, for the orientation with the largest mean probability inside."""
    millimetres = offsets.to(probability.dtype) * constant(spacing, offsets.device)
    levels = torch.stack([(millimetres @ turn.to(probability.dtype)).square().sum(1) for turn in turns.unbind()])
    inside = (levels <= 1).to(probability.dtype)
    fit = inside @ probability / inside.sum(1)
    return levels.index_select(0, fit.argmax()[None])[0]


def _scale(lesion: LesionTarget, options: BallOptions) -> float:
    """How much longer than the searched ellipsoid the envelope is, so that the greatest volume fits in too."""
    greatest = lesion.volume_mm3[1] if math.isfinite(lesion.volume_mm3[1]) else 0.0
    return max(1 + options.margin, 1.1 * math.cbrt(greatest / lesion.ellipsoid_mm3))


def _ranked(around: _Envelope, lesion: LesionTarget, spacing: Spacing, options: BallOptions) -> PseudoLesion:
    """The likeliest voxels first; one sort."""
    least, greatest = (max(volume / math.prod(spacing), 1.0) for volume in asked_volume(lesion, options))
    value = torch.where(around.valid, around.probability - options.compactness * around.level, -math.inf)
    order = value.argsort(descending=True, stable=True)
    rank = torch.empty_like(order).scatter_(0, order, torch.arange(len(order), device=order.device))
    core, wide = around.valid & (rank < round(least)), around.valid & (rank < greatest)
    weights = (1 - options.rank_share) ** (rank / least) * core
    weights = weights * core.sum() / weights.sum().clamp(min=1e-6)
    return PseudoLesion(lesion, around.centre, around.index, core, wide, weights)


def _background(target: ChannelTarget, area: Area, options: BallOptions) -> Tensor:
    """What is no lesion if it is not near one: the parts that hold no more than is listed."""
    closed = [part for part in range(len(area.distances)) if part not in target.open_parts]
    background = torch.zeros_like(area.free)
    for part in closed:
        background |= area.distances[part] <= options.grow_mm
    for part in target.open_parts:
        background &= area.distances[part] > options.grow_mm
    return background & area.free


def _painted(lesions: Sequence[PseudoLesion], values: Sequence[Tensor], like: Tensor) -> Tensor:
    """(d, h, w): the largest value of any lesion at each voxel, 0 elsewhere."""
    canvas = like.new_zeros(like.numel() + 1)
    for one, value in zip(lesions, values, strict=True):
        canvas.scatter_reduce_(0, one.index, value.to(canvas.dtype), "amax")
    return canvas[:-1].reshape(like.shape)


def voxels_at(values: Tensor, index: Tensor) -> Tensor:
    """Values (d, h, w) by flat index; 0 for the index beyond the last. Differentiable."""
    return torch.cat([values.flatten(), values.new_zeros(1)]).index_select(0, index)
