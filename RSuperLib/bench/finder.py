"""`rsuper bench finder`: lesion recall, Dice and agreement states of the weights-free finder on phantoms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from RSuperLib.anatomy import Parts
from RSuperLib.evaluation import match_lesions
from RSuperLib.inference import agree_with_finder, find_lesions
from RSuperLib.io import Progress, no_progress
from RSuperLib.phantom import Phantom, PhantomSettings, make_phantom
from RSuperLib.report import Finding, Reading, read_report

CASES = 200
PROCESSES = 2
BOOTSTRAP_SAMPLES = 2000
#: Where findings come from: the report as the reader reads it, or what is true of it (a perfect reader).
ReadBy = Literal["reader", "truth"]


@dataclass(frozen=True)
class LesionScore:
    """One true lesion of a phantom and what the finder made of it."""

    organ: str
    diameter_mm: float
    sized: bool
    found: bool
    dice: float


@dataclass(frozen=True)
class CaseScore:
    """One phantom: its lesions, how many were marked, and the states of its agreement rows."""

    seed: int
    lesions: list[LesionScore]
    marked: int
    states: dict[str, int]


def run(
    cases: int | None = None,
    seed: int = 0,
    size: Literal["small", "full"] = "small",
    reading: ReadBy = "reader",
    progress: Progress = no_progress,
) -> dict[str, Any]:
    """Run the finder on phantoms with their own parts.

    Args:
        cases: how many phantoms; None = 200.
        seed: seed of the first one.
        size: size of the phantoms (see `PhantomSettings`).
        reading: where findings come from.
        progress: told after every case.

    Returns:
        Figures with their 95 % intervals (bootstrap over cases), counts, and the same by organ and by size.
    """
    seeds = range(seed, seed + (cases or CASES))
    scores = list(_scores(partial(run_case, size=size, reading=reading), seeds, progress))
    scores.sort(key=lambda score: score.seed)
    return {
        "cases": len(scores),
        "first_seed": seed,
        "size": size,
        "reading": reading,
        **summarise(scores),
    }


def run_case(seed: int, size: Literal["small", "full"] = "small", reading: ReadBy = "reader") -> CaseScore:
    """Make the phantom of a seed and score what the finder finds in it."""
    return score_phantom(make_phantom(seed, PhantomSettings(size=size)), reading)


def score_phantom(phantom: Phantom, reading: ReadBy) -> CaseScore:
    """Score what the finder finds in a phantom."""
    parts = Parts.from_label_map(phantom.parts)
    read = read_report(phantom.report) if reading == "reader" else _true_reading(phantom)
    found = find_lesions(phantom.ct, read.lesions, parts)
    matched = {pair.true: pair.dice for pair in match_lesions(found.labels, phantom.lesions.array)}
    return CaseScore(
        seed=int(phantom.truth["seed"]),
        lesions=[_lesion_score(lesion, matched) for lesion in phantom.truth["lesions"]],
        marked=sum(map(len, found.placed.values())),
        states=dict(Counter(row.state for row in agree_with_finder(read, found, parts).rows)),
    )


def _true_reading(phantom: Phantom) -> Reading:
    """The reading that a perfect reader would make."""
    beside = ("lesions", "size_text")
    rows = [{key: value for key, value in row.items() if key not in beside} for row in phantom.truth["findings"]]
    return Reading(findings=[Finding.model_validate(row) for row in rows])


def _lesion_score(lesion: dict[str, Any], matched: dict[int, float]) -> LesionScore:
    label = int(lesion["label"])
    return LesionScore(
        organ=lesion["organ"],
        diameter_mm=max(lesion["diameters_mm"][:2]),
        sized=bool(lesion["report"]["sized"]),
        found=label in matched,
        dice=matched.get(label, 0.0),
    )


def _scores(case: Callable[[int], CaseScore], seeds: range, progress: Progress) -> Iterator[CaseScore]:
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        jobs = [pool.submit(case, seed) for seed in seeds]
        try:
            for done, job in enumerate(as_completed(jobs), 1):
                progress("finding lesions", done / len(jobs))
                yield job.result()
        finally:
            pool.shutdown(cancel_futures=True)


def summarise(scores: list[CaseScore]) -> dict[str, Any]:
    """Figures of many cases: with 95 % intervals, and by organ and size without."""
    lesions = [lesion for score in scores for lesion in score.lesions]
    states = sum((Counter(score.states) for score in scores), Counter[str]())
    return {
        "lesions": len(lesions),
        "marked": sum(score.marked for score in scores),
        "recall": _with_interval(scores, lambda lesion: lesion.found),
        "dice": _with_interval(scores, lambda lesion: lesion.dice),
        "dice_of_found": _with_interval(scores, lambda lesion: lesion.dice if lesion.found else None),
        "states": dict(states),
        "by_organ": _grouped(lesions, lambda lesion: lesion.organ),
        "by_diameter": _grouped(lesions, lambda lesion: _band(lesion.diameter_mm)),
        "by_size_in_report": _grouped(lesions, lambda lesion: "sized" if lesion.sized else "not sized"),
    }


def _with_interval(scores: list[CaseScore], value: Callable[[LesionScore], float | None]) -> dict[str, float] | None:
    """Mean over lesions and its 95 % interval: cases, not lesions, are drawn, for those of one case are alike."""
    values = [[x for lesion in score.lesions if (x := value(lesion)) is not None] for score in scores]
    sums = np.array([[sum(one), len(one)] for one in values], float)
    if not sums[:, 1].sum():
        return None
    draws = np.random.default_rng(0).integers(0, len(sums), (BOOTSTRAP_SAMPLES, len(sums)))
    low, high = np.nanpercentile(_means(sums[draws]), [2.5, 97.5])
    return {"mean": round(float(_means(sums)), 3), "low": round(float(low), 3), "high": round(float(high), 3)}


def _means(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means out of sums and counts (..., cases, 2); NaN where there is nothing."""
    totals = sums.sum(axis=-2)
    means: NDArray[np.float64] = np.divide(
        totals[..., 0], totals[..., 1], out=np.full(totals.shape[:-1], np.nan), where=totals[..., 1] > 0
    )
    return means


def _grouped(lesions: list[LesionScore], key: Callable[[LesionScore], str]) -> dict[str, dict[str, float]]:
    groups: dict[str, list[LesionScore]] = {}
    for lesion in lesions:
        groups.setdefault(key(lesion), []).append(lesion)
    return {
        name: {
            "lesions": len(group),
            "recall": round(float(np.mean([lesion.found for lesion in group])), 3),
            "dice": round(float(np.mean([lesion.dice for lesion in group])), 3),
        }
        for name, group in sorted(groups.items())
    }


def _band(diameter_mm: float) -> str:
    return "under 10 mm" if diameter_mm < 10 else "10 to 20 mm" if diameter_mm < 20 else "over 20 mm"
