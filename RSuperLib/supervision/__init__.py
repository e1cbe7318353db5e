"""What a report teaches a network, voxel by voxel: the losses of R-Super as published, and the project's own.

The names are imported when they are first asked for: they need torch. A trainer's one call per batch is
`RSuperLib.supervision.report_terms.report_terms`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from RSuperLib.supervision.ball import ball_loss
    from RSuperLib.supervision.options import BallOptions, ReportOptions, SegmentationOptions, VolumeOptions
    from RSuperLib.supervision.published_total import published_objective
    from RSuperLib.supervision.segmentation import segmentation_loss
    from RSuperLib.supervision.targets import ChannelTarget, LesionTarget
    from RSuperLib.supervision.volume import volume_loss

__all__ = [
    "BallOptions",
    "ChannelTarget",
    "LesionTarget",
    "ReportOptions",
    "SegmentationOptions",
    "VolumeOptions",
    "ball_loss",
    "published_objective",
    "segmentation_loss",
    "volume_loss",
]

_HOME = {
    "BallOptions": "options",
    "ChannelTarget": "targets",
    "LesionTarget": "targets",
    "ReportOptions": "options",
    "SegmentationOptions": "options",
    "VolumeOptions": "options",
    "ball_loss": "ball",
    "published_objective": "published_total",
    "segmentation_loss": "segmentation",
    "volume_loss": "volume",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
