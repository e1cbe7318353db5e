"""The registry of models and their cards."""

from RSuperLib.models.card import ModelCard
from RSuperLib.models.registry import FINDER, RegisteredModel, find_model, list_models, models_folder

__all__ = ["FINDER", "ModelCard", "RegisteredModel", "find_model", "list_models", "models_folder"]
