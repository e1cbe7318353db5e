"""One opened image file, whatever its format: what its header says, and its voxels slab by slab."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from RSuperLib.io.grid import Grid

#: Key of `ImageFile.metadata` for the header extensions of a NIfTI file.
EXTENSIONS_KEY = "NIfTI extensions"
#: Voxels that are converted at once: large enough to be fast, small beside a CT.
SLAB_VOXELS = 2**22


@dataclass(frozen=True)
class ImageFile:
    """An image file whose header was read and found usable; no memory was taken for its voxels yet.

    Attributes:
        name: file name without its folder, for messages.
        grid: where the voxels lie.
        slabs: the voxels once, in order: arrays (i, j, n) along k, (i, j, n, layer) if `layers` > 1, rescaled as the
            header asks. Raises `InputError` where the file is cut off.
        source: what to remember about the file: "file", "format", "notes" (plain sentences), and more for DICOM.
        layers: values per voxel; only segmentations have more than one.
        metadata: free text of the header: what an NRRD says about segments, the extensions of a NIfTI file.
    """

    name: str
    grid: Grid
    slabs: Iterator[NDArray[Any]]
    source: dict[str, Any]
    layers: int = 1
    metadata: dict[str, str] = field(default_factory=dict)


def slab_ranges(shape: tuple[int, int, int]) -> Iterator[tuple[int, int]]:
    """Ranges of k, each of about `SLAB_VOXELS` voxels, that cover the volume in order."""
    step = max(1, SLAB_VOXELS // (shape[0] * shape[1]))
    for start in range(0, shape[2], step):
        yield start, min(start + step, shape[2])


def fill(image: ImageFile, convert: Callable[[str, NDArray[Any]], NDArray[Any]], dtype: DTypeLike) -> NDArray[Any]:
    """All voxels of an image, converted slab by slab, so that only `dtype` is ever held for the whole volume.

    Args:
        image: an opened file; its voxels are used up.
        convert: called with the file's name and a slab; gives a slab of the same shape that fits `dtype`.
        dtype: type of the result.

    Returns:
        (i, j, k), or (i, j, k, layer) if the image has several layers; Fortran order, as in the files.
    """
    shape = image.grid.shape if image.layers == 1 else (*image.grid.shape, image.layers)
    array = np.empty(shape, dtype, order="F")
    start = 0
    for slab in image.slabs:
        stop = start + slab.shape[2]
        array[:, :, start:stop] = convert(image.name, slab)
        start = stop
    return array
