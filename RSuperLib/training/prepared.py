"""A case made ready for training once: one folder of compressed arrays that patches are read from in milliseconds.

| file | what |
|---|---|
| `image.b2nd` | (z, y, x) int16 HU |
| `codes.b2nd` | (2, z, y, x) uint8: which classes, and which unknown classes and target regions, a voxel belongs to |
| `distances.b2nd` | (target, z, y, x) uint8: millimetres to the region of a target, rounded up, 255 = that or more |
| `case.json` | `PreparedCase`; it is written last, so a folder that has it is complete |

A code stands for a set of masks, so that any number of overlapping masks takes one byte a voxel.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from RSuperLib.io.errors import InputError
from RSuperLib.training.reported import ReportedLesion

SCHEMA_VERSION: Final = 1
RECORD = "case.json"
IMAGE, CODES, DISTANCES = "image.b2nd", "codes.b2nd", "distances.b2nd"
#: Edges of what is read and of what is unpacked at once (design measurements: a 128^3 patch in 15 ms).
_CHUNK, _BLOCK = 128, 32

Three = tuple[int, int, int]
Box = tuple[Three, Three]


class PreparedTarget(BaseModel):
    """A region that a report puts lesions into.

    Attributes of interest:
        channel: its lesion class.
        lesions: what is reported there.
        is_open: whether there may be more lesions than these.
        box: start and stop (z, y, x) of the region; `core` the same without thin outliers.
    """

    model_config = ConfigDict(extra="forbid")
    channel: int
    parts: list[str]
    lesions: list[ReportedLesion]
    is_open: bool
    box: Box
    core: Box

    @property
    def is_sized(self) -> bool:
        """Whether the volumes of all its lesions are stated, as the published method wants."""
        return not self.is_open and all(one.stated for one in self.lesions)


class PreparedCase(BaseModel):
    """Contents of `case.json`.

    Attributes of interest:
        shape, spacing_mm: of the training grid, z, y, x.
        clipped_mean, clipped_std: of the CT clipped to the settings' range.
        class_codes: code of the first map to the classes of its voxels.
        region_codes: code of the second map to its masks: k < classes: class k is unknown; classes + t: the region of
            target t.
        has_masks: whether lesion masks are there; `unlabelled` the classes that they (and the parts) leave out.
        has_report: whether a reading is there; `unknown_everywhere` the classes that it says nothing of.
        lesions_by_mask, lesions_by_report: class to whether there is a lesion; None = not known.
        voxels: class to some of its voxels (z, y, x), for crops around them; `search_voxels`: of the parts to search;
            `background_voxels`: of neither.
    """

    model_config = ConfigDict(extra="forbid")
    schema_version: Literal[1] = SCHEMA_VERSION
    id: str
    fingerprint: str
    classes: list[str]
    shape: Three
    spacing_mm: tuple[float, float, float]
    clipped_mean: float
    clipped_std: float
    class_codes: list[list[int]]
    region_codes: list[list[int]]
    has_masks: bool
    unlabelled: list[int]
    has_report: bool
    unknown_everywhere: list[int]
    lesions_by_mask: dict[int, bool | None]
    lesions_by_report: dict[int, bool | None]
    targets: list[PreparedTarget]
    voxels: dict[int, list[Three]]
    search_voxels: dict[int, list[Three]]
    background_voxels: list[Three]
    bytes_on_disk: int = 0


class CaseArrays:
    """The arrays of one prepared case; parts of them are read when they are asked for, from any thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.record = read_record(folder)
        self._image = _open(folder / IMAGE)
        self._codes = _open(folder / CODES)

    def image(self, box: tuple[slice, slice, slice]) -> NDArray[np.int16]:
        """HU of a box (z, y, x) that lies within the case."""
        voxels: NDArray[np.int16] = self._image[box]
        return voxels

    def codes(self, box: tuple[slice, slice, slice]) -> NDArray[np.uint8]:
        """(2, z, y, x) codes of a box."""
        voxels: NDArray[np.uint8] = self._codes[(slice(None), *box)]
        return voxels

    def distances(self, targets: Sequence[int], box: tuple[slice, slice, slice]) -> NDArray[np.uint8]:
        """(target, z, y, x) millimetres to the regions of some targets, of a box."""
        shape = [len(range(n)[one]) for n, one in zip(self.record.shape, box, strict=True)]
        voxels = np.empty((len(targets), *shape), np.uint8)
        for row, target in enumerate(targets):
            voxels[row] = _open(self._folder / DISTANCES)[(slice(target, target + 1), *box)][0]
        return voxels


def read_record(folder: Path) -> PreparedCase:
    """The record of a prepared case.

    Raises:
        InputError: the folder holds no complete prepared case.
    """
    try:
        return PreparedCase.model_validate_json((folder / RECORD).read_bytes())
    except (OSError, ValidationError) as error:
        raise InputError(f"{folder.name} is no complete prepared case.", "Remove it: it is made again.") from error


def write_array(path: Path, array: NDArray[Any]) -> None:
    """Write an array compressed, in chunks that suit patches; a first axis beyond z, y, x is read one at a time."""
    import blosc2

    leading = (1,) * (array.ndim - 3)
    spatial = array.shape[-3:]
    blosc2.asarray(
        np.ascontiguousarray(array), urlpath=str(path), mode="w", cparams={"codec": blosc2.Codec.ZSTD, "clevel": 5},
        chunks=(*leading, *(min(_CHUNK, n) for n in spatial)), blocks=(*leading, *(min(_BLOCK, n) for n in spatial)),
    )  # fmt: skip


def _open(path: Path) -> Any:
    import blosc2

    try:
        return blosc2.open(str(path), mode="r", dparams={"nthreads": 1})
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError(
            f"{path.name} of the prepared case {path.parent.name} is damaged.", "Remove that folder: it is made again."
        ) from error


def encode(masks: Sequence[NDArray[np.bool_]], shape: Three) -> tuple[NDArray[np.uint8], list[list[int]]]:
    """Masks (z, y, x) as one map of codes, and the masks that each code stands for; code 0 stands for none.

    Raises:
        InputError: the masks overlap in more than 255 ways, or there are more than 64.
    """
    if len(masks) > 64:
        raise InputError("A case has more than 64 classes or regions.", "Train fewer classes at once.")
    bits = np.zeros(shape, np.uint64)
    for number, mask in enumerate(masks):
        bits |= mask.astype(np.uint64) << np.uint64(number)
    sets = np.unique(np.append(bits.ravel(), np.uint64(0)))
    if len(sets) > 256:
        raise InputError("The masks of a case overlap in more than 255 ways.", "Train fewer classes at once.")
    codes = np.searchsorted(sets, bits).astype(np.uint8)
    members = [[number for number in range(len(masks)) if int(one) >> number & 1] for one in sets]
    return codes, members
