"""Case by case: does the patient have a lesion in the organ? The claim that the published method makes.

A case is scored by its largest component: its volume times its mean probability. The threshold is chosen on validation
cases and never on the test cases.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from RSuperLib.evaluation.intervals import SAMPLES
from RSuperLib.evaluation.lesions import connected_lesions
from RSuperLib.io import Grid

Scores = NDArray[np.float64]
Truths = NDArray[np.bool_]


@dataclass(frozen=True)
class Figure:
    """A figure with its 95 % percentile interval (cases drawn); None where there is nothing to compute it from."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class CaseFigures:
    """What a threshold makes of test cases."""

    cases: int
    positives: int
    threshold: float
    sensitivity: Figure
    specificity: Figure
    f1: Figure
    auc: Figure


def case_score(probabilities: NDArray[np.floating], grid: Grid, least: float = 0.5) -> float:
    """How much a case looks like one with a lesion.

    Args:
        probabilities: (i, j, k) of one kind of lesion, 0 to 1.
        grid: where the voxels lie.
        least: voxels from this probability on belong to a component.

    Returns:
        Volume in mm³ times mean probability of the largest component; without a component the largest probability times
        a thousandth of a voxel's volume, so that such cases stay in order, below all others.
    """
    pieces = connected_lesions(probabilities >= least, grid)
    if not pieces.any():
        return float(probabilities.max(initial=0.0)) * grid.voxel_volume_mm3 / 1000
    return float(probabilities[pieces == 1].sum(dtype=np.float64)) * grid.voxel_volume_mm3


def best_threshold(scores: Sequence[float], truths: Sequence[bool]) -> float:
    """The threshold with the highest F1 on validation cases; of equal ones the middle of the widest gap.

    Raises:
        ValueError: there is no case with a lesion, so that no threshold is better than another.
    """
    values, truth = np.asarray(scores, np.float64), np.asarray(truths, np.bool_)
    if not truth.any():
        raise ValueError("a threshold needs validation cases with a lesion")
    edges = np.unique(values)
    middles = (edges[:-1] + edges[1:]) / 2
    candidates = np.concatenate([edges[:1] / 2, middles])
    widths = np.concatenate([edges[:1], np.diff(edges)])
    gains = np.array([_f1(values >= candidate, truth) for candidate in candidates])
    best = np.flatnonzero(gains == gains.max())
    return float(candidates[best[np.argmax(widths[best])]])


def case_figures(scores: Sequence[float], truths: Sequence[bool], threshold: float, seed: int = 0) -> CaseFigures:
    """Sensitivity, specificity, F1 and AUC of test cases, with intervals.

    Args:
        scores: one a case, of `case_score`.
        truths: whether the case has a lesion.
        threshold: from `best_threshold` on other cases.
        seed: of the bootstrap.
    """
    values, truth = np.asarray(scores, np.float64), np.asarray(truths, np.bool_)
    draws = np.random.default_rng(seed).integers(0, len(values), (SAMPLES, len(values)))
    called = values >= threshold
    return CaseFigures(
        len(values), int(truth.sum()), threshold,
        sensitivity=_figure(_share(called, truth), [_share(called[d], truth[d]) for d in draws]),
        specificity=_figure(_share(~called, ~truth), [_share(~called[d], ~truth[d]) for d in draws]),
        f1=_figure(_f1(called, truth), [_f1(called[d], truth[d]) for d in draws]),
        auc=_figure(auc(values, truth), [auc(values[d], truth[d]) for d in draws]),
    )  # fmt: skip


def auc(scores: Scores, truths: Truths) -> float:
    """Area under the ROC curve: the chance that a case with a lesion scores above one without (ties count half).

    NaN where all cases are alike. Source: Hanley & McNeil, Radiology 1982;143:29-36.
    """
    with_lesion, without = np.sort(scores[truths]), np.sort(scores[~truths])
    if not len(with_lesion) or not len(without):
        return float("nan")
    below = np.searchsorted(without, with_lesion, "left")
    upto = np.searchsorted(without, with_lesion, "right")
    return float((below + upto).mean() / 2 / len(without))


def paired_difference(
    one: Sequence[tuple[float, bool]], other: Sequence[tuple[float, bool]], thresholds: tuple[float, float],
    seed: int = 0,
) -> Figure:  # fmt: skip
    """F1 of one model minus F1 of another on the same cases, with its interval (the same cases drawn for both).

    Args:
        one: (score, truth) of each case by the first model.
        other: by the second, cases in the same order.
        thresholds: of the first and of the second model.
        seed: of the bootstrap.

    Raises:
        ValueError: the cases differ.
    """
    if [truth for _, truth in one] != [truth for _, truth in other]:
        raise ValueError("both models must have been run on the same cases")
    truth = np.array([truth for _, truth in one], np.bool_)
    called = [
        np.array([score for score, _ in model]) >= threshold
        for model, threshold in zip((one, other), thresholds, strict=True)
    ]
    draws = np.random.default_rng(seed).integers(0, len(truth), (SAMPLES, len(truth)))
    drawn = [_f1(called[0][d], truth[d]) - _f1(called[1][d], truth[d]) for d in draws]
    return _figure(_f1(called[0], truth) - _f1(called[1], truth), drawn)


def _f1(called: Truths, truth: Truths) -> float:
    right = np.count_nonzero(called & truth)
    total = np.count_nonzero(called) + np.count_nonzero(truth)
    return 2 * right / total if total else float("nan")


def _share(called: Truths, among: Truths) -> float:
    whole = np.count_nonzero(among)
    return np.count_nonzero(called & among) / whole if whole else float("nan")


def _figure(value: float, drawn: Sequence[float]) -> Figure:
    known = np.asarray(drawn, np.float64)
    known = known[~np.isnan(known)]
    if np.isnan(value) or not known.size:
        return Figure(None, None, None)
    low, high = np.percentile(known, [2.5, 97.5])
    return Figure(round(value, 4), round(float(low), 4), round(float(high), 4))
