"""What a report says beyond place and size: attenuation, and benign or malignant (terms of paper B, own formulas).

Paper B names the two terms and what they are for; their formulas and code are not released. These are the project's.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from RSuperLib.supervision.pseudo_masks import PseudoLesion, PseudoMask, voxels_at
from RSuperLib.supervision.targets import ChannelTarget, RelativeAttenuation

#: A lesion is darker or brighter if it differs by half of its organ's standard deviation, and iso if it does not.
_DISTINCT = 0.5
#: Standard deviation of noise in an organ that a few voxels cannot measure, HU.
_NOISE_HU = 5.0


@dataclass(frozen=True)
class Tissue:
    """HU of the voxels of a part that are taught as background.

    Attributes:
        mean: scalar.
        deviation: standard deviation, scalar.
        known: scalar, 1 if there is such a voxel, else 0.
    """

    mean: Tensor
    deviation: Tensor
    known: Tensor


@torch.no_grad()
def tissue_of(image: Tensor, inside: Tensor) -> Tissue:
    """Mean and standard deviation of the image (d, h, w) in HU inside a mask, which may be empty."""
    count = inside.sum().clamp(min=1)
    mean = (image * inside).sum() / count
    variance = ((image - mean).square() * inside).sum() / count
    return Tissue(mean, variance.sqrt() + _NOISE_HU, inside.any().to(image.dtype))


def attenuation_loss(x: Tensor, image: Tensor, found: PseudoMask, target: ChannelTarget, distances: Tensor) -> Tensor:
    """How far the segmented lesions are from the reported attenuation, mean over the lesions that have one.

    With z = (mean HU of the lesion, weighted by its probability - mean of its organ) / standard deviation of its organ:
    hypo wants z <= -0.5, hyper z >= 0.5, iso |z| <= 0.5; what is missing, e, costs e / (1 + e).

    Args:
        x: (d, h, w) logits in the target's box; differentiable.
        image: (d, h, w) HU there.
        found: the pseudo-masks of the target.
        target: what was reported.
        distances: (P, d, h, w) mm from the parts.

    Returns:
        A scalar in [0, 1); 0 if no attenuation was reported.
    """
    tissue = [tissue_of(image, found.background & (distance == 0)) for distance in distances]
    terms = [
        one.lesion.certainty * _missing(_lesion_mean(x, image, one), tissue[one.lesion.part], one.lesion.attenuation)
        for one in found.lesions
        if one.lesion.attenuation is not None
    ]
    return torch.stack(terms).mean() if terms else x.new_zeros(())


def _lesion_mean(x: Tensor, image: Tensor, lesion: PseudoLesion) -> Tensor:
    weights = voxels_at(x, lesion.index).sigmoid() * lesion.wide
    return (weights * voxels_at(image, lesion.index)).sum() / weights.sum().clamp(min=1e-6)


def _missing(mean: Tensor, tissue: Tissue, attenuation: RelativeAttenuation) -> Tensor:
    z = (mean - tissue.mean) / tissue.deviation
    wanted = {"hypo": _DISTINCT + z, "hyper": _DISTINCT - z, "iso": z.abs() - _DISTINCT}
    error = wanted[attenuation].clamp(min=0)
    return tissue.known * error / (1 + error)


def pathology_loss(logits: Tensor, found: PseudoMask, target: ChannelTarget) -> Tensor:
    """Cross entropy of the benign and the malignant channel on the surest voxels of each lesion of known pathology.

    Args:
        logits: (2, d, h, w) of the two channels in the target's box; differentiable.
        found: the pseudo-masks of the target.
        target: what was reported.

    Returns:
        A scalar, mean over the lesions; 0 if no pathology was reported.
    """
    terms = []
    for one in found.lesions:
        if one.lesion.malignant is not None:
            right, wrong = logits[int(one.lesion.malignant)], logits[1 - int(one.lesion.malignant)]
            entropy = functional.softplus(-voxels_at(right, one.index)) + functional.softplus(
                voxels_at(wrong, one.index)
            )
            terms.append(one.lesion.certainty * (entropy * one.core).sum() / (2 * one.core.sum().clamp(min=1)))
    return torch.stack(terms).mean() if terms else logits.new_zeros(())
