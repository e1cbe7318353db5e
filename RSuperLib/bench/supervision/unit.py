"""One unit of the experiment: an arm in a seed, trained and judged on the held-out cases."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from RSuperLib import __version__
from RSuperLib.bench.supervision.arms import ARMS
from RSuperLib.bench.supervision.cases import CasePool, source
from RSuperLib.bench.supervision.config import Config
from RSuperLib.bench.supervision.learning import Learning
from RSuperLib.bench.supervision.network import Predictor
from RSuperLib.evaluation import connected_lesions, dice
from RSuperLib.evaluation.cases import best_threshold, case_figures, case_score
from RSuperLib.evaluation.detection import detect
from RSuperLib.io import Grid, Progress, no_progress
from RSuperLib.io.progress import part_of
from RSuperLib.training import prepare_cases
from RSuperLib.training.prepared import CaseArrays

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class CaseResult:
    """One held-out case: its score (mm3), whether it has lesions, how many and how many were found, Dice if it has."""

    case: str
    score: float
    truth: bool
    lesions: int
    hits: int
    false: int
    dice: float | None


def run_unit(
    config: Config, difficulty: str, arm: str, seed: int, work: Path, progress: Progress = no_progress
) -> dict[str, Any]:
    """Train and judge; the contents of the unit's JSON file.

    Args:
        config: of the experiment.
        difficulty: name of the setting.
        arm: name of the arm.
        seed: of the training.
        work: folder for cases and runs, where stopped work goes on.
        progress: told where it is; may cancel.
    """
    started, cpu = time.perf_counter(), time.process_time()
    pool = CasePool(config, config.difficulties[difficulty].contrast, work / "cases")
    learning = Learning(config, ARMS[arm], seed, pool, work)
    weights = learning.train(part_of(progress, 0.0, 0.9))
    predictor = Predictor(weights, learning.settings(1, reports=False, start_from=None))
    folder = work / "prepared" / f"{pool.name}-{config.spacing_mm:g}mm-held-out"
    results = []
    for paths in (pool.validation(progress), pool.test(progress)):
        cases = prepare_cases([source(path, "truth", config) for path in paths], folder, learning.geometry, progress)
        results.append([judge(predictor, CaseArrays(path)) for path in cases])
    return {
        "schema_version": SCHEMA_VERSION, "version": __version__, "config": config.fingerprint(difficulty),
        "difficulty": difficulty, "arm": arm, "seed": seed, **figures(*results),
        "seconds": round(time.perf_counter() - started), "cpu_seconds": round(time.process_time() - cpu),
        "validation": [asdict(one) for one in results[0]], "test": [asdict(one) for one in results[1]],
    }  # fmt: skip


def judge(predictor: Predictor, arrays: CaseArrays) -> CaseResult:
    """What a network makes of one case, against its lesion mask, on the training grid."""
    record = arrays.record
    everything = (slice(None), slice(None), slice(None))
    probability = predictor(arrays)
    lesion_codes = [code for code, members in enumerate(record.class_codes) if 0 in members]
    mask = np.isin(arrays.codes(everything)[0], lesion_codes)
    grid = Grid(record.shape, np.diag([*record.spacing_mm, 1.0]))
    found = detect(connected_lesions(probability >= 0.5, grid), connected_lesions(mask, grid), probability, grid)
    return CaseResult(
        case=record.id, score=round(case_score(probability, grid), 6), truth=bool(mask.any()),
        lesions=len(found.true), hits=sum(one.score is not None for one in found.true), false=len(found.false),
        dice=round(dice(probability >= 0.5, mask), 4) if mask.any() else None,
    )  # fmt: skip


def figures(validation: Sequence[CaseResult], test: Sequence[CaseResult]) -> dict[str, Any]:
    """Case-level figures at the threshold of the validation cases, lesion F1 and mean Dice of the test cases."""
    threshold = best_threshold([one.score for one in validation], [one.truth for one in validation])
    cases = case_figures([one.score for one in test], [one.truth for one in test], threshold)
    found = sum(one.hits for one in test)
    either = found + sum(one.lesions + one.false for one in test)
    overlaps = [one.dice for one in test if one.dice is not None]
    return {
        "threshold_mm3": threshold, "cases": cases.cases, "positives": cases.positives,
        "f1": cases.f1.value, "sensitivity": cases.sensitivity.value, "specificity": cases.specificity.value,
        "auc": cases.auc.value, "lesion_f1": round(2 * found / either, 4) if either else None,
        "dice": round(float(np.mean(overlaps)), 4) if overlaps else None,
    }  # fmt: skip
