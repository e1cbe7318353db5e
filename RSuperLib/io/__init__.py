"""Files in, files out: volumes and label maps on their grids, whole or not at all."""

from RSuperLib.io.errors import Cancelled, InputError, RSuperError
from RSuperLib.io.files import write_bytes, write_json, write_whole
from RSuperLib.io.grid import Grid
from RSuperLib.io.progress import Progress, no_progress
from RSuperLib.io.volume import LabelMap, Volume, read_ct, read_label_map, write_nifti

__all__ = [
    "Cancelled",
    "Grid",
    "InputError",
    "LabelMap",
    "Progress",
    "RSuperError",
    "Volume",
    "no_progress",
    "read_ct",
    "read_label_map",
    "write_bytes",
    "write_json",
    "write_nifti",
    "write_whole",
]
