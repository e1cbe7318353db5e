"""`slicer.packaging`: records what a module wants installed and installs nothing.

`pip_check` looks at the environment the host runs in, so a module sees as installed what really is.
"""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import slicer
from packaging.requirements import Requirement

from . import pip_requests
from .pip_requests import Request

_Requirements = str | Requirement | list[str | Requirement]


def load_requirements(path: str | Path) -> list[Requirement]:
    """The requirements of a requirements file, comments and options left out."""
    lines = (line.partition(" #")[0].strip() for line in Path(path).read_text(encoding="utf-8").splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith(("#", "-"))]


def pip_check(requirements: _Requirements) -> bool:
    """Whether all requirements are met by what is installed."""
    return all(_met(requirement) for requirement in _as_requirements(requirements))


def pip_ensure(
    requirements: _Requirements,
    constraints: str | Path | None = None,
    skip_packages: list[str] | None = None,
    prompt_install: bool = True,
    prompt_restart: bool = True,
    requester: str | None = None,
    skip_in_testing: bool = True,
    show_progress: bool = True,
) -> list[str] | None:
    """Record the request. RuntimeError, as in Slicer, where a person was asked and declined."""
    wanted = _as_requirements(requirements)
    missing = [requirement for requirement in wanted if not _met(requirement)]
    pip_requests.made.append(Request("pip_ensure", tuple(map(str, wanted)), requester or ""))
    if (
        missing
        and not (skip_in_testing and slicer.app.testingEnabled())
        and (pip_requests.decline or not prompt_install)
    ):
        raise RuntimeError(f"Installation of {', '.join(map(str, missing))} was declined")
    return [] if skip_packages else None


def pip_install(requirements: _Requirements, **options: object) -> None:
    """Record the request."""
    pip_requests.made.append(Request("pip_install", tuple(map(str, _as_requirements(requirements))), ""))


def pip_uninstall(requirements: _Requirements, **options: object) -> None:
    """Record the request."""
    pip_requests.made.append(Request("pip_uninstall", tuple(map(str, _as_requirements(requirements))), ""))


def isPipInstallInProgress() -> bool:
    """Never: the host installs nothing."""
    return False


def _as_requirements(requirements: _Requirements) -> list[Requirement]:
    parts = requirements.split() if isinstance(requirements, str) else requirements
    parts = [parts] if isinstance(parts, Requirement) else parts
    return [part if isinstance(part, Requirement) else Requirement(part) for part in parts]


def _met(requirement: Requirement) -> bool:
    if requirement.marker is not None and not requirement.marker.evaluate():
        return True
    try:
        installed = importlib.metadata.version(requirement.name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return requirement.specifier.contains(installed, prereleases=True)
