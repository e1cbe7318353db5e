"""The published ball loss: one pseudo-mask per reported lesion, found greedily (paper A, L_ball; released code).

Everything here is faithful, defects included (Docs/method.md lists them); only the search is by FFT in float64, which
finds the same centres. Lengths are voxels.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from RSuperLib.io.errors import InputError
from RSuperLib.supervision.correlate import correlate
from RSuperLib.supervision.inputs import LossInputs
from RSuperLib.supervision.published_shapes import ball, dilate, gaussian_ball, odd
from RSuperLib.supervision.segmentation import dice_of
from RSuperLib.supervision.sums import channel_sums

#: Share of the volume that is surely lesion (less) and surely not beyond (more); and of the diameter to search in.
_MARGIN = 0.2
_GROWTH, _BORDER = 31, 7
#: From this volume on in voxels the published code stops looking after what it found.
_HUGE = 125_000
_NEXT = "Use mode='rsuper', which has no such limit."


@dataclass(frozen=True)
class IsolatedLesion:
    """What the search found for one lesion.

    Attributes:
        row: which of the reported lesions.
        diameter: that was searched for, odd voxels.
        volume: that was asked for, voxels.
        centre: index in (D, H, W).
        peak: weighted mean probability in the ball there.
        normal: (D, H, W) bool, as many voxels as were asked for.
        small: the surest of them.
        big: with a border around.
    """

    row: int
    diameter: int
    volume: int
    centre: tuple[int, int, int]
    peak: float
    normal: Tensor
    small: Tensor
    big: Tensor


def published_ball_loss(
    inputs: LossInputs, volumes: Tensor, diameters: Tensor, *, standard_ce: bool = False
) -> tuple[Tensor, Tensor]:
    """The cross entropy and the Dice term, mean over the batch.

    Args:
        inputs: the batch; channels are the lesion channels, one of which may have a segment in each sample.
        volumes: (B, K) reported mm3, zeros beyond the last; float64 on the CPU, as all sizes.
        diameters: (B, K, 3) mm.
        standard_ce: plain mean of the cross entropy instead of foreground by rank plus background.

    Raises:
        InputError: what the published code refuses.
    """
    segments = dilate(inputs.segment, _GROWTH)
    losses = [
        _sample_loss(inputs, b, segments[b], volumes[b], diameters[b], standard_ce) for b in range(len(inputs.logits))
    ]
    bce, dice = (torch.stack(list(terms)).mean() for terms in zip(*losses, strict=True))
    return bce, dice


def _sample_loss(
    inputs: LossInputs, b: int, segment: Tensor, volumes: Tensor, diameters: Tensor, standard_ce: bool
) -> tuple[Tensor, Tensor]:
    penalised = (~inputs.unknown[b] & ~inputs.labels[b]) | segment
    logits = inputs.logits[b]
    channels = segment.flatten(1).any(1).nonzero().flatten().tolist()
    _check_sample(channels, volumes, diameters)
    if not channels or not (volumes > 0).any():
        return (functional.softplus(logits) * penalised).mean(), logits.new_ones(())
    c = channels[0]
    found = isolate_lesions(logits[c], segment[c], volumes, diameters)
    return _lesion_loss(logits[c], penalised[c], found, standard_ce)


def _check_sample(channels: list[int], volumes: Tensor, diameters: Tensor) -> None:
    if len(channels) > 1:
        raise InputError("A sample has a segment in more than one lesion channel.", _NEXT)
    if ((diameters > 0).any(1) != (volumes > 0)).any():
        raise InputError("A lesion has a volume without diameters, or diameters without a volume.", _NEXT)


def _lesion_loss(
    logits: Tensor, penalised: Tensor, found: list[IsolatedLesion], standard_ce: bool
) -> tuple[Tensor, Tensor]:
    mask = torch.stack([one.small for one in found]).any(0)
    grown = dilate(torch.stack([one.big for one in found]).any(0), _BORDER)
    known = penalised & ~(grown & ~mask)
    sums = channel_sums(logits[None, None], mask[None, None], known[None, None])
    dice = dice_of(sums).mean()
    entropy = functional.binary_cross_entropy_with_logits(logits, mask.to(logits.dtype), reduction="none") * known
    if standard_ce:
        return entropy.mean(), dice
    with torch.no_grad():
        count = int(mask.sum())
        weights = count * rank_weights(logits.sigmoid() * mask + mask, count, 0.5, hard_cutoff=True)
    return (entropy * weights).mean() + (entropy * ~grown).mean(), dice


def rank_weights(values: Tensor, count: int, share: float, *, hard_cutoff: bool) -> Tensor:
    """Weights (1 - share)^(i / count) for the i-th largest value (i from 0), normalised to sum 1.

    Args:
        values: any shape.
        count: N; must be positive.
        share: c in (0, 1).
        hard_cutoff: no weight from i = count on.
    """
    ranks = torch.empty(values.numel(), dtype=torch.int64, device=values.device)
    order = values.flatten().argsort(descending=True, stable=True)
    ranks[order] = torch.arange(len(order), device=values.device)
    weights = (1 - share) ** (ranks.to(values.dtype) / count)
    weights = weights * (ranks < count) if hard_cutoff else weights
    return (weights / weights.sum()).reshape(values.shape)


@torch.no_grad()
def isolate_lesions(logits: Tensor, segment: Tensor, volumes: Tensor, diameters: Tensor) -> list[IsolatedLesion]:
    """The published greedy search, largest lesion first.

    Args:
        logits: (D, H, W) of the lesion channel.
        segment: (D, H, W) bool, the dilated part.
        volumes: (K,) mm3, 0 = no lesion.
        diameters: (K, 3) mm.

    Raises:
        InputError: a ball that the published code refuses.
    """
    probability = logits.sigmoid() * segment
    found = []
    for row in volumes.argsort(descending=True, stable=True).tolist():
        if volumes[row] > 0:
            found.append(_isolate(probability, row, float(volumes[row]), float(diameters[row].max())))
            probability = probability * ~found[-1].normal
    return found


def _isolate(probability: Tensor, row: int, volume: float, diameter: float) -> IsolatedLesion:
    d = odd(3 if diameter <= 1 else round(diameter))
    voxels = 9 if volume <= 1 else round(volume)
    if d > 2 * max(probability.shape):  # a kernel that no memory holds
        raise InputError("A reported lesion is much larger than the crop.", _NEXT)
    full_ball = int(ball(d).sum())
    if full_ball > voxels:  # the published code asks for the whole ball, whatever volume was reported
        voxels = full_ball - 1
    centre, peak = _best_centre(probability, d)
    allowed = _ball_in_crop(probability, centre, d, voxels)
    _check_ball(int(allowed.sum()), voxels, full_ball)
    normal, small, big = _top_voxels(probability, allowed, voxels)
    return IsolatedLesion(row, d, voxels, centre, peak, normal, small, big)


def _best_centre(probability: Tensor, diameter: int) -> tuple[tuple[int, int, int], float]:
    """The first of the best centres in the order of the array."""
    scores = correlate(probability.double(), gaussian_ball, diameter)
    best = (scores >= scores.max() - 1e-12).flatten().nonzero()[0]
    index = torch.unravel_index(best[0], scores.shape)
    d, h, w = (int(i) for i in index)
    return (d, h, w), float(scores[index])


def _ball_in_crop(probability: Tensor, centre: tuple[int, int, int], diameter: int, voxels: int) -> Tensor:
    """The ball with the margin around the centre, grown until it holds enough voxels although the crop cuts it."""
    while True:
        inside = _placed(ball((1 + _MARGIN) * diameter), centre, probability)
        if inside.sum() >= voxels or diameter >= max(probability.shape):
            return inside
        diameter = odd(max(round(1.1 * diameter), diameter + 1))


def _placed(kernel: Tensor, centre: tuple[int, int, int], like: Tensor) -> Tensor:
    """A kernel with its middle at a voxel, cut by the borders."""
    half = kernel.shape[0] // 2
    placed = torch.zeros(like.shape, dtype=torch.bool, device=like.device)
    target = tuple(slice(max(c - half, 0), c + half + 1) for c in centre)
    source = tuple(slice(max(half - c, 0), half - c + size) for c, size in zip(centre, like.shape, strict=True))
    placed[target] = kernel[source].bool().to(like.device)
    return placed


def _check_ball(inside: int, voxels: int, full_ball: int) -> None:
    too_small = voxels < _HUGE and inside <= voxels / 2
    too_large = voxels > 216 and inside >= 2 * voxels * (1 + _MARGIN) ** 3
    too_much = voxels > 100_000 and voxels > (1 + _MARGIN) * full_ball
    if too_small or too_large or too_much:
        raise InputError("A reported volume does not fit its diameters and the crop.", _NEXT)


def _top_voxels(probability: Tensor, allowed: Tensor, voxels: int) -> tuple[Tensor, Tensor, Tensor]:
    """The likeliest voxels in the ball: as many as asked for, the surest of them, and more."""
    inside = probability * allowed
    count = min(voxels, inside.numel() - 1)
    counts = (count, max(int((1 - _MARGIN) * count), min(100, voxels)), int((1 + _MARGIN) * voxels))
    ordered = inside.flatten().sort(descending=True).values
    masks = torch.stack([(inside > ordered[min(n, len(ordered) - 1)]) & allowed for n in counts])
    for _ in range(6):  # where the ball holds too few voxels that are not 0
        if voxels >= _HUGE or masks[0].sum() >= 0.7 * voxels:
            break
        masks = dilate(masks, _BORDER) & allowed
    normal, small, big = masks
    return normal, small, big
