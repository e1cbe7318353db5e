"""What modules asked `slicer.packaging` to install, for tests to look at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Request:
    """One call of pip_ensure, pip_install or pip_uninstall."""

    function: str
    requirements: tuple[str, ...]
    requester: str


made: list[Request] = []
decline = False
"""A test sets it to see what the module does when the person says no."""
