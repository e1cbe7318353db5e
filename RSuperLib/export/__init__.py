"""What leaves RSuper: pictures and files for other programs.

The names are imported when they are first asked for, so that who needs only the colours of lesions does not wait for
matplotlib.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from RSuperLib.export.lesions import lesion_segments
    from RSuperLib.export.seg_nrrd import Segment, Terminology, write_seg_nrrd
    from RSuperLib.export.view import draw_view

__all__ = ["Segment", "Terminology", "draw_view", "lesion_segments", "write_seg_nrrd"]

_HOME = {
    **dict.fromkeys(("Segment", "Terminology", "write_seg_nrrd"), "seg_nrrd"),
    "draw_view": "view",
    "lesion_segments": "lesions",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
