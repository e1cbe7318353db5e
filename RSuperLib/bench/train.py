"""`rsuper bench train`: what a step of the training costs, and how much of it is waiting for data."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from RSuperLib.io.progress import Progress, no_progress
from RSuperLib.networks import build_network
from RSuperLib.phantom import PhantomSettings
from RSuperLib.training import CaseLists, Loader, Objective, TrainSettings, phantom_case, prepare_cases
from RSuperLib.training.augment import change_intensity
from RSuperLib.training.batch import Batch, make_batch
from RSuperLib.training.classes import output_classes
from RSuperLib.training.engine import Engine
from RSuperLib.training.learner import Learner
from RSuperLib.training.loader import StepSamples
from RSuperLib.training.run import geometry_of

_CASES, _STEPS, _EDGE = 4, 20, 32
_SPACING_MM = 5.0


def run(
    cases: int | None = None, steps: int | None = None, edge: int | None = None, channels: int | None = None,
    device: str = "auto", seed: int = 0, progress: Progress = no_progress,
) -> dict[str, Any]:  # fmt: skip
    """Seconds per step with both report losses, with patches from the loader and with the same patch again and again.

    Targets: the loader costs at most 5 %; 20 steps within 60 s on 2 cores; the loss falls.

    Args:
        cases: phantoms; half of them teach by masks, half by reports.
        steps: that are measured.
        edge: of the patch, voxels.
        channels: of the network's finest level.
        device: where to compute.
        seed: of the phantoms and of everything else.
        progress: told where it is.
    """
    settings = _settings(steps or _STEPS, edge or _EDGE, channels or 8, device, seed)
    phantoms = PhantomSettings(prevalence=1.0, organs=("liver", "kidney"), max_lesions=2)
    sources = [phantom_case(seed + number, phantoms) for number in range(cases or _CASES)]
    with tempfile.TemporaryDirectory() as folder:
        progress("phantoms", 0.0)
        paths = prepare_cases(sources, Path(folder), geometry_of(settings))
        half = len(paths) // 2
        loader = Loader(CaseLists(paths[:half], paths[half:]), settings, settings.crop.patch)
        progress("dummy data", 0.4)
        dummy_s, _ = _measure(settings, loader, is_real=False)
        progress("real data", 0.7)
        real_s, losses = _measure(settings, loader, is_real=True)
    quarter = max(1, len(losses) // 4)
    first, last = sum(losses[:quarter]) / quarter, sum(losses[-quarter:]) / quarter
    peak = torch.cuda.max_memory_allocated() / 2**30 if torch.cuda.is_available() else None
    return {
        "patch": list(settings.crop.patch), "batch": settings.batch, "threads": torch.get_num_threads(),
        "step_s": round(real_s, 3), "dummy_step_s": round(dummy_s, 3),
        "real_over_dummy": round(dummy_s / real_s, 3), "samples_per_s": round(settings.batch / real_s, 2),
        "loss_first": round(first, 3), "loss_last": round(last, 3), "loss_falls": last < first,
        "gpu_peak_gb": peak if peak is None else round(peak, 2),
    }  # fmt: skip


def _settings(steps: int, edge: int, channels: int, device: str, seed: int) -> TrainSettings:
    widths = [channels, 2 * channels, 4 * channels, 8 * channels]
    return TrainSettings.model_validate({
        "classes": ["liver_lesion", "kidney_lesion", "liver"], "spacing_mm": [_SPACING_MM] * 3, "seed": seed,
        "batch": 2, "stages": [{"steps": steps + 1, "learning_rate": 3e-3, "reports": True}],
        "network": {"name": "unet", "options": {"channels": widths}}, "crop": {"patch": [edge] * 3},
        "machine": {"device": device, "threads": 1},
    })  # fmt: skip


def _measure(settings: TrainSettings, loader: Loader, *, is_real: bool) -> tuple[float, list[float]]:
    """Seconds of a step, and the losses; a first step, which chooses kernels, is left out.

    On a CPU they are CPU seconds of one thread, as other processes may use it as well.
    """
    engine = Engine(settings.machine)
    clock = time.process_time if engine.device.type == "cpu" else time.perf_counter
    torch.manual_seed(settings.seed)
    classes = output_classes(settings.classes)
    network = engine.placed(build_network(settings.network.name, len(classes), settings.network.options))
    learner = Learner(network, engine, settings.optimiser, Objective(settings.loss, classes), classes)
    losses, started, same = [], 0.0, None
    for samples in loader.steps(0, settings.steps):
        if samples.step == 1:
            started = clock()
        if same is None or is_real:
            same = _batch(settings, loader, samples, engine)
        terms = learner.step(samples.step, same, settings.batch, settings.stages[0].learning_rate, 0.1)
        losses.append(float(terms["loss"]))
    return (clock() - started) / (settings.steps - 1), losses


def _batch(settings: TrainSettings, loader: Loader, samples: StepSamples, engine: Engine) -> Batch:
    batch = make_batch(samples.samples, settings.crop.patch, settings.normalisation, engine.device)
    random = loader.intensity_random(samples.step)
    return batch.with_image(change_intensity(batch.image, settings.intensity, random))
