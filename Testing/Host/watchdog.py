"""Measures how long the event loop was blocked: the longest time between two beats of a timer.

Drawing a view is left out: the host draws in software what Slicer leaves to the graphics card.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QTimer

_drawn_s = 0.0


@contextmanager
def drawing() -> Iterator[None]:
    """Around the drawing of a view."""
    global _drawn_s  # noqa: PLW0603 - one clock for all views and watchdogs
    started = time.perf_counter()
    try:
        yield
    finally:
        _drawn_s += time.perf_counter() - started


class Watchdog:
    """Beats every few milliseconds while the event loop runs; `longest_block_ms` is the longest silence."""

    def __init__(self, interval_ms: int = 5) -> None:
        self._timer = QTimer()
        self._timer.setInterval(interval_ms)
        self._timer.timeout.connect(self._beat)
        self._last = self._last_drawn = 0.0
        self.longest_block_ms = 0.0

    def start(self) -> None:
        """Measure from now on."""
        self.longest_block_ms = 0.0
        self._last, self._last_drawn = time.perf_counter(), _drawn_s
        self._timer.start()

    def stop(self) -> float:
        """Stop and return the longest block in milliseconds; code that never let the loop run counts too."""
        self._beat()
        self._timer.stop()
        return self.longest_block_ms

    def _beat(self) -> None:
        now = time.perf_counter()
        silence = (now - self._last) - (_drawn_s - self._last_drawn)
        self.longest_block_ms = max(self.longest_block_ms, 1000 * silence)
        self._last, self._last_drawn = now, _drawn_s
