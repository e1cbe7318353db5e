"""Slices of a volume as a radiologist looks at them: patient's right on the left, anterior up, head up.

Everything here is a view on the caller's array until a single slice has been cut out of it, so that a large CT is never
copied.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import contourpy
import nibabel
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from RSuperLib.io import Grid

Plane = Literal["axial", "coronal", "sagittal"]
#: Axes of a displayed array: 0 towards the patient's left, 1 towards posterior, 2 towards inferior.
_ACROSS_DOWN: dict[Plane, tuple[int, int]] = {"axial": (0, 1), "coronal": (0, 2), "sagittal": (1, 2)}
_NORMAL: dict[Plane, int] = {"axial": 2, "coronal": 1, "sagittal": 0}
#: Letters of the negative and the positive direction of the RAS axis that a plane is a slice of.
_SIDES: dict[Plane, str] = {"axial": "IS", "coronal": "PA", "sagittal": "LR"}
_FINEST, _FINE_ENOUGH = 4, 500  # a contour is traced so much finer than the voxels, up to so many points across
_SOFTENING = 0.8  # sigma, in the larger side of a pixel, that takes the stairs out of a contour


@dataclass(frozen=True)
class Point:
    """A place in displayed voxel indices: towards left, posterior and inferior."""

    left: float
    posterior: float
    inferior: float

    def on(self, plane: Plane) -> tuple[float, float]:
        """Column and row of the point in a slice of `plane`."""
        values = (self.left, self.posterior, self.inferior)
        across, down = _ACROSS_DOWN[plane]
        return values[across], values[down]

    def along(self, plane: Plane) -> int:
        """Index of the slice of `plane` that holds the point."""
        return round((self.left, self.posterior, self.inferior)[_NORMAL[plane]])


class Display:
    """How arrays on one grid are turned, without copying, so that slices of them are ready to be shown.

    An oblique grid is shown along its own axes, each under the name of the patient's axis that it is closest to.
    """

    def __init__(self, grid: Grid) -> None:
        self._file_shape = grid.shape
        file_order = nibabel.io_orientation(grid.affine)
        self._turn = nibabel.orientations.ornt_transform(file_order, nibabel.orientations.axcodes2ornt("LPI"))
        turned = grid.affine @ nibabel.orientations.inv_ornt_aff(self._turn, grid.shape)
        shape = tuple(np.array(grid.shape)[np.argsort(self._turn[:, 0])])
        #: The displayed axes as a grid: index (left, posterior, inferior) to RAS millimetres.
        self.grid = Grid((int(shape[0]), int(shape[1]), int(shape[2])), turned)

    def turned(self, array: NDArray[Any]) -> NDArray[Any]:
        """View of an (i, j, k) array with axes towards left, posterior, inferior.

        Raises:
            ValueError: the array has not the shape of the grid.
        """
        if array.shape != self._file_shape:
            raise ValueError(f"an array of shape {array.shape} cannot lie on a grid of {self._file_shape}")
        view: NDArray[Any] = nibabel.orientations.apply_orientation(array, self._turn)
        return view

    def section(self, array: NDArray[Any], plane: Plane, index: int) -> NDArray[Any]:
        """One slice of an (i, j, k) array as a (row, column) view; the upper left pixel is the first one."""
        at: list[slice | int] = [slice(None)] * 3
        at[_NORMAL[plane]] = index
        view: NDArray[Any] = self.turned(array)[tuple(at)].T
        return view

    def pixel_mm(self, plane: Plane) -> tuple[float, float]:
        """Millimetres between columns and between rows of a slice of `plane`."""
        across, down = _ACROSS_DOWN[plane]
        return self.grid.spacing[across], self.grid.spacing[down]

    def depth(self, plane: Plane) -> int:
        """Number of slices of `plane`."""
        return self.grid.shape[_NORMAL[plane]]

    def centre(self) -> Point:
        """The middle of the volume."""
        left, posterior, inferior = ((length - 1) / 2 for length in self.grid.shape)
        return Point(left, posterior, inferior)

    def position(self, plane: Plane, point: Point) -> str:
        """Where the slice through `point` lies in the patient, as in Slicer's slice views: "S 123 mm"."""
        world = self.grid.to_world(np.array([point.left, point.posterior, point.inferior]))
        value = float(world[_NORMAL[plane]])
        return f"{_SIDES[plane][int(value >= 0)]} {abs(value):.0f} mm"


@dataclass(frozen=True)
class Extent:
    """Where one lesion lies: its box in displayed indices and the slices that cut most of it."""

    label: int
    box: tuple[slice, slice, slice]
    #: Each coordinate is the slice with the largest cross-section in the plane across that axis.
    largest: Point
    voxels: int

    def middle(self) -> Point:
        """The middle of the lesion's box."""
        left, posterior, inferior = ((side.start + side.stop - 1) / 2 for side in self.box)
        return Point(left, posterior, inferior)


def extents(labels: NDArray[np.uint16], display: Display) -> dict[int, Extent]:
    """Extent of every lesion (label 1, 2, …) of an (i, j, k) label array."""
    turned = display.turned(labels)
    return {label: _extent(turned, label, box) for label, box in _boxes(turned)}


