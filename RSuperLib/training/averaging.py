"""The moving average of a network's weights and buffers."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from RSuperLib.training.schedule import average_weight


class AveragedNetwork:
    """A copy of a network whose weights follow those of the original slowly.

    Attributes:
        network: the copy, to predict with; it needs no gradients.
    """

    def __init__(self, network: nn.Module, largest: float) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self._largest = largest
        self._pairs = self._paired(network)

    def _paired(self, network: nn.Module) -> list[tuple[Tensor, Tensor]]:
        """(average, original) of everything that has a fraction; counters are copied with the last weights."""
        originals = dict(network.state_dict(keep_vars=True))
        averages = self.network.state_dict(keep_vars=True)
        return [(averages[name], one) for name, one in originals.items() if one.is_floating_point()]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after a step (from 0)."""
        averages, originals = ([one.data for one in side] for side in zip(*self._pairs, strict=True))
        torch._foreach_lerp_(averages, originals, 1 - average_weight(step, self._largest))
