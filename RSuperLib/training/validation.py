"""How good a network is on held-out cases: is there a lesion, and where.

A case is called positive if the largest component (26 neighbours) of its lesions has a volume times mean probability
above a threshold that is chosen on these very cases; so the figures compare networks with each other and are no claim
about new cases. What is not known of a case (an organ that its report does not mention) is not counted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import cc3d
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from RSuperLib.evaluation import dice
from RSuperLib.evaluation.cases import auc
from RSuperLib.training.classes import OutputClass
from RSuperLib.training.engine import Engine
from RSuperLib.training.prepared import CaseArrays, Three
from RSuperLib.training.settings import Normalisation

_ALL = slice(None)


@dataclass(frozen=True)
class Validation:
    """The result of one look at the held-out cases.

    Attributes:
        score: what decides which weights are kept; larger is better, compared element by element.
        figures: by name; they go into the journal.
        thresholds: lesion class to the threshold (mm3) that gives the best F1.
        cases: one row per case and lesion class: case, class, score (mm3), truth, Dice (None without lesion mask).
    """

    score: tuple[float, ...]
    figures: dict[str, float]
    thresholds: dict[str, float] = field(default_factory=dict)
    cases: list[dict[str, Any]] = field(default_factory=list)


#: Called with a network in evaluation mode.
Validate = Callable[[nn.Module], Validation]


@dataclass(frozen=True)
class HeldOutCases:
    """The usual validation: case-level F1 of each lesion class, and Dice where lesion masks are.

    Attributes:
        cases: prepared cases that take no part in the training.
        classes: output channels.
        patch: window edges (z, y, x).
        overlap: share of a window that the next one covers again.
        normalisation: as in training.
        engine: where to compute.
    """

    cases: Sequence[Path]
    classes: Sequence[OutputClass]
    patch: Three
    overlap: float
    normalisation: Normalisation
    engine: Engine

    def __call__(self, network: nn.Module) -> Validation:
        """Look at all cases."""
        rows = [row for path in self.cases for row in self._rows(network, CaseArrays(path))]
        return summarise(rows)

    def _rows(self, network: nn.Module, arrays: CaseArrays) -> list[dict[str, Any]]:
        lesions = [number for number, one in enumerate(self.classes) if one.is_lesion]
        probability = predict(network, arrays, lesions, self.patch, self.overlap, self.normalisation, self.engine)
        record = arrays.record
        codes = arrays.codes((_ALL, _ALL, _ALL))[0]
        rows = []
        for channel, predicted in zip(lesions, probability, strict=True):
            by_mask = record.lesions_by_mask.get(channel)
            truth = by_mask if by_mask is not None else record.lesions_by_report.get(channel)
            holding = [code for code, members in enumerate(record.class_codes) if channel in members]
            overlap = dice(predicted > 0.5, np.isin(codes, holding)) if by_mask else None
            score = case_score(predicted, math.prod(record.spacing_mm))
            rows.append({"case": record.id, "class": self.classes[channel].name, "score": score, "truth": truth,
                         "dice": overlap})  # fmt: skip
        return rows


def predict(
    network: nn.Module, arrays: CaseArrays, channels: Sequence[int], patch: Three, overlap: float,
    normalisation: Normalisation, engine: Engine,
) -> NDArray[np.float32]:  # fmt: skip
    """Probabilities (channel, z, y, x) of some channels of a whole case: the mean over windows, spaced evenly."""
    record = arrays.record
    hu = torch.from_numpy(arrays.image((_ALL, _ALL, _ALL))).to(engine.device).float()
    mean, std = record.clipped_mean, max(record.clipped_std, 1.0)
    mean, std = (mean, std) if normalisation.per_case else (normalisation.mean, normalisation.std)
    image = (hu.clamp(*normalisation.clip_hu) - mean) / std
    missing = [max(edge - n, 0) for edge, n in zip(patch, record.shape, strict=True)]
    low = [one // 2 for one in missing]
    padding = [one for a, b in zip(low[::-1], missing[::-1], strict=True) for one in (a, b - a)]
    outside = (max(-1000.0, normalisation.clip_hu[0]) - mean) / std
    image = nn.functional.pad(image, padding, value=outside)
    total, count = image.new_zeros((len(channels), *image.shape)), image.new_zeros(image.shape)
    with torch.inference_mode(), engine.autocast():
        for window in windows(tuple(image.shape), patch, overlap):
            logits: Tensor = network(image[window][None, None])[0]
            total[(_ALL, *window)] += logits[0, list(channels)].float().sigmoid()
            count[window] += 1
    inside = tuple(slice(at, at + n) for at, n in zip(low, record.shape, strict=True))
    probability: NDArray[np.float32] = (total / count)[(_ALL, *inside)].cpu().numpy()
    return probability


def windows(shape: Sequence[int], patch: Three, overlap: float) -> list[tuple[slice, slice, slice]]:
    """Windows that cover a volume that is at least as large as one, spaced evenly along each axis."""
    ranges = []
    for n, edge in zip(shape, patch, strict=True):
        steps = math.ceil((n - edge) / (edge * (1 - overlap)))
        starts = [round(step * (n - edge) / steps) for step in range(steps + 1)] if steps else [0]
        ranges.append([slice(start, start + edge) for start in starts])
    return [(z, y, x) for z, y, x in product(*ranges)]


def case_score(probability: NDArray[np.float32], voxel_mm3: float) -> float:
    """Volume (mm3) times mean probability of the largest component of what is likelier than not; 0 without any."""
    components = cc3d.connected_components(probability > 0.5, connectivity=26)
    sizes = np.bincount(components.ravel())[1:]
    if not len(sizes):
        return 0.0
    largest = 1 + int(np.argmax(sizes))
    return float(probability[components == largest].sum() * voxel_mm3)


def summarise(rows: list[dict[str, Any]]) -> Validation:
    """Figures of each class and their means over classes, from the rows of the cases."""
    by_class: dict[str, dict[str, float]] = {}
    thresholds = {}
    for name in dict.fromkeys(row["class"] for row in rows):
        known = [row for row in rows if row["class"] == name and row["truth"] is not None]
        truth = np.array([row["truth"] for row in known], bool)
        scores = np.array([row["score"] for row in known], float)
        one: dict[str, float] = {}
        if truth.any() and not truth.all():
            thresholds[name], one = _best_threshold(scores, truth)
            one["auc"] = auc(scores, truth)
        dices = [row["dice"] for row in known if row["dice"] is not None]
        by_class[name] = one | ({"dice": float(np.mean(dices))} if dices else {})
    figures: dict[str, float] = {}
    for name in ("f1", "auc", "dice", "sensitivity", "specificity"):
        values = [has[name] for has in by_class.values() if name in has]
        figures |= {name: float(np.mean(values))} if values else {}
    if len(by_class) > 1:
        figures |= {f"{name}_{kind}": value for name, has in by_class.items() for kind, value in has.items()}
    score = tuple(figures.get(name, 0.0) for name in ("f1", "auc", "dice"))
    return Validation(score, figures, thresholds, rows)


def _best_threshold(scores: NDArray[np.float64], truth: NDArray[np.bool_]) -> tuple[float, dict[str, float]]:
    """The threshold with the best F1 (half way between two scores), and what it gives."""
    levels = np.unique(scores)
    candidates = np.append((levels[1:] + levels[:-1]) / 2, [levels[0] / 2 - 1e-6])
    best = max(candidates, key=lambda one: (_f1(scores > one, truth), one))
    called = scores > best
    return float(best), {
        "f1": _f1(called, truth),
        "sensitivity": float(called[truth].mean()),
        "specificity": float((~called[~truth]).mean()),
    }


def _f1(called: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    return 2 * int((called & truth).sum()) / int(called.sum() + truth.sum())
