"""Three formulas of the published recipe, for `rsuper bench golden`: learning rate, averaging of weights, windows."""

from __future__ import annotations

from math import exp


def learning_rate(epoch: int, epochs: int, warmup: int, base: float) -> float:
    """Exponential warm-up, exp(10 (epoch / warmup - 1)) up to 1, then (1 - epoch / epochs)^0.9, times the base rate."""
    factor = exp(10 * (epoch / warmup - 1)) if epoch <= warmup else (1 - epoch / epochs) ** 0.9
    return base * factor


def ema_alpha(step: int) -> float:
    """Share of the old average that is kept at a step."""
    return min(1 - 1 / (step + 1), 0.99)


def window_starts(length: int, edge: int) -> list[int]:
    """First voxels of half overlapping windows along an axis, as published: the last one may come twice."""
    half = edge // 2
    starts = [half * index for index in range(length // half)]
    return [min(start, length - edge) for start in starts]
