"""Patches of several cases as the tensors that network and losses see, made on the device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from RSuperLib.supervision import ChannelTarget
from RSuperLib.supervision.targets import ellipsoid_volume
from RSuperLib.training.crops import Crop, box_corners, holds, in_patch, touches
from RSuperLib.training.prepared import CaseArrays, PreparedCase, PreparedTarget, Three
from RSuperLib.training.settings import Normalisation

#: Lesions in the tensors of the published method. Targets with more are left out of them.
MOST_LESIONS = 10
#: What lies outside a case: air.
_AIR_HU = -1000
#: Report terms look no further than that around a part (the default of their options).
_REACH_MM = 15.0

Role = Literal["mask", "report"]


@dataclass(frozen=True)
class Sample:
    """One patch as it was read; nothing in it was computed yet.

    Attributes:
        case: the record of its case.
        role: what teaches: lesion masks, or the report.
        crop: where it was cut out.
        image: (z, y, x) int16 HU of what the patch needs; a turned one needs more.
        codes: (2, z, y, x) uint8 codes of the same voxels.
        near: numbers of the targets that may touch the patch.
        distances: (near, z, y, x) uint8 mm to their regions.
        offset: first voxel of these arrays in the case.
    """

    case: PreparedCase
    role: Role
    crop: Crop
    image: NDArray[np.int16]
    codes: NDArray[np.uint8]
    near: tuple[int, ...]
    distances: NDArray[np.uint8]
    offset: Three


@dataclass(frozen=True)
class Batch:
    """What network and losses see; B patches, C classes, edges D, H, W along z, y, x.

    Attributes:
        image: (B, 1, D, H, W) float32, normalised.
        hu: (B, D, H, W) float32 HU, which no change of grey values touches.
        labels: (B, C, D, H, W) bool, 1 = a voxel of the class.
        unknown: (B, C, D, H, W) bool, 1 = not known whether it is.
        targets: for each patch what its report says of regions that lie wholly in it, one for each lesion class.
        segment: (B, C, D, H, W) bool, volumes: (B, 10) mm3, diameters: (B, 10, 3) mm: the region of one of these
            targets and its lesions as the published method wants them, if all sizes are stated; else nothing. Sizes
            are on the CPU.
        is_report: for each patch whether its report teaches, not lesion masks.
        spacing: millimetres along D, H, W.
    """

    image: Tensor
    hu: Tensor
    labels: Tensor
    unknown: Tensor
    targets: tuple[tuple[ChannelTarget, ...], ...]
    segment: Tensor
    volumes: Tensor
    diameters: Tensor
    is_report: tuple[bool, ...]
    spacing: tuple[float, float, float]

    def with_image(self, image: Tensor) -> Batch:
        """The same with other grey values."""
        return replace(self, image=image)

    def part(self, rows: slice) -> Batch:
        """Some of the patches."""
        return Batch(**{
            one.name: getattr(self, one.name) if one.name == "spacing" else getattr(self, one.name)[rows]
            for one in fields(self)
        })  # fmt: skip


def read_sample(arrays: CaseArrays, role: Role, crop: Crop, patch: Three) -> Sample:
    """Read what a patch needs."""
    start, stop = _needed(crop, patch, arrays.record.shape)
    box = (slice(start[0], stop[0]), slice(start[1], stop[1]), slice(start[2], stop[2]))
    targets = enumerate(arrays.record.targets if role == "report" else [])
    near = tuple(number for number, target in targets if touches(crop, target, patch))
    return Sample(
        arrays.record, role, crop, arrays.image(box), arrays.codes(box), near, arrays.distances(near, box), start
    )


def _needed(crop: Crop, patch: Three, shape: Three) -> tuple[Three, Three]:
    """First and last voxel (exclusive) of the case that the patch touches; at least one voxel."""
    half = (np.array(patch) - 1) / 2
    reach = half if crop.warp is None else np.abs(crop.warp) @ half
    middle = np.array(crop.start) + half
    start = np.clip(np.floor(middle - reach).astype(int), 0, np.array(shape) - 1)
    stop = np.clip(np.ceil(middle + reach).astype(int) + 1, start + 1, shape)
    return (int(start[0]), int(start[1]), int(start[2])), (int(stop[0]), int(stop[1]), int(stop[2]))


def make_batch(samples: Sequence[Sample], patch: Three, normalisation: Normalisation, device: torch.device) -> Batch:
    """The tensors of these patches on the device."""
    hu, codes, distances = zip(*(_on_patch(sample, patch, device) for sample in samples), strict=True)
    masks = [_masks(sample, maps) for sample, maps in zip(samples, codes, strict=True)]
    labels, unknown, segment = (torch.stack(kind) for kind in zip(*masks, strict=True))
    volumes, diameters = _published_sizes(samples)
    images = [_normalised(one, sample.case, normalisation) for sample, one in zip(samples, hu, strict=True)]
    return Batch(
        image=torch.stack(images)[:, None],
        hu=torch.stack(hu), labels=labels, unknown=unknown,
        targets=tuple(_targets(sample, patch, maps) for sample, maps in zip(samples, distances, strict=True)),
        segment=segment, volumes=volumes, diameters=diameters,
        is_report=tuple(sample.role == "report" for sample in samples),
        spacing=samples[0].case.spacing_mm,
    )  # fmt: skip


def _on_patch(sample: Sample, patch: Three, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """HU float32, codes (2, …) and distances (near, …) of the patch's own voxels."""
    image = torch.from_numpy(sample.image).to(device).float()
    codes = torch.from_numpy(sample.codes).to(device)
    distances = torch.from_numpy(sample.distances).to(device)
    if sample.crop.warp is None:
        shift = [at - offset for at, offset in zip(sample.crop.start, sample.offset, strict=True)]
        return (
            _cut(image, shift, patch, _AIR_HU), _cut(codes, shift, patch, 0), _cut(distances, shift, patch, 255)
        )  # fmt: skip
    grid = _sampling_grid(sample, sample.crop.warp, patch, device)
    image = _turned(image[None] - _AIR_HU, grid, "bilinear")[0] + _AIR_HU
    # grid_sample puts 0 outside the case, where distances are 255
    distances = 255 - _turned(255.0 - distances, grid, "nearest")
    return image, _turned(codes.float(), grid, "nearest").to(torch.uint8), distances.to(torch.uint8)


