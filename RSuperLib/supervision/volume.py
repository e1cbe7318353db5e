"""The volume loss: the predicted volume in the part must be the reported one."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from RSuperLib.supervision.ball import boxed
from RSuperLib.supervision.inputs import LossInputs, Spacing, check_inputs, check_volumes
from RSuperLib.supervision.options import Mode, VolumeOptions
from RSuperLib.supervision.published_volume import PUBLISHED_TOLERANCE, published_volume_loss
from RSuperLib.supervision.targets import ChannelTarget, targets_of_tensors


def volume_loss(  # noqa: PLR0913 - the tensors of the published method
    logits: Tensor,
    labels: Tensor,
    unknown: Tensor,
    segment: Tensor,
    volumes: Tensor,
    *,
    mode: Mode = "rsuper",
    tolerance: float = PUBLISHED_TOLERANCE,
    spacing: Sequence[float] = (1.0, 1.0, 1.0),
    options: VolumeOptions | None = None,
) -> Tensor:
    """Relative error of the volume predicted in the part (paper A, volume loss).

    Args:
        logits: (B, L, D, H, W) of the lesion channels, or (L, D, H, W); differentiable.
        labels: the same shape, voxels that a mask says are lesion; a channel that has some is left to the mask.
        unknown: the same shape, voxels of which no mask says anything.
        segment: the same shape, the part that the lesions are reported in, in their channel.
        volumes: (B, K) reported mm3, zeros beyond the last; K is any number. Keep sizes on the CPU.
        mode: "reference" is the published loss, on any spacing; "rsuper" departs from it as `options` say.
        tolerance: share of the volume by which the prediction may be off at no cost.
        spacing: mm along D, H, W.
        options: of "rsuper".

    Returns:
        A scalar in [0, 1].

    Raises:
        InputError: shapes that do not fit.
    """
    inputs = check_inputs(logits, labels, unknown, segment, spacing)
    volumes = check_volumes(volumes, len(inputs.logits))
    if mode == "reference":
        return published_volume_loss(inputs, volumes, tolerance)
    options = options or VolumeOptions()
    targets = targets_of_tensors(inputs, volumes, None, tolerance, options.grow_mm)
    samples = [_sample_loss(inputs, b, found, options) for b, found in enumerate(targets)]
    return torch.stack(samples).mean()


def _sample_loss(inputs: LossInputs, b: int, targets: Sequence[ChannelTarget], options: VolumeOptions) -> Tensor:
    logits, labelled = inputs.logits[b], inputs.labels[b].flatten(1).any(1)
    terms = [channel_volume_loss(logits, one, inputs.spacing, options) * ~labelled[one.channel] for one in targets]
    reported = torch.stack(terms).mean() if terms else logits.new_zeros(())
    with_target = {one.channel for one in targets}
    others = [channel for channel in range(len(logits)) if channel not in with_target]
    none = logits.new_zeros(())
    if options.negatives and others:
        known = ~inputs.unknown[b, others] & ~labelled[others, None, None, None]
        predicted = (_float(logits[others]).sigmoid() * known).sum((1, 2, 3)) * inputs.voxel_mm3
        none = interval_error(predicted, 0.0, 0.0, options.softening_mm3).mean()
    if options.active_only:
        return reported + none
    share = len(terms) / len(logits)
    return share * reported + (1 - share) * none


def channel_volume_loss(logits: Tensor, target: ChannelTarget, spacing: Spacing, options: VolumeOptions) -> Tensor:
    """Mean over the parts of a target of how far its predicted volume is outside the reported interval.

    A voxel in reach of several parts counts for the nearest. Less certain lesions raise the least volume by less.

    Args:
        logits: (C, D, H, W) of the sample; differentiable.
        target: of one of its channels.
        spacing: mm along D, H, W.
        options: of the loss.

    Returns:
        A scalar in [0, 1].
    """
    probability = boxed(logits[target.channel], target.box).sigmoid()
    distances = target.distances[(slice(None), *target.box)]
    nearest = distances.amin(0)
    taken = torch.zeros_like(nearest, dtype=torch.bool)
    losses = []
    for part, distance in enumerate(distances):
        own = (distance <= options.grow_mm) & (distance <= nearest) & ~taken
        taken = taken | own
        predicted = (probability * own).sum() * math.prod(spacing)
        losses.append(interval_error(predicted, *volume_interval(target, part), options.softening_mm3))
    return torch.stack(losses).mean()


def volume_interval(target: ChannelTarget, part: int) -> tuple[float, float]:
    """Least and greatest lesion volume in a part, mm3."""
    lesions = [one for one in target.lesions if one.part == part]
    least = sum(one.certainty * one.volume_mm3[0] for one in lesions)
    greatest = math.inf if part in target.open_parts else sum(one.volume_mm3[1] for one in lesions)
    return least, greatest


def interval_error(predicted: Tensor, least: float, greatest: float, softening: float) -> Tensor:
    """(least - P) / (P + least + E) below the interval, (P - greatest) / (P + greatest + E) above it, 0 inside.

    Args:
        predicted: P in mm3, any shape; differentiable.
        least: mm3.
        greatest: mm3 or inf.
        softening: E in mm3; makes the error of tiny volumes small.
    """
    below = (least - predicted).clamp(min=0) / (predicted + least + softening)
    if math.isinf(greatest):
        return below
    return below + (predicted - greatest).clamp(min=0) / (predicted + greatest + softening)


def _float(values: Tensor) -> Tensor:
    return values if values.dtype == torch.float64 else values.float()
