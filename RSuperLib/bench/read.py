"""`rsuper bench read`: the reader against annotated reports, and its speed."""

from __future__ import annotations

import os
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from RSuperLib.evaluation.annotations import load_annotations, load_reports
from RSuperLib.evaluation.readings import score_readings
from RSuperLib.io import InputError, Progress, no_progress
from RSuperLib.report import read_report


def run(
    cases: int | None = None, seed: int = 0, progress: Progress = no_progress, folder: Path | None = None
) -> dict[str, Any]:
    """Read the reports of a folder and score them against its annotations.

    Args:
        cases: at most so many reports are timed; all annotated ones are scored.
        seed: unused; nothing is drawn but the intervals, which have a seed of their own.
        progress: told the share of reports that were read.
        folder: with `reports.jsonl` and `gold_lesions.jsonl`; by default data/reports in the folder RSUPER_DATA names.

    Returns:
        Figures with their 95 % intervals (reports drawn), error classes with counts, one core's milliseconds a report.

    Raises:
        InputError: no folder was given and RSUPER_DATA is not set, or a file cannot be read.
    """
    folder = folder or _default_folder()
    texts = load_reports(folder / "reports.jsonl")
    annotations = load_annotations(folder / "gold_lesions.jsonl")
    readings, seconds = {}, []
    begin = time.process_time()
    read_report("FINDINGS: The liver is normal.")  # puts the vocabulary together, once a process
    first = time.process_time() - begin
    chosen = list(texts)[: cases or len(texts)] + [name for name in annotations if name in texts]
    for done, name in enumerate(dict.fromkeys(chosen), start=1):
        begin = time.process_time()  # other programs do not make the reader slower
        readings[name] = read_report(texts[name], name)
        seconds.append(time.process_time() - begin)
        progress("reading reports", done / len(set(chosen)))
    scores, _ = score_readings((annotations[name], readings[name], texts[name]) for name in annotations)
    return {
        "reports_read": len(readings),
        "not_read": sum(reading.status == "not_read" for reading in readings.values()),
        "reports_scored": scores.reports,
        "lesions": scores.lesions,
        "figures": {name: asdict(figure) for name, figure in scores.figures.items()},
        "errors": scores.errors,
        "milliseconds": {
            "first": round(1000 * first, 1),
            "median": round(1000 * float(np.median(seconds)), 1),
            "p99": round(1000 * float(np.percentile(seconds, 99)), 1),
        },
    }


def _default_folder() -> Path:
    root = os.environ.get("RSUPER_DATA")
    if not root:
        raise InputError("RSUPER_DATA is not set.", "Set it to the folder that holds data/reports.")
    return Path(root) / "data" / "reports"
