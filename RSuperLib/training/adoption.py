"""Make a model out of a run: a step of its own, that only a person takes."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any, Literal

from RSuperLib.io.errors import InputError, RSuperError
from RSuperLib.io.files import unfinished_folder, write_json
from RSuperLib.models import ModelCard, models_folder
from RSuperLib.training.checkpoint import read_tensors
from RSuperLib.training.classes import output_classes
from RSuperLib.training.run_folder import BEST, LAST

_WEIGHTS = "weights.safetensors"


def adopt(
    run: Path, model_id: str, trained_on: Literal["phantoms", "patients"], licence: str, folder: Path | None = None
) -> dict[str, Any]:
    """Register the best weights of a run (the last ones, if nothing was held out) as a new model.

    A model is never replaced: an id that is taken is refused, and both can then be compared on the same cases.

    Args:
        run: folder of the run.
        model_id: how commands will name the model.
        trained_on: a model that was trained on phantoms never says "no lesion" of a patient.
        licence: of the weights, as the data allow.
        folder: of the models; None = the user's.

    Returns:
        The card.

    Raises:
        InputError: the run has no weights, they are damaged, or the id is taken or no id.
        RSuperError: the folder cannot be written.
    """
    weights = next((run / name for name in (BEST, LAST) if (run / name).is_file()), None)
    if weights is None:
        raise InputError(f"The run {run.name} has no weights yet.", "Let it train on.")
    _, facts = read_tensors(weights)
    root = folder or models_folder()
    if (root / model_id).exists():
        raise InputError(f"There is a model {model_id!r} already.", "Choose another id; no model is ever replaced.")
    card = _card(run, weights, facts, model_id, trained_on, licence)
    try:
        root.mkdir(parents=True, exist_ok=True)
        with unfinished_folder(root) as staging:
            shutil.copyfile(weights, staging / _WEIGHTS)
            write_json(staging / "card.json", card.model_dump(mode="json"))
            staging.rename(root / model_id)
    except OSError as error:
        raise RSuperError(
            f"The model could not be written ({error.strerror or error}).", "Check that the disk has space."
        ) from error
    return card.model_dump(mode="json")


def _card(
    run: Path, weights: Path, facts: dict[str, Any], model_id: str, trained_on: Literal["phantoms", "patients"],
    licence: str,
) -> ModelCard:  # fmt: skip
    classes = output_classes(facts["classes"])
    organs = sorted({str(one.organ) for one in classes if one.organ})
    figures = ", ".join(f"{name} {value:.2f}" for name, value in (facts["validation"] or {}).items())
    try:
        return ModelCard(
            id=model_id, name=model_id, purpose=f"Lesions of {', '.join(organs) or 'no organ'}.",
            limits=f"Trained on {trained_on}. On its own held-out cases: {figures or 'nothing measured'}.",
            classes=facts["classes"], spacing_mm=tuple(facts["spacing_mm"]), window=tuple(facts["patch"]),
            clip_hu=tuple(facts["normalisation"]["clip_hu"]), weights=_WEIGHTS,
            sha256=hashlib.sha256(weights.read_bytes()).hexdigest(), licence=licence,
            source=f"own training, run {run.name}, step {facts['step']}, RSuper {facts['version']}", covers=organs,
            trained_on=trained_on,
        )  # fmt: skip
    except ValueError as error:
        raise InputError(f"{model_id!r} is no id for a model.", "Use letters, digits, dots and hyphens.") from error
