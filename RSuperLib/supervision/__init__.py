"""What a report teaches a network, voxel by voxel: the losses of R-Super as published, and the project's own.

The names are imported when they are first asked for: they need torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from RSuperLib.supervision.published_objective import published_objective
    from RSuperLib.supervision.segmentation import segmentation_loss

__all__ = ["published_objective", "segmentation_loss"]

_HOME = {
    "published_objective": "published_objective",
    "segmentation_loss": "segmentation",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
