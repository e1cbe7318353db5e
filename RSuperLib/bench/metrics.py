"""`rsuper bench metrics`: our voxel scores against two other programs, and what looking only at a box saves."""

from __future__ import annotations

import importlib.util
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from RSuperLib.evaluation.surfaces import surfaces
from RSuperLib.evaluation.voxels import TOLERANCE_MM, VoxelScores, voxel_scores
from RSuperLib.io import Grid, InputError, Progress, no_progress

Mask = NDArray[np.bool_]
Spacing = tuple[float, float, float]
#: Voxels of the volume in which the time of a whole and of a cropped computation are compared: an abdominal CT.
WHOLE = (512, 512, 200)
_WHOLE_SPACING: Spacing = (0.8, 0.8, 2.5)
_CASES, _REPEATS = 20, 5


def run(cases: int | None = None, seed: int = 0, progress: Progress = no_progress) -> dict[str, Any]:
    """Largest differences over random pairs of lumpy ellipsoids of any voxel size, and the gain of the crop.

    MONAI has no area-weighted 95th percentile of distances (its own counts edge voxels), so Hausdorff distances are
    compared with surface-distance alone. Targets: differences of at most 1e-6, a gain of at least 30.

    Args:
        cases: pairs of masks.
        seed: of the shapes.
        progress: told where it is.

    Raises:
        InputError: surface-distance, which only developers need, is not installed.
    """
    if importlib.util.find_spec("surface_distance") is None:
        raise InputError(
            "The package surface-distance, with which the scores are compared, is not installed.",
            "Install it with the other tools of developers: pip install 'rsuper[dev]'.",
        )
    random = np.random.default_rng(seed)
    worst: dict[str, float] = {}
    total = cases or _CASES
    for done in range(total):
        progress("comparing", 0.7 * done / total)
        for name, difference in _differences(random).items():
            worst[name] = max(worst.get(name, 0.0), difference)
    progress("timing", 0.7)
    return {"pairs": total, "max_abs_err": {name: float(f"{value:.2g}") for name, value in worst.items()}, **_times()}


def _differences(random: np.random.Generator) -> dict[str, float]:
    """Absolute differences of one random pair, by score and program."""
    first, second, third = (float(step) for step in random.uniform(0.6, 3.0, 3))
    spacing = (first, second, third)
    found, true = _lump(random, (48, 44, 30), spacing), _lump(random, (48, 44, 30), spacing)
    ours = voxel_scores(found, true, Grid(found.shape, np.diag([*spacing, 1.0])))
    if ours is None or ours.hausdorff_95_mm is None:
        raise ValueError("a random shape has no voxel")
    others = {"surface_distance": _surface_distance(found, true, spacing), "monai": _monai(found, true, spacing)}
    return {
        f"{score}_{program}": abs(getattr(ours, score) - value)
        for program, scores in others.items()
        for score, value in scores.items()
    } | {"relative_volume_error_counted": _volume_difference(ours, found, true)}


def _lump(random: np.random.Generator, shape: tuple[int, int, int], spacing: Spacing) -> Mask:
    """An ellipsoid with bumps near the middle of the array."""
    radii, phases = random.uniform(6, 11, 3), random.uniform(0, 2 * np.pi, 3)
    centre = np.array(shape) * np.array(spacing) / 2 + random.uniform(-3, 3, 3)
    offset = [(np.arange(n) * step - middle) for n, step, middle in zip(shape, spacing, centre, strict=True)]
    x, y, z = np.meshgrid(*offset, indexing="ij")
    level = (x / radii[0]) ** 2 + (y / radii[1]) ** 2 + (z / radii[2]) ** 2
    bumps = np.sin(x / 2 + phases[0]) * np.sin(y / 2 + phases[1]) * np.sin(z / 2 + phases[2])
    inside: Mask = level <= 1 + 0.3 * bumps
    return inside


def _surface_distance(found: Mask, true: Mask, spacing: Spacing) -> dict[str, float]:
    import surface_distance as other  # type: ignore[import-untyped]

    distances = other.compute_surface_distances(true, found, spacing)
    return {
        "dice": float(other.compute_dice_coefficient(true, found)),
        "surface_dice": float(other.compute_surface_dice_at_tolerance(distances, TOLERANCE_MM)),
        "hausdorff_95_mm": float(other.compute_robust_hausdorff(distances, 95)),
    }


def _monai(found: Mask, true: Mask, spacing: Spacing) -> dict[str, float]:
    from monai.metrics import compute_dice, compute_surface_dice

    pair = [torch.from_numpy(mask.astype(np.float32))[None, None] for mask in (found, true)]
    with warnings.catch_warnings():  # MONAI 1.6 passes an argument to itself that it calls deprecated
        warnings.simplefilter("ignore", FutureWarning)
        surface = compute_surface_dice(
            *pair, [TOLERANCE_MM], include_background=True, spacing=spacing, use_subvoxels=True
        )
    return {"dice": float(compute_dice(*pair)), "surface_dice": float(surface)}


def _volume_difference(ours: VoxelScores, found: Mask, true: Mask) -> float:
    """Against counted voxels: neither program has a volume error."""
    return abs((ours.relative_volume_error or 0.0) - (int(found.sum()) / int(true.sum()) - 1))


def _times() -> dict[str, Any]:
    """Wall seconds of the surface Dice of two lesions in a whole CT: by MONAI as it is, and by us."""
    torch.set_num_threads(1)
    found, true = (np.zeros(WHOLE, np.bool_) for _ in range(2))
    random = np.random.default_rng(0)
    for mask, start in ((found, (200, 240, 90)), (true, (202, 241, 90))):
        lump = _lump(random, (48, 44, 30), _WHOLE_SPACING)
        mask[tuple(slice(at, at + n) for at, n in zip(start, lump.shape, strict=True))] = lump
    whole_s = _seconds(lambda: _monai_surfaces(found, true), 2)
    ours_s = _seconds(lambda: surfaces(found, true, _WHOLE_SPACING).dice(TOLERANCE_MM), _REPEATS)
    return {"voxels": list(WHOLE), "whole_s": round(whole_s, 3), "cropped_s": round(ours_s, 4),
            "crop_ratio": round(whole_s / ours_s, 1)}  # fmt: skip


def _monai_surfaces(found: Mask, true: Mask) -> object:
    from monai.metrics.utils import get_edge_surface_distance

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return get_edge_surface_distance(
            torch.from_numpy(found), torch.from_numpy(true), spacing=_WHOLE_SPACING, use_subvoxels=True, symmetric=True
        )  # fmt: skip


def _seconds(work: Callable[[], object], times: int) -> float:
    """CPU seconds of the fastest of some calls."""
    best = float("inf")
    for _ in range(times):
        started = time.process_time()
        work()
        best = min(best, time.process_time() - started)
    return best
