"""MedFormer in 3-D, the network of the published R-Super checkpoints.

Written from the description in the papers (Gao et al., "A data-scalable transformer for medical image segmentation",
arXiv:2203.00131, and the two R-Super papers); the state dict has exactly the keys and shapes of the published weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

#: Cells of a semantic map along each axis, and width of an attention head in channels.
_CELLS, _HEAD = 3, 32
_STEM = 32
_CHANNELS = (64, 128, 256, 320)
#: Attention blocks of the three deeper encoder levels and of the two deeper decoder levels.
_DOWN_BLOCKS, _UP_BLOCKS = (2, 4, 6), (4, 2)
_FUSION_DEPTH = 2
_EXPANSION = _SQUEEZE = 4


class MedFormer(nn.Module):
    """Convolutions at high resolution, attention between voxels and a small semantic map at low resolution.

    Args:
        num_classes: output channels of both heads.
        in_channels: input channels.

    Attributes:
        checkpointing: whether the backward pass computes activations again instead of keeping them.
        stride: the input's edges must be multiples of this.
    """

    stride = 16

    def __init__(self, num_classes: int, in_channels: int = 1) -> None:
        super().__init__()
        self.checkpointing = False
        one, two, three, four = _CHANNELS
        self.inc = _Stem(in_channels, _STEM)
        self.down1 = _ConvolutionDown(_STEM, one)
        self.down2 = _AttentionDown(one, two, _DOWN_BLOCKS[0])
        self.down3 = _AttentionDown(two, three, _DOWN_BLOCKS[1])
        self.down4 = _AttentionDown(three, four, _DOWN_BLOCKS[2])
        self.map_fusion = _MapFusion((two, three, four), four, _FUSION_DEPTH)
        self.up1 = _AttentionUp(four, three, four + three, three, _UP_BLOCKS[0])
        self.up2 = _AttentionUp(three, two, three + two, two, _UP_BLOCKS[1], last=True)
        self.up3 = _ConvolutionUp(two, one)
        self.up4 = _ConvolutionUp(one, _STEM)
        self.aux_out = nn.Conv3d(two, num_classes, 1)
        self.outc = nn.Conv3d(_STEM, num_classes, 1)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """(B, in_channels, D, H, W) to the logits of the final and the auxiliary head, each (B, classes, D, H, W)."""
        x0 = self._run(self.inc, image)
        x1 = self._run(self.down1, x0)
        x2, map2 = self._run(self.down2, x1)
        x3, map3 = self._run(self.down3, x2)
        x4, map4 = self._run(self.down4, x3)
        map2, map3, map4 = self.map_fusion(map2, map3, map4)
        out, semantic = self._run(self.up1, x4, x3, map4, map3)
        out, _ = self._run(self.up2, out, x2, semantic, map2)
        auxiliary = functional.interpolate(self.aux_out(out), image.shape[2:], mode="trilinear", align_corners=True)
        out = self._run(self.up3, out, x1)
        out = self._run(self.up4, out, x0)
        return self.outc(out), auxiliary

    def _run(self, part: nn.Module, *features: Tensor) -> Tensor:
        if self.checkpointing and self.training:
            again: Tensor = checkpoint(part, *features, use_reentrant=False)
            return again
        once: Tensor = part(*features)
        return once


class _Unit(nn.Module):
    """Pre-activation convolution: instance norm without parameters, ReLU (or none), convolution without bias."""

    def __init__(self, before: int, after: int, kernel: int = 3, *, depthwise: bool = False, relu: bool = True) -> None:
        super().__init__()
        groups = before if depthwise else 1
        self.conv = nn.Conv3d(before, after, kernel, padding=kernel // 2, groups=groups, bias=False)
        self._relu = relu

    def forward(self, x: Tensor) -> Tensor:
        x = functional.instance_norm(x, eps=1e-4)
        out: Tensor = self.conv(functional.relu(x) if self._relu else x)
        return out


class _BasicBlock(nn.Module):
    """Two units and a shortcut."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = _Unit(before, after), _Unit(after, after)
        self.shortcut = _Unit(before, after) if before != after else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv2(self.conv1(x)) + self.shortcut(x)
        return out


