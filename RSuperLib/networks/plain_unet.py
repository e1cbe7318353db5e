"""A small 3-D U-Net with two heads, for phantoms on a CPU and as a baseline.

Two heads because the published method teaches them different things (Docs/training.md): the final one the ball loss,
the auxiliary one the volume loss.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

#: Slope of the activation left of zero; that of nnU-Net.
_SLOPE = 0.01


class PlainUNet(nn.Module):
    """Encoder and decoder of double 3x3x3 convolutions with instance normalisation; each level halves the edge.

    Args:
        classes: output channels.
        channels: features of each level, the finest first; its length is the depth.
        in_channels: input channels.

    Attributes:
        checkpointing: whether the backward pass computes activations again instead of keeping them.
        stride: the input's edges must be multiples of this.
    """

    def __init__(self, classes: int, channels: Sequence[int] = (8, 16, 32, 64), in_channels: int = 1) -> None:
        super().__init__()
        widths = list(channels)
        self.checkpointing = False
        self.stride = 2 ** (len(widths) - 1)
        self.down = nn.ModuleList(
            _Level(before, after, stride=1 if level == 0 else 2)
            for level, (before, after) in enumerate(zip([in_channels, *widths[:-1]], widths, strict=True))
        )
        self.up = nn.ModuleList(
            _Level(deep + skip, skip) for deep, skip in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        self.final = nn.Conv3d(widths[0], classes, 1)
        self.auxiliary = nn.Conv3d(widths[1], classes, 1)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """(B, in_channels, D, H, W) to the logits of both heads, each (B, classes, D, H, W)."""
        skips = []
        feature = image
        for level in self.down:
            feature = self._through(level, feature)
            skips.append(feature)
        coarse = skips.pop()
        feature = coarse
        for level in self.up:
            coarse, skip = feature, skips.pop()
            finer = functional.interpolate(coarse, scale_factor=2, mode="nearest")
            feature = self._through(level, torch.cat((finer, skip), 1))
        auxiliary = functional.interpolate(self.auxiliary(coarse), image.shape[2:], mode="trilinear")
        return self.final(feature), auxiliary

    def _through(self, level: nn.Module, feature: Tensor) -> Tensor:
        if self.checkpointing and self.training:
            again: Tensor = checkpoint(level, feature, use_reentrant=False)
            return again
        once: Tensor = level(feature)
        return once


class _Level(nn.Sequential):
    """Two convolutions, each with instance normalisation and a leaky ReLU; the first may stride."""

    def __init__(self, before: int, after: int, stride: int = 1) -> None:
        super().__init__(*_convolution(before, after, stride), *_convolution(after, after, 1))


def _convolution(before: int, after: int, stride: int) -> tuple[nn.Module, nn.Module, nn.Module]:
    return (
        nn.Conv3d(before, after, 3, stride, 1, bias=False),
        nn.InstanceNorm3d(after, affine=True),
        nn.LeakyReLU(_SLOPE, inplace=True),
    )
