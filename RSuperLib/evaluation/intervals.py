"""How sure a ratio is: intervals that draw whole cases, because the lesions of one case are alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

#: Draws of the bootstrap; the limits of the interval are stable to about one in the second digit.
SAMPLES = 2000


@dataclass(frozen=True)
class Ratio:
    """Sum of parts over sum of wholes, with its 95 % interval; `value` is None where there is nothing to divide by."""

    value: float | None
    low: float | None
    high: float | None
    part: int
    whole: int


def ratio(cases: Sequence[tuple[int, int]], seed: int = 0) -> Ratio:
    """A micro-averaged ratio with its 95 % percentile interval over cases.

    Args:
        cases: (part, whole) of each case.
        seed: of the bootstrap, so that a result can be repeated.
    """
    sums = np.array(cases, np.int64).reshape(-1, 2)
    part, whole = (int(total) for total in sums.sum(axis=0))
    if whole == 0:
        return Ratio(None, None, None, part, whole)
    draws = np.random.default_rng(seed).integers(0, len(sums), (SAMPLES, len(sums)))
    drawn = sums[draws].sum(axis=1)
    values = drawn[drawn[:, 1] > 0]
    low, high = np.percentile(values[:, 0] / values[:, 1], [2.5, 97.5])
    return Ratio(round(part / whole, 4), round(float(low), 4), round(float(high), 4), part, whole)