class _Separable(nn.Module):
    """Depthwise 3x3x3, then pointwise 1x1x1; no biases."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv3d(before, before, 3, padding=1, groups=before, bias=False)
        self.pointwise = nn.Conv3d(before, after, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.pointwise(self.depthwise(x))
        return out


class _Stem(nn.Module):
    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(before, after, 3, padding=1, bias=False)
        self.conv2 = _BasicBlock(after, after)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv2(self.conv1(x))
        return out


class _PatchMerging(nn.Module):
    """Half the resolution: the eight voxels of each 2x2x2 cube become channels (z outermost, x innermost)."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.reduction = _Separable(8 * before, after)

    def forward(self, x: Tensor) -> Tensor:
        phases = [x[:, :, z::2, y::2, w::2] for z in (0, 1) for y in (0, 1) for w in (0, 1)]
        out: Tensor = self.reduction(functional.instance_norm(torch.cat(phases, 1)))
        return out


class _SemanticMap(nn.Module):
    """A few cells that each gather, by attention over all voxels, what belongs together in the image."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.base_proj = nn.Conv3d(channels, channels, 3, padding=1, bias=False)
        self.semantic_proj = nn.Conv3d(channels, _CELLS**3, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        feature = self.base_proj(x).flatten(2)
        weights = self.semantic_proj(x).flatten(2).softmax(-1)
        cells = torch.einsum("bcv,bjv->bcj", feature, weights)
        return cells.reshape(*cells.shape[:2], *[_CELLS] * 3)


class _BidirectionalAttention(nn.Module):
    """Voxels read from the cells of a map and, by the same similarities, the cells from the voxels."""

    def __init__(self, feature: int, after: int, cells: int, *, projects_map: bool) -> None:
        super().__init__()
        self.feat_qv = _Separable(feature, 2 * after)
        self.feat_out = _Separable(after, after)
        self.map_qv = nn.Conv3d(cells, 2 * after, 1, bias=False)
        self.map_out = nn.Conv3d(after, cells, 1, bias=False) if projects_map else nn.Identity()

    def forward(self, feature: Tensor, cells: Tensor) -> tuple[Tensor, Tensor]:
        query, value = (_heads(part) for part in self.feat_qv(feature).chunk(2, 1))
        cell_query, cell_value = (_heads(part) for part in self.map_qv(cells).chunk(2, 1))
        similarity = torch.einsum("bdhv,bdhj->bhvj", query, cell_query) * _HEAD**-0.5
        read = torch.einsum("bhvj,bdhj->bdhv", similarity.softmax(-1), cell_value)
        out: Tensor = self.feat_out(read.reshape(*read.shape[:1], -1, *feature.shape[2:]))
        written = torch.einsum("bhvj,bdhv->bdhj", similarity.softmax(-2), value)
        return out, self.map_out(written.reshape(*written.shape[:1], -1, *cells.shape[2:]))


def _heads(x: Tensor) -> Tensor:
    """(B, C, D, H, W) to (B, width of a head, heads, voxels): the heads are the fastest part of the channels."""
    return x.reshape(x.shape[0], _HEAD, x.shape[1] // _HEAD, -1)


class _SqueezeExcite(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = channels // _SQUEEZE
        self.excitation = nn.Sequential(nn.Conv3d(channels, hidden, 1), nn.ReLU(), nn.Conv3d(hidden, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        gate: Tensor = self.excitation(x.mean((2, 3, 4), keepdim=True))
        return x * gate.sigmoid()


class _MBConv(nn.Module):
    """Expand, depthwise convolution, squeeze and excite, project; with a residual."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        wide = _EXPANSION * channels
        self.expand_proj = _Unit(channels, wide, 1)
        self.depthwise = _Unit(wide, wide, depthwise=True)
        self.se = _SqueezeExcite(wide)
        self.pointwise = _Unit(wide, channels, 1, relu=False)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.pointwise(self.se(self.depthwise(self.expand_proj(x))))
        return out


class _AttentionBlock(nn.Module):
    def __init__(self, before: int, after: int, cells: int, *, projects_map: bool = True) -> None:
        super().__init__()
        self.attn = _BidirectionalAttention(before, after, cells, projects_map=projects_map)
        self.shortcut = _Unit(before, after, 1) if before != after else nn.Identity()
        self.feedforward = _MBConv(after)

    def forward(self, x: Tensor, cells: Tensor) -> tuple[Tensor, Tensor]:
        out, written = self.attn(functional.instance_norm(x), functional.instance_norm(cells))
        out = self.feedforward(out + self.shortcut(x))
        return out, cells + written


