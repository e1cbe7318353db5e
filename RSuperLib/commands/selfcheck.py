"""`rsuper selfcheck`: what support needs to know, and nothing about any patient."""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import shutil
import tempfile
from pathlib import Path
from typing import Any

import psutil

from RSuperLib import __version__
from RSuperLib.io.errors import InputError
from RSuperLib.models import list_models, models_folder

EXAMPLES = "  rsuper selfcheck\n  rsuper selfcheck --json"

PACKAGES = (
    "numpy", "scipy", "nibabel", "SimpleITK", "pydicom", "pydantic", "connected-components-3d", "edt", "matplotlib",
    "torch", "monai", "transformers", "safetensors",
)  # fmt: skip


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """It takes nothing."""


def run(_arguments: argparse.Namespace) -> dict[str, Any]:
    """Look at the machine and the installation."""
    return {
        "rsuper": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cores": psutil.cpu_count(),
        "memory_free_gb": round(psutil.virtual_memory().available / 2**30, 1),
        "disk_free_gb": _disk_free(),
        "gpu": _gpu(),
        "packages": {name: _version(name) for name in PACKAGES},
        "models": _models(),
    }


def describe(result: dict[str, Any]) -> str:
    """One line a fact."""
    lines = [f"{key:<16} {value}" for key, value in result.items() if not isinstance(value, dict)]
    for group in ("packages", "models"):
        lines += [f"{group}:", *(f"  {name:<24} {value}" for name, value in result[group].items())]
    return "\n".join(lines)


def _disk_free() -> str:
    places = {"models": _existing(models_folder()), "temporary files": Path(tempfile.gettempdir())}
    return ", ".join(f"{name} {shutil.disk_usage(path).free / 2**30:.1f}" for name, path in places.items())


def _models() -> dict[str, str]:
    try:
        return {model.id: model.problem or "usable" for model in list_models()}
    except InputError as error:
        return {"unknown": error.message}


def _existing(path: Path) -> Path:
    """The path or the nearest folder above it that is there and may be looked at."""
    return next(place for place in (path, *path.absolute().parents) if os.path.exists(place))  # noqa: PTH110 - no errors


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _gpu() -> str:
    try:
        import torch
    except ImportError:
        return "unknown: torch is not installed"
    if torch.cuda.is_available():
        free, total = torch.cuda.mem_get_info()
        return f"{torch.cuda.get_device_name()}, {free / 2**30:.1f} of {total / 2**30:.1f} GB free"
    return "Apple GPU" if torch.backends.mps.is_available() else "none"
