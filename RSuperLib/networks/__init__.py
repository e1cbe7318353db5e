"""Segmentation networks by name; every one maps (B, 1, D, H, W) to a tuple of logits, the final head first.

The names are imported when they are first asked for: they need torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from RSuperLib.networks.factory import NETWORKS, build_network, output_layers
    from RSuperLib.networks.medformer import MedFormer
    from RSuperLib.networks.plain_unet import PlainUNet

__all__ = ["NETWORKS", "MedFormer", "PlainUNet", "build_network", "output_layers"]

_HOME = {
    "NETWORKS": "factory",
    "MedFormer": "medformer",
    "PlainUNet": "plain_unet",
    "build_network": "factory",
    "output_layers": "factory",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
