"""Files in, files out: volumes and label maps on their grids, whole or not at all.

The names are imported when they are first asked for, so that who needs only the errors does not wait for nibabel,
SimpleITK and pydicom.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from RSuperLib.io.errors import Cancelled, InputError, RSuperError
    from RSuperLib.io.files import unfinished_folder, write_bytes, write_json, write_whole
    from RSuperLib.io.grid import Grid
    from RSuperLib.io.nifti import write_nifti
    from RSuperLib.io.progress import Progress, no_progress
    from RSuperLib.io.volume import LabelMap, Volume, read_ct, read_label_layers, read_label_map

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
    "read_label_layers",
    "read_label_map",
    "unfinished_folder",
    "write_bytes",
    "write_json",
    "write_nifti",
    "write_whole",
]

_HOME = {
    **dict.fromkeys(("Cancelled", "InputError", "RSuperError"), "errors"),
    **dict.fromkeys(("unfinished_folder", "write_bytes", "write_json", "write_whole"), "files"),
    **dict.fromkeys(("Progress", "no_progress"), "progress"),
    **dict.fromkeys(("LabelMap", "Volume", "read_ct", "read_label_layers", "read_label_map"), "volume"),
    "Grid": "grid",
    "write_nifti": "nifti",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