def _cut(array: Tensor, shift: Sequence[int], patch: Three, outside: int) -> Tensor:
    """The patch that begins at voxel `shift` of the last three axes; `outside` where there is no voxel."""
    padding = []
    for at, edge, n in reversed(list(zip(shift, patch, array.shape[-3:], strict=True))):
        padding += [max(-at, 0), max(at + edge - n, 0)]
    z, y, x = (
        slice(max(at, 0), max(at, 0) + min(at + edge, n) - max(at, 0))
        for at, edge, n in zip(shift, patch, array.shape[-3:], strict=True)
    )
    return functional.pad(array[..., z, y, x], padding, value=outside)


def _sampling_grid(sample: Sample, warp: NDArray[np.float64], patch: Three, device: torch.device) -> Tensor:
    """(1, D, H, W, 3) places of the patch's voxels as `grid_sample` wants them: x, y, z within -1 to 1."""
    size = np.array(sample.image.shape, float)
    half = (np.array(patch) - 1) / 2
    # place in the array = matrix @ (voxel - half) + middle; then voxel centres to -1..1 (align_corners=False)
    middle = np.array(sample.crop.start) + half - np.array(sample.offset)
    matrix = warp * (2 / size)[:, None]
    origin = (2 * middle + 1) / size - 1
    axes = [torch.arange(n, device=device, dtype=torch.float32) - (n - 1) / 2 for n in patch]
    offsets = torch.stack(torch.meshgrid(*axes, indexing="ij"), -1)
    places = offsets @ torch.tensor(matrix.T, dtype=torch.float32, device=device)
    return (places + torch.tensor(origin, dtype=torch.float32, device=device)).flip(-1)[None]


def _turned(arrays: Tensor, grid: Tensor, mode: str) -> Tensor:
    """Arrays (n, z, y, x) at the places of the grid; 0 outside."""
    if not len(arrays):
        return arrays.new_zeros((0, *grid.shape[1:4]))
    return functional.grid_sample(arrays[None], grid, mode=mode, align_corners=False)[0]


def _normalised(hu: Tensor, case: PreparedCase, settings: Normalisation) -> Tensor:
    mean, std = (case.clipped_mean, case.clipped_std) if settings.per_case else (settings.mean, settings.std)
    return (hu.clamp(*settings.clip_hu) - mean) / max(std, 1.0)


