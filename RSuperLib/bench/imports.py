"""`rsuper bench import`: what importing the library costs against importing torch, each in a fresh process."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

from RSuperLib.io.progress import Progress, no_progress

HEAVY = ("torch", "monai", "transformers", "matplotlib", "scipy")
REPEATS = 3


def run(cases: int | None = None, seed: int = 0, progress: Progress = no_progress) -> dict[str, Any]:
    """Seconds of wall time (best of three), the ratio to torch, and heavy modules that came along uninvited."""
    torch_s = _seconds("torch")
    progress("importing torch", 0.3)
    report_s = _seconds("RSuperLib.report")
    cli_s = _seconds("RSuperLib.cli")
    progress("importing RSuperLib", 0.8)
    return {
        "torch_s": torch_s,
        "report_s": report_s,
        "cli_s": cli_s,
        "report_over_torch": round(report_s / torch_s, 3),
        "forbidden_modules": _heavy_modules("RSuperLib.cli, RSuperLib.report, RSuperLib.worker"),
    }


def _seconds(module: str) -> float:
    return round(min(_python(f"import {module}")[1] for _ in range(REPEATS)), 3)


def _heavy_modules(modules: str) -> list[str]:
    return _python(f"import sys, {modules}; print(*sorted({set(HEAVY)} & set(sys.modules)))")[0].split()


def _python(code: str) -> tuple[str, float]:
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    return done.stdout, time.perf_counter() - started
