"""Networks by name, so that a run and a model can say in one word what they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from RSuperLib.io.errors import InputError
from RSuperLib.networks.medformer import MedFormer
from RSuperLib.networks.plain_unet import PlainUNet


class OneHead(nn.Module):
    """A network with one output as a network with a tuple of heads.

    Attributes:
        stride: the input's edges must be multiples of this.
    """

    def __init__(self, network: nn.Module, stride: int) -> None:
        super().__init__()
        self.network = network
        self.stride = stride

    def forward(self, image: Tensor) -> tuple[Tensor]:
        """(B, 1, D, H, W) to its logits (B, classes, D, H, W)."""
        return (self.network(image),)


def _plain_unet(classes: int, **options: Any) -> nn.Module:
    return PlainUNet(classes, **options)


def _medformer(classes: int, **options: Any) -> nn.Module:
    return MedFormer(classes, **options)


def _segresnet(classes: int, init_filters: int = 16, **options: Any) -> nn.Module:
    from monai.networks.nets import SegResNet

    blocks = options.pop("blocks_down", (1, 2, 2, 4))
    network = SegResNet(
        spatial_dims=3, in_channels=1, out_channels=classes, init_filters=init_filters, blocks_down=blocks, **options
    )
    return OneHead(network, 2 ** (len(blocks) - 1))


def _dynunet(classes: int, filters: tuple[int, ...] = (32, 64, 128, 256, 320), **options: Any) -> nn.Module:
    from monai.networks.nets import DynUNet

    strides = [1] + [2] * (len(filters) - 1)
    network = DynUNet(
        spatial_dims=3, in_channels=1, out_channels=classes, kernel_size=[3] * len(filters), strides=strides,
        upsample_kernel_size=strides[1:], filters=list(filters), **options,
    )  # fmt: skip
    return OneHead(network, 2 ** (len(filters) - 1))


#: Name to what builds it from the number of classes and its options.
NETWORKS: dict[str, Callable[..., nn.Module]] = {
    "unet": _plain_unet,
    "medformer": _medformer,
    "segresnet": _segresnet,
    "dynunet": _dynunet,
}


def build_network(name: str, classes: int, options: Mapping[str, Any] | None = None) -> nn.Module:
    """A new network with random weights (drawn from torch's generator).

    Args:
        name: one of `NETWORKS`.
        classes: output channels of each head.
        options: what this network takes beyond that, `{"channels": [8, 16, 32]}` for `unet`.

    Raises:
        InputError: there is no such network, or it does not take these options.
    """
    if name not in NETWORKS:
        raise InputError(f"There is no network {name!r}.", f"Choose among {', '.join(NETWORKS)}.")
    try:
        return NETWORKS[name](classes, **(options or {}))
    except (TypeError, ValueError) as error:
        raise InputError(f"The network {name} cannot be built so: {error}.", "Check its options.") from error


def output_layers(name: str, classes: int, options: Mapping[str, Any] | None = None) -> set[str]:
    """Names of the weights whose first axis are the classes: their shape changes with the number of classes."""
    with torch.device("meta"):
        one, other = (build_network(name, count, options).state_dict() for count in (classes, classes + 1))
    return {key for key in one if one[key].shape != other[key].shape}
