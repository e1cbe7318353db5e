"""The ball loss: every reported lesion becomes a pseudo-mask where the network finds it likeliest."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from RSuperLib.supervision.inputs import LossInputs, Spacing, check_inputs, check_sizes
from RSuperLib.supervision.options import BallOptions, Mode
from RSuperLib.supervision.pseudo_masks import PseudoLesion, PseudoMask, pseudo_mask, voxels_at
from RSuperLib.supervision.published_ball import published_ball_loss
from RSuperLib.supervision.search import Area
from RSuperLib.supervision.segmentation import dice_of
from RSuperLib.supervision.sums import channel_sums
from RSuperLib.supervision.targets import Box, ChannelTarget, targets_of_tensors


def ball_loss(  # noqa: PLR0913 - the tensors of the published method
    logits: Tensor,
    labels: Tensor,
    unknown: Tensor,
    segment: Tensor,
    volumes: Tensor,
    diameters: Tensor,
    *,
    mode: Mode = "rsuper",
    spacing: Sequence[float] = (1.0, 1.0, 1.0),
    options: BallOptions | None = None,
) -> tuple[Tensor, Tensor]:
    """Cross entropy and Dice against the pseudo-masks of the reported lesions (paper A, ball loss).

    Args:
        logits: (B, L, D, H, W) of the lesion channels, or (L, D, H, W); differentiable.
        labels: the same shape, voxels that a mask says are lesion.
        unknown: the same shape, voxels of which no mask says anything.
        segment: the same shape, the part that the lesions are reported in, in their channel.
        volumes: (B, K) reported mm3, zeros beyond the last; K is any number. Keep sizes on the CPU.
        diameters: (B, K, 3) mm.
        mode: "reference" is the published loss, which wants 1 mm voxels; "rsuper" departs from it as `options` say.
        spacing: mm along D, H, W.
        options: of "rsuper".

    Returns:
        (bce, dice), scalars, means over the batch.

    Raises:
        InputError: shapes that do not fit; in mode "reference" also what the published code refuses.
    """
    inputs = check_inputs(logits, labels, unknown, segment, spacing)
    volumes, diameters = check_sizes(volumes, diameters, len(inputs.logits))
    if mode == "reference":
        return published_ball_loss(inputs, volumes, diameters)
    options = options or BallOptions()
    targets = targets_of_tensors(inputs, volumes, diameters, options.margin, options.grow_mm)
    losses = [_sample_loss(inputs, b, found, options) for b, found in enumerate(targets)]
    bce, dice = (torch.stack(list(terms)).mean() for terms in zip(*losses, strict=True))
    return bce, dice


def _sample_loss(
    inputs: LossInputs, b: int, targets: Sequence[ChannelTarget], options: BallOptions
) -> tuple[Tensor, Tensor]:
    if not targets:
        return _negative_loss(inputs, b, options)
    target = targets[0]  # the tensors describe one channel of a sample
    x = boxed(inputs.logits[b, target.channel], target.box)
    area = area_of(x, target, inputs.spacing, inputs.labels[b, target.channel])
    found = pseudo_mask(x.detach(), target, area, options)
    return taught_loss(x, found, inputs.logits[b, 0].numel(), inputs.spacing, options)


def _negative_loss(inputs: LossInputs, b: int, options: BallOptions) -> tuple[Tensor, Tensor]:
    """No lesion is reported: everything that is known and not labelled is none."""
    penalised = ~inputs.unknown[b] & ~inputs.labels[b]
    sums = channel_sums(inputs.logits[b][None], torch.zeros_like(penalised)[None], penalised[None])
    dice = dice_of(sums, options.empty_dice_mm3 / inputs.voxel_mm3).mean()
    return sums.cross_entropy.sum() / penalised.numel(), dice


def taught_loss(
    x: Tensor, found: PseudoMask, crop_voxels: int, spacing: Spacing, options: BallOptions
) -> tuple[Tensor, Tensor]:
    """Cross entropy and Dice of a pseudo-mask.

    Args:
        x: (d, h, w) logits in the target's box; differentiable.
        found: what they are taught.
        crop_voxels: D H W.
        spacing: mm along the axes.
        options: of the loss.
    """
    known = found.positive + found.background
    target = found.positive > 0
    sums = channel_sums(x[None, None], target[None, None], known[None, None])
    dice = dice_of(sums, options.empty_dice_mm3 / (spacing[0] * spacing[1] * spacing[2])).mean()
    background = (functional.softplus(x) * found.background).sum()
    foreground = _entropies(x, found.lesions)
    if not options.own_counts:
        return (foreground.sum() + background) / crop_voxels, dice
    if found.lesions:
        foreground = foreground / torch.stack([one.core.sum() for one in found.lesions]).clamp(min=1)
    lesion = foreground.sum() / max(len(found.lesions), 1)
    return (lesion + background / found.background.sum().clamp(min=1)) / 2, dice


def _entropies(x: Tensor, lesions: Sequence[PseudoLesion]) -> Tensor:
    """(K,) weighted sums of -log sigmoid over the core of each lesion."""
    if not lesions:
        return x.new_zeros(0)
    values = functional.softplus(-voxels_at(x, torch.cat([one.index for one in lesions])))
    pieces = torch.split(values, [len(one.index) for one in lesions])
    sums = [(piece * one.weights).sum() * one.lesion.certainty for piece, one in zip(pieces, lesions, strict=True)]
    return torch.stack(sums)


def boxed(values: Tensor, box: Box) -> Tensor:
    """The box of (D, H, W) values, at least float32."""
    inner = values[box]
    return inner if inner.dtype == torch.float64 else inner.float()


def area_of(x: Tensor, target: ChannelTarget, spacing: Spacing, labels: Tensor | None) -> Area:
    """Where to search, for logits x (d, h, w) of the target's box."""
    free = torch.ones_like(x, dtype=torch.bool) if labels is None else ~labels[target.box]
    d, h, w = (part.start or 0 for part in target.box)
    return Area(x.detach().sigmoid(), target.distances[(slice(None), *target.box)], free, spacing, (d, h, w))
