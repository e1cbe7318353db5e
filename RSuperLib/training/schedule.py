"""How the learning rate and the weight of the moving average change with time; both as published."""

from __future__ import annotations

import math

#: Epochs of a stage; the published ones have 1,000 steps, ours divide the stage's steps.
EPOCHS = 100
_WARM_UP = 5
_POWER = 0.9


def learning_rate_factor(epoch: float, epochs: float = EPOCHS, warm_up: float = _WARM_UP) -> float:
    """Factor on the learning rate: exp(10 (e/5 - 1)) up to epoch 5, then (1 - e/E)^0.9.

    Args:
        epoch: e, from 0; the published schedule changes at whole epochs, ours with every step.
        epochs: E.
        warm_up: epochs of the rise.
    """
    if epoch <= warm_up:
        return math.exp(10 * (epoch / warm_up - 1))
    return float((1 - epoch / epochs) ** _POWER)


def step_factor(step: int, steps: int, *, by_epoch: bool = False) -> float:
    """The factor at a step (from 0) of a stage; `by_epoch` holds it through each hundredth, as published."""
    epoch = step * EPOCHS / steps
    return learning_rate_factor(math.floor(epoch) if by_epoch else epoch)


def average_weight(step: int, largest: float = 0.99) -> float:
    """Weight of the old average at a step (from 0): min(1 - 1 / (step + 1), largest)."""
    return min(1 - 1 / (step + 1), largest)
