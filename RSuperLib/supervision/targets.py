"""What the report of one crop teaches, in numbers: the lesions of each channel and where they may lie.

A target is made once per case (on the host) and holds nothing that must be read back from an accelerator.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from RSuperLib.io.errors import InputError
from RSuperLib.supervision.inputs import LossInputs, Spacing
from RSuperLib.supervision.options import ReportOptions

Box = tuple[slice, slice, slice]
Diameters = tuple[float, float, float]
RelativeAttenuation = Literal["hypo", "iso", "hyper"]

#: A lesion of unknown size: a ball of the size that half of the reported lesions do not reach is looked for, and at
#: least the volume of a 4 mm ball must be there. (Median of the per-CT table that R-Super publishes: 15 mm.)
UNKNOWN_DIAMETER_MM, _LEAST_DIAMETER_MM = 10.0, 4.0
_WHOLE = (slice(None), slice(None), slice(None))


@dataclass(frozen=True)
class LesionTarget:
    """What a report says of one lesion.

    Attributes:
        part: which of the channel's parts it lies in, index into `ChannelTarget.distances`.
        diameters_mm: of the ellipsoid to look for, positive.
        volume_mm3: least and greatest volume; the greatest is inf if the size is not known.
        certainty: 0..1, how sure the report is; weighs what the lesion teaches.
        attenuation: relative to its organ, for the attenuation term.
        malignant: for the pathology term.
        slices: first and last index along `ChannelTarget.upright` that its centre may lie at.
    """

    part: int
    diameters_mm: Diameters
    volume_mm3: tuple[float, float]
    certainty: float = 1.0
    attenuation: RelativeAttenuation | None = None
    malignant: bool | None = None
    slices: tuple[int, int] | None = None

    @property
    def ellipsoid_mm3(self) -> float:
        """Volume of the ellipsoid of the diameters."""
        return ellipsoid_volume(self.diameters_mm)

    @property
    def is_exact(self) -> bool:
        """Whether the report bounds the volume from above, and from below by a good part of that."""
        return self.volume_mm3[1] <= 5 * self.volume_mm3[0]


@dataclass(frozen=True)
class ChannelTarget:
    """The reported lesions of one channel in one crop.

    Attributes:
        channel: of the logits.
        distances: (P, D, H, W) mm from each part, 0 inside; any type, uint8 will do.
        lesions: all that are reported in these parts.
        open_parts: parts that may hold more lesions than are listed ("multiple", or not wholly in the crop): nothing
            there is taught as background, and their volume has no upper bound.
        box: what of (D, H, W) holds every voxel within reach of the parts; saves time.
        upright: the array axis (0, 1, 2) that is craniocaudal, if known: a third diameter lies along it.
        pathology_channels: of benign and of malignant lesions, if the network has them.
    """

    channel: int
    distances: Tensor
    lesions: tuple[LesionTarget, ...] = ()
    open_parts: frozenset[int] = frozenset()
    box: Box = _WHOLE
    upright: int | None = None
    pathology_channels: tuple[int, int] | None = None

    def reach(self, millimetres: float) -> Tensor:
        """(D, H, W) bool, voxels within so many mm of any part."""
        return (self.distances <= millimetres).any(0)


def ellipsoid_volume(diameters_mm: Sequence[float]) -> float:
    """pi / 6 a b c, mm3."""
    return math.pi / 6 * math.prod(diameters_mm)


def lesion_of_numbers(volume: float, diameters: Sequence[float], tolerance: float) -> LesionTarget | None:
    """A lesion of the tensors of the published method: a volume, three diameters, zeros or odd numbers where unknown.

    Returns:
        None if neither volume nor diameters are there. What is missing or not finite is made from the other; if
        nothing is usable, a lesion of unknown size.
    """
    stated = [number for number in (volume, *diameters) if number != 0]
    if not stated:
        return None
    sizes = [number for number in diameters if math.isfinite(number) and number > 0]
    if not (math.isfinite(volume) and volume > 0):
        if not sizes:
            return unknown_lesion()
        volume = ellipsoid_volume(_three(sizes))
    if not sizes:
        sizes = [(6 * volume / math.pi) ** (1 / 3)]
    return LesionTarget(0, _three(sizes), ((1 - tolerance) * volume, (1 + tolerance) * volume))


def unknown_lesion(part: int = 0, certainty: float = 1.0) -> LesionTarget:
    """A lesion of unknown size: it is there, with at least the volume of the smallest that are reported."""
    least = ellipsoid_volume((_LEAST_DIAMETER_MM,) * 3)
    return LesionTarget(part, (UNKNOWN_DIAMETER_MM,) * 3, (least, math.inf), certainty)


def _three(sizes: Sequence[float]) -> Diameters:
    """(d, d, d), (a, b, (a + b) / 2) or (a, b, c)."""
    first, second = sizes[0], sizes[1] if len(sizes) > 1 else sizes[0]
    return first, second, sizes[2] if len(sizes) > 2 else (first + second) / 2


def used(target: ChannelTarget, options: ReportOptions) -> ChannelTarget | None:
    """The target with only what the options let a report teach; None if that is nothing."""
    if not options.inexact_sizes and (target.open_parts or not all(one.is_exact for one in target.lesions)):
        return None
    lesions = [one if options.certainty else replace(one, certainty=1.0) for one in target.lesions]
    lesions = [one if options.slice_hints else replace(one, slices=None) for one in lesions]
    return replace(target, lesions=tuple(lesions))


def targets_of_tensors(
    inputs: LossInputs, volumes: Tensor, diameters: Tensor | None, tolerance: float, grow_mm: float
) -> list[list[ChannelTarget]]:
    """Targets of the tensors of the published method, for each sample.

    Args:
        inputs: the batch.
        volumes: (B, K) mm3 on the CPU.
        diameters: (B, K, 3) mm on the CPU, or None for balls.
        tolerance: share by which the volume may be more or less.
        grow_mm: how far around the segment distances are needed.

    Raises:
        InputError: a sample has a segment in several channels: its lesions cannot be told apart.
    """
    sizes = torch.zeros(*volumes.shape, 3, dtype=torch.float64) if diameters is None else diameters
    present = inputs.segment.flatten(2).any(2).cpu()
    targets: list[list[ChannelTarget]] = []
    for b, rows in enumerate(present):
        channels = rows.nonzero().flatten().tolist()
        if len(channels) > 1:
            message = f"Sample {b} has a segment in {len(channels)} channels, but one list of lesions."
            raise InputError(message, "Give report_terms one target for each channel.")
        numbers = zip(volumes[b].tolist(), sizes[b].tolist(), strict=True)
        found = [lesion_of_numbers(volume, row, tolerance) for volume, row in numbers]
        # A segment without a usable number is a lesion of unknown size.
        lesions = tuple(one for one in found if one is not None) or (unknown_lesion(),)
        targets.append([_target(inputs, b, c, lesions, grow_mm) for c in channels])
    return targets


def _target(
    inputs: LossInputs, b: int, channel: int, lesions: tuple[LesionTarget, ...], grow_mm: float
) -> ChannelTarget:
    mask = inputs.segment[b, channel]
    box = box_around(mask, grow_mm, inputs.spacing)
    distances = torch.full(mask.shape, math.inf, device=mask.device)
    distances[box] = distance_from(mask[box], inputs.spacing)
    is_open = any(math.isinf(one.volume_mm3[1]) for one in lesions)
    return ChannelTarget(channel, distances[None], lesions, frozenset({0} if is_open else ()), box)


def box_around(mask: Tensor, margin_mm: float, spacing: Spacing) -> Box:
    """The box of a mask (D, H, W) that is not empty, with a margin, cut at the borders."""
    low = []
    for axis, step in enumerate(spacing):
        others = [other for other in range(3) if other != axis]
        lines = mask.any(others[1]).any(others[0]).nonzero().flatten()
        reach = math.ceil(margin_mm / step)
        low.append(slice(max(int(lines[0]) - reach, 0), int(lines[-1]) + reach + 1))
    return low[0], low[1], low[2]


def distance_from(mask: Tensor, spacing: Spacing) -> Tensor:
    """Millimetres from a mask (D, H, W), float32; 0 inside."""
    import edt

    distance = edt.edt((~mask).cpu().numpy(), anisotropy=spacing, black_border=False)
    return torch.from_numpy(distance).to(mask.device)
