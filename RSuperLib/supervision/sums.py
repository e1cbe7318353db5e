"""Everything that Dice and cross entropy need of a channel, with a gradient in closed form.

Written out in tensors, Dice and cross entropy of 42 channels keep about ten times the memory of the logits until the
backward pass. Both are functions of four sums per channel, whose gradient is known: one pass forward and one backward,
channel by channel, with no more memory than one channel needs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

#: Some voxels of a channel: logits, target and what is known of them.
_Piece = tuple[Tensor, Tensor, Tensor | None]


class ChannelSums(NamedTuple):
    """Sums over the voxels of each channel, (B, C) each.

    With p = sigmoid(logits), t = target, k = known (0, 1 or a weight): true_positive = sum k p t; false_positive =
    sum k p (1 - t); false_negative = sum k (1 - p) t; cross_entropy = sum k BCE(logits, t).
    """

    true_positive: Tensor
    false_positive: Tensor
    false_negative: Tensor
    cross_entropy: Tensor


def channel_sums(logits: Tensor, target: Tensor, known: Tensor | None = None) -> ChannelSums:
    """The sums that Dice and cross entropy are made of.

    Args:
        logits: (B, C, D, H, W); differentiable.
        target: (B, C, D, H, W) bool or 0/1 of any type.
        known: (B, C, D, H, W) bool or weights; None = 1 everywhere.

    Returns:
        Sums (B, C) in float32, or float64 if the logits are.
    """
    return ChannelSums(*_Sums.apply(logits, target, known))  # type: ignore[no-untyped-call]


class _Sums(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: Tensor, target: Tensor, known: Tensor | None) -> tuple[Tensor, ...]:
        ctx.save_for_backward(logits, target, known)
        rows = range(logits.shape[0] * logits.shape[1])
        sums = [
            torch.stack([_sums_of_piece(*one) for one in _pieces(logits, target, known, row)]).sum(0) for row in rows
        ]
        return torch.stack(sums).reshape(*logits.shape[:2], 4).unbind(-1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        logits, target, known = ctx.saved_tensors
        result = torch.empty(logits.shape, dtype=logits.dtype, device=logits.device)
        weights = torch.stack(gradients, -1).flatten(0, 1)
        size = _piece_size(logits)
        for row, channel in enumerate(result.flatten(0, 1).flatten(1)):
            for first, (x, t, k) in enumerate(_pieces(logits, target, known, row)):
                channel[first * size : (first + 1) * size] = _gradient_of_piece(x, t, k, *weights[row])
        return result, None, None


def _piece_size(logits: Tensor) -> int:
    """Voxels at a time: what a processor's cache holds, or a whole channel on an accelerator."""
    return 1 << 16 if logits.device.type == "cpu" else logits[0, 0].numel()


def _pieces(logits: Tensor, target: Tensor, known: Tensor | None, row: int) -> Iterator[_Piece]:
    """One channel of one sample; `row` counts them."""
    b, c = divmod(row, logits.shape[1])
    x, t = logits[b, c].reshape(-1), target[b, c].reshape(-1)
    k = None if known is None else known[b, c].reshape(-1)
    for first in range(0, logits[0, 0].numel(), _piece_size(logits)):
        part = slice(first, first + _piece_size(logits))
        yield x[part], t[part], None if k is None else k[part]


def _sums_of_piece(logits: Tensor, target: Tensor, known: Tensor | None) -> Tensor:
    x, t, k = _as_floats(logits, target, known)
    p, weighted = torch.sigmoid(x), t
    entropy = functional.softplus(x).sub_(x * t)
    hit = p * t
    if k is not None:
        weighted = t * k
        for one in (p, entropy, hit):
            one.mul_(k)
    true = hit.sum()
    return torch.stack([true, p.sum() - true, weighted.sum() - true, entropy.sum()])


def _gradient_of_piece(
    logits: Tensor, target: Tensor, known: Tensor | None, hit: Tensor, false: Tensor, missed: Tensor, entropy: Tensor
) -> Tensor:
    """With the gradients of the four sums."""
    x, t, k = _as_floats(logits, target, known)
    p = torch.sigmoid(x)
    # d/dp of the first three sums is k (t, 1 - t, -t).
    slope = t * (hit - missed - false) + false
    slope = slope.mul_(p).mul_(1 - p).add_(p.sub_(t).mul_(entropy))
    return slope if k is None else slope.mul_(k)


def _as_floats(x: Tensor, t: Tensor, k: Tensor | None) -> tuple[Tensor, Tensor, Tensor | None]:
    x = x if x.dtype == torch.float64 else x.float()
    return x, t.to(x.dtype), None if k is None else k.to(x.dtype)
