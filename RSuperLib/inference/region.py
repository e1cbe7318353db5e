"""Where the lesion of a finding may lie, cut out of the CT and coarsened so that its ball is a few voxels wide."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import edt
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from RSuperLib.anatomy import Parts, organ_parts, part
from RSuperLib.inference.rough import bounding_box, is_rough, organ_within
from RSuperLib.io import Grid
from RSuperLib.report import Finding

Mask = NDArray[np.bool_]
Box = tuple[slice, slice, slice]
_NOTHING: Mask = np.zeros((0, 0, 0), np.bool_)

#: Lesions reach a little over their organ's mask: by this share of their radius, at most so many mm.
_BORDER, _MOST_BORDER_MM = 0.1, 3.0
#: Dents in solid organs up to twice as wide are closed; masks that leave lesions out by the lesion's radius.
_DENT_MM = 4.0
#: A hull that wide would let the search take heart and mediastinum for a tumour of the lung; the outline, which knows
#: where the tumour is, needs its outer parts.
_REACH = 1.5
#: No more coarse voxels than this are searched: memory and time of one size.
_MOST_VOXELS = 12e6
#: Standard deviation, in voxels, of the blur that carries HU over an organ's border.
_BLUR_VOXELS = 1.0
#: Parts that contain other parts, or run through organs: they do not exclude a lesion from lying there.
_CONTAINERS = ("body", "cavity", "fat", "effusion", "pleur", "mediastinum", "lung_", "implant", "infiltrate")


@dataclass(frozen=True)
class Region:
    """Where to look for a finding.

    Attributes:
        names: the parts looked in.
        named: their union (i, j, k): the lesion's centre lies in or beside it.
        organ: the union of all parts of the organ on that side: the lesion may reach so far.
        taken: voxels that belong to other organs.
        leaves_lesions_out: whether the masks have a dent or hole where a lesion is, as those of lungs do.
    """

    names: tuple[str, ...]
    named: Mask
    organ: Mask
    taken: Mask
    leaves_lesions_out: bool = False


class PackedRegion:
    """A region as the bits of its masks' boxes: of a large CT many are kept, one for each place that a report names."""

    def __init__(self, region: Region) -> None:
        self._region = replace(region, named=_NOTHING, organ=_NOTHING, taken=_NOTHING)
        self._shape = region.organ.shape
        self._bits = [_packed(mask) for mask in (region.named, region.organ, region.taken)]

    def unpacked(self) -> Region:
        """The region that was packed."""
        named, organ, taken = (self._mask(box, bits) for box, bits in self._bits)
        return replace(self._region, named=named, organ=organ, taken=taken)

    def _mask(self, box: tuple[slice, ...], bits: NDArray[np.uint8]) -> Mask:
        mask = np.zeros(self._shape, np.bool_)
        inside = mask[box]
        inside[:] = np.unpackbits(bits, count=inside.size).reshape(inside.shape)
        return mask


def _packed(mask: Mask) -> tuple[tuple[slice, ...], NDArray[np.uint8]]:
    box = bounding_box(mask) if mask.any() else (slice(0, 0),) * mask.ndim
    return box, np.packbits(mask[box])


def part_names(finding: Finding, parts: Parts) -> tuple[str, ...]:
    """The parts that a finding leads to: those it names where they have masks, else those of its organ."""
    named = tuple(finding.organ_masks)
    return named if parts.holds(named) else tuple(organ_parts(finding.organ, finding.laterality))


def region_of(finding: Finding, parts: Parts) -> Region | None:
    """The region that a finding leads to (see `part_names`); None without any mask."""
    names = part_names(finding, parts)
    named = parts.region(names)
    if named is None:
        return None
    organ = parts.region(organ_parts(finding.organ, finding.laterality))
    whole = named if organ is None else organ | named
    return Region(names, named, whole, other_anatomy(finding, parts), leaves_lesions_out=finding.organ == "lung")


def outlined(region: Region, hu: NDArray[Any], grid: Grid) -> Region:
    """The region itself or, where it is only a box around the organ, the organ in it."""
    if region.leaves_lesions_out or not is_rough(hu, region.organ):
        return region
    organ = organ_within(hu, region.organ, grid)
    return replace(region, named=region.named & organ, organ=organ, leaves_lesions_out=True)


def other_anatomy(finding: Finding, parts: Parts) -> Mask:
    """Voxels (i, j, k) that belong to other organs than the finding's, so that its lesion does not lie there."""
    taken = np.zeros(parts.grid.shape, np.bool_, order="F")
    own = {*organ_parts(finding.organ, finding.laterality), *finding.organ_masks}
    for name in parts.names:
        if name not in own and not _is_own_tissue(name, finding) and not any(word in name for word in _CONTAINERS):
            parts.masks.add_to(taken, name)
    return taken


def _is_own_tissue(name: str, finding: Finding) -> bool:
    one = part(name)
    other_side = {finding.laterality, one.side} == {"left", "right"}
    return one.role == "lesion" or (one.organ == finding.organ and not other_side)


