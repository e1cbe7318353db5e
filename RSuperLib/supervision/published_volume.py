"""The published volume loss (paper A, equation of L_vol; method of the released code)."""

from __future__ import annotations

from torch import Tensor

from RSuperLib.supervision.inputs import LossInputs
from RSuperLib.supervision.published_shapes import dilate

#: Tolerance of the released command line; the paper says 0.1.
PUBLISHED_TOLERANCE = 0.2
#: The published volume loss and the presence of small lesions: mm3.
_SOFTENING, _SMALL = 500.0, 100.0
_GROWTH = 31


def published_volume_loss(inputs: LossInputs, volumes: Tensor, tolerance: float = PUBLISHED_TOLERANCE) -> Tensor:
    """Mean over samples and channels of `volume_disagreement`.

    Args:
        inputs: the batch; channels are the lesion channels.
        volumes: (B, K) reported mm3, zeros beyond the last.
        tolerance: share of the volume by which the prediction may fall short.
    """
    predicted, grown = predicted_volume(inputs)
    total = volumes.to(predicted).sum(1, keepdim=True)
    return volume_disagreement(predicted, total * grown, tolerance).mean()


def predicted_volume(inputs: LossInputs) -> tuple[Tensor, Tensor]:
    """Volume that is predicted in the dilated segment, (B, L) mm3, and whether there is a segment, (B, L) bool."""
    grown = dilate(inputs.segment, _GROWTH)
    unlabelled = ~inputs.labels.flatten(2).any(2)
    probability = inputs.logits.sigmoid() * unlabelled[:, :, None, None, None]
    return (probability * grown).sum((2, 3, 4)) * inputs.voxel_mm3, grown.flatten(2).any(2)


def volume_disagreement(predicted: Tensor, reported: Tensor, tolerance: float) -> Tensor:
    """clamp(f(P) - f(a0), 0, 1), f(a) = |a - V| / (a + V + 500), a0 = max((1 - tolerance) V, min(V, 100)).

    Args:
        predicted: P in mm3, any shape.
        reported: V in mm3, the same shape; 0 = no lesion.
        tolerance: as above.
    """
    allowed = ((1 - tolerance) * reported).maximum(reported.clamp(max=_SMALL))
    excess = _relative_error(predicted, reported) - _relative_error(allowed, reported)
    return excess.clamp(0, 1)


def _relative_error(volume: Tensor, reported: Tensor) -> Tensor:
    return (volume - reported).abs() / (volume + reported + _SOFTENING)
