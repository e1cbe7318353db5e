"""Everything that reports teach in one step of training: one call per batch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from RSuperLib.supervision.ball import area_of, boxed, taught_loss
from RSuperLib.supervision.character import attenuation_loss, pathology_loss
from RSuperLib.supervision.inputs import Spacing, check_spacing
from RSuperLib.supervision.options import ReportOptions
from RSuperLib.supervision.pseudo_masks import pseudo_mask
from RSuperLib.supervision.targets import ChannelTarget, used
from RSuperLib.supervision.volume import channel_volume_loss

TERMS = ("ball_bce", "ball_dice", "volume", "attenuation", "pathology")


def report_terms(
    logits: Tensor,
    targets: Sequence[Sequence[ChannelTarget]],
    *,
    spacing: Sequence[float],
    options: ReportOptions | None = None,
    auxiliary: Tensor | None = None,
    labels: Tensor | None = None,
    image: Tensor | None = None,
) -> dict[str, Tensor]:
    """The report losses of a batch; nothing in it waits for the accelerator.

    Args:
        logits: (B, C, D, H, W) of the final head; differentiable.
        targets: for each sample what was reported, one target for each channel; none for mask cases and negatives,
            which `segmentation_loss` teaches.
        spacing: mm along D, H, W.
        options: what is used, and the weights.
        auxiliary: (B, C, D, H, W) logits of another head, for the volume loss as published; None = the final head.
        labels: (B, C, D, H, W) bool, voxels that a mask says are lesion: they are left to it.
        image: (B, D, H, W) HU, for the attenuation term; None = without it.

    Returns:
        Weighted terms by name (`TERMS`), scalars: means over the targets. Their sum is the report loss.
    """
    options, step = options or ReportOptions(), check_spacing(spacing)
    rows: list[tuple[Tensor, ...]] = []
    with torch.autocast(logits.device.type, enabled=False):
        for b, sample in enumerate(targets):
            for target in filter(None, (used(one, options) for one in sample)):
                mask = None if labels is None else labels[b, target.channel]
                hu = None if image is None else image[b]
                head = logits[b] if auxiliary is None else auxiliary[b]
                rows.append(_target_terms(logits[b], head, target, step, options, mask, hu))
    zero = logits.sum() * 0.0
    means = [torch.stack(term).mean() for term in zip(*rows, strict=True)] if rows else [zero] * len(TERMS)
    weights = (
        options.ball_bce_weight, options.ball_dice_weight, options.volume_weight, options.attenuation_weight,
        options.pathology_weight,
    )  # fmt: skip
    return {name: weight * mean for name, weight, mean in zip(TERMS, weights, means, strict=True)}


def _target_terms(
    logits: Tensor,
    volume_logits: Tensor,
    target: ChannelTarget,
    spacing: Spacing,
    options: ReportOptions,
    labels: Tensor | None,
    image: Tensor | None,
) -> tuple[Tensor, ...]:
    """The terms of one target in the order of `TERMS`."""
    x = boxed(logits[target.channel], target.box)
    area = area_of(x, target, spacing, labels)
    found = pseudo_mask(x.detach(), target, area, options.ball)
    bce, dice = taught_loss(x, found, logits[0].numel(), spacing, options.ball)
    volume = channel_volume_loss(volume_logits, target, spacing, options.volume)
    attenuation = pathology = x.new_zeros(())
    if image is not None:
        attenuation = attenuation_loss(x, boxed(image, target.box), found, target, area.distances)
    if target.pathology_channels is not None:
        both = torch.stack([boxed(logits[channel], target.box) for channel in target.pathology_channels])
        pathology = pathology_loss(both, found, target)
    return bce, dice, volume, attenuation, pathology
