"""What a network is taught by one batch: the voxel loss on all that is known, and the report terms on its targets."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from RSuperLib.io.errors import InputError
from RSuperLib.supervision import (
    BallOptions,
    ReportOptions,
    SegmentationOptions,
    VolumeOptions,
    ball_loss,
    segmentation_loss,
    volume_loss,
)
from RSuperLib.supervision.report_terms import report_terms
from RSuperLib.supervision.segmentation import dice_of
from RSuperLib.supervision.sums import ChannelSums, channel_sums
from RSuperLib.training.batch import Batch
from RSuperLib.training.classes import OutputClass
from RSuperLib.training.settings import LossSettings

#: Called with the logits of all heads (the final one first), the batch and the weight of the report terms. Gives the
#: terms by name; `loss` is what is minimised, the others are for the record.
BatchLoss = Callable[[Sequence[Tensor], Batch, float], dict[str, Tensor]]


class Objective:
    """The published sum: all heads learn from voxels, the final one from the ball loss, the last from the volume loss.

    Args:
        settings: mode, options, and the weights of the final and the auxiliary head.
        classes: the output channels.

    Raises:
        InputError: a loss has no such option.
    """

    def __init__(self, settings: LossSettings, classes: Sequence[OutputClass]) -> None:
        self._settings = settings
        self._lesions = [number for number, one in enumerate(classes) if one.is_lesion]
        try:
            self._segmentation = SegmentationOptions(**settings.segmentation)
            ball, volume = BallOptions(**settings.ball), VolumeOptions(**settings.volume)
            self._report = ReportOptions(ball=ball, volume=volume, **settings.report)
        except TypeError as error:
            raise InputError(f"The losses do not take these options ({error}).", "See Docs/training.md.") from error

    def __call__(self, heads: Sequence[Tensor], batch: Batch, report_weight: float) -> dict[str, Tensor]:
        """The terms, weighted; see `BatchLoss`."""
        final, last = self._settings.head_weights
        weighted = {"final": (heads[0], final), "auxiliary": (heads[-1], last)}
        if len(heads) == 1:
            weighted = {"final": (heads[0], final + last)}
        terms: dict[str, Tensor] = {}
        known = self._known(batch)
        for name, (logits, weight) in weighted.items():
            bce, dice = self._voxel_terms(logits.float(), batch, known)
            terms |= {f"{name}_bce": weight * bce, f"{name}_dice": weight * dice}
        if report_weight and self._lesions:
            report = self._published_terms if self._settings.mode == "reference" else self._report_terms
            for name, term in report(heads, batch).items():
                terms[name] = report_weight * (last if name == "volume" else final) * term
        return {"loss": torch.stack(list(terms.values())).sum()} | {name: one.detach() for name, one in terms.items()}

    def _voxel_terms(self, logits: Tensor, batch: Batch, known: Tensor) -> tuple[Tensor, Tensor]:
        voxel_mm3 = math.prod(batch.spacing)
        if self._settings.mode == "reference" or not self._settings.batch_dice:
            return segmentation_loss(
                logits, batch.labels, known, mode=self._settings.mode, options=self._segmentation, voxel_mm3=voxel_mm3
            )
        sums = channel_sums(logits, batch.labels, known)
        whole = ChannelSums(*(one.sum(0, keepdim=True) for one in sums))
        dice = dice_of(whole, self._segmentation.empty_dice_mm3 / voxel_mm3).mean()
        return sums.cross_entropy.sum() / logits.numel(), dice

    def _known(self, batch: Batch) -> Tensor:
        known = ~batch.unknown
        known[:, self._lesions] = ~grown(batch.unknown[:, self._lesions])
        return known

    def _report_terms(self, heads: Sequence[Tensor], batch: Batch) -> dict[str, Tensor]:
        return report_terms(
            heads[0].float(), batch.targets, spacing=batch.spacing, options=self._report,
            auxiliary=heads[-1].float(), labels=batch.labels, image=batch.hu,
        )  # fmt: skip

    def _published_terms(self, heads: Sequence[Tensor], batch: Batch) -> dict[str, Tensor]:
        labels, unknown, segment = (one[:, self._lesions] for one in (batch.labels, batch.unknown, batch.segment))
        final, last = (one[:, self._lesions].float() for one in (heads[0], heads[-1]))
        bce, dice = ball_loss(
            final, labels, unknown, segment, batch.volumes, batch.diameters, mode="reference", spacing=batch.spacing
        )
        volume = volume_loss(
            last, labels, unknown, segment, batch.volumes, mode="reference", tolerance=self._settings.tolerance,
            spacing=batch.spacing,
        )  # fmt: skip
        return {"ball_bce": bce, "ball_dice": dice, "volume": volume}


def grown(unknown: Tensor) -> Tensor:
    """(B, C, D, H, W) bool: unknown voxels and those within 2.5 voxels, as lesions reach out of parts (published).

    The ball of radius 2.5 is a cube of 3 voxels whose six faces are one voxel thicker.
    """
    cube = unknown
    for axis in (2, 3, 4):
        cube = _thickened(cube, axis)
    return _thickened(cube, 2) | _thickened(cube, 3) | _thickened(cube, 4)


def _thickened(mask: Tensor, axis: int) -> Tensor:
    """The mask and its neighbours along an axis."""
    thick, n = mask.clone(), mask.shape[axis] - 1
    thick.narrow(axis, 1, n).logical_or_(mask.narrow(axis, 0, n))
    thick.narrow(axis, 0, n).logical_or_(mask.narrow(axis, 1, n))
    return thick
