"""`rsuper bench phantom`: made-up cases per hour on one core."""

from __future__ import annotations

import time
from typing import Any

from RSuperLib.io.progress import Progress, no_progress
from RSuperLib.phantom import make_phantom

CASES = 20


def run(cases: int | None = None, seed: int = 0, progress: Progress = no_progress) -> dict[str, Any]:
    """CPU seconds of this process for small cases without writing them; target: at least 500 an hour."""
    count = cases or CASES
    started = time.process_time()
    for number in range(count):
        progress("making phantoms", number / count)
        make_phantom(seed + number)
    seconds = (time.process_time() - started) / count
    return {"cases": count, "cpu_seconds_per_case": round(seconds, 2), "cases_per_hour": round(3600 / seconds)}
