"""How long reading one report may take."""

from __future__ import annotations

import time

#: Seconds of processor time; a report takes about 0.02, and the first one 0.5 more for the words of its language.
LONGEST_S = 20.0


class Deadline:
    """Processor time of this thread that may be spent: a busy or sleeping computer does not change a reading.

    Args:
        seconds: from now on.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.thread_time() + seconds

    def has_passed(self) -> bool:
        """Whether the time is spent."""
        return time.thread_time() >= self._end
