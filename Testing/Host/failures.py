"""What went wrong behind the module's back: Slicer prints it to its console, the host fails the test."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Any

_recorded: list[str] = []


def record(message: str) -> None:
    """Note a failure that Slicer would only print."""
    _recorded.append(message)
    print(message, file=sys.stderr)


def recorded() -> list[str]:
    """The failures since the last `clear`."""
    return list(_recorded)


def clear() -> None:
    """Forget the failures, for a test that provoked them."""
    _recorded.clear()


def watch() -> Callable[[], None]:
    """Record exceptions that leave a slot, a timer or a VTK observer; returns the function that stops watching."""
    previous = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> Any:
        record("exception in a slot or observer:\n" + "".join(traceback.format_exception(kind, error, trace)))

    sys.excepthook = hook

    def restore() -> None:
        sys.excepthook = previous

    return restore
