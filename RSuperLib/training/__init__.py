"""Training of networks by masks and reports.

The names are imported when they are first asked for: most of them need torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from RSuperLib.training.adoption import adopt
    from RSuperLib.training.cases import SourceCase, folder_case, folder_cases, phantom_case, reported_as
    from RSuperLib.training.loader import CaseLists, Loader
    from RSuperLib.training.objective import BatchLoss, Objective
    from RSuperLib.training.plan import Plan
    from RSuperLib.training.prepare import Geometry, prepare_cases
    from RSuperLib.training.run import estimate, train
    from RSuperLib.training.run_folder import RunFolder
    from RSuperLib.training.settings import TrainSettings, read_settings
    from RSuperLib.training.trainer import Trainer
    from RSuperLib.training.validation import HeldOutCases, Validate, Validation

__all__ = [
    "BatchLoss",
    "CaseLists",
    "Geometry",
    "HeldOutCases",
    "Loader",
    "Objective",
    "Plan",
    "RunFolder",
    "SourceCase",
    "TrainSettings",
    "Trainer",
    "Validate",
    "Validation",
    "adopt",
    "estimate",
    "folder_case",
    "folder_cases",
    "phantom_case",
    "prepare_cases",
    "read_settings",
    "reported_as",
    "train",
]

_HOME = {
    "adopt": "adoption",
    **dict.fromkeys(("SourceCase", "folder_case", "folder_cases", "phantom_case", "reported_as"), "cases"),
    **dict.fromkeys(("CaseLists", "Loader"), "loader"),
    **dict.fromkeys(("BatchLoss", "Objective"), "objective"),
    "Plan": "plan",
    **dict.fromkeys(("Geometry", "prepare_cases"), "prepare"),
    **dict.fromkeys(("estimate", "train"), "run"),
    "RunFolder": "run_folder",
    **dict.fromkeys(("TrainSettings", "read_settings"), "settings"),
    "Trainer": "trainer",
    **dict.fromkeys(("HeldOutCases", "Validate", "Validation"), "validation"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
