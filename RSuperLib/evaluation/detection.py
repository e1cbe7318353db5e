"""Lesion by lesion: which true lesions were found, what was found besides, and how that changes with the threshold.

A lesion is found when a found one of the same organ matches it one to one with an intersection over union of at least
`MATCHING_IOU`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from RSuperLib.evaluation.intervals import Ratio, ratio
from RSuperLib.evaluation.lesions import match_lesions
from RSuperLib.io import Grid

#: False lesions per case at which the free-response curve is read, as in LUNA16 (Setio et al., Med Image Anal 2017).
FALSE_PER_CASE = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
#: Upper ends in mm of the size bands; a diameter is that of the sphere with the lesion's volume.
BANDS_MM = (10.0, 20.0, 30.0, float("inf"))


@dataclass(frozen=True)
class TrueLesion:
    """A lesion of the reference. `dice` is 0 where it was missed; `score` is that of the lesion that found it."""

    diameter_mm: float
    dice: float = 0.0
    score: float | None = None


@dataclass
class CaseDetection:
    """One organ of one case: its true lesions, and the scores and diameters of what was found besides."""

    true: list[TrueLesion] = field(default_factory=list)
    false: list[tuple[float, float]] = field(default_factory=list)


def detect(found: NDArray[Any], true: NDArray[Any], probabilities: NDArray[np.floating], grid: Grid) -> CaseDetection:
    """Match the lesions of one organ in one case.

    Args:
        found: (i, j, k) labels of found lesions, 0 = background (`connected_lesions`).
        true: labels of the true ones.
        probabilities: what the model thinks, 0 to 1; a found lesion's score is its mean.
        grid: where the voxels lie.
    """
    pairs = {pair.true: pair for pair in match_lesions(found, true)}
    matched = {pair.found for pair in pairs.values()}
    scores = _means(found, probabilities)
    result = CaseDetection()
    for label, diameter in _diameters(true, grid).items():
        pair = pairs.get(label)
        result.true.append(TrueLesion(diameter, pair.dice, scores[pair.found]) if pair else TrueLesion(diameter))
    extra = {label: size for label, size in _diameters(found, grid).items() if label not in matched}
    result.false = [(scores[label], size) for label, size in extra.items()]
    return result


def lesion_figures(cases: Sequence[CaseDetection]) -> dict[str, Ratio]:
    """Recall, precision, F1 and mean Dice (missed = 0) over all lesions, and F1 by size band; cases are drawn."""
    figures = {
        "recall": ratio([(_hits(case), len(case.true)) for case in cases]),
        "precision": ratio([(_hits(case), _hits(case) + len(case.false)) for case in cases]),
        "f1": _f1(cases, 0.0, np.inf),
        # A ratio counts whole numbers: Dice in thousandths.
        "dice": ratio([(sum(round(1000 * t.dice) for t in case.true), 1000 * len(case.true)) for case in cases]),
    }
    low = 0.0
    for high in BANDS_MM:
        name = f"f1_{low:g}_to_{high:g}_mm" if np.isfinite(high) else f"f1_from_{low:g}_mm"
        figures[name] = _f1(cases, low, high)
        low = high
    return figures


def free_response(cases: Sequence[CaseDetection]) -> list[tuple[float, float]]:
    """The free-response curve: (false lesions per case, sensitivity) for every threshold, most certain first."""
    hits = np.array([t.score for case in cases for t in case.true if t.score is not None], np.float64)
    false = np.array([score for case in cases for score, _ in case.false], np.float64)
    lesions = sum(len(case.true) for case in cases)
    if not lesions:
        return []
    steps = np.unique(np.concatenate([hits, false]))[::-1]
    return [(float((false >= step).sum() / len(cases)), float((hits >= step).sum() / lesions)) for step in steps]


def sensitivity_at(curve: Sequence[tuple[float, float]], false_per_case: float) -> float:
    """The highest sensitivity on a free-response curve with at most so many false lesions a case."""
    return max((sensitivity for false, sensitivity in curve if false <= false_per_case), default=0.0)


def _f1(cases: Sequence[CaseDetection], low: float, high: float) -> Ratio:
    """Twice the hits over all true and found lesions of a size band; a hit counts in the band of its true lesion."""
    counts = []
    for case in cases:
        true = [lesion for lesion in case.true if low <= lesion.diameter_mm < high]
        hits = sum(lesion.score is not None for lesion in true)
        false = sum(low <= size < high for _, size in case.false)
        counts.append((2 * hits, len(true) + hits + false))
    return ratio(counts)


def _hits(case: CaseDetection) -> int:
    return sum(lesion.score is not None for lesion in case.true)


def _means(labels: NDArray[Any], values: NDArray[np.floating]) -> NDArray[np.float64]:
    flat = labels.ravel().astype(np.intp)
    sizes = np.bincount(flat)
    sums = np.bincount(flat, weights=values.ravel().astype(np.float64))
    means: NDArray[np.float64] = sums / np.maximum(sizes, 1)
    return means


def _diameters(labels: NDArray[Any], grid: Grid) -> dict[int, float]:
    """Diameter in mm of the sphere that has a lesion's volume, by label."""
    sizes = np.bincount(labels.ravel().astype(np.intp))
    volumes = sizes * grid.voxel_volume_mm3
    return {int(label): float(np.cbrt(6 * volumes[label] / np.pi)) for label in np.flatnonzero(sizes) if label}