def _masks(sample: Sample, codes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """labels, unknown and segment (C, D, H, W) of one patch."""
    case, count = sample.case, len(sample.case.classes)
    labels = _decoded(codes[0], case.class_codes, count)
    segment = torch.zeros_like(labels)
    if sample.role == "mask":
        unknown = torch.zeros_like(labels)
        unknown[case.unlabelled] = True
        return labels, unknown, segment
    regions = _decoded(codes[1], case.region_codes, count + len(case.targets))
    unknown = regions[:count]
    unknown[case.unknown_everywhere] = True
    unknown[[one for one in case.unlabelled if one not in case.lesions_by_report]] = True
    labels[sorted(case.lesions_by_report)] = False  # a mask that lies beside the report is not looked at
    target = _published_target(sample)
    if target is not None:
        segment[case.targets[target].channel] = regions[count + target]
    return labels, unknown, segment


def _decoded(codes: Tensor, members: list[list[int]], count: int) -> Tensor:
    """(count, D, H, W) bool masks of a map of codes."""
    table = torch.zeros(count, 256, dtype=torch.bool)
    for code, inside in enumerate(members):
        table[inside, code] = True
    index, table = codes.int(), table.to(codes.device)
    return torch.stack([row[index] for row in table])


def _published_target(sample: Sample) -> int | None:
    """The target that the patch was cut out around, if the published tensors can hold it."""
    number = sample.crop.target
    if number is None:
        return None
    target = sample.case.targets[number]
    return number if target.is_sized and len(target.lesions) <= MOST_LESIONS else None


def _published_sizes(samples: Sequence[Sample]) -> tuple[Tensor, Tensor]:
    """Volumes and diameters of these targets, in the patch's own millimetres."""
    volumes, diameters = torch.zeros(len(samples), MOST_LESIONS), torch.zeros(len(samples), MOST_LESIONS, 3)
    for row, sample in enumerate(samples):
        number = _published_target(sample)
        lesions = [] if number is None else sample.case.targets[number].lesions
        for column, lesion in enumerate(lesions):
            diameters[row, column] = torch.tensor(lesion.diameters_mm) * _scale(sample.crop)
            volumes[row, column] = ellipsoid_volume(diameters[row, column].tolist())
    return volumes, diameters


def _scale(crop: Crop) -> float:
    """Millimetres in the patch for one in the case."""
    return 1.0 if crop.warp is None else abs(float(np.linalg.det(crop.warp))) ** (-1 / 3)


def _targets(sample: Sample, patch: Three, distances: Tensor) -> tuple[ChannelTarget, ...]:
    """What the report says of regions that lie wholly in the patch; regions that are cut are open."""
    case, crop = sample.case, sample.crop
    whole = {one for one in sample.near if one == crop.target or holds(crop, case.targets[one], patch)}
    found = []
    for channel in sorted({case.targets[one].channel for one in whole}):
        rows = [row for row, one in enumerate(sample.near) if case.targets[one].channel == channel]
        numbers = [sample.near[row] for row in rows]
        shift = crop.start[0] if crop.warp is None else None
        lesions = tuple(
            lesion.target(part, _scale(crop), shift)
            for part, one in enumerate(numbers) if one in whole for lesion in case.targets[one].lesions
        )  # fmt: skip
        open_parts = {part for part, one in enumerate(numbers) if one not in whole or case.targets[one].is_open}
        inside = [case.targets[one] for one in numbers if one in whole]
        scaled = distances[rows] if _scale(crop) == 1.0 else distances[rows].float() * _scale(crop)
        upright, reach = (0 if crop.warp is None else None), _reach(crop, inside, patch, case.spacing_mm)
        found.append(ChannelTarget(channel, scaled, lesions, frozenset(open_parts), reach, upright))
    return tuple(found)


def _reach(
    crop: Crop, targets: Sequence[PreparedTarget], patch: Three, spacing: Sequence[float]
) -> tuple[slice, slice, slice]:
    """The box of the patch that holds the regions and all within reach of them."""
    corners = np.concatenate([in_patch(crop, box_corners(target), patch) for target in targets])
    margin = np.ceil(_REACH_MM * _scale(crop) / np.array(spacing)) + 1
    low = np.maximum(np.floor(corners.min(0) - margin), 0).astype(int)
    high = np.minimum(np.ceil(corners.max(0) + margin) + 1, patch).astype(int)
    return slice(int(low[0]), int(high[0])), slice(int(low[1]), int(high[1])), slice(int(low[2]), int(high[2]))