@dataclass(frozen=True)
class SearchSpace:
    """A coarsened cut-out of the CT, (i, j, k).

    Attributes:
        box: the cut-out in CT voxels (its stops may be cut off by up to a coarse voxel).
        factor: CT voxels per coarse voxel along i, j, k.
        axes_mm: (3, 3), columns are the RAS offsets of one coarse voxel along i, j, k.
        hu: mean HU, float32.
        tissue: the part's own voxels, as masks give them.
        extent: where a ball is looked for: the part with holes and dents closed, without other organs.
        reach: where voxels of a lesion may lie, once its ball was found; a little more than the extent.
        trust: 0..1, how far a voxel's HU is free of what lies outside the extent.
        centres: where its centre may lie.
    """

    box: Box
    factor: tuple[int, int, int]
    axes_mm: NDArray[np.float64]
    hu: NDArray[np.float32]
    tissue: Mask
    extent: Mask
    reach: Mask
    trust: NDArray[np.float32]
    centres: Mask

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Millimetres between coarse voxels."""
        i, j, k = np.linalg.norm(self.axes_mm, axis=0)
        return float(i), float(j), float(k)

    def to_ct(self, index: Sequence[float]) -> NDArray[np.float64]:
        """CT voxel index (continuous) of the centre of a coarse voxel."""
        start = np.array([one.start for one in self.box])
        return start + (np.asarray(index, float) + 0.5) * self.factor - 0.5

    def reach_in(self, box: Box) -> Mask:
        """The reach on the CT's own voxels of a box, interpolated."""
        start = np.array([one.start for one in box])
        offset = (start + 0.5 - np.array([one.start for one in self.box])) / self.factor - 0.5
        fine = ndimage.affine_transform(
            self.reach.astype(np.float32),
            1 / np.array(self.factor),
            offset,
            tuple(one.stop - one.start for one in box),
            order=1,
            mode="constant",
        )
        inside: Mask = fine > 0.5
        return inside


def search_space(hu: NDArray[Any], grid: Grid, region: Region, radius_mm: float) -> SearchSpace:
    """Cut out and coarsen what is needed to look for a lesion of that radius.

    Args:
        hu: the CT (i, j, k).
        grid: its grid.
        region: where to look.
        radius_mm: smallest radius that is looked for.
    """
    closing_mm = radius_mm if region.leaves_lesions_out else _DENT_MM
    border_mm = min(_BORDER * radius_mm, _MOST_BORDER_MM)
    box = _box_around(region.organ, grid, radius_mm + closing_mm + border_mm)
    factor = _coarsening(grid, radius_mm, box)
    coarse_grid_axes = grid.affine[:3, :3] * np.array(factor)
    spacing = np.linalg.norm(coarse_grid_axes, axis=0)
    organ = _shares(region.organ[box], factor) >= 0.5
    named = _shares(region.named[box], factor) >= 0.5
    free = _shares(region.taken[box], factor) < 0.5
    extent = (_closed(organ, closing_mm, border_mm, spacing) | organ) & free
    reach = extent
    if region.leaves_lesions_out:
        reach = extent | (_closed(organ, _REACH * radius_mm, border_mm, spacing) & free)
    centres = extent & (_distance(named, spacing) <= closing_mm + border_mm)
    coarse = _block_means(hu[box], factor)
    return SearchSpace(box, factor, coarse_grid_axes, coarse, organ, extent, reach, _trust(extent), centres)


def _trust(extent: Mask) -> NDArray[np.float32]:
    """Scanner blur and partial volume carry what lies outside about a voxel into the extent."""
    blurred = ndimage.gaussian_filter(np.pad(extent, 3).astype(np.float32), _BLUR_VOXELS)[3:-3, 3:-3, 3:-3]
    trust: NDArray[np.float32] = blurred * extent
    return trust


def _coarsening(grid: Grid, radius_mm: float, box: Box) -> tuple[int, int, int]:
    """CT voxels per coarse voxel: the radius is four coarse voxels, if the CT is so fine and the box not too large."""
    factor = [max(1, int(radius_mm / 4 / spacing)) for spacing in grid.spacing]
    shape = np.array([one.stop - one.start for one in box])
    while np.prod(shape / factor) > _MOST_VOXELS:
        factor[int(np.argmin(np.array(grid.spacing) * factor))] += 1
    return factor[0], factor[1], factor[2]


def _box_around(mask: Mask, grid: Grid, margin_mm: float) -> Box:
    margins = [int(np.ceil(margin_mm / spacing)) for spacing in grid.spacing]
    tight = zip(bounding_box(mask), margins, mask.shape, strict=True)
    i, j, k = (slice(max(one.start - margin, 0), min(one.stop + margin, n)) for one, margin, n in tight)
    return i, j, k


def _block_means(array: NDArray[Any], factor: Iterable[int]) -> NDArray[np.float32]:
    """Means of blocks; a last block that is not full repeats its border."""
    factors = tuple(factor)
    padding = [(0, -n % f) for n, f in zip(array.shape, factors, strict=True)]
    full = np.pad(array, padding, mode="edge")
    shape = [size for n, f in zip(full.shape, factors, strict=True) for size in (n // f, f)]
    means: NDArray[np.float32] = full.reshape(shape).mean(axis=(1, 3, 5), dtype=np.float32)
    return means


def _shares(mask: Mask, factor: Iterable[int]) -> NDArray[np.float32]:
    return _block_means(mask.astype(np.float32), factor)


def _distance(mask: Mask, spacing: NDArray[np.float64]) -> NDArray[np.float32]:
    """Millimetres to the nearest voxel of the mask."""
    distance: NDArray[np.float32] = edt.edt(np.ascontiguousarray(~mask), anisotropy=tuple(spacing))
    return distance


def _closed(mask: Mask, radius_mm: float, border_mm: float, spacing: NDArray[np.float64]) -> Mask:
    """Closing with a ball, grown by a border, holes filled."""
    radius_mm += border_mm
    margin = [int(np.ceil(radius_mm / s)) + 1 for s in spacing]
    padded = np.pad(mask, [(m, m) for m in margin])
    grown = _distance(padded, spacing) <= radius_mm
    shrunk = _distance(~grown, spacing) > radius_mm - border_mm
    closed: Mask = ndimage.binary_fill_holes(shrunk[tuple(slice(m, -m) for m in margin)])
    return closed
