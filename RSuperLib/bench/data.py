"""`rsuper bench data`: reading a training patch from a prepared case against reading a whole .npz, as published."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from RSuperLib.anatomy import Parts
from RSuperLib.io import Grid, LabelMap, Volume
from RSuperLib.io.progress import Progress, no_progress
from RSuperLib.training import CaseLists, Geometry, Loader, SourceCase, TrainSettings, prepare_cases
from RSuperLib.training.augment import change_intensity
from RSuperLib.training.batch import make_batch
from RSuperLib.training.cases import Annotation, LoadedCase

#: Voxels along each axis of the CT, at 1 mm.
EDGE = 256
PATCH = (128, 128, 128)
_PATCHES = 6


def run(edge: int | None = None, seed: int = 0, progress: Progress = no_progress) -> dict[str, Any]:
    """CPU seconds of one thread; targets: at least 100 times faster than the .npz, and 3 patches a second and core.

    Args:
        edge: voxels of the CT along each axis, at least 128.
        seed: of the noise.
        progress: told where it is.
    """
    case = _noisy_case(edge or EDGE, seed)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        progress("whole .npz", 0.0)
        npz = Path(folder) / "case.npz"
        np.savez_compressed(npz, np.clip(case.ct.array, -991, 500).astype(np.float32) / 250)
        npz_s = _seconds(lambda: _patch_of_npz(npz))
        progress("prepare", 0.3)
        started = time.process_time()
        settings = _settings(seed)
        geometry = Geometry(tuple(settings.classes), settings.spacing_mm, settings.normalisation.clip_hu)
        (path,) = prepare_cases([SourceCase("case", str(seed), 0, lambda: case)], Path(folder), geometry)
        prepare_s = time.process_time() - started
        progress("patches", 0.7)
        loader = Loader(CaseLists([path], []), settings, PATCH)
        steps = iter(range(10**6))
        patch_s = _seconds(lambda: loader.sample(next(steps), 0), _PATCHES)
        sample_s = _seconds(lambda: _full_sample(loader, settings, next(steps)), _PATCHES)
        sizes = {"npz_mb": npz.stat().st_size, "prepared_mb": sum(one.stat().st_size for one in path.iterdir())}
    return {
        "voxels": [edge or EDGE] * 3, "patch": list(PATCH), "npz_s": round(npz_s, 3), "patch_s": round(patch_s, 4),
        "ratio": round(npz_s / patch_s, 1), "augmented_sample_s": round(sample_s, 3),
        "samples_per_s_core": round(1 / sample_s, 2), "prepare_s": round(prepare_s, 2),
        **{name: round(size / 2**20, 1) for name, size in sizes.items()},
    }  # fmt: skip


def _settings(seed: int) -> TrainSettings:
    return TrainSettings.model_validate(
        {"classes": ["liver_lesion", "liver"], "batch": 1, "seed": seed, "stages": [{"steps": 1}],
         "crop": {"patch": PATCH}}
    )  # fmt: skip


def _full_sample(loader: Loader, settings: TrainSettings, step: int) -> torch.Tensor:
    """Read, turn, decode and change a patch, as a step of the training does."""
    batch = make_batch([loader.sample(step, 0)], PATCH, settings.normalisation, torch.device("cpu"))
    return change_intensity(batch.image, settings.intensity, loader.intensity_random(step))


def _seconds(work: Callable[[], object], times: int = 1) -> float:
    """CPU seconds of one call; a first one warms caches up."""
    work()
    started = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - started) / times


def _patch_of_npz(path: Path) -> NDArray[np.float32]:
    whole: NDArray[np.float32] = np.load(path)["arr_0"]
    return whole[: PATCH[0], : PATCH[1], : PATCH[2]].copy()


def _noisy_case(edge: int, seed: int) -> LoadedCase:
    """A CT with the noise of one (it decides how well it packs), a liver and a lesion."""
    random = np.random.default_rng(seed)
    noise = ndimage.gaussian_filter(random.normal(0, 1, (edge,) * 3).astype(np.float32), 0.7)
    grid = Grid((edge,) * 3, np.eye(4))
    distance = np.linalg.norm(np.indices((edge,) * 3, np.float32) - edge / 2, axis=0)
    parts = (distance < edge / 3).astype(np.uint8)
    lesions = (distance < edge / 16).astype(np.uint8)
    hu = np.where(distance < edge / 2.2, 40, -1000) + 60 * parts - 50 * lesions + 25 * noise / noise.std()
    annotation = Annotation(LabelMap(lesions, grid, {1: "liver"}), frozenset({"liver"}))
    return LoadedCase(
        Volume(hu.astype(np.int16), grid), Parts.from_label_map(LabelMap(parts, grid, {1: "liver"})), annotation
    )
