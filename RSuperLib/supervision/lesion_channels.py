"""Which classes are lesions, and which of them the published method merges into one channel."""

from __future__ import annotations

import re
from collections.abc import Sequence

import torch
from torch import Tensor

_LESION = re.compile(r"^(?P<organ>.*?)_?(?:lesion|cyst|pdac|pnet)")


def lesion_groups(classes: Sequence[str]) -> dict[str, list[int]]:
    """Merged lesion channels, in the order of their first class: {"pancreas_lesion": [3, 5], …}.

    A class is a lesion if its name holds lesion, cyst, pdac or pnet; classes of one organ are one channel. "pancreatic"
    is the pancreas.
    """
    groups: dict[str, list[int]] = {}
    for index, name in enumerate(classes):
        found = _LESION.match(name)
        if found:
            organ = found["organ"].replace("pancreatic", "pancreas")
            groups.setdefault(f"{organ}_lesion", []).append(index)
    return groups


def merge_lesions(channels: Tensor, groups: dict[str, list[int]]) -> Tensor:
    """(B, C, …) to (B, L, …): the largest value of the channels of each group."""
    merged = [channels[:, index].amax(1) if len(index) > 1 else channels[:, index[0]] for index in groups.values()]
    return torch.stack(merged, 1)
