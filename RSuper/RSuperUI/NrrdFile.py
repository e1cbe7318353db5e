"""Arrays written as NRRD files, in plain Python: safe in a thread, where VTK and MRML are not."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

_TYPES = {
    "int8": "int8", "uint8": "uint8", "int16": "int16", "uint16": "uint16", "int32": "int32", "uint32": "uint32",
    "int64": "int64", "uint64": "uint64", "float32": "float", "float64": "double",
}  # fmt: skip


def writeNrrd(path: str, array: np.ndarray, ijkToRas: np.ndarray, fields: Mapping[str, str] | None = None) -> None:
    """Write an array without compression (which would cost more time than the disk).

    Args:
        path: file to write.
        array: (k, j, i) as Slicer's arrays are, or (k, j, i, layer) for a segmentation with several layers.
        ijkToRas: 4 x 4; index (i, j, k) to millimetres, right-anterior-superior.
        fields: further key/value pairs of the header, such as the names of segments.

    Raises:
        OSError: the disk is full or the folder cannot be written to.
    """
    with Path(path).open("wb") as file:
        file.write(_header(array, ijkToRas, fields or {}).encode("utf-8"))
        array.tofile(file)
        file.flush()
        os.fsync(file.fileno())  # a full disk may show only now


def _header(array: np.ndarray, ijkToRas: np.ndarray, fields: Mapping[str, str]) -> str:
    layered = array.ndim == 4
    directions = [_vector(ijkToRas[:3, axis]) for axis in range(3)]
    lines = [
        "NRRD0005",
        f"type: {_TYPES[array.dtype.name]}",
        f"dimension: {array.ndim}",
        "space: right-anterior-superior",
        f"sizes: {' '.join(str(size) for size in reversed(array.shape))}",
        f"space directions: {' '.join([*['none'] * layered, *directions])}",
        f"kinds: {' '.join([*['list'] * layered, 'domain', 'domain', 'domain'])}",
        f"endian: {sys.byteorder}",
        "encoding: raw",
        f"space origin: {_vector(ijkToRas[:3, 3])}",
        *(f"{key}:={value}" for key, value in fields.items()),
    ]
    return "\n".join(lines) + "\n\n"


def _vector(values: np.ndarray) -> str:
    return f"({','.join(repr(float(value)) for value in values)})"
