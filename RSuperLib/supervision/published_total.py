"""The published objective: voxel loss on both heads, ball loss on the final one, volume loss on the auxiliary one."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from RSuperLib.io.errors import InputError
from RSuperLib.supervision.inputs import LossInputs, check_inputs, check_sizes
from RSuperLib.supervision.lesion_channels import lesion_groups, merge_lesions
from RSuperLib.supervision.published_ball import published_ball_loss
from RSuperLib.supervision.published_shapes import dilate
from RSuperLib.supervision.published_volume import PUBLISHED_TOLERANCE, published_volume_loss
from RSuperLib.supervision.segmentation import segmentation_loss

HEAD_WEIGHT, REPORT_WEIGHT = 0.5, 0.1
_UNKNOWN_GROWTH = 5


def published_objective(
    final: Tensor,
    auxiliary: Tensor,
    labels: Tensor,
    unknown: Tensor,
    segment: Tensor,
    sizes: tuple[Tensor, Tensor],
    *,
    classes: Sequence[str],
) -> dict[str, Tensor]:
    """Every term of the published loss ("ball_dice_last", report weight 0.1, head weights 0.5), weighted.

    Args:
        final: (B, C, D, H, W) logits of the final head; 1 mm voxels.
        auxiliary: (B, C, D, H, W) logits of the auxiliary head.
        labels: (B, C, D, H, W) bool.
        unknown: (B, C, D, H, W) bool.
        segment: (B, C, D, H, W) bool.
        sizes: volumes (B, K) in mm3 and diameters (B, K, 3) in mm.
        classes: C names; those of lesions are recognised by their name.

    Returns:
        "segmentation", "ball_loss_bce", "ball_loss_dice", "dice_volume_loss" and their sum "overall".

    Raises:
        InputError: a segment without volume or without unknown voxels, as the published code refuses them.
    """
    groups = lesion_groups(classes)
    label, unsure, part = (merge_lesions(one, groups) for one in (labels, unknown, segment))
    last, middle = (
        check_inputs(merge_lesions(head, groups), label, unsure, part, (1, 1, 1)) for head in (final, auxiliary)
    )
    volumes, diameters = check_sizes(*sizes, len(final))
    _refuse(last, volumes)
    known = ~dilate(unknown, _UNKNOWN_GROWTH)
    voxels = [
        torch.stack(segmentation_loss(head, labels, known, mode="reference")).sum() for head in (final, auxiliary)
    ]
    bce, dice = published_ball_loss(last, volumes, diameters)
    volume = published_volume_loss(middle, volumes, PUBLISHED_TOLERANCE)
    terms = {
        "segmentation": HEAD_WEIGHT * (voxels[0] + voxels[1]),
        "ball_loss_bce": HEAD_WEIGHT * REPORT_WEIGHT * bce,
        "ball_loss_dice": HEAD_WEIGHT * REPORT_WEIGHT * dice,
        "dice_volume_loss": HEAD_WEIGHT * REPORT_WEIGHT * volume,
    }
    return {**terms, "overall": torch.stack(list(terms.values())).sum()}


def _refuse(inputs: LossInputs, volumes: Tensor) -> None:
    with_segment = inputs.segment.flatten(1).any(1).cpu()
    if (with_segment & ~(volumes > 0).any(1)).any():
        raise InputError("A sample has a segment without a reported volume.", "Use mode='rsuper'.")
    if (with_segment & ~inputs.unknown.flatten(1).any(1).cpu()).any():
        raise InputError("A sample has a segment without unknown voxels.", "Mark the voxels of its part unknown.")
