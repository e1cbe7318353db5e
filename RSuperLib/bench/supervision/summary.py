"""Figures of many units with intervals that draw cases and seeds, the same ones for all arms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from RSuperLib.evaluation.intervals import SAMPLES
from RSuperLib.io import InputError

Counts = NDArray[np.float64]
#: Figures that are a sum over cases divided by another one.
RATIOS = ("f1", "sensitivity", "specificity", "lesion_f1", "dice")
#: What the experiment is about: name to the arms whose F1 is compared, better one first.
DIFFERENCES = {"c - a": ("c", "a"), "c - b": ("c", "b"), "c - g": ("c", "g"), "c - h": ("c", "h"), "f - c": ("f", "c")}


@dataclass(frozen=True)
class ArmCounts:
    """One arm: for each figure the parts and the wholes (seed, case) that are summed up, and the AUC of each seed."""

    parts: Mapping[str, Counts]
    wholes: Mapping[str, Counts]
    auc: list[float]


@dataclass(frozen=True)
class Draws:
    """How often each seed (draw, seed) and case (draw, case) is drawn; the first draw is the experiment itself."""

    seeds: Counts
    cases: Counts


def summarise(units: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """All figures of one setting: of each arm, and of the differences between arms in the seeds that both have.

    Args:
        units: contents of the units' files.

    Raises:
        InputError: the units were run on different cases.
    """
    by_arm: dict[str, dict[int, Mapping[str, Any]]] = {}
    for unit in units:
        by_arm.setdefault(unit["arm"], {})[unit["seed"]] = unit
    if len({tuple(case["case"] for case in unit["test"]) for unit in units}) > 1:
        raise InputError("The units were run on different cases.", "Run all with one configuration.")
    arms = {name: _arm_figures(list(seeds.values())) for name, seeds in sorted(by_arm.items())}
    differences = {
        name: _compared(by_arm[one], by_arm[other], lambda first, second: first - second)
        for name, (one, other) in DIFFERENCES.items() if one in by_arm and other in by_arm
    } | {
        f"{name} - c": _compared(seeds, by_arm["c"], lambda first, second: first - second)
        for name, seeds in sorted(by_arm.items()) if name.startswith("c_") and "c" in by_arm
    }  # fmt: skip
    recovered = _recovered(by_arm) if {"a", "c", "d"} <= by_arm.keys() else None
    return {"arms": arms, "f1_differences": differences, "recovered": recovered}


def _arm_figures(units: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    counts = _counts(units)
    draws = _draws(len(units), len(units[0]["test"]))
    figures: dict[str, Any] = {name: _interval(_values(counts, name, draws)) for name in RATIOS}
    seconds = [unit["seconds"] for unit in units]
    return {
        "seeds": sorted(unit["seed"] for unit in units), **figures, "auc": round(float(np.mean(counts.auc)), 4),
        "f1_of_seeds": [unit["f1"] for unit in sorted(units, key=lambda unit: int(unit["seed"]))],
        "seconds": round(float(np.mean(seconds))),
    }  # fmt: skip


def _compared(
    one: Mapping[int, Mapping[str, Any]], other: Mapping[int, Mapping[str, Any]],
    compare: Callable[[Counts, Counts], Counts],
) -> dict[str, Any] | None:  # fmt: skip
    """A comparison of the F1 of two arms in the seeds that both have; None if there is none."""
    seeds = sorted(one.keys() & other.keys())
    if not seeds:
        return None
    draws = _draws(len(seeds), len(one[seeds[0]]["test"]))
    first, second = (_values(_counts([arm[seed] for seed in seeds]), "f1", draws) for arm in (one, other))
    return {"seeds": seeds, **_interval(compare(first, second))}


def _recovered(by_arm: Mapping[str, Mapping[int, Mapping[str, Any]]]) -> dict[str, Any] | None:
    """(c - a) / (d - a): how much of what masks of all cases would gain the reports gain."""
    seeds = sorted(by_arm["a"].keys() & by_arm["c"].keys() & by_arm["d"].keys())
    if not seeds:
        return None
    draws = _draws(len(seeds), len(by_arm["a"][seeds[0]]["test"]))
    few, reports, all_masks = (
        _values(_counts([by_arm[arm][seed] for seed in seeds]), "f1", draws) for arm in ("a", "c", "d")
    )
    gained = np.divide(reports - few, all_masks - few, out=np.full_like(few, np.nan), where=all_masks > few)
    return {"seeds": seeds, **_interval(gained)}


def _counts(units: Sequence[Mapping[str, Any]]) -> ArmCounts:
    def table(key: Callable[[Mapping[str, Any]], float]) -> Counts:
        return np.array([[key(case) for case in unit["test"]] for unit in units], np.float64)

    called = np.array([[case["score"] >= unit["threshold_mm3"] for case in unit["test"]] for unit in units], np.float64)
    truth, hits = table(lambda case: case["truth"]), table(lambda case: case["hits"])
    parts = {
        "f1": 2 * called * truth, "sensitivity": called * truth, "specificity": (1 - called) * (1 - truth),
        "lesion_f1": 2 * hits, "dice": table(lambda case: case["dice"] or 0.0),
    }  # fmt: skip
    wholes = {
        "f1": called + truth, "sensitivity": truth, "specificity": 1 - truth, "dice": truth,
        "lesion_f1": hits + table(lambda case: case["lesions"] + case["false"]),
    }  # fmt: skip
    return ArmCounts(parts, wholes, [float(unit["auc"]) for unit in units])


def _draws(seeds: int, cases: int) -> Draws:
    random = np.random.default_rng(0)

    def drawn(count: int) -> Counts:
        table = random.multinomial(count, np.full(count, 1 / count), SAMPLES + 1).astype(np.float64)
        table[0] = 1
        return table

    return Draws(drawn(seeds), drawn(cases))


def _values(counts: ArmCounts, name: str, draws: Draws) -> Counts:
    """(draw) a figure: the mean over the drawn seeds of the ratio over the drawn cases."""
    parts, wholes = (draws.cases @ table[name].T for table in (counts.parts, counts.wholes))
    ratios = np.divide(parts, wholes, out=np.zeros_like(parts), where=wholes > 0)
    means: Counts = (ratios * draws.seeds).sum(1) / draws.seeds.sum(1)
    return means


def _interval(values: Counts) -> dict[str, float | None]:
    """The value of the experiment itself and the 95 % percentile interval of the draws."""
    drawn = values[1:][~np.isnan(values[1:])]
    if np.isnan(values[0]) or not drawn.size:
        return {"value": None, "low": None, "high": None}
    low, high = np.percentile(drawn, [2.5, 97.5])
    return {"value": round(float(values[0]), 4), "low": round(float(low), 4), "high": round(float(high), 4)}
