"""The CT being painted: tissue by tissue, each carved around what was painted before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from RSuperLib.phantom.fields import Coordinates, Field, coverage, smooth_noise

#: Beyond this many mm a distance to what is painted already is no longer followed.
_REACH_MM = 7.0
#: The displacement is looked up this far apart; between, it differs by less than the slack.
_SPARSE_MM, _SLACK_MM = 8.0, 1.0


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
        along: position of the nearest point of the centre line, 0 to 1 (this and the next only with `details`).
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
        coarse = []
        strides = [max(1, round(_SPARSE_MM / step)) for step in self.spacing]
        for axis in range(3):
            line = (self._origin[axis] + np.arange(self.shape[axis]) * self.spacing[axis]) / self._scale[axis]
            shift = np.zeros(self.shape, np.float32)
            for wavelength, deviation in warps:
                shift += smooth_noise(self.shape, self.spacing, wavelength, random) * np.float32(deviation)
            coarse.append(shift[:: strides[0], :: strides[1], :: strides[2]])
            wide = [1, 1, 1]
            wide[axis] = -1
            axes.append(shift + line.astype(np.float32).reshape(wide))
        self._remember_shifts(np.array(coarse), np.array(strides) * self.spacing)
        return axes[0], axes[1], axes[2]

    def _remember_shifts(self, shifts: Field, step_mm: NDArray[np.float64]) -> None:
        """Keep the displacement on a coarse grid, and how large and steep it gets, to find boxes without searching."""
        self._shifts, self._sparse_mm = shifts, step_mm
        self._largest = np.abs(shifts).max((1, 2, 3))
        slopes = [[np.abs(np.diff(shift, axis=k)).max() / step_mm[k] for k in range(3)] for shift in shifts]
        self._steepest = np.array(slopes, float)

    def region(self, low: ArrayLike, high: ArrayLike, margin: float = _REACH_MM) -> Region:
        """The voxels that a template box with `margin` can reach; may be empty."""
        low, high = np.asarray(low, float), np.asarray(high, float)
        centre, half = (low + high) / 2, (high - low) / 2 + margin
        shift = np.zeros(3)
        for _ in range(2):  # where the displacement takes the centre, by fixed-point iteration
            shift = self._shift_at((centre - shift) * self._scale)
        spread = np.minimum(self._steepest @ (half * self._scale), 2 * self._largest) + _SLACK_MM
        ends = np.array([centre - shift - half - spread, centre - shift + half + spread]) * self._scale
        index = (ends - self._origin) / self.spacing
        first = np.clip(np.floor(index[0]), 0, self.shape).astype(int).tolist()
        last = np.clip(np.ceil(index[1]) + 1, first, self.shape).astype(int).tolist()
        box = (slice(first[0], last[0]), slice(first[1], last[1]), slice(first[2], last[2]))
        return Region(box, (self.at[0][box], self.at[1][box], self.at[2][box]))

    def _inside(self, outer: Region, inner: Region) -> Region:
        """What two regions share."""
        low = [max(a.start, b.start) for a, b in zip(outer.box, inner.box, strict=True)]
        high = [min(a.stop, b.stop) for a, b in zip(outer.box, inner.box, strict=True)]
        parts = [slice(a, max(a, b)) for a, b in zip(low, high, strict=True)]
        box = (parts[0], parts[1], parts[2])
        return Region(box, (self.at[0][box], self.at[1][box], self.at[2][box]))

    def _shift_at(self, point: NDArray[np.float64]) -> NDArray[np.float64]:
        """Displacement near a point in patient mm, taken from the nearest coarse sample inside the canvas."""
        index = ((point - self._origin) / self._sparse_mm).tolist()
        i, j, k = (min(max(round(n), 0), size - 1) for n, size in zip(index, self._shifts.shape[1:], strict=True))
        return np.asarray(self._shifts[:, i, j, k], float)

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

    def tube(self, curve: NDArray[np.float64], margin: float = _REACH_MM, details: bool = False) -> Tube:
        """Distance field of a tube along `curve`, rows of (x, y, z, radius) in template mm.

        Only with `details` the other fields of the tube are filled; they cost as much as the distance.
        """
        widest = float(curve[:, 3].max())
        region = self.region(curve[:, :3].min(0) - widest, curve[:, :3].max(0) + widest, margin)
        shape = region.at[0].shape
        names = ("along", "height", "radius") if details else ()
        fields: dict[str, Field] = {name: np.zeros(shape, np.float32) for name in names}
        distance: Field = np.full(shape, 1e3, np.float32)
        for index in range(len(curve) - 1):
            self._add_segment(region, curve[index : index + 2], index, len(curve) - 1, distance, fields, margin)
        empty = np.zeros((0, 0, 0), np.float32)
        along, height, width = (fields.get(name, empty) for name in ("along", "height", "radius"))
        return Tube(region, distance, along, height, width)

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
        inner = self._inside(region, self.region(ends[:, :3].min(0) - widest, ends[:, :3].max(0) + widest, margin))
        if 0 in inner.at[0].shape:
            return
        box = tuple(slice(i.start - r.start, i.stop - r.start) for i, r in zip(inner.box, region.box, strict=True))
        start, step = ends[0, :3].astype(np.float32), (ends[1] - ends[0]).astype(np.float32)
        offset = [axis - c for axis, c in zip(inner.at, start, strict=True)]
        dot = sum(o * s for o, s in zip(offset, step[:3], strict=True))
        t = np.clip(dot / np.float32(max(float(step[:3] @ step[:3]), 1e-6)), 0, 1)
        away = np.sqrt(sum((o - t * s) ** 2 for o, s in zip(offset, step[:3], strict=True)))
        radius = np.float32(ends[0, 3]) + t * step[3]
        if not fields:
            np.minimum(distance[box], away - radius, out=distance[box])
            return
        closer = away - radius < distance[box]
        np.copyto(distance[box], away - radius, where=closer)
        np.copyto(fields["along"][box], (index + t) / np.float32(count), where=closer)
        np.copyto(fields["height"][box], offset[1] - t * step[1], where=closer)
        np.copyto(fields["radius"][box], radius, where=closer)
