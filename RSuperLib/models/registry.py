"""Which models there are: the built-in finder and the model folders on this computer."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_data_path
from pydantic import ValidationError

from RSuperLib.io.errors import InputError
from RSuperLib.models.card import ModelCard

FINDER = ModelCard(
    id="finder",
    name="Weights-free finder",
    purpose="First masks from a report and part masks, where no trained model covers the organ.",
    limits="It looks only where the report points, so it never says that there is no other lesion.",
    licence="Apache-2.0",
    source="built in",
    trained_on="nothing",
)


@dataclass(frozen=True)
class RegisteredModel:
    """A model of the registry.

    Attributes:
        id: how commands name it.
        card: its card; None if the card cannot be read.
        folder: where it lies; None for what is built in.
        problem: why it cannot be used, one plain sentence; empty if it can.
    """

    id: str
    card: ModelCard | None
    folder: Path | None
    problem: str = ""

    @property
    def usable(self) -> bool:
        """Whether it can be run."""
        return not self.problem


def models_folder() -> Path:
    """Where the models of this user lie: `models` in RSUPER_HOME, or in the system's place for application data."""
    home = os.environ.get("RSUPER_HOME")
    return (Path(home) if home else user_data_path("RSuper", appauthor=False)) / "models"


def list_models(folder: Path | None = None) -> list[RegisteredModel]:
    """All models, the built-in ones first; broken ones are listed with the reason.

    Raises:
        InputError: the folder of the models may not be looked at.
    """
    root = folder or models_folder()
    try:
        folders = sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
    except OSError as error:
        raise InputError(f"The models folder cannot be read ({error.strerror}).", "Check its permissions.") from error
    return [RegisteredModel(FINDER.id, FINDER, None), *map(_registered, folders)]


def find_model(model_id: str, folder: Path | None = None) -> RegisteredModel:
    """The usable model with this id.

    Raises:
        InputError: there is none, or it cannot be used.
    """
    models = {model.id: model for model in reversed(list_models(folder))}  # the built-in ones win
    if model_id not in models:
        raise InputError(f"There is no model {model_id!r}.", f"These are there: {', '.join(models)}.")
    model = models[model_id]
    if not model.usable:
        raise InputError(f"The model {model_id!r} cannot be used: {model.problem}", "Add it again.")
    return model


def _registered(folder: Path) -> RegisteredModel:
    try:
        card = ModelCard.model_validate_json((folder / "card.json").read_bytes())
    except OSError:
        return RegisteredModel(folder.name, None, folder, "It has no card.json.")
    except ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"])) or "the file"
        return RegisteredModel(folder.name, None, folder, f"Its card.json is wrong at {place}.")
    if card.id != folder.name:
        return RegisteredModel(folder.name, None, folder, f"Its card.json is that of {card.id}.")
    if card.id == FINDER.id:
        return RegisteredModel(card.id, card, folder, "It has the name of the built-in finder.")
    return RegisteredModel(card.id, card, folder, _problem_with_weights(card, folder))


def _problem_with_weights(card: ModelCard, folder: Path) -> str:
    path = folder / card.weights
    if not card.weights:
        return "Its card names no weights."
    if path.parent != folder or not path.is_file():
        return f"Its weights {card.weights!r} are missing."
    try:
        with path.open("rb") as weights:
            checksum = hashlib.file_digest(weights, "sha256").hexdigest()
    except OSError as error:
        return f"Its weights cannot be read ({error.strerror})."
    if checksum != card.sha256:
        return "Its weights are not those that its card describes (the checksum differs)."
    return ""
