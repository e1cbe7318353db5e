"""The CT being painted: tissue by tissue, each carved around what was painted before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from RSuperLib.phantom.fields import Coordinates, Field, coverage, smooth_noise

#: Beyond this many mm a distance to what is painted already is no longer followed.
_REACH_MM = 8.0


@dataclass(frozen=True)
class Region:
    """A box of the canvas with its template coordinates."""

    box: tuple[slice, slice, slice]
    at: Coordinates


@dataclass(frozen=True)
class Tube:
    """Distance field of a bent tube of varying radius.

    Attributes:
        region: where the fields below lie.
        distance: signed distance to the tube's surface, mm.
        along: position of the nearest point of the centre line, 0 to 1.
        height: how far the voxel lies in front of that point, mm.
        radius: radius there, mm.
    """

    region: Region
    distance: Field
    along: Field
    height: Field
    radius: Field


class Canvas:
    """HU, parts and free space of a phantom, on a grid whose axes point right, front and head.

    Shapes are given in template millimetres; `warp` is the smooth random displacement that makes patients differ.

    Attributes:
        spacing: mm per voxel along the three axes.
        hu: (x, y, z) float32 image without blur and noise.
        part: (x, y, z) uint8 labels.
        occupied: signed distance to everything solid so far, mm; what is painted next is carved around it.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        spacing: tuple[float, float, float],
        origin: ArrayLike,
        scale: ArrayLike,
        warps: list[tuple[float, float]],
        random: np.random.Generator,
    ) -> None:
        """Set up an empty canvas.

        Args:
            shape: voxels.
            spacing: mm.
            origin: patient mm of voxel (0, 0, 0).
            scale: patient mm per template mm along the three axes.
            warps: (wavelength mm, standard deviation mm) of the displacement's parts.
            random: source of the displacement.
        """
        self.spacing = spacing
        self.shape = shape
        self._origin = np.asarray(origin, float)
        self._scale = np.asarray(scale, float)
        self.at = self._template_coordinates(warps, random)
        self.hu = np.full(shape, -1000, np.float32)
        self.part = np.zeros(shape, np.uint8)
        self.occupied = np.full(shape, _REACH_MM, np.float32)
        #: Edges are softened over this many mm: the partial volume of a voxel.
        self.edge = float(np.prod(spacing) ** (1 / 3))

    def _template_coordinates(self, warps: list[tuple[float, float]], random: np.random.Generator) -> Coordinates:
        axes = []
        largest = []
        for axis in range(3):
            line = (self._origin[axis] + np.arange(self.shape[axis]) * self.spacing[axis]) / self._scale[axis]
            shift = np.zeros(self.shape, np.float32)
            for wavelength, deviation in warps:
                shift += smooth_noise(self.shape, self.spacing, wavelength, random) * np.float32(deviation)
            largest.append(float(np.abs(shift).max()))
            wide = [1, 1, 1]
            wide[axis] = -1
            axes.append(shift + line.astype(np.float32).reshape(wide))
        self._largest_shift = np.array(largest)
        return axes[0], axes[1], axes[2]

    def region(self, low: ArrayLike, high: ArrayLike, margin: float = _REACH_MM) -> Region:
        """The voxels that a template box with `margin` can reach; may be empty."""
        spacing = np.asarray(self.spacing)
        reach = margin + self._largest_shift
        first = np.floor(((np.asarray(low) - reach) * self._scale - self._origin) / spacing).astype(int)
        last = np.ceil(((np.asarray(high) + reach) * self._scale - self._origin) / spacing).astype(int) + 1
        first, last = np.clip(first, 0, self.shape), np.clip(last, 0, self.shape)
        box = (slice(first[0], last[0]), slice(first[1], last[1]), slice(first[2], max(first[2], last[2])))
        return Region(box, (self.at[0][box], self.at[1][box], self.at[2][box]))

    @property
    def everywhere(self) -> Region:
        """The whole canvas as a region."""
        return Region((slice(None), slice(None), slice(None)), self.at)

    def noise(self, region: Region, wavelength: float, random: np.random.Generator) -> Field:
        """Smooth noise of unit variance in a region."""
        shape = region.at[0].shape
        if 0 in shape:
            return np.zeros(shape, np.float32)
        return smooth_noise(shape, self.spacing, wavelength, random)

    def carve(self, region: Region, distance: Field, gap: Field | float = 0.0) -> Field:
        """Keep a shape `gap` mm away from all that is solid already."""
        return np.asarray(np.maximum(distance, gap - self.occupied[region.box]), np.float32)

    def occupy(self, region: Region, distance: Field) -> None:
        """Declare a shape solid for all that comes later."""
        np.minimum(self.occupied[region.box], distance, out=self.occupied[region.box])

    def paint(
        self, region: Region, distance: Field, value: Field | float, label: int | None = None, edge: float = 0.0
    ) -> None:
        """Fill a shape with `value` HU, softly over the border, and label it."""
        self.blend(region, coverage(distance, max(edge, self.edge)), value)
        if label is not None:
            self.part[region.box][distance < 0] = label

    def blend(self, region: Region, share: Field, value: Field | float) -> None:
        """Mix `value` HU into a region by `share` (0 to 1)."""
        hu = self.hu[region.box]
        hu += share * (value - hu)

    def tube(self, curve: NDArray[np.float64], margin: float = _REACH_MM) -> Tube:
        """Distance field of a tube along `curve`, rows of (x, y, z, radius) in template mm."""
        widest = float(curve[:, 3].max())
        region = self.region(curve[:, :3].min(0) - widest, curve[:, :3].max(0) + widest, margin)
        shape = region.at[0].shape
        fields = {name: np.zeros(shape, np.float32) for name in ("along", "height", "radius")}
        distance = np.full(shape, 1e3, np.float32)
        for index in range(len(curve) - 1):
            self._add_segment(region, curve[index : index + 2], index, len(curve) - 1, distance, fields, margin)
        return Tube(region, distance, fields["along"], fields["height"], fields["radius"])

    def _add_segment(
        self,
        region: Region,
        ends: NDArray[np.float64],
        index: int,
        count: int,
        distance: Field,
        fields: dict[str, Field],
        margin: float,
    ) -> None:
        widest = float(ends[:, 3].max())
        inner = self.region(ends[:, :3].min(0) - widest, ends[:, :3].max(0) + widest, margin)
        if 0 in inner.at[0].shape:
            return
        box = tuple(slice(i.start - r.start, i.stop - r.start) for i, r in zip(inner.box, region.box, strict=True))
        start, step = ends[0, :3].astype(np.float32), (ends[1] - ends[0]).astype(np.float32)
        offset = [axis - c for axis, c in zip(inner.at, start, strict=True)]
        dot = sum(o * s for o, s in zip(offset, step[:3], strict=True))
        t = np.clip(dot / np.float32(max(float(step[:3] @ step[:3]), 1e-6)), 0, 1)
        away = np.sqrt(sum((o - t * s) ** 2 for o, s in zip(offset, step[:3], strict=True)))
        radius = np.float32(ends[0, 3]) + t * step[3]
        closer = away - radius < distance[box]
        np.copyto(distance[box], away - radius, where=closer)
        np.copyto(fields["along"][box], (index + t) / np.float32(count), where=closer)
        np.copyto(fields["height"][box], offset[1] - t * step[1], where=closer)
        np.copyto(fields["radius"][box], radius, where=closer)
