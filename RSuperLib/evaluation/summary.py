"""All figures of a set of evaluated cases, and of two models on the same cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from RSuperLib.evaluation.cases import Figure, auc, best_threshold, case_figures, paired_difference
from RSuperLib.evaluation.detection import FALSE_PER_CASE, free_response, lesion_figures, sensitivity_at
from RSuperLib.evaluation.folders import EvaluatedCase, as_row
from RSuperLib.evaluation.intervals import SAMPLES
from RSuperLib.evaluation.published import published_table
from RSuperLib.io import InputError

_VOXEL_SCORES = ("dice", "surface_dice", "hausdorff_95_mm", "volume_error_mm3", "relative_volume_error")


def validation_threshold(cases: Sequence[EvaluatedCase]) -> float:
    """The threshold with the best F1 on validation cases.

    Raises:
        InputError: none of them has a lesion.
    """
    scores, truths = _told(cases)
    if not any(truths):
        raise InputError("No validation case has a lesion, so they give no threshold.", "Give others, or --threshold.")
    return best_threshold(scores, truths)


def summarise(cases: Sequence[EvaluatedCase], threshold: float | None) -> dict[str, Any]:
    """Figures of voxels, lesions and cases; what the references do not tell is left out and counted.

    Args:
        cases: of the test set.
        threshold: from validation cases; None = only what needs none.
    """
    detections = [case.detection for case in cases if case.detection is not None]
    curve = free_response(detections)
    return {
        "cases": len(cases),
        "cases_with_masks": len(detections),
        "cases_without_truth": sum(case.truth is None for case in cases),
        "voxel_level": _voxel_level(cases),
        "lesion_level": {name: asdict(one) for name, one in lesion_figures(detections).items()} if detections else {},
        "free_response": [[round(one, 4) for one in point] for point in curve],
        "sensitivity_at_false_per_case": {f"{one:g}": sensitivity_at(curve, one) for one in FALSE_PER_CASE},
        "case_level": _case_level(cases, threshold),
        "published": _published(cases),
        "rows": [as_row(case) for case in cases],
    }


def compare(
    one: Sequence[EvaluatedCase], other: Sequence[EvaluatedCase], thresholds: tuple[float, float] | None
) -> dict[str, Any]:
    """The first model minus the second on the same cases, with intervals that draw the same cases for both."""
    pairs = [(a, b) for a, b in zip(one, other, strict=True) if a.truth is not None]
    result: dict[str, Any] = {"cases": len(pairs)}
    if thresholds:
        rows = [[(case.score, bool(case.truth)) for case in model] for model in zip(*pairs, strict=True)]
        result["f1"] = asdict(paired_difference(rows[0], rows[1], thresholds))
    scored = [(a.voxels, b.voxels) for a, b in pairs if a.voxels and b.voxels]
    for name in ("dice", "surface_dice"):
        result[name] = asdict(mean_figure([getattr(a, name) - getattr(b, name) for a, b in scored]))
    return result


def mean_figure(values: Sequence[float], seed: int = 0) -> Figure:
    """A mean over cases with its 95 % percentile interval."""
    known = np.asarray(values, np.float64)
    if not known.size:
        return Figure(None, None, None)
    draws = np.random.default_rng(seed).integers(0, len(known), (SAMPLES, len(known)))
    low, high = np.percentile(known[draws].mean(axis=1), [2.5, 97.5])
    return Figure(round(float(known.mean()), 4), round(float(low), 4), round(float(high), 4))


def _told(cases: Sequence[EvaluatedCase]) -> tuple[list[float], list[bool]]:
    told = [(case.score, case.truth) for case in cases if case.truth is not None]
    return [score for score, _ in told], [truth for _, truth in told]


def _voxel_level(cases: Sequence[EvaluatedCase]) -> dict[str, Any]:
    """Means over the cases with a true lesion; cases without one would only say that something was found there."""
    scored = [case.voxels for case in cases if case.voxels is not None and case.truth]
    result: dict[str, Any] = {"cases": len(scored)}
    for name in _VOXEL_SCORES:
        values = [value for one in scored if (value := getattr(one, name)) is not None]
        result[name] = asdict(mean_figure(values)) | {"cases": len(values)}
    return result


def _case_level(cases: Sequence[EvaluatedCase], threshold: float | None) -> dict[str, Any]:
    scores, truths = _told(cases)
    if not scores:
        return {}
    figures = asdict(case_figures(scores, truths, np.inf if threshold is None else threshold))
    if threshold is None:
        return {name: figures[name] for name in ("cases", "positives", "auc")}
    return figures


def _published(cases: Sequence[EvaluatedCase]) -> dict[str, Any]:
    told = [case for case in cases if case.truth is not None]
    truths = [bool(case.truth) for case in told]
    area = auc(np.array([case.max_probability for case in told]), np.array(truths, np.bool_))
    table = published_table([case.published_volume_mm3 for case in told], truths)
    return {"auc": None if np.isnan(area) else round(area, 4), "table": [asdict(row) for row in table]}