def _boxes(array: NDArray[np.uint16]) -> Iterator[tuple[int, tuple[slice, slice, slice]]]:
    # find_objects is five times as fast when it walks the array in the order of the memory
    order = np.argsort([-abs(stride) for stride in array.strides], kind="stable")
    back = np.argsort(order)
    for label, box in enumerate(ndimage.find_objects(array.transpose(order)), start=1):
        if box is not None:
            yield label, (box[back[0]], box[back[1]], box[back[2]])


def _extent(array: NDArray[np.uint16], label: int, box: tuple[slice, slice, slice]) -> Extent:
    inside = array[box] == label
    areas = [inside.sum(axis=tuple({0, 1, 2} - {axis})) for axis in range(3)]
    left, posterior, inferior = (side.start + int(area.argmax()) for side, area in zip(box, areas, strict=True))
    return Extent(label, box, Point(left, posterior, inferior), int(inside.sum()))


@dataclass(frozen=True)
class Crop:
    """Rows and columns of a slice that a picture shows, in the millimetres of the slice.

    `x` = column times column distance, `y` = row times row distance; both may reach beyond the slice.
    """

    x: tuple[float, float]
    y: tuple[float, float]

    @classmethod
    def around(cls, centre: tuple[float, float], size: tuple[float, float]) -> Crop:
        """Crop of `size` (width, height) around `centre` (x, y), all millimetres."""
        half_width, half_height = size[0] / 2, size[1] / 2
        return cls((centre[0] - half_width, centre[0] + half_width), (centre[1] - half_height, centre[1] + half_height))

    @property
    def aspect(self) -> float:
        """Width over height."""
        return (self.x[1] - self.x[0]) / (self.y[1] - self.y[0])

    def pixels(self, shape: tuple[int, int], pixel_mm: tuple[float, float]) -> tuple[slice, slice]:
        """Rows and columns of an image of `shape` that hold the crop and two pixels around it."""
        columns = _range(self.x, pixel_mm[0], shape[1])
        rows = _range(self.y, pixel_mm[1], shape[0])
        return rows, columns


def _range(span: tuple[float, float], step: float, length: int) -> slice:
    start = min(max(int(np.floor(span[0] / step)) - 2, 0), length - 1)
    stop = max(min(int(np.ceil(span[1] / step)) + 3, length), start + 1)
    return slice(start, stop)


def windowed(values: NDArray[Any], level: float, width: float) -> NDArray[np.uint8]:
    """Grey values (0 to 255) of Hounsfield units in a CT window."""
    low = level - width / 2
    grey: NDArray[np.uint8] = np.clip((values.astype(np.float32) - low) * (255 / width), 0, 255).astype(np.uint8)
    return grey


def outline(mask: NDArray[np.bool_], pixel_mm: tuple[float, float]) -> list[NDArray[np.float64]]:
    """Smooth contours of a (row, column) mask, each (n, 2) x and y in millimetres from the mask's first pixel.

    The mask is softened, interpolated, and traced at the height that encloses the mask's own area, so that a lesion of
    one voxel does not vanish and a large one does not shrink.
    """
    used_rows, used_columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not used_rows.size:
        return []
    sigma = _SOFTENING * max(pixel_mm) / np.array(pixel_mm[::-1])
    margin = np.ceil(3 * sigma).astype(int) + 1
    top, left = int(used_rows[0]), int(used_columns[0])
    used = mask[top : used_rows[-1] + 1, left : used_columns[-1] + 1]
    padded = np.pad(used, margin[:, None]).astype(np.float32)
    soft = ndimage.gaussian_filter(padded, sigma)
    fine = ndimage.zoom(soft, min(_FINEST, max(1, _FINE_ENOUGH // max(padded.shape))), order=3)
    enclosed = round(float(mask.sum()) * fine.size / padded.size)
    edge = np.partition(fine, (-enclosed - 1, -enclosed), axis=None)[-enclosed - 1 : fine.size - enclosed + 1]
    level = float(edge.mean())
    rows = (np.linspace(0, padded.shape[0] - 1, fine.shape[0]) - margin[0] + top) * pixel_mm[1]
    columns = (np.linspace(0, padded.shape[1] - 1, fine.shape[1]) - margin[1] + left) * pixel_mm[0]
    lines = contourpy.contour_generator(columns, rows, fine).lines(level)
    return [np.asarray(line, float) for line in lines]


def body_crop(hounsfield: NDArray[np.int16], pixel_mm: tuple[float, float], margin_mm: float = 6.0) -> Crop:
    """Crop of a slice around everything denser than fat, the whole slice where there is nothing."""
    dense = hounsfield > -300
    rows, columns = np.flatnonzero(dense.mean(axis=1) > 0.01), np.flatnonzero(dense.mean(axis=0) > 0.01)
    if not rows.size or not columns.size:
        rows, columns = np.arange(hounsfield.shape[0]), np.arange(hounsfield.shape[1])
    x = (float(columns[0]) * pixel_mm[0] - margin_mm, float(columns[-1]) * pixel_mm[0] + margin_mm)
    y = (float(rows[0]) * pixel_mm[1] - margin_mm, float(rows[-1]) * pixel_mm[1] + margin_mm)
    return Crop(x, y)