class _AttentionBlocks(nn.Module):
    """Blocks one after the other; the first may change the channels, the last may write its map unprojected."""

    def __init__(self, before: int, after: int, cells: int, count: int, *, last: bool = False) -> None:
        super().__init__()
        widths = [before, *[after] * count]
        self.blocks = nn.ModuleList(
            _AttentionBlock(narrow, wide, cells, projects_map=not (last and number == count))
            for number, (narrow, wide) in enumerate(pairwise(widths), 1)
        )

    def forward(self, x: Tensor, cells: Tensor) -> tuple[Tensor, Tensor]:
        for block in self.blocks:
            x, cells = block(x, cells)
        return x, cells


class _ConvolutionDown(nn.Module):
    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.patch_merging = _PatchMerging(before, after)
        self.conv_blocks = nn.Sequential(_BasicBlock(after, after), _BasicBlock(after, after))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv_blocks(self.patch_merging(x))
        return out


class _AttentionDown(nn.Module):
    def __init__(self, before: int, after: int, blocks: int) -> None:
        super().__init__()
        self.map_gen = _SemanticMap(after)
        self.patch_merging = _PatchMerging(before, after)
        self.trans_blocks = _AttentionBlocks(after, after, after, blocks)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.patch_merging(x)
        out: tuple[Tensor, Tensor] = self.trans_blocks(x, self.map_gen(x))
        return out


class _AttentionUp(nn.Module):
    def __init__(self, deep: int, skip: int, cells: int, after: int, blocks: int, *, last: bool = False) -> None:
        super().__init__()
        self.map_reduction = nn.Conv3d(cells, after, 1, bias=False)
        self.trans_blocks = _AttentionBlocks(deep + skip, after, after, blocks, last=last)

    def forward(self, x: Tensor, skip: Tensor, cells: Tensor, skip_cells: Tensor) -> tuple[Tensor, Tensor]:
        merged = self.map_reduction(torch.cat((cells, skip_cells), 1))
        out: tuple[Tensor, Tensor] = self.trans_blocks(torch.cat((_upsampled(x, skip), skip), 1), merged)
        return out


class _ConvolutionUp(nn.Module):
    def __init__(self, deep: int, skip: int) -> None:
        super().__init__()
        self.conv_blocks = nn.Sequential(_BasicBlock(deep + skip, skip), _BasicBlock(skip, skip))

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        out: Tensor = self.conv_blocks(torch.cat((_upsampled(x, skip), skip), 1))
        return out


def _upsampled(x: Tensor, like: Tensor) -> Tensor:
    return functional.interpolate(x, like.shape[2:], mode="trilinear", align_corners=True)


class _PreNorm(nn.Module):
    def __init__(self, width: int, fn: nn.Module) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.fn = fn

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.fn(self.norm(x))
        return out


class _SelfAttention(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.to_qkv = nn.Linear(width, 3 * width, bias=False)
        self.to_out = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, tokens, width) to the same."""
        query, key, value = (
            part.unflatten(-1, (-1, _HEAD)).transpose(1, 2) for part in self.to_qkv(tokens).chunk(3, -1)
        )
        mixed = functional.scaled_dot_product_attention(query, key, value)
        out: Tensor = self.to_out(mixed.transpose(1, 2).flatten(2))
        return out


class _Feedforward(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.fc2(functional.gelu(self.fc1(x)))
        return out


class _Transformer(nn.Module):
    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(_PreNorm(width, _SelfAttention(width)), _PreNorm(width, _Feedforward(width)))
            for _ in range(depth)
        )

    def forward(self, tokens: Tensor) -> Tensor:
        for layer in self.layers:
            tokens = layer(tokens)
        return tokens


class _MapFusion(nn.Module):
    """The maps of the encoder's levels exchange what they have gathered."""

    def __init__(self, widths: Sequence[int], width: int, depth: int) -> None:
        super().__init__()
        self.in_proj = nn.ModuleList(nn.Conv3d(one, width, 1, bias=False) for one in widths)
        self.fusion = _Transformer(width, depth)
        self.out_proj = nn.ModuleList(nn.Conv3d(width, one, 1, bias=False) for one in widths)

    def forward(self, *maps: Tensor) -> list[Tensor]:
        tokens = [project(one).flatten(2).mT for project, one in zip(self.in_proj, maps, strict=True)]
        fused = self.fusion(torch.cat(tokens, 1)).chunk(len(maps), 1)
        shape = maps[0].shape[2:]
        cells = [one.mT.reshape(*one.mT.shape[:2], *shape) for one in fused]
        return [project(one) for project, one in zip(self.out_proj, cells, strict=True)]
