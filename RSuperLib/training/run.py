"""One training run from folders of cases to a result: what `rsuper train` and the worker call."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from RSuperLib.io import InputError, Progress, no_progress
from RSuperLib.io.progress import part_of
from RSuperLib.networks import build_network
from RSuperLib.training.cases import folder_cases
from RSuperLib.training.classes import output_classes
from RSuperLib.training.engine import Engine
from RSuperLib.training.loader import CaseLists
from RSuperLib.training.plan import Plan, make_plan
from RSuperLib.training.prepare import Geometry, prepare_cases
from RSuperLib.training.run_folder import RunFolder
from RSuperLib.training.settings import TrainSettings
from RSuperLib.training.trainer import Trainer

#: Share of the progress that preparing the cases takes.
_PREPARING = 0.1


def train(
    settings: TrainSettings, folder: Path, progress: Progress = no_progress,
    announce: Callable[[Plan], object] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Train in a folder, or go on there; the contents of `result.json`.

    Args:
        settings: everything that decides what the run does.
        folder: of the run.
        progress: told about preparing and training; may cancel.
        announce: called with the plan before the first step.

    Raises:
        InputError: settings, cases or folder cannot be used.
        Cancelled: the state is kept; call it again to go on.
        RSuperError: the loss is no number any more, or nothing can be written.
    """
    run = RunFolder(folder)
    run.begin(settings)
    lists, held_out = prepared_lists(settings, folder, part_of(progress, 0.0, _PREPARING))
    trainer = Trainer(settings, lists, run, held_out)
    if announce:
        announce(trainer.plan)
    return trainer.train(part_of(progress, _PREPARING, 1.0))


def prepared_lists(
    settings: TrainSettings, folder: Path, progress: Progress = no_progress
) -> tuple[CaseLists, list[Path]]:
    """The prepared cases that teach, and those that are held out; made where they are missing.

    Raises:
        InputError: a case cannot be used, or stands in a list and in the held-out one as well.
    """
    cases = settings.cases
    lists = [folder_cases(paths, cases.reading) for paths in (cases.masks, cases.reports, cases.validation)]
    masks, reports, held_out = ({source.id: source for source in one} for one in lists)
    shared = held_out.keys() & (masks.keys() | reports.keys())
    if shared:
        raise InputError(f"{min(shared)} is held out and teaches as well.", "Name it once.")
    sources = {**masks, **reports, **held_out}
    paths = prepare_cases(
        list(sources.values()), cases.prepared or folder / "prepared", geometry_of(settings), progress
    )
    by_id = dict(zip(sources, paths, strict=True))
    chosen = [[by_id[one] for one in group] for group in (masks, reports, held_out)]
    return CaseLists(chosen[0], chosen[1]), chosen[2]


def geometry_of(settings: TrainSettings) -> Geometry:
    """What the settings say of prepared cases."""
    return Geometry(tuple(settings.classes), settings.spacing_mm, settings.normalisation.clip_hu, settings.silence)


def estimate(settings: TrainSettings) -> Plan:
    """Memory and time of a run, and how it would use this machine; nothing is written.

    Raises:
        InputError: it cannot be trained here.
    """
    engine = Engine(settings.machine)
    torch.manual_seed(settings.seed)
    classes = output_classes(settings.classes)
    network = build_network(settings.network.name, len(classes), settings.network.options)
    return make_plan(settings, engine.placed(network), engine)
