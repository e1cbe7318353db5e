"""`rsuper models`: which models there are."""

from __future__ import annotations

import argparse
from typing import Any

from RSuperLib.models import RegisteredModel, list_models, models_folder

EXAMPLES = "  rsuper models list\n  rsuper models list --json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("action", choices=["list"], help="list: the built-in models and those in your models folder")


def run(_arguments: argparse.Namespace) -> dict[str, Any]:
    """List the models."""
    return {"folder": str(models_folder()), "models": [_row(model) for model in list_models()]}


def describe(result: dict[str, Any]) -> str:
    """The list as text, with the folder that models are looked for in."""
    rows = [f"{row['id']:<24} {row['problem'] or row['purpose']}" for row in result["models"]]
    return "\n".join([*rows, f"Models folder: {result['folder']}"])


def _row(model: RegisteredModel) -> dict[str, Any]:
    card = model.card.model_dump() if model.card else {}
    return {"purpose": "", **card, "id": model.id, "problem": model.problem, "usable": model.usable}
