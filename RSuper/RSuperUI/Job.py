"""A job that the background process works on, and who wants to hear of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from RSuperLib.io.errors import RSuperError
from RSuperLib.worker.protocol import error_from


def _ignore(*_arguments: Any) -> None:
    """For those who do not want to hear."""


@dataclass(frozen=True)
class Job:
    """Who hears what: exactly one of `onResult`, `onError`, `onCancelled` ends a job.

    `onProgress` gets the stage, the fraction (0 to 1) and the seconds that are left (None while that is a guess).
    """

    onResult: Callable[[Any], None]
    onError: Callable[[RSuperError], None]
    onCancelled: Callable[[], None] = _ignore
    onProgress: Callable[[str, float, float | None], None] = _ignore

    def tell(self, message: Mapping[str, Any]) -> None:
        """Pass on one message of the worker (Docs/worker.md)."""
        if message["kind"] == "progress":
            self.onProgress(message["stage"], message["fraction"], message["seconds_left"])
        elif message["kind"] == "result":
            self.onResult(message["result"])
        elif message["kind"] == "error":
            self.onError(error_from(message["error"]))
        elif message["kind"] == "cancelled":
            self.onCancelled()
