"""Measures how long the event loop was blocked: the longest time between two beats of a timer."""

from __future__ import annotations

import time

from PySide6.QtCore import QTimer


class Watchdog:
    """Beats every few milliseconds while the event loop runs; `longest_block_ms` is the longest silence."""

    def __init__(self, interval_ms: int = 5) -> None:
        self._timer = QTimer()
        self._timer.setInterval(interval_ms)
        self._timer.timeout.connect(self._beat)
        self._last = 0.0
        self.longest_block_ms = 0.0

    def start(self) -> None:
        """Measure from now on."""
        self.longest_block_ms = 0.0
        self._last = time.perf_counter()
        self._timer.start()

    def stop(self) -> float:
        """Stop and return the longest block in milliseconds; code that never let the loop run counts too."""
        self._beat()
        self._timer.stop()
        return self.longest_block_ms

    def _beat(self) -> None:
        now = time.perf_counter()
        self.longest_block_ms = max(self.longest_block_ms, 1000 * (now - self._last))
        self._last = now
